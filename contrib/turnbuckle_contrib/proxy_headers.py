"""Believe proxies that are trusted: who the client is, and by which scheme and host it came.

One family of fields is honoured, never both: the one that the proxy does not write is what clients send.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Literal, cast, final

import attrs

from turnbuckle import (
    BadRequest,
    Handler,
    Middleware,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    TrustedAddresses,
)
from turnbuckle_contrib.forwarded import read_forwarded, read_x_forwarded

__all__ = ["ProxyHeadersConfig", "ProxyHeadersPlugin"]

_READERS: Final = {"x-forwarded": read_x_forwarded, "forwarded": read_forwarded}


def _are_trusted(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(value)


@attrs.frozen(kw_only=True)
class ProxyHeadersConfig:
    """Settings of the plugin.

    Attributes:
        trusted: whom to believe: addresses, networks such as "10.0.0.0/8", and "unix" for whoever connects to a Unix
            socket.
        headers: the fields that they send: "x-forwarded" for X-Forwarded-For and its like, "forwarded" for those of
            RFC 7239.
    """

    trusted: tuple[str, ...] = attrs.field(
        default=("127.0.0.1", "::1", "unix"), converter=tuple, validator=_are_trusted
    )
    headers: Literal["x-forwarded", "forwarded"] = "x-forwarded"


@final
class ProxyHeadersPlugin(Plugin):
    """Puts the middleware ``proxy_headers`` at the edge."""

    # Whether an id is to be believed depends on who is at the other end of the connection.
    info = PluginInfo(name="proxy_headers", config=ProxyHeadersConfig, after=("request_id",))

    def provide_middleware(self, setup: Setup) -> list[Middleware]:
        """Add the middleware."""
        return [Middleware("proxy_headers", _around, zone="edge")]


def _around(next_handler: Handler, setup: Setup) -> Handler:
    config = cast("ProxyHeadersConfig", setup.config)
    trusted = TrustedAddresses(config.trusted)
    if not trusted:
        return next_handler
    read = _READERS[config.headers]

    def apply_forwarded(request: Request) -> Awaitable[Response]:
        if trusted.trusts(request.client):
            try:
                told = read(request.headers, request.client, trusted)
            except ValueError as error:
                raise BadRequest("what a proxy says of this request is malformed") from error
            request.take_forwarded(client=told.client, scheme=told.scheme, host=told.host, prefix=told.prefix)
        return next_handler(request)

    return apply_forwarded
