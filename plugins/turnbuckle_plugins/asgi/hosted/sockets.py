"""Carry the messages of a WebSocket between a host and its handler.

The host speaks the WebSocket protocol, and passes whole messages. It is asked for a few of them ahead of the handler,
so that the handler learns when its client is gone. Beyond these, the host stops reading from the client.

Source: the ASGI specification, WebSocket, and its extension ``websocket.http.response``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, final

from turnbuckle import AcceptWebSocket, StreamRun, SwitchProtocols, WebSocketClosed
from turnbuckle_plugins.asgi.hosted.head import Message, Receive, Send

__all__ = ["HostMessages"]

# Messages that may wait for the handler.
_MAX_WAITING: Final = 16

# The host makes these itself; the message of ASGI has a separate key for the subprotocol.
_OF_HANDSHAKE: Final = frozenset(
    {"connection", "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol", "upgrade"}
)


@final
class HostMessages:
    """The messages of one WebSocket on a host; a ``turnbuckle.MessageChannel``.

    Args:
        receive: waits for the next message of the host.
        send: passes a message to the host.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive_from_host: Final = receive
        self._send_to_host: Final = send
        self._messages: Final[deque[str | bytes]] = deque()
        self._closed: WebSocketClosed | None = None
        self._report: Callable[[WebSocketClosed], None] | None = None
        self._handler: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()
        self._is_receiving = False
        self._closing: asyncio.Task[None] | None = None
        self._has_news: Final = asyncio.Event()
        self._has_room: Final = asyncio.Event()
        self._has_room.set()

    # -- called by the core, and by the handler through its WebSocket --------------------------------------------------

    def accept(self, response: SwitchProtocols) -> Message:
        """Carry the messages of an accepted WebSocket, and return the message that accepts it.

        Raises:
            RuntimeError: the response switches to another protocol, or its handler has ended.
        """
        if not isinstance(response, AcceptWebSocket):
            raise RuntimeError(f"an ASGI host cannot switch to the protocol {response.protocol!r}")
        self._report = response.attach(self)
        self._handler = response.task
        fields = [
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in response.fields()
            if name.lower() not in _OF_HANDSHAKE
        ]
        return {
            "type": "websocket.accept",
            "subprotocol": response.headers.get("sec-websocket-protocol"),
            "headers": fields,
        }

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises:
            WebSocketClosed: there are no more messages.
            RuntimeError: another task is waiting for a message already.
        """
        if self._is_receiving:
            raise RuntimeError("another task is receiving from this WebSocket")
        self._is_receiving = True
        try:
            while not self._messages:
                if self._closed is not None:
                    raise self._closed.with_traceback(None)
                self._has_news.clear()
                await self._has_news.wait()
        finally:
            self._is_receiving = False
        self._has_room.set()
        return self._messages.popleft()

    async def send(self, message: str | bytes) -> None:
        """Send a message; the host waits while the client reads too slowly.

        Raises:
            WebSocketClosed: the WebSocket is closed.
        """
        await self._is_open.wait()
        if self._closed is not None:
            raise self._closed.with_traceback(None)
        part = "text" if isinstance(message, str) else "bytes"
        try:
            await self._send_to_host({"type": "websocket.send", part: message})
        except OSError:
            self._end(WebSocketClosed(1006, was_clean=False))
        if self._closed is not None:
            raise self._closed.with_traceback(None)

    def send_nowait(self, message: str | bytes) -> bool:
        """Return False, because the call of a host that sends may have to wait."""
        return False

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket; do nothing if it is closed."""
        await self._is_open.wait()
        if self._closed is not None:
            return
        self._end(WebSocketClosed(code, reason))
        try:
            await self._send_to_host({"type": "websocket.close", "code": code, "reason": reason})
        except OSError:
            # The client has left at the same time.
            return

    def go_away(self) -> None:
        """Close the WebSocket, because the app stops."""
        self._closing = asyncio.get_running_loop().create_task(self.close(1001))

    # -- called by the task of the host --------------------------------------------------------------------------------

    async def read(self, run: StreamRun, on_disconnect: Callable[[], object]) -> None:
        """Receive from the host until the client is gone."""
        while True:
            await self._has_room.wait()
            message = await self._receive_from_host()
            if message["type"] == "websocket.disconnect":
                break
            self._take(message)
        code = message.get("code") or 1005
        self._end(WebSocketClosed(code, message.get("reason") or "", code != 1006))
        run.disconnect()
        if self._handler is None:
            # It was not accepted yet.
            on_disconnect()

    def _take(self, message: Message) -> None:
        data = message.get("text")
        if data is None:
            data = message.get("bytes")
        if data is not None:
            self._messages.append(data)
            self._has_news.set()
            if len(self._messages) >= _MAX_WAITING:
                self._has_room.clear()

    async def serve(self) -> None:
        """Enable the handler to send, because the host has accepted, and wait until it ends."""
        self._is_open.set()
        try:
            if self._handler is not None:
                await asyncio.wait([self._handler])
        finally:
            # The host may cancel this task when its client is gone.
            self._end(WebSocketClosed(1006, was_clean=False))

    def _end(self, closed: WebSocketClosed) -> None:
        if self._closed is not None:
            return
        self._closed = closed
        self._is_open.set()
        self._has_news.set()
        if self._report is not None:
            self._report(closed)
