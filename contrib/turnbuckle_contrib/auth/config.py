"""The settings of the plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from turnbuckle import MutableHeaders, SettingRefused
from turnbuckle_contrib.auth.api_keys import APIKey
from turnbuckle_contrib.auth.fetch import check_url
from turnbuckle_contrib.auth.keys import ALGORITHMS
from turnbuckle_contrib.auth.passwords import DEFAULT_MEMORY, PasswordMethod

__all__ = ["AuthConfig", "SchemeName"]

SchemeName: TypeAlias = Literal["session", "basic", "bearer", "api_key"]
_MEMORY: Final = (128, 64, 32, 16, 8)
_MIN_SECRET: Final = 32
_MAX_LEEWAY: Final = 600
_OF_URL: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_OF_SECRET: Final = ("HS256",)


def _as_tuple(value: str | Iterable[str]) -> tuple[str, ...]:
    # A single text is an easy slip for a list with one text.
    return (value,) if isinstance(value, str) else tuple(value)


def _is_not_empty(instance: object, attribute: attrs.Attribute[tuple[SchemeName, ...]], value: object) -> None:
    if not value:
        raise ValueError(f"{attribute.name} has at least one entry, such as 'session'")


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or value.startswith("//")):
        raise ValueError(f"{attribute.name} is the path of a page of this app, such as '/login', not {value!r}")


def _is_available(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value == "argon2":
        try:
            import argon2  # noqa: F401
        except ImportError:
            raise ValueError("argon2 needs the package argon2-cffi: pip install 'turnbuckle[argon2]'") from None


def _is_field_name(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    MutableHeaders({value: ""})
    if value.lower() in {"authorization", "cookie", "host"}:
        raise ValueError(f"{attribute.name} is a field for keys only, such as 'X-API-Key', not {value!r}")


def _is_url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value:
        check_url(value)


def _is_strong(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and len(value.encode()) < _MIN_SECRET:
        # RFC 7518, section 3.2.
        raise SettingRefused(f"it has less than {_MIN_SECRET} bytes")


def _is_leeway(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= _MAX_LEEWAY:
        raise ValueError(f"{attribute.name} is a number of seconds from 0 to {_MAX_LEEWAY}, not {value!r}")


def _are_algorithms(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for name in value:
        if name not in ALGORITHMS:
            raise ValueError(f"{attribute.name} are of {', '.join(ALGORITHMS)}, not {name!r}")


def _read_only(mapping: Mapping[str, APIKey]) -> Mapping[str, APIKey]:
    return MappingProxyType(dict(mapping))


@attrs.frozen(kw_only=True)
class AuthConfig:
    """Settings of the plugin.

    Attributes:
        schemes: the ways to authenticate: "session" for users who logged in, "basic" for name and password in each
            request, "bearer" for JSON Web Tokens, "api_key" for API keys.
        login: path of the login page, to which browsers are redirected; by default the page of the plugin that
            provides users; "" for none, which answers 401.
        realm: name of the protected area in challenges; the name of the app if empty.
        password_hash: method of new password hashes: "scrypt", or "argon2", which needs the extra ``argon2``.
        scrypt_memory: MiB that a hash by scrypt takes: 128, 64, 32, 16 or 8; OWASP lists all of them as equal.
        basic_seconds: seconds for which a right password is remembered, because the scheme ``basic`` has it in each
            request; 0 hashes it each time.
        password_threads: number of passwords that are hashed at the same time, in each worker.
        attempts: number of failed logins of an address for an account in ``attempts_seconds``, before further ones
            are answered with 429.
        attempts_seconds: see above.
        attempts_entries: maximum number of accounts, and of addresses, whose failed logins are remembered.
        api_key_header: field with the API key.
        api_keys: hash and roles of each API key, by the name of its user.
        token_issuer: issuer of tokens (``iss``).
        token_audiences: names of this service in tokens (``aud``).
        token_keys: URL of the issuer's keys (JWKS).
        token_secret: secret of at least 32 bytes that the issuer shares with this service, instead of ``token_keys``.
        token_algorithms: accepted algorithms; by default RS256, PS256, ES256, EdDSA and Ed25519 with ``token_keys``,
            and HS256 with ``token_secret``.
        token_leeway: seconds by which the clocks of issuer and service may differ.
        token_roles: claims with roles; a dot leads into an object, as in "realm_access.roles".
        token_keys_seconds: seconds after which the keys are fetched again.
        token_keys_interval: minimum number of seconds between two fetches.
    """

    schemes: tuple[SchemeName, ...] = attrs.field(default=("session",), converter=tuple, validator=_is_not_empty)
    login: str = attrs.field(default="", validator=_is_path)
    realm: str = ""
    password_hash: PasswordMethod = attrs.field(default="scrypt", validator=_is_available)
    scrypt_memory: int = attrs.field(default=DEFAULT_MEMORY, validator=attrs.validators.in_(_MEMORY))
    basic_seconds: float = attrs.field(default=60.0, validator=attrs.validators.ge(0))
    password_threads: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    attempts: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    attempts_seconds: float = attrs.field(default=600.0, validator=attrs.validators.gt(0))
    attempts_entries: int = attrs.field(default=10_000, validator=attrs.validators.ge(100))
    api_key_header: str = attrs.field(default="X-API-Key", validator=_is_field_name)
    api_keys: Mapping[str, APIKey] = attrs.field(factory=dict, converter=_read_only)
    token_issuer: str = ""
    token_audiences: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    token_keys: str = attrs.field(default="", validator=_is_url)
    token_secret: str = attrs.field(default="", validator=_is_strong, metadata={"secret": True}, repr=False)
    token_algorithms: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple, validator=_are_algorithms)
    token_leeway: float = attrs.field(default=30.0, validator=_is_leeway)
    token_roles: tuple[str, ...] = attrs.field(default=("scope", "roles"), converter=_as_tuple)
    token_keys_seconds: float = attrs.field(default=3600.0, validator=attrs.validators.gt(0))
    token_keys_interval: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))

    def check_tokens(self) -> None:
        """Check the settings of the scheme ``bearer``.

        It is called by a hook: a validator, which sees one setting after the other, could not name the missing one.

        Raises:
            ValueError: one is missing, or two of them contradict each other.
        """
        for name in ("token_issuer", "token_audiences"):
            if not getattr(self, name):
                raise ValueError(f"the scheme bearer needs {name}: a token for another service must not be accepted")
        if bool(self.token_keys) == bool(self.token_secret):
            raise ValueError("the scheme bearer needs either token_keys, a URL, or token_secret")
        for name in self.token_algorithms:
            if (ALGORITHMS[name] == "oct") != bool(self.token_secret):
                raise ValueError(f"the algorithm {name} needs {'token_keys' if self.token_secret else 'token_secret'}")

    def algorithms(self) -> tuple[str, ...]:
        """Return the accepted algorithms."""
        return self.token_algorithms or (_OF_SECRET if self.token_secret else _OF_URL)
