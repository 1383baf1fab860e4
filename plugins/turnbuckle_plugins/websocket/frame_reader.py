"""Take whole frames from received bytes: the part of a connection that reads.

A frame that is not complete waits in the buffer, which is never larger than the largest frame and one read. Messages of
one frame without compression are read here; only their masking is left to the library websockets, whose parser takes
ten times as long. All other messages go through the ``Engine``.
"""

from __future__ import annotations

import asyncio
import enum
from typing import Final

from turnbuckle_plugins.websocket.config import WebSocketConfig
from turnbuckle_plugins.websocket.engine import Engine
from turnbuckle_plugins.websocket.frames import BINARY, TEXT, Violation, check_header
from turnbuckle_plugins.websocket.handshake import Compression

try:
    from websockets.speedups import apply_mask
except ImportError:
    # On platforms for which the library has no compiled distribution.
    from websockets.utils import apply_mask

__all__ = ["FrameReader", "State"]

# Frames of one connection that are read in one turn of the loop.
_MAX_IN_A_TURN: Final = 256


class State(enum.IntEnum):
    """The state of a connection."""

    OPEN = 0
    CLOSING = 1  # a close frame was sent, and the peer's is awaited
    CLOSED = 2  # nothing is sent any more


_MESSAGES: Final = (TEXT, BINARY)


class FrameReader(asyncio.Protocol):
    """Reads frames; a subclass reacts to them, with the methods that do nothing here.

    Args:
        config: the settings.
        compression: the negotiated compression; None for none.
    """

    __slots__ = (
        "_buffer",
        "_compression",
        "_config",
        "_engine",
        "_is_full",
        "_max_frame",
        "_needed",
        "_state",
        "_transport",
        "_violation",
    )

    _transport: asyncio.Transport

    def __init__(self, config: WebSocketConfig, compression: Compression | None) -> None:
        self._config: Final = config
        self._compression: Final = compression
        self._max_frame: Final = min(config.max_frame or config.max_message, config.max_message)
        self._engine: Engine | None = None
        self._state = State.OPEN
        self._buffer: bytearray | None = None
        self._needed = 0
        # While it is set, the transport does not read, and the buffer is left as it is.
        self._is_full = False
        self._violation: Violation | None = None

    def _deliver(self, message: str | bytes) -> None:
        """Take a message."""

    def _receive_control(self, first: int, payload: bytes) -> None:
        """Take a control frame: its first byte and its payload."""

    def _refuse(self, violation: Violation) -> None:
        """React to a frame that breaks the protocol or a limit."""

    def _end_turn(self) -> None:
        """Stop reading until the next turn of the loop."""

    def _parse(self, data: bytes | bytearray) -> None:
        """Take whole frames from the beginning of some bytes, and keep the rest.

        Args:
            data: received bytes, or the buffer.
        """
        position, self._needed = 0, 0
        try:
            position = self._take_frames(data)
        except Violation as violation:
            self._refuse(violation)
        except UnicodeDecodeError:
            self._refuse(Violation(1007, "the text is not UTF-8"))
        if self._state is State.CLOSED or self._violation is not None:
            self._buffer = None
        elif data is self._buffer:
            del data[:position]
            self._buffer = self._buffer or None
        else:
            self._buffer = bytearray(data[position:]) if position < len(data) else None

    def _take_frames(self, data: bytes | bytearray) -> int:
        """Take frames until the queue is full or the turn is over; return the number of bytes that were taken."""
        position, size = 0, len(data)
        max_frame, is_compressible = self._max_frame, self._compression is not None
        left = _MAX_IN_A_TURN
        while size - position >= 2 and not self._is_full:
            first, second = data[position], data[position + 1]
            length, start = second & 127, position + 6
            if length == 126:
                start = position + 8
                length = int.from_bytes(data[position + 2 : position + 4], "big")
            elif length == 127:
                start = position + 14
                length = int.from_bytes(data[position + 2 : position + 10], "big")
            if start > size:
                # The first two bytes may show already that the rest is not worth waiting for.
                check_header(first, second, second & 127, max_frame, is_compressible=is_compressible)
                break
            is_plain = first in _MESSAGES and second > 127 and length <= max_frame
            if not is_plain:
                check_header(first, second, length, max_frame, is_compressible=is_compressible)
            end = start + length
            if end > size:
                self._needed = end - position
                break
            if is_plain and (self._engine is None or not self._engine.is_in_message):
                payload = apply_mask(data[start:end], data[start - 4 : start])
                self._deliver(payload.decode() if first == TEXT else bytes(payload))
            elif first & 8:
                self._receive_control(first, bytes(apply_mask(data[start:end], data[start - 4 : start])))
            else:
                self._receive_part(bytes(data[position:end]))
            position = end
            if self._state is State.CLOSED:
                break
            left -= 1
            if not left:
                self._end_turn()
        return position

    def _receive_part(self, data: bytes) -> None:
        engine = self._engine
        if engine is None:
            engine = self._make_engine()
        message = engine.receive(data)
        if message is not None:
            self._deliver(message)

    def _make_engine(self) -> Engine:
        self._engine = Engine(self._config.max_message, self._max_frame, self._compression)
        return self._engine
