"""Decode the fields of requests with the library zttp, which is written in Zig.

zttp has no interface for single field blocks, so a decoder drives a connection of zttp: it passes on the blocks in
HEADERS frames, and reads requests and trailers. The frames that zttp would send are dropped, because the engine
answers.

A connection of zttp ends after 4096 streams or 256 errors, which a connection with a client survives. Before that, the
engine empties the client's table (RFC 7541, section 4.2) and calls ``renew``, which goes on with a new one.

zttp drops the trailers of requests with a Content-Length, and does not report ``:scheme``, which is not checked.

Sources: RFC 9113, sections 4.3, 6.2 and 8; RFC 7541, section 4.2.
"""

from __future__ import annotations

from typing import Final, final

import zttp

from turnbuckle_plugins.http2.engine.errors import ConnectionFault, StreamFault
from turnbuckle_plugins.http2.engine.field_codec import FieldPair
from turnbuckle_plugins.http2.engine.frames import (
    DEFAULT_FRAME_SIZE,
    PREFACE,
    ErrorCode,
    FrameType,
    frame,
    header_frames,
    headers_head,
)
from turnbuckle_plugins.http2.engine.request_fields import RequestFields, check_request, check_trailers, parse_length

__all__ = ["ZttpDecoder"]

# Below the limits of zttp, because the client takes a moment to empty its table.
_MAX_BLOCKS: Final = 3000
_MAX_ERRORS: Final = 128

# Streams of incomplete requests that were reset, and whose trailers may follow.
_MAX_KEPT: Final = 24

_SPECIAL: Final = frozenset({b"content-length", b"cookie", b"priority"})

# Every 64 blocks.
_MANY: Final = 63


@final
class ZttpDecoder:
    """The decoder of one connection.

    Args:
        max_size: not used: zttp has its own limit of 64 KiB.
    """

    __slots__ = ("_blocks", "_connection", "_errors", "_highest", "_kept", "_open")

    def __init__(self, max_size: int) -> None:
        self._connection = _new_connection()
        self._blocks = 0
        self._errors = 0
        self._highest = 0
        # Whether the request on a stream has a Content-Length.
        self._open: Final[dict[int, bool]] = {}
        self._kept: Final[dict[int, None]] = {}

    @property
    def is_worn(self) -> bool:
        """Whether the decoder should be renewed."""
        return self._blocks >= _MAX_BLOCKS or self._errors >= _MAX_ERRORS

    def renew(self) -> None:
        """Go on with an empty table."""
        self._connection = _new_connection()
        self._blocks = self._errors = 0
        self._open.clear()
        self._kept.clear()

    def request(self, stream_id: int, block: bytes, *, ends: bool) -> RequestFields:
        """Return the fields of a request."""
        event = self._decode(stream_id, block, ends=ends)
        if type(event) is not zttp.Request:
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "the request is malformed")
        request = _request_of(event)
        if ends:
            if request.content_length:
                # zttp reports this error after the request; the engine finds it as well.
                self._connection.next_event()
                self._errors += 1
            self._connection.stream(stream_id).reset()
        else:
            self._open[stream_id] = request.content_length is not None
        check_request(request)
        return request

    def trailers(self, stream_id: int, block: bytes) -> tuple[FieldPair, ...]:
        """Return the trailer fields of a request."""
        may_be_correct = self._open.get(stream_id, True)
        event = self._decode_known(stream_id, block)
        if isinstance(event, zttp.EndOfMessage):
            return check_trailers(event.trailers)
        if not may_be_correct:
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "the trailers are malformed")
        # zttp has seen no content, and finds it shorter than its Content-Length, or does not know the stream any more.
        return ()

    def skip(self, stream_id: int, block: bytes) -> None:
        """Decode a block for its changes of the table."""
        if stream_id in self._open or stream_id in self._kept:
            self._decode_known(stream_id, block)
        elif stream_id <= self._highest:
            # zttp has forgotten the stream, and cannot decode its blocks.
            raise ConnectionFault(ErrorCode.STREAM_CLOSED, f"HEADERS on stream {stream_id}, which is closed")
        else:
            self._decode(stream_id, block, ends=True)
            self._connection.stream(stream_id).reset()

    def release(self, stream_id: int, *, may_continue: bool) -> None:
        """Forget a stream, at once or after its trailers."""
        if stream_id not in self._open:
            return
        self._open.pop(stream_id, None)
        if not may_continue:
            self._connection.stream(stream_id).reset()
            return
        self._kept[stream_id] = None
        if len(self._kept) > _MAX_KEPT:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._connection.stream(oldest).reset()

    def _decode_known(self, stream_id: int, block: bytes) -> object:
        event = self._decode(stream_id, block, ends=True)
        self._open.pop(stream_id, None)
        self._kept.pop(stream_id, None)
        self._connection.stream(stream_id).reset()
        return event

    def _decode(self, stream_id: int, block: bytes, *, ends: bool) -> object:
        connection, size = self._connection, len(block)
        self._blocks += 1
        if not self._blocks & _MANY:
            # Frames that zttp would send, which are dropped.
            connection.data_to_send()
        self._highest = max(self._highest, stream_id)
        try:
            if size <= DEFAULT_FRAME_SIZE:
                connection.receive_data(headers_head(size, stream_id, ends=ends) + block)
            else:
                connection.receive_data(header_frames(block, stream_id, DEFAULT_FRAME_SIZE, ends=ends))
            event = connection.next_event()
        except zttp.ProtocolError as error:
            raise ConnectionFault(_code_of(connection.data_to_send()), f"a field block is refused: {error}") from error
        if type(event) is zttp.RstStream:
            self._errors += 1
        return event


def _new_connection() -> zttp.H2Connection:
    connection = zttp.Connection(zttp.SERVER, zttp.HTTP2)
    connection.initiate_connection()
    connection.receive_data(PREFACE + frame(FrameType.SETTINGS, 0, 0))
    while connection.next_event() is not zttp.NEED_DATA:
        pass
    return connection


def _code_of(frames: bytes) -> ErrorCode:
    """Return the code of the GOAWAY frame that zttp would send last."""
    if frames[-14:-13] == bytes([FrameType.GOAWAY]):
        return ErrorCode(int.from_bytes(frames[-4:]))
    return ErrorCode.COMPRESSION_ERROR


def _request_of(event: zttp.Request) -> RequestFields:
    fields, length, priority = list(event.headers), None, None
    if not _SPECIAL.isdisjoint([pair[0] for pair in fields]):
        fields, length, priority = _without_special(fields)
    if fields and fields[-1][0] == b"host":
        # zttp makes it of :authority, and appends it.
        fields.insert(0, fields.pop())
    protocol = event.protocol or b""
    expects = event.expect_continue
    return RequestFields(event.method, event.target, tuple(fields), length, protocol, priority, expects)


def _without_special(pairs: list[FieldPair]) -> tuple[list[FieldPair], int | None, bytes | None]:
    """Return fields with one Cookie and with Host as the last field, the Content-Length, and the Priority."""
    length: int | None = None
    priority: bytes | None = None
    cookies: list[bytes] = []
    fields: list[FieldPair] = []
    for pair in pairs:
        name, value = pair
        if name == b"cookie":
            cookies.append(value)
            continue
        if name == b"content-length":
            length = parse_length(value)
        elif name == b"priority":
            priority = value
        fields.append(pair)
    host = next((pair for pair in fields if pair[0] == b"host"), None)
    if cookies:
        fields.append((b"cookie", b"; ".join(cookies)))
    if host is not None:
        fields.remove(host)
        fields.append(host)
    return fields, length, priority
