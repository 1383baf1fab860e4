"""The settings of the plugin."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from turnbuckle_contrib.auth.passwords import PasswordMethod

__all__ = ["AuthConfig", "SchemeName"]

SchemeName: TypeAlias = Literal["session", "basic"]
_MEMORY = (128, 64, 32, 16, 8)


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or value.startswith("//")):
        raise ValueError(f"{attribute.name} is the path of a page of this app, such as '/login', not {value!r}")


def _is_available(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value == "argon2":
        try:
            import argon2  # noqa: F401
        except ImportError:
            raise ValueError("argon2 needs the package argon2-cffi: pip install 'turnbuckle[argon2]'") from None


@attrs.frozen(kw_only=True)
class AuthConfig:
    """Settings of the plugin.

    Attributes:
        schemes: the ways to authenticate: "session" for users who logged in, "basic" for name and password in each
            request.
        login: path of the login page, to which browsers are redirected; by default the page of the plugin that
            provides users; "" for none, which answers 401.
        realm: name of the protected area in challenges; the name of the app if empty.
        password_hash: method of new password hashes: "scrypt", or "argon2", which needs the extra ``argon2``.
        scrypt_memory: MiB that a hash by scrypt takes: 128, 64, 32, 16 or 8; less memory takes more time.
        password_threads: number of passwords that are hashed at the same time, in each worker.
        attempts: number of failed logins of an address for an account in ``attempts_seconds``, before further ones
            are answered with 429.
        attempts_seconds: see above.
        attempts_entries: maximum number of accounts, and of addresses, whose failed logins are remembered.
    """

    schemes: tuple[SchemeName, ...] = attrs.field(default=("session",), validator=attrs.validators.min_len(1))
    login: str = attrs.field(default="", validator=_is_path)
    realm: str = ""
    password_hash: PasswordMethod = attrs.field(default="scrypt", validator=_is_available)
    scrypt_memory: int = attrs.field(default=128, validator=attrs.validators.in_(_MEMORY))
    password_threads: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    attempts: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    attempts_seconds: float = attrs.field(default=600.0, validator=attrs.validators.gt(0))
    attempts_entries: int = attrs.field(default=10_000, validator=attrs.validators.ge(100))
