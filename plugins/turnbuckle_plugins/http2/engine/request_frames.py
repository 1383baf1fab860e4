"""The frames of requests: HEADERS, CONTINUATION, DATA and RST_STREAM.

Sources: RFC 9113, sections 4.3, 5.1, 6.1, 6.2, 6.4, 6.10 and 8.1.
"""

from __future__ import annotations

from typing import Final, final

from turnbuckle_plugins.http2.engine.errors import ConnectionFault, StreamFault
from turnbuckle_plugins.http2.engine.events import DataReceived, MessageEnded, RequestReceived, Stream, StreamReset
from turnbuckle_plugins.http2.engine.field_codec import FieldPair
from turnbuckle_plugins.http2.engine.frames import (
    END_HEADERS,
    END_STREAM,
    MAX_STREAM_ID,
    PADDED,
    PRIORITY,
    ErrorCode,
    reset_frame,
)
from turnbuckle_plugins.http2.engine.priorities import parse_priority
from turnbuckle_plugins.http2.engine.state import EngineState
from turnbuckle_plugins.http2.engine.stream_map import ClosedBy

__all__ = ["RequestFrames"]


@final
class RequestFrames:
    """The reader of the frames of requests.

    Attributes:
        block: the field block that has begun; no other frame may come before its end.
    """

    def __init__(self, state: EngineState) -> None:
        self.block: OpenBlock | None = None
        self._state: Final = state

    def headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Begin a field block, and read it if it is complete."""
        if not stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0")
        fragment = _without_padding(payload) if flags & PADDED else payload
        depends_on_itself = False
        if flags & PRIORITY:
            if len(fragment) < 5:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "HEADERS is too short for its priority")
            depends_on_itself = int.from_bytes(fragment[:4]) & MAX_STREAM_ID == stream_id
            fragment = fragment[5:]
        if flags & END_HEADERS:
            self._complete(stream_id, fragment, ends=flags & END_STREAM != 0, depends_on_itself=depends_on_itself)
        else:
            self.block = OpenBlock(stream_id, flags & END_STREAM != 0, depends_on_itself, fragment)

    def continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Continue a field block."""
        block = self.block
        if block is None:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without HEADERS")
        block.pieces.append(payload)
        block.size += len(payload)
        if len(block.pieces) > self._state.settings.continuations + 1:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many CONTINUATION frames")
        if block.size > 2 * self._state.settings.field_section:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a field block is far too large")
        if flags & END_HEADERS:
            self.block = None
            fragment = b"".join(block.pieces)
            self._complete(stream_id, fragment, ends=block.ends, depends_on_itself=block.depends_on_itself)

    def _complete(self, stream_id: int, fragment: bytes, *, ends: bool, depends_on_itself: bool) -> None:
        state = self._state
        stream = state.streams.open.get(stream_id)
        if stream is not None:
            self._trailers(stream, fragment, ends=ends)
        elif not stream_id % 2:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the peer opens a stream with an even number")
        elif stream_id <= state.streams.highest:
            self._late_headers(stream_id, fragment)
        elif stream_id > state.last_accepted or state.busy >= state.settings.max_streams:
            self._refuse(stream_id, fragment)
        else:
            self._open(stream_id, fragment, ends=ends)
        if depends_on_itself:
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "the stream depends on itself")

    def _late_headers(self, stream_id: int, fragment: bytes) -> None:
        closed_by = self._state.streams.closed_by(stream_id)
        if closed_by is None:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"stream {stream_id} is opened after a higher one")
        if closed_by is not ClosedBy.SERVER:
            raise ConnectionFault(ErrorCode.STREAM_CLOSED, f"HEADERS on stream {stream_id}, which is closed")
        self._state.spend_control("frames on streams that were reset")
        self._state.decoder.skip(stream_id, fragment)

    def _refuse(self, stream_id: int, fragment: bytes) -> None:
        state = self._state
        state.streams.use(stream_id)
        state.streams.remember(stream_id, ClosedBy.SERVER)
        if stream_id > state.last_accepted:
            # The peer knows from GOAWAY that the request is not processed.
            state.spend_control("requests after GOAWAY")
        else:
            state.spend_resets(1, "streams beyond the limit")
            state.sender.out.append(reset_frame(stream_id, ErrorCode.REFUSED_STREAM))
        state.decoder.skip(stream_id, fragment)

    def _open(self, stream_id: int, fragment: bytes, *, ends: bool) -> None:
        state = self._state
        state.streams.use(stream_id)
        state.busy += 1
        fields = state.decoder.request(stream_id, fragment, ends=ends)
        if fields.protocol and not state.settings.accepts_connect:
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "extended CONNECT, which SETTINGS does not allow")
        expected = fields.content_length
        if expected and ends:
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "Content-Length announces content, and there is none")
        stream = Stream(stream_id, state.sender.initial_window, state.settings.stream_window, expected)
        stream.has_ended = ends
        early = state.early_priorities.pop(stream_id, None) if state.early_priorities else None
        priority = fields.priority if early is None else early
        if priority is not None:
            stream.priority = parse_priority(priority)
        state.streams.open[stream_id] = stream
        state.events.append(RequestReceived(stream, fields, ends))

    def _trailers(self, stream: Stream, fragment: bytes, *, ends: bool) -> None:
        decoder = self._state.decoder
        if stream.has_ended:
            decoder.skip(stream.id, fragment)
            raise StreamFault(ErrorCode.STREAM_CLOSED, "HEADERS after the end of the request")
        if not ends:
            decoder.skip(stream.id, fragment)
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "trailers do not end the stream")
        self._end_message(stream, decoder.trailers(stream.id, fragment))

    def data(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Take content."""
        if not stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0")
        size = len(payload)
        self._state.window -= size
        if self._state.window < 0:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "DATA beyond the window of the connection")
        data = _without_padding(payload) if flags & PADDED else payload
        if not data and not flags & END_STREAM:
            self._state.spend_control("empty DATA frames")
        stream = self._state.streams.open.get(stream_id)
        if stream is None:
            self._late_data(stream_id, size)
            return
        stream.receive_window -= size
        stream.received += len(data)
        fault = _data_fault(stream)
        if fault is not None:
            self._state.consume_connection(size)
            raise fault
        if size > len(data):
            self._state.consume(stream, size - len(data))
        if data:
            self._state.events.append(DataReceived(stream, data))
        if flags & END_STREAM:
            self._end_message(stream, ())

    def _late_data(self, stream_id: int, size: int) -> None:
        if self._state.streams.is_idle(stream_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "DATA on a stream that was not opened")
        self._state.consume_connection(size)
        if self._state.streams.closed_by(stream_id) is not ClosedBy.SERVER:
            raise StreamFault(ErrorCode.STREAM_CLOSED, "DATA on a closed stream")

    def _end_message(self, stream: Stream, trailers: tuple[FieldPair, ...]) -> None:
        if stream.expected is not None and stream.received != stream.expected:
            reason = f"content of {stream.received} bytes does not match the Content-Length of {stream.expected}"
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, reason)
        stream.has_ended = True
        self._state.events.append(MessageEnded(stream, trailers))
        if stream.is_sending_done:
            self._state.close(stream, ClosedBy.END)

    def rst_stream(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Close a stream that the peer has reset."""
        if len(payload) != 4:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM has not 4 bytes")
        if not stream_id or self._state.streams.is_idle(stream_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on a stream that was not opened")
        stream = self._state.streams.open.get(stream_id)
        if stream is None:
            self._state.spend_control("RST_STREAM frames on closed streams")
            return
        self._state.close(stream, ClosedBy.PEER)
        self._state.events.append(StreamReset(stream, int.from_bytes(payload)))
        self._state.spend_resets(1, "streams reset by the peer")


@final
class OpenBlock:
    """A field block that has begun.

    Attributes:
        stream_id: its stream.
        ends: whether its HEADERS frame has ended the stream.
        depends_on_itself: whether the priority in the frame is an error.
        pieces: the fragments.
        size: their bytes.
        began: the number of the frame; 0 until the frame is read.
    """

    __slots__ = ("began", "depends_on_itself", "ends", "pieces", "size", "stream_id")

    def __init__(self, stream_id: int, ends: bool, depends_on_itself: bool, fragment: bytes) -> None:
        self.stream_id: Final = stream_id
        self.ends: Final = ends
        self.depends_on_itself: Final = depends_on_itself
        self.pieces: Final = [fragment]
        self.size = len(fragment)
        self.began = 0


def _without_padding(payload: bytes) -> bytes:
    """Return the payload of DATA or HEADERS without its padding (section 6.1)."""
    if not payload:
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a padded frame is empty")
    if payload[0] >= len(payload):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the padding is longer than its frame")
    return payload[1 : len(payload) - payload[0]]


def _data_fault(stream: Stream) -> StreamFault | None:
    if stream.has_ended:
        return StreamFault(ErrorCode.STREAM_CLOSED, "DATA after the end of the request")
    if stream.receive_window < 0:
        return StreamFault(ErrorCode.FLOW_CONTROL_ERROR, "DATA beyond the window of the stream")
    if stream.expected is not None and stream.received > stream.expected:
        return StreamFault(ErrorCode.PROTOCOL_ERROR, f"content exceeds the Content-Length of {stream.expected} bytes")
    return None
