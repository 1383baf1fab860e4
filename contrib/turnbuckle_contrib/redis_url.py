"""Check the URL of Redis in the settings of a plugin, without printing it: it may have a password."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from turnbuckle import Setup

__all__ = ["InvalidRedisURL", "is_redis_url", "require_redis"]

_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})


class InvalidRedisURL(ValueError):
    """A URL is not one of Redis. Problems name this class, because they do not print messages about secrets."""


def is_redis_url(instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
    """Refuse a text that is neither empty nor a URL of Redis. This is a validator for a field of settings."""
    # The messages do not contain the URL, because it may have a password.
    try:
        parts = urlsplit(value)
        # Reading the port checks it.
        scheme, _ = parts.scheme, parts.port
    except ValueError:
        raise InvalidRedisURL("the host or port of the URL is not valid; '/' in a password is written as %2F") from None
    if value and scheme not in _SCHEMES:
        raise InvalidRedisURL("the URL of Redis begins with redis://, rediss:// or unix://")


def require_redis(setup: Setup, reason: str) -> None:
    """Check that the package ``redis`` is installed.

    Args:
        setup: the setup of the plugin.
        reason: the setting that needs the package, such as ``"url is set"``.

    Raises:
        LookupError: it is not.
    """
    try:
        import redis  # noqa: F401
    except ImportError as missing:
        error = LookupError(f"plugin.{setup.plugin}.{reason}, but the package redis is not installed")
        error.add_note("fix: pip install 'turnbuckle[redis]'")
        raise error from missing
