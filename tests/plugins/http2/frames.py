"""Write and read the frames of HTTP/2 (RFC 9113, section 4.1), also frames that no library would write.

Field blocks are written as literals without a table (RFC 7541, section 6.2.2), so that a test can send every byte in
every field. Only responses are decoded by ``hpack``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from struct import pack, unpack_from
from typing import Final, NamedTuple

__all__ = [
    "PREFACE",
    "Code",
    "Flag",
    "Frame",
    "Kind",
    "Setting",
    "block",
    "continuation",
    "data",
    "frame",
    "get",
    "goaway",
    "headers",
    "integer",
    "ping",
    "post",
    "priority",
    "read_frames",
    "request",
    "rst_stream",
    "settings",
    "window_update",
]

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD_SIZE: Final = 9

Fields = Iterable[tuple[bytes, bytes]]


class Kind(IntEnum):
    """Types of frames (section 6, and RFC 9218, section 7.1)."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9
    PRIORITY_UPDATE = 16
    UNKNOWN = 99


class Flag(IntEnum):
    """Flags of frames."""

    ACK = 1
    END_STREAM = 1
    END_HEADERS = 4
    PADDED = 8
    PRIORITY = 32


class Setting(IntEnum):
    """Settings (section 6.5.2, and RFC 8441, section 3)."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6
    ENABLE_CONNECT_PROTOCOL = 8
    UNKNOWN = 99


class Code(IntEnum):
    """Error codes (section 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


class Frame(NamedTuple):
    """A received frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """The error code of RST_STREAM or GOAWAY."""
        found: int = unpack_from(">L", self.payload, 4 if self.kind == Kind.GOAWAY else 0)[0]
        return found

    def has(self, flag: Flag) -> bool:
        """Return whether a flag is set."""
        return bool(self.flags & flag)

    def settings(self) -> dict[int, int]:
        """Return the values of a SETTINGS frame."""
        return dict(unpack_from(">HL", self.payload, at) for at in range(0, len(self.payload), 6))


def read_frames(received: bytes) -> Iterator[Frame]:
    """Yield the complete frames."""
    at = 0
    while len(received) - at >= _HEAD_SIZE:
        high, low, kind, flags, stream = unpack_from(">BHBBL", received, at)
        end = at + _HEAD_SIZE + (high << 16 | low)
        if len(received) < end:
            return
        yield Frame(kind, flags, stream, received[at + _HEAD_SIZE : end])
        at = end


def frame(kind: int, payload: bytes = b"", *, stream: int = 0, flags: int = 0) -> bytes:
    """Return a frame, whatever its parts are."""
    size = len(payload)
    return pack(">BHBBL", size >> 16, size & 0xFFFF, kind, flags, stream) + payload


# -- fields


def integer(value: int, bits: int, first: int = 0) -> bytes:
    """Return an integer with a prefix of ``bits`` bits (RFC 7541, section 5.1); ``first`` has the bits before it."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    encoded = bytearray((first | most,))
    value -= most
    while value > 0x7F:
        encoded.append(0x80 | value & 0x7F)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def block(fields: Fields, *, first: int = 0) -> bytes:
    """Return a field block of literals with new names; ``first=0x40`` adds each one to the table."""
    return b"".join(
        bytes((first,)) + integer(len(name), 7) + name + integer(len(value), 7) + value for name, value in fields
    )


def request(method: bytes = b"GET", path: bytes = b"/", *fields: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Return the fields of a request."""
    pseudo = [(b":method", method), (b":scheme", b"http"), (b":authority", b"testserver"), (b":path", path)]
    return [*pseudo, *fields]


# -- frames


def headers(
    stream: int,
    fields: Fields | bytes,
    *,
    ends: bool = True,
    is_complete: bool = True,
    flags: int = 0,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Return a HEADERS frame.

    Args:
        fields: the fields, or the encoded block.
        ends: whether it ends the stream.
        is_complete: whether no CONTINUATION follows.
        flags: further flags, for ``before`` and ``after``.
        before: the length of the padding and the priority.
        after: the padding.
    """
    encoded = fields if isinstance(fields, bytes) else block(fields)
    flags |= Flag.END_STREAM * ends | Flag.END_HEADERS * is_complete
    return frame(Kind.HEADERS, before + encoded + after, stream=stream, flags=flags)


def get(stream: int, path: bytes = b"/", *fields: tuple[bytes, bytes]) -> bytes:
    """Return a whole GET request."""
    return headers(stream, request(b"GET", path, *fields))


def post(stream: int, path: bytes = b"/", *fields: tuple[bytes, bytes]) -> bytes:
    """Return the head of a POST request whose content follows."""
    return headers(stream, request(b"POST", path, *fields), ends=False)


def continuation(stream: int, part: bytes = b"", *, is_complete: bool = False) -> bytes:
    """Return a CONTINUATION frame."""
    return frame(Kind.CONTINUATION, part, stream=stream, flags=Flag.END_HEADERS * is_complete)


def data(stream: int, content: bytes = b"", *, ends: bool = False, padding: int | None = None) -> bytes:
    """Return a DATA frame; ``padding`` is the number of bytes of padding, without the byte for their number."""
    flags = Flag.END_STREAM * ends
    if padding is None:
        return frame(Kind.DATA, content, stream=stream, flags=flags)
    return frame(Kind.DATA, bytes((padding,)) + content + bytes(padding), stream=stream, flags=flags | Flag.PADDED)


def settings(*values: tuple[int, int], ack: bool = False) -> bytes:
    """Return a SETTINGS frame."""
    return frame(Kind.SETTINGS, b"".join(pack(">HL", *value) for value in values), flags=Flag.ACK * ack)


def window_update(stream: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame."""
    return frame(Kind.WINDOW_UPDATE, pack(">L", increment), stream=stream)


def rst_stream(stream: int, code: int = Code.CANCEL) -> bytes:
    """Return a RST_STREAM frame."""
    return frame(Kind.RST_STREAM, pack(">L", code), stream=stream)


def ping(payload: bytes = b"12345678", *, ack: bool = False) -> bytes:
    """Return a PING frame."""
    return frame(Kind.PING, payload, flags=Flag.ACK * ack)


def goaway(code: int = Code.NO_ERROR, last_stream: int = 0) -> bytes:
    """Return a GOAWAY frame."""
    return frame(Kind.GOAWAY, pack(">LL", last_stream, code))


def priority(stream: int, depends_on: int = 0, weight: int = 15) -> bytes:
    """Return a PRIORITY frame."""
    return frame(Kind.PRIORITY, pack(">LB", depends_on, weight), stream=stream)


def in_continuations(stream: int, encoded: bytes, sizes: Sequence[int]) -> bytes:
    """Return a field block as HEADERS of no content and CONTINUATION frames with parts of these sizes."""
    parts = []
    for size in sizes:
        parts.append(encoded[:size])
        encoded = encoded[size:]
    parts.append(encoded)
    first, *others = parts
    frames = [headers(stream, first, is_complete=not others)]
    for number, part in enumerate(others, 1):
        frames.append(continuation(stream, part, is_complete=number == len(others)))
    return b"".join(frames)
