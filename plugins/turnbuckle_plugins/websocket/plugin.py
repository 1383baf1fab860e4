"""The plugin: the handler for the upgrade token ``websocket``, and the options of the core's WebSockets."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import final

from turnbuckle import (
    AcceptWebSocket,
    Component,
    Handler,
    Plugin,
    PluginInfo,
    ProtocolProvider,
    Request,
    Response,
    Setup,
    WebSocketOptions,
)
from turnbuckle_plugins.websocket.config import WebSocketConfig
from turnbuckle_plugins.websocket.connection import WireConnection
from turnbuckle_plugins.websocket.handshake import accept_fields, check_handshake, negotiate

__all__ = ["WebSocketPlugin"]


@final
class WebSocketPlugin(Plugin[WebSocketConfig]):
    """Carry the messages of WebSockets over connections of HTTP/1.1 and streams of HTTP/2."""

    info = PluginInfo(name="websocket")

    def provide_protocols(self, setup: Setup[WebSocketConfig]) -> Iterable[ProtocolProvider]:
        """Return the protocol."""
        return [ProtocolProvider(name="websocket", factory=_handler, upgrade="websocket")]

    def provide_components(self, setup: Setup[WebSocketConfig]) -> Iterable[Component]:
        """Return the options that hold for WebSockets on all carriers."""
        return [Component("websocket", "rfc6455", _options)]


def _options(setup: Setup[WebSocketConfig]) -> WebSocketOptions:
    config = setup.config
    return WebSocketOptions(origins=config.origins, handshake=config.handshake, close_timeout=config.close_timeout)


def _handler(next_handler: Handler, setup: Setup[WebSocketConfig]) -> Handler:
    """Return the handler for all requests that offer the protocol; the core makes their WebSockets inside of it."""
    config = setup.config

    async def open_websocket(request: Request) -> Response:
        if request.peer.carries_messages:
            # An ASGI host has read the handshake, and reads the frames.
            return await next_handler(request)
        refusal = check_handshake(request)
        if refusal is not None:
            return refusal
        response = await next_handler(request)
        if isinstance(response, AcceptWebSocket):
            compression = negotiate(request) if config.compression else None
            for name, value in accept_fields(request, compression):
                response.headers.set(name, value)
            response.factory = partial(WireConnection, response, config, compression)
        return response

    return open_websocket
