"""The settings of accounts."""

from __future__ import annotations

import re
from typing import Final, Literal

import attrs

__all__ = ["AccountsConfig"]

_ORIGIN: Final = re.compile(r"https?://[^\s/?#@]+")
_MIN_LENGTH: Final = 8


def _is_prefix(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value.startswith("/") or value.endswith("/"):
        raise ValueError(f"{attribute.name} must start with a slash and not end with one, not {value!r}")


def _is_local(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value.startswith("/") or value.startswith("//"):
        raise ValueError(f"{attribute.name} must be a path of this app, such as '/', not {value!r}")


def _is_origin(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and not _ORIGIN.fullmatch(value):
        raise ValueError(f"{attribute.name} must be a scheme and a host, such as 'https://example.org', not {value!r}")


def _is_long_enough(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < _MIN_LENGTH:
        raise ValueError(
            f"{attribute.name} must be at least {_MIN_LENGTH}, not {value}: shorter passwords are guessed "
            "(NIST SP 800-63B-4, section 3.1.1.2)"
        )


@attrs.frozen(kw_only=True)
class AccountsConfig:
    """Settings of the plugin.

    Attributes:
        database: path of the SQLite file; ``":memory:"`` for tests with one worker.
        prefix: prefix of all pages if the plugin is enabled for the whole app; a scope has its own prefix.
        site: name of the site on pages and in mails; the name of the app if it is empty.
        home: path of the page after login and logout, and behind the name of the site.
        origin: scheme and host of links in mails, such as ``"https://example.org"``.
        registration: ``"mail"`` lets every owner of an address register; ``"closed"`` has no page for it.
        min_length: minimum number of characters of new passwords.
        token_seconds: how long the link in a mail works.
        mails_per_hour: how many mails an address of a client may cause for an account in an hour.
        console_mail: whether mails are printed instead of being sent; by default, only in debug mode.
    """

    database: str = "accounts.sqlite3"
    prefix: str = attrs.field(default="/accounts", validator=_is_prefix)
    site: str = ""
    home: str = attrs.field(default="/", validator=_is_local)
    origin: str = attrs.field(default="", validator=_is_origin)
    registration: Literal["mail", "closed"] = "mail"
    min_length: int = attrs.field(default=15, validator=_is_long_enough)
    token_seconds: float = attrs.field(default=3600.0, validator=attrs.validators.gt(0))
    mails_per_hour: int = attrs.field(default=3, validator=attrs.validators.gt(0))
    console_mail: bool | None = None
