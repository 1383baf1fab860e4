"""Encode and read the frames of a WebSocket (RFC 6455, section 5), without I/O.

The reader is as strict as section 5 allows: a frame that a server must not send raises ``MalformedFrame``. The encoder
writes any frame, because a test may need a wrong one.
"""

from __future__ import annotations

import secrets
from typing import Final, final

import attrs

from turnbuckle.errors import TurnbuckleError

__all__ = ["BINARY", "CLOSE", "CONTINUATION", "PING", "PONG", "TEXT", "Frame", "FrameReader", "MalformedFrame"]

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
# All control frames must have a payload length of 125 bytes or less (section 5.5).
_MAX_CONTROL: Final = 125


class MalformedFrame(TurnbuckleError, ValueError):
    """The server sent a frame or message that RFC 6455 or RFC 7692 does not allow at that place."""


@final
@attrs.frozen
class Frame:
    """One frame.

    Attributes:
        opcode: the type of the frame, such as 1 for text; from 8 on, it is a control frame.
        payload: the payload, unmasked.
        is_final: the bit FIN.
        reserved: the bits RSV1 (4), RSV2 (2) and RSV3 (1); a compressed message begins with RSV1.
    """

    opcode: int
    payload: bytes = b""
    is_final: bool = True
    reserved: int = 0

    @property
    def is_control(self) -> bool:
        """Whether it is a close, ping or pong frame, or a frame of an unknown type from 8 on."""
        return self.opcode >= CLOSE

    def encode(self, *, mask: bytes | None = None, is_masked: bool = True) -> bytes:
        """Return the bytes of the frame.

        Args:
            mask: the masking key of four bytes; a random one if None.
            is_masked: whether the payload is masked, as a client must do.
        """
        key = (secrets.token_bytes(4) if mask is None else mask) if is_masked else b""
        size = len(self.payload)
        bit = 0x80 if is_masked else 0
        if size < 126:
            length = bytes((bit | size,))
        elif size < 1 << 16:
            length = bytes((bit | 126,)) + size.to_bytes(2, "big")
        else:
            length = bytes((bit | 127,)) + size.to_bytes(8, "big")
        first = (0x80 if self.is_final else 0) | self.reserved << 4 | self.opcode
        return bytes((first,)) + length + key + (_masked(self.payload, key) if key else self.payload)


def _masked(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    whole = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")


@final
class FrameReader:
    """Read the frames of a server.

    Args:
        is_compressed: whether permessage-deflate was negotiated, so that RSV1 has a meaning.
    """

    def __init__(self, *, is_compressed: bool = False) -> None:
        self._buffer: Final = bytearray()
        self._allowed: Final = 4 if is_compressed else 0

    @property
    def unread(self) -> bytes:
        """The bytes of a frame that is not complete yet."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._buffer.extend(data)

    def next_frame(self) -> Frame | None:
        """Return the next frame; None if it is not complete yet.

        Raises:
            MalformedFrame: a server must not send this frame.
        """
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        frame = Frame(buffer[0] & 0x0F, b"", bool(buffer[0] & 0x80), buffer[0] >> 4 & 7)
        length = buffer[1] & 0x7F
        self._check(frame, length, is_masked=bool(buffer[1] & 0x80))
        start = 2 + {126: 2, 127: 8}.get(length, 0)
        if len(buffer) < start:
            return None
        size = length if length < 126 else _long_length(bytes(buffer[2:start]))
        if len(buffer) < start + size:
            return None
        payload = bytes(buffer[start : start + size])
        del buffer[: start + size]
        return attrs.evolve(frame, payload=payload)

    def _check(self, frame: Frame, length: int, *, is_masked: bool) -> None:
        if frame.opcode not in _OPCODES:
            raise MalformedFrame(f"frame has the reserved opcode {frame.opcode:#x}")
        # A server MUST NOT mask any frames that it sends to the client (section 5.1).
        if is_masked:
            raise MalformedFrame(f"frame of the server with opcode {frame.opcode:#x} is masked")
        if frame.is_control and (length > _MAX_CONTROL or not frame.is_final):
            raise MalformedFrame(f"control frame {frame.opcode:#x} is fragmented, or longer than {_MAX_CONTROL} bytes")
        # "Per-Message Compressed" bit: only on the first frame of a data message (RFC 7692, section 6).
        allowed = self._allowed if frame.opcode in (TEXT, BINARY) else 0
        if frame.reserved & ~allowed:
            raise MalformedFrame(f"frame with opcode {frame.opcode:#x} has the reserved bits {frame.reserved:#b}")


def _long_length(data: bytes) -> int:
    # The minimal number of bytes MUST be used to encode the length (section 5.2).
    size = int.from_bytes(data, "big")
    if size < (126 if len(data) == 2 else 1 << 16) or size >= 1 << 63:
        raise MalformedFrame(f"payload length {size} is encoded in {len(data)} bytes")
    return size
