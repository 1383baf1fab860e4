"""Carry bytes between a server's connection and a test, in memory, with the behaviour of a socket.

``MemoryTransport`` is the server's end: a real ``asyncio.Transport``, which calls the protocol from the loop, one call
at a time, in asyncio's order. ``MemoryPeer`` is the client's end. Written bytes go directly to a peer that reads;
otherwise they stay in the buffer of the transport and count against the water marks. Unless the peer opens a window,
there is no socket buffer in between: back-pressure starts with the first unread byte, so tests can predict it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, final

from turnbuckle.testing.transport.activity import Activity
from turnbuckle.testing.transport.memory_peer import MemoryPeer

__all__ = ["MemoryTransport"]

_HIGH_WATER: Final = 64 * 1024
# The maximum that asyncio reads from a socket at a time.
_MAX_PIECE: Final = 256 * 1024


@final
class MemoryTransport(asyncio.Transport):
    """The server's end of a connection.

    Args:
        protocol: the server's connection; ``connection_made`` is called on the next turn of the loop.
        peer: the other end.
        activity: is notified of all activity.
        extra_info: the values of ``get_extra_info``.
    """

    def __init__(
        self, protocol: asyncio.Protocol, peer: MemoryPeer, activity: Activity, extra_info: Mapping[str, object]
    ) -> None:
        super().__init__(dict(extra_info))
        self._protocol: asyncio.BaseProtocol = protocol
        self._peer: Final = peer
        self._activity: Final = activity
        self._loop: Final = asyncio.get_running_loop()
        self._incoming: Final[deque[bytes]] = deque()
        # Number of deliveries that the loop will run.
        self._deliveries = 0
        self._buffer: Final = bytearray()
        self._high = _HIGH_WATER
        self._low = _HIGH_WATER // 4
        self._is_connected = False
        self._is_reading = True
        self._is_writing_paused = False
        self._eof_arrived = False
        self._eof_delivered = False
        self._eof_written = False
        self._is_closing = False
        self._is_lost = False
        self._is_abandoned = False
        self._is_cut = False
        peer.attach(self)
        self._call_soon(self._connect)

    # -- the peer's side

    def arrive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        for start in range(0, len(data), _MAX_PIECE):
            self._incoming.append(data[start : start + _MAX_PIECE])
        self._deliver_soon()

    def arrive_eof(self) -> None:
        """Take the end of the peer's data."""
        self._eof_arrived = True
        self._deliver_soon()

    def abandon(self) -> None:
        """Take the end of the peer's data; the peer reads nothing any more."""
        self._is_abandoned = True
        self.arrive_eof()
        if self._buffer:
            self.lose(ConnectionResetError("connection reset by peer"))

    def lose(self, error: Exception | None) -> None:
        """Lose the connection with everything that was not delivered."""
        if not self._is_lost:
            self._is_lost = self._is_closing = True
            # Bytes that the peer has not read are discarded; the peer then sees a reset and not an end.
            self._is_cut = error is not None or bool(self._buffer)
            self._incoming.clear()
            self._buffer.clear()
            self._call_soon(self._disconnect, error)

    def drain(self, most: int | None) -> bytes:
        """Return up to ``most`` bytes that the server wrote, all if None."""
        data = bytes(self._buffer[:most])
        del self._buffer[: len(data)]
        if self._is_writing_paused and len(self._buffer) <= self._low:
            self._call_soon(self._resume_protocol)
        if not self._buffer:
            self._finish()
        self._activity.note()
        return data

    @property
    def incoming_size(self) -> int:
        """Number of bytes that the server has not read yet."""
        return sum(map(len, self._incoming))

    @property
    def is_lost(self) -> bool:
        """Whether the connection is over for both ends."""
        return self._is_lost

    # -- asyncio.Transport: reading

    def is_reading(self) -> bool:
        """Return whether bytes of the peer are delivered."""
        return self._is_reading and not self._is_closing

    def pause_reading(self) -> None:
        """Deliver nothing until ``resume_reading``."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Deliver the waiting bytes, and further bytes as they arrive."""
        self._is_reading = True
        self._deliver_soon()

    # -- asyncio.Transport: writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the peer, in order, without waiting.

        Raises:
            RuntimeError: ``write_eof`` was called before.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if self._eof_written:
            raise RuntimeError("cannot write after write_eof()")
        if self._is_closing or not data:
            return
        if self._is_abandoned:
            self.lose(ConnectionResetError("connection reset by peer"))
            return
        self._buffer.extend(data)
        self._peer.note_written()
        self._activity.note()
        self._maybe_pause_protocol()

    def write_eof(self) -> None:
        """Signal the end of the data to the peer, after the buffered bytes."""
        if not self._eof_written:
            self._eof_written = True
            self._finish()

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the peer has not read."""
        return len(self._buffer)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high water mark."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the water marks as asyncio does: a missing one is derived from the other."""
        if high is None:
            high = _HIGH_WATER if low is None else 4 * low
        low = high // 4 if low is None else low
        if not 0 <= low <= high:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low
        self._maybe_pause_protocol()

    # -- asyncio.Transport: the rest

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to another protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol

    def is_closing(self) -> bool:
        """Return whether the connection is closed or about to be."""
        return self._is_closing

    def close(self) -> None:
        """Close after the peer has read the written bytes; deliver nothing more."""
        if not self._is_closing:
            self._is_closing = True
            self._incoming.clear()
            self._finish()

    def abort(self) -> None:
        """Close at once, and discard bytes that the peer has not read."""
        self.lose(None)

    # -- inside

    def _connect(self) -> None:
        self._is_connected = True
        self._protocol.connection_made(self)

    def _deliver_soon(self) -> None:
        if self._incoming or self._eof_arrived:
            self._deliveries += 1
            self._call_soon(self._deliver)

    def _deliver(self) -> None:
        self._deliveries -= 1
        if not self._is_connected or not self.is_reading() or self._eof_delivered:
            return
        protocol = self._protocol
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError(f"{protocol!r} cannot receive data: it is not an asyncio.Protocol")
        self._activity.note()
        if self._incoming:
            # One piece in each callback, as a selector loop does: pause_reading() stops the next one.
            protocol.data_received(self._incoming.popleft())
            if not self._deliveries:
                self._deliver_soon()
        elif self._eof_arrived:
            self._eof_delivered = True
            if not protocol.eof_received():
                self.close()

    def _maybe_pause_protocol(self) -> None:
        if len(self._buffer) > self._high and not self._is_writing_paused:
            self._is_writing_paused = True
            self._protocol.pause_writing()

    def _resume_protocol(self) -> None:
        if self._is_writing_paused and len(self._buffer) <= self._low and not self._is_lost:
            self._is_writing_paused = False
            self._protocol.resume_writing()

    def _finish(self) -> None:
        if self._buffer or self._is_lost:
            return
        if self._eof_written and not self._peer.is_at_eof:
            self._peer.note_end(reset=False)
        if self._is_closing:
            self._is_lost = True
            self._call_soon(self._disconnect, None)

    def _disconnect(self, error: Exception | None) -> None:
        self._peer.note_end(reset=self._is_cut)
        self._protocol.connection_lost(error)

    def _call_soon(self, callback: Callable[..., None], *args: object) -> None:
        self._loop.call_soon(self._guarded, callback, *args)

    def _guarded(self, callback: Callable[..., None], *args: object) -> None:
        try:
            callback(*args)
        except Exception as error:  # noqa: BLE001  # nothing may raise here: the test must see every exception
            self._activity.note_fault(error)
            self.lose(None)
