"""Send responses within the windows of the peer, and share the connection between streams.

Heads leave at once. Data waits in its stream until the stream and the connection have a window and the transport takes
bytes. Of the streams that can send, the most urgent ones take turns of one frame each (RFC 9218, section 10).

Sources: RFC 9113, sections 5.2, 6.1 and 6.9; RFC 9218, sections 4 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, final

from turnbuckle_plugins.http2.engine.errors import ConnectionFault
from turnbuckle_plugins.http2.engine.events import Stream
from turnbuckle_plugins.http2.engine.field_codec import FieldEncoder, FieldPair
from turnbuckle_plugins.http2.engine.frames import (
    DEFAULT_FRAME_SIZE,
    DEFAULT_WINDOW,
    MAX_WINDOW,
    ErrorCode,
    data_head,
    header_frames,
    headers_head,
)

__all__ = ["Sender"]


@final
class Sender:
    """The sending half of a connection.

    Attributes:
        out: bytes that must be sent, in order.
        window: bytes of data that the peer allows on the connection.
        initial_window: the window of a new stream.
        waiting: the streams with data that was not sent, in the order of their turns.
        encoder: the encoder of field blocks.
        data_frames: number of DATA frames that were sent.
        is_paused: whether the transport takes no data at the moment.
    """

    __slots__ = (
        "_on_end",
        "data_frames",
        "encoder",
        "frame_size",
        "initial_window",
        "is_paused",
        "out",
        "waiting",
        "window",
    )

    def __init__(self, on_end: Callable[[Stream], object]) -> None:
        self.out: list[bytes | memoryview] = []
        self.window = DEFAULT_WINDOW
        self.initial_window = DEFAULT_WINDOW
        # Larger frames would let one stream occupy the connection for longer.
        self.frame_size = DEFAULT_FRAME_SIZE
        self.waiting: Final[dict[int, Stream]] = {}
        self.encoder: Final = FieldEncoder()
        self.data_frames = 0
        self.is_paused = False
        self._on_end: Final = on_end

    def send_head(self, stream: Stream, status: int, fields: Sequence[FieldPair], *, ends: bool) -> None:
        """Send the head of a response, or of an interim response."""
        if stream.is_closed:
            return
        block = self.encoder.encode_response(status, fields)
        self._append_block(stream, block, ends=ends)

    def send_data(self, stream: Stream, data: bytes, *, ends: bool) -> None:
        """Send data, or store it until it can be sent."""
        size = len(data)
        if stream.is_closed:
            return
        if (
            size <= self.frame_size
            and not stream.pending_size
            and size <= stream.send_window
            and size <= self.window
            and not self.waiting
            and not self.is_paused
        ):
            self.out.append(data_head(size, stream.id, ends=ends))
            self.out.append(data)
            stream.send_window -= size
            self.window -= size
            self.data_frames += 1
            if ends:
                stream.is_sending_done = True
                self._on_end(stream)
            return
        if size:
            stream.pending.append(data)
            stream.pending_size += size
        stream.ends_after = ends
        self.waiting[stream.id] = stream

    def send_trailers(self, stream: Stream, fields: Sequence[FieldPair]) -> None:
        """Send trailer fields, which end the response, after the data."""
        if stream.is_closed:
            return
        if stream.pending_size:
            stream.trailers, stream.ends_after = tuple(fields), True
        else:
            self._append_block(stream, self.encoder.encode_trailers(fields), ends=True)

    def forget(self, stream: Stream) -> None:
        """Drop the data of a stream."""
        stream.pending.clear()
        stream.pending_size = 0
        self.waiting.pop(stream.id, None)

    def add_window(self, increment: int) -> None:
        """Add to the window of the connection.

        Raises:
            ConnectionFault: it becomes too large.
        """
        self.window += increment
        if self.window > MAX_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "the window of the connection exceeds 2^31-1")

    def produce(self, most: int) -> None:
        """Move up to about ``most`` bytes of waiting data to ``out``."""
        while self.waiting and most > 0 and self.window > 0:
            turn = self._turn()
            if not turn:
                return
            for stream in turn:
                sent = self._send_some(stream)
                most -= sent
                if self.window <= 0 or most <= 0:
                    break

    def _turn(self) -> list[Stream]:
        """Return the streams that send next, one frame each."""
        able = [stream for stream in self.waiting.values() if stream.send_window > 0 or not stream.pending_size]
        if len(able) < 2:
            return able
        urgency = min(stream.priority.urgency for stream in able)
        first: Stream | None = None
        turn: list[Stream] = []
        for stream in able:
            if stream.priority.urgency != urgency:
                continue
            if stream.priority.is_incremental:
                turn.append(stream)
            elif first is None or stream.id < first.id:
                first = stream
        if first is not None:
            turn.append(first)
        return turn

    def _send_some(self, stream: Stream) -> int:
        """Send one frame of a stream, and put the stream behind the others; return the bytes."""
        pieces, size = _next_pieces(stream, min(self.frame_size, self.window, stream.send_window))
        del self.waiting[stream.id]
        is_last = not stream.pending_size
        if not is_last:
            self.waiting[stream.id] = stream
        ends = is_last and stream.ends_after and not stream.trailers
        if size or ends:
            self.out.append(data_head(size, stream.id, ends=ends))
            self.out += pieces
            stream.send_window -= size
            self.window -= size
            self.data_frames += 1
        if ends:
            stream.is_sending_done = True
            self._on_end(stream)
        elif is_last and stream.trailers:
            self._append_block(stream, self.encoder.encode_trailers(stream.trailers), ends=True)
        return size

    def _append_block(self, stream: Stream, block: bytes, *, ends: bool) -> None:
        if len(block) <= self.frame_size:
            self.out.append(headers_head(len(block), stream.id, ends=ends))
            self.out.append(block)
        else:
            self.out.append(header_frames(block, stream.id, self.frame_size, ends=ends))
        if ends:
            stream.is_sending_done = True
            self._on_end(stream)


def _next_pieces(stream: Stream, most: int) -> tuple[list[bytes | memoryview], int]:
    """Take up to ``most`` bytes from the pending data of a stream."""
    pending = stream.pending
    pieces: list[bytes | memoryview] = []
    size = 0
    while pending and size < most:
        piece = pending[0]
        if size + len(piece) <= most:
            pending.popleft()
        else:
            # Without a copy of the rest, which may be many times as long.
            view = memoryview(piece)
            piece, pending[0] = view[: most - size], view[most - size :]
        pieces.append(piece)
        size += len(piece)
    stream.pending_size -= size
    return pieces, size
