"""Run an ASGI app for one WebSocket: pass its messages to the app, and the messages of the app to it.

The app runs in the task of a WebSocket handler. Before it has accepted, it may refuse with its own response
(extension ``websocket.http.response``).

Source: the ASGI specification, part "HTTP & WebSocket" 2.4.
"""

from __future__ import annotations

import asyncio
import enum
from typing import Any, Final, cast, final

from turnbuckle import Response, WebSocket, WebSocketClosed
from turnbuckle_plugins.asgi.mounted.messages import (
    AppProtocolError,
    ASGIApp,
    ClientGone,
    Message,
    Scope,
    decoded_fields,
    is_of_client,
)

__all__ = ["SocketRun"]

# Bytes of a response that refuses a WebSocket.
_MAX_REFUSAL: Final = 1024 * 1024


class _Phase(enum.Enum):
    CONNECTING = enum.auto()  # the app has not received "websocket.connect"
    DECIDING = enum.auto()  # the app has neither accepted nor refused
    OPEN = enum.auto()
    REFUSING = enum.auto()  # the head of a response was sent
    REFUSED = enum.auto()
    CLOSED = enum.auto()


@final
class SocketRun:
    """One call of an app for a WebSocket.

    Args:
        socket: the WebSocket.
        name: description of the app for messages.
    """

    def __init__(self, socket: WebSocket, name: str) -> None:
        self._socket: Final = socket
        self._name: Final = name
        self._phase = _Phase.CONNECTING
        self._refusal: Response | None = None
        self._content: list[bytes] = []
        self._size = 0
        self._changed: Final = asyncio.Event()

    async def run(self, app: ASGIApp, scope: Scope) -> Response | None:
        """Call the app.

        Returns:
            The response that refuses the WebSocket; None for 403, or if the app has accepted.

        Raises:
            AppProtocolError: the app broke the rules of ASGI.
            Exception: the exception of the app.
        """
        try:
            await app(scope, self.receive, self.send)
        except Exception as error:
            if self._phase is _Phase.REFUSED or is_of_client(error):
                return self._refusal
            raise
        if self._phase is _Phase.REFUSING:
            raise self._broken("returned in the middle of its response")
        return self._refusal

    async def receive(self) -> dict[str, Any]:
        """Return the next message to the app."""
        if self._phase is _Phase.CONNECTING:
            self._phase = _Phase.DECIDING
            return {"type": "websocket.connect"}
        await self._decided()
        if self._phase not in {_Phase.OPEN, _Phase.CLOSED}:
            return {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        try:
            message = await self._socket.receive()
        except WebSocketClosed as closed:
            return {"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason}
        return {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}

    async def _decided(self) -> None:
        """Wait until the app has accepted or refused, which another of its tasks may do, or the client has gone."""
        lost = self._socket.request.peer.lost
        lost.add_callback(self._changed.set)
        try:
            while self._phase in {_Phase.DECIDING, _Phase.REFUSING} and not lost.is_set():
                self._changed.clear()
                await self._changed.wait()
        finally:
            lost.discard_callback(self._changed.set)

    async def send(self, message: Message) -> None:
        """Take a message of the app.

        Raises:
            AppProtocolError: ASGI does not allow the message here.
            ClientGone: the WebSocket is closed.
        """
        kind = message.get("type")
        try:
            if kind == "websocket.send" and self._phase is _Phase.OPEN:
                await self._send_message(message)
            elif kind == "websocket.accept" and self._phase in {_Phase.CONNECTING, _Phase.DECIDING}:
                await self._accept(message)
            elif kind == "websocket.close":
                await self._close(message)
            elif kind == "websocket.http.response.start" and self._phase in {_Phase.CONNECTING, _Phase.DECIDING}:
                self._refuse(message)
            elif kind == "websocket.http.response.body" and self._phase is _Phase.REFUSING:
                self._take_content(message)
            else:
                raise self._broken(f"sent {kind!r:.80} while its WebSocket is {self._phase.name.lower()}")
        except WebSocketClosed as closed:
            raise ClientGone(str(closed)) from None

    async def _send_message(self, message: Message) -> None:
        text, data = message.get("text"), message.get("bytes")
        if isinstance(text, str):
            await self._socket.send(text)
        elif isinstance(data, bytes | bytearray | memoryview):
            await self._socket.send(bytes(data))
        else:
            raise self._broken("sent 'websocket.send' with neither 'text' (str) nor 'bytes' (bytes)")

    async def _accept(self, message: Message) -> None:
        fields, _ = decoded_fields(message.get("headers") or ())
        subprotocol = message.get("subprotocol")
        self._phase = _Phase.OPEN
        self._changed.set()
        await self._socket.accept(subprotocol, headers=fields)

    async def _close(self, message: Message) -> None:
        if self._phase is _Phase.OPEN:
            self._phase = _Phase.CLOSED
            await self._socket.close(message.get("code", 1000), message.get("reason") or "")
        elif self._phase in {_Phase.CONNECTING, _Phase.DECIDING}:
            # The core answers 403 when the app ends.
            self._phase = _Phase.REFUSED
            self._changed.set()
        elif self._phase is not _Phase.CLOSED:
            raise self._broken(f"sent 'websocket.close' while its WebSocket is {self._phase.name.lower()}")

    def _refuse(self, message: Message) -> None:
        fields, _ = decoded_fields(message.get("headers", ()))
        self._refusal = Response(b"", message["status"], fields)
        self._phase = _Phase.REFUSING

    def _take_content(self, message: Message) -> None:
        body = bytes(message.get("body", b""))
        self._size += len(body)
        if self._size > _MAX_REFUSAL:
            raise self._broken(f"refused a WebSocket with more than {_MAX_REFUSAL} bytes")
        self._content.append(body)
        if not message.get("more_body", False):
            refusal = cast("Response", self._refusal)
            refusal.body = b"".join(self._content)
            self._phase = _Phase.REFUSED
            self._changed.set()

    def _broken(self, fault: str) -> AppProtocolError:
        return AppProtocolError(f"{self._name} {fault}")
