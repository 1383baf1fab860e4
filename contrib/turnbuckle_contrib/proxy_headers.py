"""Apply the forwarding fields of trusted proxies: address of the client, scheme, host and prefix.

Only one family of fields is read, never both: a family that the proxy does not write comes from the client.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Literal, final

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
        trusted: trusted proxies: addresses, networks such as "10.0.0.0/8", and "unix" for every peer on a Unix socket.
        headers: the fields that the proxies send: "x-forwarded" for X-Forwarded-For and its relatives, "forwarded" for
            the field of RFC 7239.
    """

    trusted: tuple[str, ...] = attrs.field(
        default=("127.0.0.1", "::1", "unix"), converter=tuple, validator=_are_trusted
    )
    headers: Literal["x-forwarded", "forwarded"] = "x-forwarded"


@final
class ProxyHeadersPlugin(Plugin[ProxyHeadersConfig]):
    """Provide the middleware ``proxy_headers`` in the edge zone."""

    # Whether a request id is trusted depends on the connected peer, which this plugin replaces by the client.
    info = PluginInfo(name="proxy_headers", after=("request_id",))

    def provide_middleware(self, setup: Setup[ProxyHeadersConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("proxy_headers", _around, zone="edge")]


def _around(next_handler: Handler, setup: Setup[ProxyHeadersConfig]) -> Handler:
    config = setup.config
    trusted = TrustedAddresses(config.trusted)
    if not trusted:
        return next_handler
    read = _READERS[config.headers]

    def apply_forwarded(request: Request) -> Awaitable[Response]:
        if trusted.trusts(request.client):
            try:
                forwarded = read(request.headers, request.client, trusted)
            except ValueError as error:
                raise BadRequest("a forwarding field of this request is malformed") from error
            request.take_forwarded(
                client=forwarded.client, scheme=forwarded.scheme, host=forwarded.host, prefix=forwarded.prefix
            )
        return next_handler(request)

    return apply_forwarded
