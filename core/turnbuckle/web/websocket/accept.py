"""The response that accepts a WebSocket, and passes it to the part that carries its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast, final

from turnbuckle.web.headers import HeaderPairs
from turnbuckle.web.response.upgrade import SwitchProtocols
from turnbuckle.web.streams.sweep import Sweep
from turnbuckle.web.websocket.channel import MessageChannel, WebSocketClosed
from turnbuckle.web.websocket.socket import WebSocket

__all__ = ["AcceptWebSocket"]


def _no_wire() -> asyncio.Protocol:
    raise RuntimeError('no plugin carries WebSockets on this connection: write App(plugins=["websocket"])')


@final
class AcceptWebSocket(SwitchProtocols):
    """The response after which a connection carries a WebSocket.

    Middleware may add fields to it. A carrier of bytes, such as an HTTP/1.1 connection or a stream of HTTP/2, calls
    ``factory`` for the protocol that reads and writes frames; a plugin for the upgrade token ``websocket`` sets it. A
    carrier of messages, such as an ASGI host, calls ``attach`` itself. Both happen within the task that ran the
    handler of the app: a response that was dropped until then has no WebSocket.

    Args:
        socket: the WebSocket.
        headers: other fields of the response.

    Attributes:
        socket: see above.
        sweep: calls objects with a deadline, for channels with pings and timeouts; it has the clock of the server.
    """

    __slots__ = ("socket", "sweep")

    def __init__(self, socket: WebSocket, headers: HeaderPairs | None = None) -> None:
        super().__init__("websocket", _no_wire, headers)
        self.socket: Final = socket
        self.task = socket._task
        self.sweep: Final = cast(Sweep, socket._sweep)
        if socket.subprotocol is not None:
            self.headers.set("Sec-WebSocket-Protocol", socket.subprotocol)

    def attach(self, channel: MessageChannel) -> Callable[[WebSocketClosed], None]:
        """Carry the messages of the WebSocket by a channel from now on; its handler continues.

        Args:
            channel: sends and receives messages.

        Returns:
            The function to call once the WebSocket is closed, whichever side has closed it. The handler, which may be
            busy with something else, then has ``close_timeout`` seconds until it is cancelled.

        Raises:
            RuntimeError: there is a channel already, or the handler has ended.
        """
        # Plugins make factories that refer to this response.
        self.factory = _no_wire
        return self.socket._attach(channel)
