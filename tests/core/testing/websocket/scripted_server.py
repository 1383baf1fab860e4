"""An app whose WebSockets send the bytes of a script, to test the client against right and wrong servers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import cast

from turnbuckle import App, Handler, Plugin, PluginInfo, ProtocolProvider, Request, Response, Setup, SwitchProtocols

__all__ = ["Script", "scripted_app"]


class Script(asyncio.Protocol):
    """Send bytes once the connection is open, and note the received bytes."""

    transport: asyncio.Transport

    def __init__(self, data: bytes = b"", *, ends: bool = False) -> None:
        self.data = data
        self.ends = ends
        self.received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.data)
        if self.ends:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self.received += data


def accept_of(request: Request) -> str:
    """Return the right value of Sec-WebSocket-Accept."""
    key = request.headers["sec-websocket-key"]
    return base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()


def scripted_app(
    protocol: asyncio.Protocol | None = None,
    *,
    headers: dict[str, str] | None = None,
    answer: Callable[[Request], Response] | None = None,
) -> App:
    """Return an app that switches to ``protocol`` for every WebSocket, with further fields in its 101."""

    class Scripted(Plugin[None]):
        info = PluginInfo(name="scripted")

        def provide_protocols(self, setup: Setup[None]) -> list[ProtocolProvider]:
            return [ProtocolProvider(name="scripted", factory=make, upgrade="websocket")]

    def make(next_handler: Handler, setup: Setup[None]) -> Handler:
        async def switch(request: Request) -> Response:
            if answer is not None:
                return answer(request)
            response = SwitchProtocols("websocket", lambda: protocol or Script())
            for name, value in {"Sec-WebSocket-Accept": accept_of(request), **(headers or {})}.items():
                response.headers.set(name, value)
            return response

        return switch

    return App(plugins=[Scripted()])
