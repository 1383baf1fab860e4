"""The client's end of a WebSocket: it sends and receives messages and frames, in memory.

Frames are read as soon as the server sends them, so pings are answered without the test, as by a real client. While
the test has stopped reading, ``receive`` reads no more than it needs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final, Self, final

from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.testing.client.connection import Connection
from turnbuckle.testing.client.response import BaseResponse
from turnbuckle.testing.transport.activity import Activity
from turnbuckle.testing.websocket.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, FrameReader, MalformedFrame
from turnbuckle.testing.websocket.messages import Deflate, MessageAssembler, close_payload, read_close
from turnbuckle.web.websocket.channel import WebSocketClosed

__all__ = ["ClientWebSocket"]


@final
class ClientWebSocket:
    """An open WebSocket of the test client; made by ``client.websocket()``.

    Args:
        connection: the connection, after the response 101.
        activity: counts and awaits the activity on the connections.
        response: the response 101.
        deflate: the compression, if it was negotiated.
        raise_exceptions: whether an exception of the handler is raised by the calls that wait for the server.

    Attributes:
        connection: the connection, to send any bytes, to stop reading (``pause_reading``), or to cut it (``reset``).
        response: the response 101, with its fields.
        is_compressed: whether permessage-deflate was negotiated.
        frames: all received frames, in order.
        answers_pings: whether pings are answered.
        answers_close: whether a close frame is answered.
    """

    def __init__(
        self,
        connection: Connection,
        activity: Activity,
        response: BaseResponse,
        deflate: Deflate | None,
        *,
        raise_exceptions: bool,
    ) -> None:
        self.connection: Final = connection
        self.response: Final = response
        self.is_compressed: Final = deflate is not None
        self.frames: Final[list[Frame]] = []
        self.answers_pings = True
        self.answers_close = True
        self._activity: Final = activity
        self._deflate: Final = deflate
        self._raise_exceptions: Final = raise_exceptions
        self._known: Final = len(connection.exceptions)
        self._reader: Final = FrameReader(is_compressed=self.is_compressed)
        self._assembler: Final = MessageAssembler(deflate)
        self._messages: Final[list[str | bytes]] = []
        self._close_sent = False
        self._closed: WebSocketClosed | None = None
        self._fault: Exception | None = None
        connection.on_received(self._read)
        self._read()

    # -- state

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server has chosen; None for none."""
        return self.response.headers.get("sec-websocket-protocol")

    @property
    def closed(self) -> WebSocketClosed | None:
        """How the WebSocket was closed; None while it is open."""
        return self._closed

    @property
    def close_code(self) -> int | None:
        """The code of the server's close frame: 1005 if it has none, 1006 if there was no frame; None while open."""
        return None if self._closed is None else self._closed.code

    @property
    def close_reason(self) -> str:
        """The reason in the server's close frame."""
        return "" if self._closed is None else self._closed.reason

    @property
    def pongs(self) -> list[bytes]:
        """The payloads of the received pongs."""
        return [frame.payload for frame in self.frames if frame.opcode == PONG]

    # -- receiving

    async def receive(self) -> str | bytes:
        """Return the next message; text as ``str``, binary as ``bytes``.

        Raises:
            WebSocketClosed: the WebSocket is closed, and there are no more messages.
            MalformedFrame: the server sent something that a client must not accept.
            TimeoutError: there was no message in time.
            Exception: the exception of the handler, unless ``raise_exceptions`` of the client is off.
        """
        await self._until(lambda: bool(self._messages or self._closed), "a message")
        if not self._messages:
            raise self._end()
        return self._messages.pop(0)

    async def receive_text(self) -> str:
        """Return the next message, which must be text; see ``receive``.

        Raises:
            TypeError: the message is binary.
        """
        message = await self.receive()
        if not isinstance(message, str):
            raise TypeError(f"the message is binary, not text: {message[:80]!r}")
        return message

    async def receive_bytes(self) -> bytes:
        """Return the next message, which must be binary; see ``receive``.

        Raises:
            TypeError: the message is text.
        """
        message = await self.receive()
        if not isinstance(message, bytes):
            raise TypeError(f"the message is text, not binary: {message[:80]!r}")
        return message

    async def receive_json(self) -> object:
        """Return the value of the next message, which must be JSON; see ``receive``.

        Raises:
            ValueError: the message is not JSON.
        """
        value: object = json.loads(await self.receive())
        return value

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    # -- sending

    async def send(self, message: str | bytes) -> None:
        """Send a message in one frame, and wait until the server has read nearly all sent bytes.

        Raises:
            WebSocketClosed: the WebSocket is closed.
            TimeoutError: the server does not read.
        """
        opcode = TEXT if isinstance(message, str) else BINARY
        payload = message.encode() if isinstance(message, str) else message
        if self._deflate is None:
            await self.send_frame(Frame(opcode, payload))
        else:
            await self.send_frame(Frame(opcode, self._deflate.compress(payload), reserved=4))

    async def send_json(self, value: object) -> None:
        """Send a value as JSON, in a message of text."""
        await self.send(encode_json(value).decode())

    async def send_fragments(self, fragments: Sequence[str | bytes]) -> None:
        """Send one message in several frames, not compressed."""
        opcode = TEXT if isinstance(fragments[0], str) else BINARY
        for index, fragment in enumerate(fragments):
            payload = fragment.encode() if isinstance(fragment, str) else fragment
            is_final = index == len(fragments) - 1
            await self.send_frame(Frame(0 if index else opcode, payload, is_final=is_final))

    async def ping(self, payload: bytes = b"") -> None:
        """Send a ping; ``pongs`` has the answers."""
        await self.send_frame(Frame(PING, payload))

    async def send_frame(self, frame: Frame, *, is_masked: bool = True) -> None:
        """Send any frame, also a wrong one, and wait as ``send`` does.

        Raises:
            WebSocketClosed: the WebSocket is closed.
            TimeoutError: the server does not read.
        """
        if self._closed is not None:
            raise self._end()
        self._post(frame, is_masked=is_masked)
        await self.connection.may_post()

    async def settle(self) -> None:
        """Wait until nothing more happens without the test; see ``Connection.settle``."""
        await self.connection.settle()
        self._check()

    # -- closing

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket, and wait until the server has ended the connection; do nothing if it has.

        Messages that arrive before the end can still be received.

        Args:
            code: the close code; 1005 sends none.
            reason: the reason.

        Raises:
            TimeoutError: the server did not end the connection.
            Exception: the exception of the handler, as for ``receive``.
        """
        if not self._close_sent and not self.connection.is_closed:
            self._post(Frame(CLOSE, close_payload(code, reason)))
        await self._until(lambda: self.connection.is_closed, "the server to close the connection")
        self._raise_from_handler()

    async def leave(self) -> None:
        """Close as ``close`` does, but cut the connection if the server does not end it without the test."""
        if not self._close_sent and not self.connection.is_closed:
            self._post(Frame(CLOSE, close_payload(1000)))
        if not self.connection.is_lost:
            await self.connection.resume_reading()
            await self.connection.close()
        self._check()
        self._raise_from_handler()

    # -- inside

    def _post(self, frame: Frame, *, is_masked: bool = True) -> None:
        self._close_sent = self._close_sent or frame.opcode == CLOSE
        self.connection.post(frame.encode(is_masked=is_masked))

    def _end(self) -> Exception:
        self._raise_from_handler()
        closed = self._closed
        assert closed is not None
        return WebSocketClosed(closed.code, closed.reason, closed.was_clean)

    def _raise_from_handler(self) -> None:
        exceptions = self.connection.exceptions
        if self._raise_exceptions and len(exceptions) > self._known:
            raise exceptions[self._known]

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        while not condition():
            self._check()
            if not self._read():
                await self._activity.until(lambda: condition() or self.connection.has_news or self._has_failed, what)
        self._check()

    @property
    def _has_failed(self) -> bool:
        return self._fault is not None

    def _check(self) -> None:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _read(self) -> bool:
        """Read the bytes of the server as frames; return whether there were any."""
        data = self.connection.switched_data()
        self._reader.feed(data)
        try:
            while (frame := self._reader.next_frame()) is not None:
                self._take(frame)
        except MalformedFrame as error:
            # This may run in a call of the server, which must not see the exception: the next call of the test raises.
            self._fault = error
        if self.connection.is_closed and self._closed is None:
            self._closed = WebSocketClosed(1006, was_clean=False)
        return bool(data)

    def _take(self, frame: Frame) -> None:
        if any(earlier.opcode == CLOSE for earlier in self.frames[-1:]):
            raise MalformedFrame(f"a frame follows the close frame: {frame!r}")
        self.frames.append(frame)
        if frame.opcode == CLOSE:
            self._take_close(frame)
        elif frame.opcode == PING:
            if self.answers_pings and not self._close_sent:
                self._post(Frame(PONG, frame.payload))
        elif frame.opcode != PONG and (message := self._assembler.take(frame)) is not None:
            self._messages.append(message)

    def _take_close(self, frame: Frame) -> None:
        code, reason = read_close(frame)
        if self.answers_close and not self._close_sent:
            self._post(Frame(CLOSE, close_payload(code)))
        self._closed = WebSocketClosed(code, reason, was_clean=self._close_sent)
