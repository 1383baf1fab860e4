"""The protocol of one connection that carries a WebSocket: frames in and out, deadlines, and the end.

Theory of operation
===================

The transport pushes bytes. A whole frame is taken from them at once (``FrameReader``), and its message waits in the
queue until the handler receives it. When the queue is full, the transport stops reading, and the rest of the bytes stay
in the buffer; so a peer that sends faster than its handler receives has to wait.

The handler waits for a message, for the end, or for the peer to read; each has one future. Deadlines are checked by the
``Sweep`` of the server, so an idle connection has no timer and no task but its handler's.

An end begins in one of four ways: the peer sends a close frame, which is answered; the handler or the server closes,
and the peer's answer is awaited; the peer breaks the protocol, and gets a close frame with the reason; or the
connection is lost. ``_state`` says whether a close frame was sent, and ``_closed`` is the end that
the handler sees.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast, final

from turnbuckle import AcceptWebSocket, Sweep, SwitchedEnd, WebSocketClosed
from turnbuckle_plugins.websocket.config import WebSocketConfig
from turnbuckle_plugins.websocket.frame_reader import FrameReader, State
from turnbuckle_plugins.websocket.frames import (
    CLOSE,
    PING,
    PONG,
    Violation,
    close_payload,
    frame,
    message_frame,
    parse_close,
    shared_frame,
)
from turnbuckle_plugins.websocket.handshake import Compression

__all__ = ["WireConnection"]

# Bytes that are dropped after a violation, so that the peer can read the reason before its connection is reset.
_MAX_DROPPED: Final = 4 * 1024 * 1024

# Bytes that a handler may send until the loop has a turn; each message counts as this many bytes more.
_MAX_SENT_IN_A_TURN: Final = 256 * 1024
_MESSAGE_COST: Final = 4096

_OPEN: Final = State.OPEN


@final
class WireConnection(FrameReader):
    """The frames of one WebSocket, and the channel of its messages.

    Args:
        response: accepts the WebSocket; the channel is attached to it.
        config: the settings.
        compression: the negotiated compression; None for none.

    Attributes:
        deadline: when ``expire`` is due.
    """

    __slots__ = (
        "_active",
        "_bytes_in",
        "_bytes_out",
        "_closed",
        "_dropped",
        "_end",
        "_heard",
        "_is_continuing",
        "_is_writing_paused",
        "_messages_in",
        "_messages_out",
        "_now",
        "_pinged",
        "_queue",
        "_queued",
        "_report",
        "_response",
        "_sent_in_this_turn",
        "_sweep",
        "_unread",
        "_waiter",
        "_write_due",
        "_writers",
        "deadline",
    )

    _report: Callable[[WebSocketClosed], None]

    def __init__(self, response: AcceptWebSocket, config: WebSocketConfig, compression: Compression | None) -> None:
        super().__init__(config, compression)
        self._response: AcceptWebSocket | None = response
        self._sweep: Final[Sweep] = response.sweep
        self._now: Final = response.sweep.clock.monotonic
        self._closed: WebSocketClosed | None = None
        self._queue: list[str | bytes] = []
        self._queued = 0
        self._is_writing_paused = self._is_continuing = False
        self._waiter: asyncio.Future[None] | None = None
        self._writers: list[asyncio.Future[None]] | None = None
        self._end: asyncio.Future[None] | None = None
        self._heard = self._active = self._now()
        self._pinged = self._write_due = math.inf
        self._unread = self._dropped = 0
        self._messages_in = self._bytes_in = self._messages_out = self._bytes_out = 0
        self._sent_in_this_turn = 0
        self.deadline = math.inf

    # -- calls of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Attach the channel; the handler continues."""
        # The transports of other loops need not derive from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        response, self._response = self._response, None
        if response is None:
            raise RuntimeError("the connection was made before")
        try:
            self._report = response.attach(self)
        except RuntimeError:
            # The handler was cancelled in between.
            self._report = _ignore
            self._transport.abort()
        self._arm(self._heard)
        self._sweep.add(self)

    def data_received(self, data: bytes) -> None:
        """Take the frames from received bytes."""
        self._heard = self._now()
        self._bytes_in += len(data)
        if self._state is State.CLOSED:
            self._drop(data)
        elif self._buffer is None:
            self._parse(data)
        else:
            self._buffer += data
            if not self._is_full and len(self._buffer) >= self._needed:
                self._parse(self._buffer)

    def eof_received(self) -> None:
        """React to the end of input without a close frame; the transport closes itself."""
        self._finish(WebSocketClosed(1006, "the connection was ended", was_clean=False))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the WebSocket, if it has not ended."""
        self._finish(WebSocketClosed(1006, "the connection was lost", was_clean=False))
        self.deadline = math.inf
        self._sweep.discard(self)

    def pause_writing(self) -> None:
        """Make senders wait, because the peer reads too slowly."""
        self._is_writing_paused = True
        self._unread = self._transport.get_write_buffer_size()
        now = self._now()
        self._write_due = now + (self._config.write_timeout or math.inf)
        if self._state is _OPEN:
            self._arm(now)

    def resume_writing(self) -> None:
        """Resume the senders that wait."""
        self._is_writing_paused = False
        self._write_due = math.inf
        writers, self._writers = self._writers, None
        for writer in writers or ():
            _wake(writer)

    def describe_end(self) -> SwitchedEnd:
        """Return the end of the connection for the access log; bytes are counted on the wire."""
        closed = self._closed
        code = closed.code if closed is not None else 1006
        reason = f" ({closed.reason})" if closed is not None and closed.reason else ""
        return SwitchedEnd(
            sent_bytes=self._bytes_out,
            is_complete=closed is not None and closed.was_clean,
            reason=f"{code}{reason}; {self._messages_in} messages received in {self._bytes_in} bytes, "
            f"{self._messages_out} sent",
        )

    def close_when_idle(self) -> None:
        """Close with 1001, because the server stops; the handler learns it at once."""
        if self._state is _OPEN:
            self._begin_close(WebSocketClosed(1001, "the server is stopping"))

    # -- from bytes to messages

    def _end_turn(self) -> None:
        """Stop reading until the next turn of the loop: small frames must not occupy it."""
        if not self._is_full:
            self._is_full = True
            self._transport.pause_reading()
            self._continue_later()

    def _continue_later(self) -> None:
        """Read on in the next turn of the loop, unless that is due already."""
        if not self._is_continuing:
            self._is_continuing = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_continuing = False
        if self._is_full and len(self._queue) <= self._config.queue // 2 and self._violation is None:
            self._continue_reading()

    def _receive_control(self, first: int, payload: bytes) -> None:
        if first == PING:
            if not self._is_writing_paused:
                # A peer that does not read needs no answers, which it could pile up here.
                self._transport.write(frame(PONG, payload))
        elif first == CLOSE:
            closed = parse_close(payload)
            if self._state is _OPEN:
                self._transport.write(frame(CLOSE, close_payload(closed.code, closed.reason)))
            self._finish(closed)
            self._transport.close()

    def _deliver(self, message: str | bytes) -> None:
        if self._state is not _OPEN:
            return
        queue, config = self._queue, self._config
        queue.append(message)
        self._queued += len(message)
        self._messages_in += 1
        if config.idle:
            self._active = self._heard
        if len(queue) >= config.queue or self._queued >= config.max_message:
            self._is_full = True
            self._transport.pause_reading()
        _wake(self._waiter)

    # -- the channel

    async def receive(self) -> str | bytes:
        """Return the next message; see ``MessageChannel``."""
        queue = self._queue
        while not queue:
            if self._violation is not None:
                self._fail(self._violation)
            if self._closed is not None:
                raise self._closed.with_traceback(None)
            if self._waiter is not None and not self._waiter.done():
                raise RuntimeError("another task is receiving from this WebSocket")
            self._waiter = waiter = asyncio.get_running_loop().create_future()
            try:
                await waiter
            finally:
                if self._waiter is waiter:
                    self._waiter = None
        message = queue.pop(0)
        self._queued -= len(message)
        if self._is_full and len(queue) <= self._config.queue // 2 and not self._is_continuing:
            # Not at once: a handler that never waits would take all messages of the buffer in this turn.
            self._continue_later()
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message; see ``MessageChannel``."""
        self._write(message, message_frame)
        self._sent_in_this_turn += len(message) + _MESSAGE_COST
        if self._is_writing_paused:
            self._sent_in_this_turn = 0
            await self._read_by_peer()
        elif self._sent_in_this_turn >= _MAX_SENT_IN_A_TURN:
            # A transport without a peer drops all data, and reports the loss in a later turn of the loop. A handler
            # that only sends would never give the loop this turn.
            self._sent_in_this_turn = 0
            await asyncio.sleep(0)

    def send_nowait(self, message: str | bytes) -> bool:
        """Send a message if the peer reads; see ``MessageChannel``."""
        if self._is_writing_paused and self._closed is None:
            return False
        self._write(message, shared_frame)
        return True

    def _write(self, message: str | bytes, encode: Callable[[str | bytes], bytes]) -> None:
        if self._closed is not None:
            # The frames of earlier raises would stay in memory.
            raise self._closed.with_traceback(None)
        if self._compression is not None and len(message) >= self._config.compression_minimum:
            data = (self._engine or self._make_engine()).send(message)
        else:
            data = encode(message)
        self._transport.write(data)
        self._messages_out += 1
        self._bytes_out += len(data)
        if self._config.idle:
            self._active = self._now()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket; see ``MessageChannel``."""
        if self._state is _OPEN:
            self._queue.clear()
            self._begin_close(WebSocketClosed(code, reason))
        if self._state is not State.CLOSED:
            if self._end is None:
                self._end = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._end)

    def _continue_reading(self) -> None:
        self._is_full = False
        self._transport.resume_reading()
        if self._buffer is not None:
            self._parse(self._buffer)

    async def _read_by_peer(self) -> None:
        writer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._writers is None:
            self._writers = []
        self._writers.append(writer)
        await writer
        if self._state is State.CLOSED and self._closed is not None:
            raise self._closed.with_traceback(None)

    # -- the end

    def _begin_close(self, closed: WebSocketClosed) -> None:
        """Send a close frame, and wait for the peer's."""
        if self._violation is not None:
            self._fail(self._violation)
            return
        self._transport.write(frame(CLOSE, close_payload(closed.code, closed.reason)))
        self._state = State.CLOSING
        self._arm_end()
        self._tell(closed)
        if self._is_full:
            self._continue_reading()

    def _refuse(self, violation: Violation) -> None:
        """Fail now, or once the handler has received the messages that came before."""
        if self._queue and self._state is _OPEN:
            self._violation = violation
            self._is_full = True
            self._transport.pause_reading()
            self._arm_end()
        else:
            self._fail(violation)

    def _fail(self, violation: Violation) -> None:
        """Send a close frame because the peer broke the protocol, and drop its input (RFC 6455, section 7.1.7)."""
        transport, self._violation = self._transport, None
        if self._state is _OPEN:
            transport.write(frame(CLOSE, close_payload(violation.code, violation.reason)))
        self._finish(WebSocketClosed(violation.code, violation.reason, was_clean=False))
        # If the socket was closed now, with input unread, the reset could destroy the close frame.
        if transport.can_write_eof():
            # If the peer is gone, the socket raises at once, and asyncio does not catch that.
            with suppress(OSError):
                transport.write_eof()
        if self._is_full:
            self._is_full = False
            transport.resume_reading()

    def _abort(self, reason: str) -> None:
        self._finish(WebSocketClosed(1006, reason, was_clean=False))
        self._transport.abort()

    def _finish(self, closed: WebSocketClosed) -> None:
        """Note that nothing will be received or sent any more."""
        if self._state is State.CLOSED:
            return
        self._state = State.CLOSED
        self._buffer = None
        self._arm_end()
        self._tell(closed)
        writers, self._writers = self._writers, None
        for waiter in (*(writers or ()), self._end):
            _wake(waiter)

    def _tell(self, closed: WebSocketClosed) -> None:
        if self._closed is None:
            self._closed = closed
            _wake(self._waiter)
            self._report(closed)

    def _drop(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > _MAX_DROPPED:
            self._transport.abort()

    # -- deadlines

    def _arm(self, now: float) -> None:
        config = self._config
        due = self._write_due
        if config.ping_interval:
            due = min(due, self._heard + config.ping_interval, self._pinged + config.ping_timeout)
        if config.idle:
            due = min(due, self._active + config.idle)
        self.deadline = max(due, now)

    def _arm_end(self) -> None:
        self.deadline = self._now() + (self._config.close_timeout or math.inf)

    def expire(self, now: float) -> None:
        """Act on the deadline, and set the next one."""
        if self._violation is not None:
            self._fail(self._violation)
        elif self._state is not _OPEN:
            self._abort("the peer did not close in time")
            self.deadline = math.inf
        elif now >= self._write_due and not self._has_read(now):
            self._abort("the peer reads too slowly")
        elif self._config.idle and now >= self._active + self._config.idle:
            self._begin_close(WebSocketClosed(1001, "no message for too long"))
        elif not self._is_alive(now):
            self._abort("no answer to a ping")
        else:
            self._arm(now)

    def _has_read(self, now: float) -> bool:
        unread = self._transport.get_write_buffer_size()
        if unread >= self._unread:
            return False
        self._unread, self._write_due = unread, now + self._config.write_timeout
        return True

    def _is_alive(self, now: float) -> bool:
        """Return whether the peer has answered the last ping, or may still do so; send the next one if it is due."""
        config = self._config
        if not config.ping_interval:
            return True
        if self._heard >= self._pinged or self._is_full:
            # Anything that was received is an answer. Of a peer whose messages are not read, none can be.
            self._pinged = math.inf
            if self._is_full:
                self._heard = now
        if config.ping_timeout and now >= self._pinged + config.ping_timeout:
            return False
        if now >= self._heard + config.ping_interval and math.isinf(self._pinged):
            self._pinged = now
            self._transport.write(frame(PING, b""))
        return True


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _ignore(closed: WebSocketClosed) -> None:
    """Take the end of a WebSocket that has no handler."""
