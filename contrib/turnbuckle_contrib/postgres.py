"""The settings of the plugins for PostgreSQL, and the error of a database that cannot be reached."""

from __future__ import annotations

from typing import Final, final
from urllib.parse import urlsplit

import attrs

from turnbuckle import ServiceUnavailable, SettingRefused
from turnbuckle_contrib.service_urls import checked_url

__all__ = ["DatabaseUnavailable", "PostgresConfig", "describe_url"]

_SCHEMES: Final = frozenset({"postgresql", "postgres"})


@final
class DatabaseUnavailable(ServiceUnavailable):
    """The database cannot be reached, or has no connection free in time; the client sees 503."""


def _is_url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    example = "the URL of a PostgreSQL database begins with postgresql://, as in postgresql://host/name"
    parts = checked_url(value, _SCHEMES, example)
    if not value.startswith(f"{parts.scheme}://"):
        raise SettingRefused(example)


def describe_url(url: str) -> str:
    """Return a URL of a database for messages: without password and options."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"


def _is_at_least_min(instance: PostgresConfig, attribute: attrs.Attribute[int], value: int) -> None:
    if value < max(1, instance.min_size):
        raise SettingRefused(f"max_size must be at least 1 and at least min_size ({instance.min_size}), not {value}")


@attrs.frozen(kw_only=True)
class PostgresConfig:
    """Settings of the plugin.

    Attributes:
        url: URL of the database, such as "postgresql://user:password@host:5432/name"; by default, the variables of the
            environment of PostgreSQL and the local server.
        min_size: number of connections that are kept open, in each worker.
        max_size: maximum number of connections of each worker.
        timeout: seconds that a new connection, or the wait for a free one, may take.
        required: whether the start fails if the database cannot be reached; otherwise, the app starts, and is not
            ready.
    """

    url: str = attrs.field(default="postgresql:///", validator=_is_url, metadata={"secret": True})
    min_size: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    max_size: int = attrs.field(default=10, validator=_is_at_least_min)
    timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    required: bool = True
