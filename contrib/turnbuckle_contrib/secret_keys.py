"""Find the secrets that a plugin signs with: from its settings, or random ones while an app is developed.

A secret that is missing is reported when the app starts, with a command that makes one. In debug mode and under pytest,
a random secret is used instead, with a warning: all that was signed with it is invalid after the next start.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterable
from typing import Any, Final

import attrs

from turnbuckle import SettingRefused, Setup

__all__ = ["are_secrets", "as_secrets", "secrets_of"]

_LENGTH: Final = 32
_COMMAND: Final = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'

_log: Final = logging.getLogger("turnbuckle.secrets")


def as_secrets(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return secrets as a tuple; a text is a single secret. This is a converter for a field of settings."""
    return ((value,) if value else ()) if isinstance(value, str) else tuple(value)


def are_secrets(instance: object, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    """Refuse secrets that are too short to be random. This is a validator for a field of settings."""
    for secret in value:
        if len(secret) < _LENGTH:
            raise SettingRefused(f"a secret has at least {_LENGTH} characters; make one with: {_COMMAND}")


def secrets_of(setup: Setup, configured: str | Iterable[str], field: str = "secrets") -> tuple[str, ...]:
    """Return the secrets of a plugin; the first signs, and all of them verify.

    Args:
        setup: the setup of the plugin.
        configured: the secrets in its settings.
        field: the name of their field.

    Raises:
        LookupError: there are none, and the app is neither in debug mode nor under test.
    """
    if found := as_secrets(configured):
        return found
    setting = f"plugin.{setup.plugin}.{field}"
    # pytest sets the variable in its own process, and child processes inherit it.
    if setup.debug or "PYTEST_VERSION" in os.environ:
        _log.warning("%s is not set: a random secret is used, and is lost when this process ends", setting)
        return (secrets.token_urlsafe(32),)
    error = LookupError(f"{setting} is not set")
    error.add_note("why: with a secret that is known, clients could forge the signed values, so there is no default")
    variable = f"TURNBUCKLE_PLUGIN_{setup.plugin.upper()}_{field.upper()}"
    error.add_note(f"fix: make one with {_COMMAND}, and set it in the environment: {variable}=...")
    raise error
