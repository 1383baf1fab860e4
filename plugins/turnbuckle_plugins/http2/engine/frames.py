"""The frames of HTTP/2: their types, flags, sizes and error codes, and the bytes of those that a server sends.

Nothing here has a state. ``engine.py`` decides which frames may be received and sent.

Sources: RFC 9113, sections 4, 6 and 7; RFC 8441, section 3; RFC 9218, sections 2.1 and 7.1.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable
from typing import Final, final

__all__ = [
    "ACK",
    "DATA",
    "DEFAULT_FRAME_SIZE",
    "DEFAULT_WINDOW",
    "END_HEADERS",
    "END_STREAM",
    "FRAME_HEAD",
    "MAX_STREAM_ID",
    "MAX_WINDOW",
    "PADDED",
    "PREFACE",
    "PRIORITY",
    "ErrorCode",
    "FrameType",
    "SettingId",
    "data_head",
    "frame",
    "goaway_frame",
    "header_frames",
    "headers_head",
    "parse_settings",
    "reset_frame",
    "settings_frame",
    "window_update_frame",
]

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""The first bytes of a client (RFC 9113, section 3.4); a SETTINGS frame follows."""

FRAME_HEAD: Final = struct.Struct(">BHBBL")
"""The nine bytes before each payload: its length in two parts, type, flags, and stream with a reserved bit."""

DEFAULT_FRAME_SIZE: Final = 16384
"""The largest payload unless SETTINGS_MAX_FRAME_SIZE allows more; this server never does."""

DEFAULT_WINDOW: Final = 65535
"""Both flow-control windows before any SETTINGS or WINDOW_UPDATE frame."""

MAX_WINDOW: Final = 2**31 - 1
MAX_STREAM_ID: Final = 2**31 - 1

# Flags (section 6). ACK has the value of END_STREAM; it belongs to other frames.
ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITY: Final = 0x20

DATA: Final = 0x0


@final
class FrameType(enum.IntEnum):
    """The types of frames (section 6, and RFC 9218, section 7.1)."""

    DATA = 0x0
    HEADERS = 0x1
    PRIORITY = 0x2
    RST_STREAM = 0x3
    SETTINGS = 0x4
    PUSH_PROMISE = 0x5
    PING = 0x6
    GOAWAY = 0x7
    WINDOW_UPDATE = 0x8
    CONTINUATION = 0x9
    PRIORITY_UPDATE = 0x10


@final
class SettingId(enum.IntEnum):
    """The settings (section 6.5.2; RFC 8441, section 3; RFC 9218, section 2.1)."""

    HEADER_TABLE_SIZE = 0x1
    ENABLE_PUSH = 0x2
    MAX_CONCURRENT_STREAMS = 0x3
    INITIAL_WINDOW_SIZE = 0x4
    MAX_FRAME_SIZE = 0x5
    MAX_HEADER_LIST_SIZE = 0x6
    ENABLE_CONNECT_PROTOCOL = 0x8
    NO_RFC7540_PRIORITIES = 0x9


@final
class ErrorCode(enum.IntEnum):
    """The error codes (section 7)."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


_pack_head: Final = FRAME_HEAD.pack
_pack_long: Final = struct.Struct(">L").pack
_SETTING: Final = struct.Struct(">HL")


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Return the bytes of a frame; the payload is at most 65535 bytes long."""
    return _pack_head(0, len(payload), kind, flags, stream_id) + payload


def data_head(size: int, stream_id: int, *, ends: bool) -> bytes:
    """Return the nine bytes before ``size`` bytes of data."""
    return _pack_head(0, size, DATA, END_STREAM if ends else 0, stream_id)


def headers_head(size: int, stream_id: int, *, ends: bool) -> bytes:
    """Return the nine bytes before a complete field block of ``size`` bytes."""
    return _pack_head(0, size, 1, END_HEADERS | END_STREAM if ends else END_HEADERS, stream_id)


def header_frames(block: bytes, stream_id: int, frame_size: int, *, ends: bool) -> bytes:
    """Return a field block in a HEADERS frame and as many CONTINUATION frames as it needs (section 4.3)."""
    flags = END_STREAM if ends else 0
    if len(block) <= frame_size:
        return _pack_head(0, len(block), FrameType.HEADERS, flags | END_HEADERS, stream_id) + block
    frames = [frame(FrameType.HEADERS, flags, stream_id, block[:frame_size])]
    for start in range(frame_size, len(block), frame_size):
        piece = block[start : start + frame_size]
        is_last = start + frame_size >= len(block)
        frames.append(frame(FrameType.CONTINUATION, END_HEADERS if is_last else 0, stream_id, piece))
    return b"".join(frames)


def reset_frame(stream_id: int, code: ErrorCode) -> bytes:
    """Return RST_STREAM (section 6.4)."""
    return frame(FrameType.RST_STREAM, 0, stream_id, _pack_long(code))


def window_update_frame(stream_id: int, increment: int) -> bytes:
    """Return WINDOW_UPDATE (section 6.9)."""
    return frame(FrameType.WINDOW_UPDATE, 0, stream_id, _pack_long(increment))


def goaway_frame(last_stream_id: int, code: ErrorCode, reason: str = "") -> bytes:
    """Return GOAWAY (section 6.8), with the reason in words."""
    payload = _pack_long(last_stream_id) + _pack_long(code) + reason.encode("ascii", "replace")
    return frame(FrameType.GOAWAY, 0, 0, payload)


def settings_frame(settings: Iterable[tuple[SettingId, int]]) -> bytes:
    """Return SETTINGS (section 6.5)."""
    return frame(FrameType.SETTINGS, 0, 0, b"".join(_SETTING.pack(name, value) for name, value in settings))


def parse_settings(payload: bytes) -> list[tuple[int, int]]:
    """Return the settings in a payload, whose length is a multiple of six, in order; unknown ones are among them."""
    return list(_SETTING.iter_unpack(payload))
