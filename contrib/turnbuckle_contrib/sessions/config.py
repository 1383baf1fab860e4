"""The settings of sessions."""

from __future__ import annotations

from typing import Literal

import attrs

from turnbuckle import SameSite, SetCookie
from turnbuckle_contrib.secret_keys import are_secrets, as_secrets
from turnbuckle_contrib.stores import StoreSettings

__all__ = ["SessionsConfig"]


def _is_cookie_name(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value.lower().startswith(("__host-", "__secure-")):
        raise ValueError(f"{value!r} has a prefix that is added over https; write {value.split('-', 1)[1]!r}")
    SetCookie(name=value)


def _is_domain(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    SetCookie(name="session", domain=value or None)


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    SetCookie(name="session", path=value)


@attrs.frozen(kw_only=True)
class SessionsConfig(StoreSettings):
    """Settings of the plugin.

    Attributes:
        secrets: secrets of at least 32 characters for the signed cookie; the first signs, all of them verify.
        idle: seconds without a request that uses the session, after which it ends.
        lifetime: seconds after its creation or rotation, after which a session ends in any case.
        persistent: whether the session outlives the browser: with False, browsers drop the cookie when they are closed.
        cookie: name of the cookie; over https, the prefix ``__Host-`` is added.
        same_site: the attribute ``SameSite`` of the cookie; ``"None"`` allows requests from other sites.
        secure: with ``"auto"``, the cookie is sent over https only, except for http://localhost; ``"always"`` has no
            exception; ``"never"`` is for networks without https, whose traffic others can read.
        domain: the cookie is sent to this domain and all its subdomains; "" for the host of the app only.
        path: the cookie is sent to paths below this one.
        store: ``"cookie"``, ``"memory"``, ``"sqlite"``, ``"redis"``, or the name of a component of the kind
            ``session_store``.
        file: the file of the store ``"sqlite"``.
        url: URL of the store ``"redis"``; see ``StoreSettings``.
        prefix: prefix of all keys in Redis.
        timeout: seconds that Redis may take for an answer.
        max_size: maximum size of a session as JSON, in bytes; its cookie has at most 4096, compressed.
        max_memory: maximum size of all sessions in the store ``"memory"``, in bytes.
    """

    secrets: str | tuple[str, ...] = attrs.field(
        default=(), converter=as_secrets, validator=are_secrets, repr=False, metadata={"secret": True}
    )
    idle: float = attrs.field(default=12 * 3600.0, validator=attrs.validators.gt(0))
    lifetime: float = attrs.field(default=7 * 86400.0, validator=attrs.validators.gt(0))
    persistent: bool = False
    cookie: str = attrs.field(default="session", validator=_is_cookie_name)
    same_site: SameSite = "Lax"
    secure: Literal["auto", "always", "never"] = "auto"
    domain: str = attrs.field(default="", validator=_is_domain)
    path: str = attrs.field(default="/", validator=_is_path)
    store: str = "cookie"
    file: str = "sessions.sqlite3"
    prefix: str = "turnbuckle:sessions:"
    max_size: int = attrs.field(default=65536, validator=attrs.validators.gt(0))
