"""The settings of the plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from turnbuckle_contrib.auth.fetch import check_url

__all__ = ["OpenIDConnectConfig"]

_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
_MAX_LEEWAY: Final = 600


def _as_tuple(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def _is_url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value:
        check_url(value)


def _is_issuer(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    _is_url(instance, attribute, value)
    if "?" in value:
        raise ValueError(f"{attribute.name} is a URL without a query, not {value!r}")


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value.startswith("/") or value.startswith("//") or set(value) & set("{}?#\\"):
        raise ValueError(f"{attribute.name} is a plain path of this app, such as '/auth/login', not {value!r}")


def _is_origin(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    _is_url(instance, attribute, value)
    if value.count("/") > 2:
        raise ValueError(f"{attribute.name} is a scheme and host, such as 'https://notes.example.com', not {value!r}")


def _has_openid(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    if "openid" not in value:
        raise ValueError(f"{attribute.name} must have 'openid'; without it the answer has no ID token")


def _are_asymmetric(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for name in value:
        if name not in _ALGORITHMS:
            raise ValueError(f"{attribute.name} are of {', '.join(_ALGORITHMS)}, not {name!r}")


def _is_leeway(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= _MAX_LEEWAY:
        raise ValueError(f"{attribute.name} is a number of seconds from 0 to {_MAX_LEEWAY}, not {value!r}")


def _read_only(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(mapping))


@attrs.frozen(kw_only=True)
class OpenIDConnectConfig:
    """Settings of the plugin.

    Attributes:
        issuer: URL of the provider; ``/.well-known/openid-configuration`` below it describes the provider.
        client_id: name of this app at the provider.
        client_secret: secret of this app at the provider; "" for a public client, which PKCE protects.
        scopes: scopes that are requested.
        origin: scheme and host of this app, for the URL of the callback; by default as in the request.
        login: path that sends the browser to the provider.
        callback: path to which the provider sends the browser back; register it with the provider.
        logout: path of the logout; it is called with POST.
        after_login: path after a login that was not caused by another page.
        after_logout: path after the logout.
        role_claims: claims of the ID token with groups or roles; a dot leads into an object.
        roles: role of this app for each group or role of the provider; others are ignored.
        algorithms: accepted algorithms of ID tokens.
        leeway: seconds by which the clocks of provider and app may differ.
        timeout: seconds that the provider may take for an answer.
    """

    issuer: str = attrs.field(default="", validator=_is_issuer)
    client_id: str = ""
    client_secret: str = attrs.field(default="", metadata={"secret": True}, repr=False)
    scopes: tuple[str, ...] = attrs.field(
        default=("openid", "profile", "email"), converter=_as_tuple, validator=_has_openid
    )
    origin: str = attrs.field(default="", validator=_is_origin)
    login: str = attrs.field(default="/auth/login", validator=_is_path)
    callback: str = attrs.field(default="/auth/callback", validator=_is_path)
    logout: str = attrs.field(default="/auth/logout", validator=_is_path)
    after_login: str = attrs.field(default="/", validator=_is_path)
    after_logout: str = attrs.field(default="/", validator=_is_path)
    role_claims: tuple[str, ...] = attrs.field(default=("groups", "roles"), converter=_as_tuple)
    roles: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only)
    algorithms: tuple[str, ...] = attrs.field(
        default=("RS256", "PS256", "ES256", "EdDSA", "Ed25519"), converter=_as_tuple, validator=_are_asymmetric
    )
    leeway: float = attrs.field(default=30.0, validator=_is_leeway)
    timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
