"""Check the URLs of services in the settings of plugins. No message contains the URL: it may have a password."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import attrs

from turnbuckle import SettingRefused, Setup

__all__ = ["checked_url", "is_redis_url", "require_redis"]

_REDIS_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})


def checked_url(value: str, schemes: Collection[str], example: str) -> SplitResult:
    """Return the parts of a URL.

    Args:
        value: the URL.
        schemes: the permitted schemes, in lower case.
        example: says how such URLs begin, for the message.

    Raises:
        SettingRefused: the text is no URL with one of the schemes.
    """
    try:
        parts = urlsplit(value)
        # Reading the port checks it.
        scheme, _ = parts.scheme, parts.port
    except ValueError:
        raise SettingRefused("the host or port of the URL is not valid; '/' in a password is written as %2F") from None
    if scheme not in schemes:
        raise SettingRefused(example)
    return parts


def is_redis_url(instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
    """Refuse a text that is neither empty nor a URL of Redis. This is a validator for a field of settings."""
    if value:
        checked_url(value, _REDIS_SCHEMES, "the URL of Redis begins with redis://, rediss:// or unix://")


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
