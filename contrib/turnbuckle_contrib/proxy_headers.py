"""Apply the forwarding fields of trusted proxies: address of the client, scheme, host and prefix.

Only one family of fields is read, never both: a family that the proxy does not write comes from the client.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Literal, final

import attrs

from turnbuckle import (
    BadRequest,
    Diagnostic,
    Handler,
    Middleware,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    TrustedAddresses,
)
from turnbuckle_contrib.forwarded import read_forwarded, read_x_forwarded

__all__ = ["ProxyHeadersConfig", "ProxyHeadersPlugin"]

# Seconds that nginx and Amazon's load balancers keep idle connections to servers by default.
_PROXY_KEEP_ALIVE: Final = 60
_HINT: Final = "TB213"

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

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Give a hint if connections from a trusted proxy end earlier than common proxies expect."""
        idle = plan.settings.timeouts.idle
        trusted = plan.setting_values.get("plugin.proxy_headers.trusted")
        if (trusted is not None and not trusted.value) or not 0 < idle <= _PROXY_KEEP_ALIVE:
            return []
        if any(found.code == _HINT for found in plan.diagnostics):
            return []
        return [
            Diagnostic(
                level="hint",
                code=_HINT,
                text=f"timeouts.idle is {idle:g} s, but many proxies keep idle connections for {_PROXY_KEEP_ALIVE} s",
                why="a proxy that sends a request on a connection just as the server closes it answers 502",
                fix="set timeouts.idle to more than the keep-alive of the proxy, such as 75",
            )
        ]


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
