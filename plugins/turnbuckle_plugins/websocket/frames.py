"""Read the headers of frames, and write frames without compression (RFC 6455, section 5.2).

::

     0               1               2               3
    +-+-+-+-+-------+-+-------------+-------------------------------+
    |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
    |I|S|S|S|  (4)  |A|     (7)     |             (16/64)           |
    |N|V|V|V|       |S|             |   (if payload len==126/127)   |
    | |1|2|3|       |K|             |                               |
    +-+-+-+-+-------+-+-------------+-------------------------------+
"""

from __future__ import annotations

import asyncio
import struct
from typing import Final

from websockets.exceptions import ProtocolError
from websockets.frames import Close

from turnbuckle import WebSocketClosed

__all__ = [
    "BINARY",
    "CLOSE",
    "PING",
    "PONG",
    "TEXT",
    "Violation",
    "check_header",
    "close_payload",
    "frame",
    "message_frame",
    "parse_close",
    "shared_frame",
]

# The first byte of a whole message, or of a control frame: FIN and the opcode.
TEXT: Final = 0x81
BINARY: Final = 0x82
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A

_OPCODES: Final = frozenset({0, 1, 2, 8, 9, 10})
_MAX_CONTROL: Final = 125

_SHORT: Final = struct.Struct("!BB").pack
_MEDIUM: Final = struct.Struct("!BBH").pack
_LONG: Final = struct.Struct("!BBQ").pack

# The last message whose frame may be shared, with its frame, until the end of the turn of the loop; or nothing.
_recent: Final[list[tuple[str | bytes, bytes]]] = []


class Violation(Exception):
    """The peer broke the protocol or a limit; its connection is closed with ``code``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code: Final = code
        self.reason: Final = reason


def frame(first: int, payload: bytes) -> bytes:
    """Return a frame of a server, which is not masked.

    Args:
        first: its first byte.
        payload: its payload.
    """
    size = len(payload)
    if size < 126:
        return _SHORT(first, size) + payload
    if size < 65536:
        return _MEDIUM(first, 126, size) + payload
    return _LONG(first, 127, size) + payload


def message_frame(message: str | bytes) -> bytes:
    """Return the frame of a whole message."""
    return frame(TEXT, message.encode()) if isinstance(message, str) else frame(BINARY, message)


def shared_frame(message: str | bytes) -> bytes:
    """Return the frame of a whole message; the same one for further sockets to which it is sent in this turn."""
    for recent, data in _recent:
        if recent is message:
            return data
    data = message_frame(message)
    _recent[:] = [(message, data)]
    # The message may be large or secret.
    asyncio.get_running_loop().call_soon(_recent.clear)
    return data


def check_header(first: int, second: int, length: int, max_frame: int, *, is_compressible: bool) -> None:
    """Validate the header of a frame, before its payload is read.

    Args:
        first: the first byte.
        second: the second byte.
        length: the length of the payload.
        max_frame: the largest length that is allowed.
        is_compressible: whether compression was negotiated, which uses the bit RSV1.

    Raises:
        Violation: 1002, or 1009 for the length.
    """
    opcode = first & 0x0F
    reserved = first & (0x30 if is_compressible and not opcode & 8 else 0x70)
    if opcode not in _OPCODES:
        raise Violation(1002, "invalid opcode")
    if reserved:
        raise Violation(1002, "reserved bits must be 0")
    if not second & 0x80:
        raise Violation(1002, "frames of clients must be masked")
    if opcode & 8 and (length > _MAX_CONTROL or not first & 0x80):
        raise Violation(1002, "control frames are short and not fragmented")
    if length > max_frame:
        raise Violation(1009, f"frame of {length} bytes exceeds {max_frame}")


def parse_close(payload: bytes) -> WebSocketClosed:
    """Return the end that a close frame announces.

    Raises:
        Violation: 1002 for an invalid code, 1007 for a reason that is not UTF-8.
    """
    try:
        close = Close.parse(payload)
    except ProtocolError as error:
        raise Violation(1002, str(error)) from error
    except UnicodeDecodeError as error:
        raise Violation(1007, "the close reason is not UTF-8") from error
    return WebSocketClosed(int(close.code), close.reason)


def close_payload(code: int, reason: str) -> bytes:
    """Return the payload of a close frame; without a code, it is empty."""
    return b"" if code == 1005 else struct.pack("!H", code) + reason.encode()[:123]
