"""The client's end of a connection in memory. ``memory_transport`` is the other end and describes both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

from turnbuckle.testing.transport.activity import Activity

__all__ = ["MemoryPeer", "ServerEnd"]


class ServerEnd(Protocol):
    """The other end of the connection, as the peer uses it; ``MemoryTransport`` describes each method."""

    @property
    def incoming_size(self) -> int:
        """How many bytes the server has not taken yet."""

    @property
    def is_lost(self) -> bool:
        """Whether the connection is over for both ends."""

    def arrive(self, data: bytes) -> None:
        """Take bytes from the peer."""

    def arrive_eof(self) -> None:
        """Take the end of the peer's data."""

    def abandon(self) -> None:
        """Take the end of the peer's data; the peer reads nothing any more."""

    def lose(self, error: Exception | None) -> None:
        """Lose the connection with everything that was not delivered."""

    def drain(self, most: int | None) -> bytes:
        """Return up to ``most`` bytes that the server wrote, all if None."""

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the peer has not taken."""

    def is_closing(self) -> bool:
        """Return whether the connection is closed or about to be."""


@final
class MemoryPeer:
    """The client's end of a connection: it sends and reads bytes at its own pace.

    Attributes:
        received: the bytes that were read.
        is_reading: whether bytes are read as soon as the server sends them.
        window: number of bytes that the server can send while this end does not read, as into the buffer of a socket.
        is_at_eof: whether the server will send no more.
        was_reset: whether the connection was cut: by the server with bytes unsent, or by this end.
        on_received: called after this end has read bytes of the server, and at the end of them; it must not raise.
    """

    def __init__(self, activity: Activity) -> None:
        self._activity: Final = activity
        self._transport: ServerEnd | None = None
        self._arrived: Final = bytearray()
        self.received: Final = bytearray()
        self.is_reading = True
        self.window = 0
        self.is_at_eof = False
        self.was_reset = False
        self.on_received: Callable[[], object] = _ignore

    def attach(self, transport: ServerEnd) -> None:
        """Set the other end."""
        self._transport = transport

    @property
    def transport(self) -> ServerEnd:
        """The server's end."""
        if self._transport is None:
            raise RuntimeError("this end of the connection has no other end yet")
        return self._transport

    def send(self, data: bytes) -> None:
        """Send bytes; the server gets them when it reads."""
        self.transport.arrive(data)

    def send_eof(self) -> None:
        """Stop sending, and go on reading."""
        self.transport.arrive_eof()

    def reset(self) -> None:
        """Cut the connection, as a crashing peer does."""
        self.was_reset = True
        self.transport.lose(ConnectionResetError("connection reset by peer"))

    def close(self) -> None:
        """Close the connection: stop sending; further bytes of the server cause a reset."""
        self.is_reading = False
        self.transport.abandon()

    def resume_reading(self) -> None:
        """Read everything that the server has sent, and will send."""
        self.is_reading = True
        self.take(None)
        self.on_received()

    def take(self, most: int | None) -> bytes:
        """Read up to ``most`` bytes, all if None, and return them."""
        self._arrived.extend(self.transport.drain(None if most is None else max(0, most - len(self._arrived))))
        data = bytes(self._arrived[:most])
        del self._arrived[: len(data)]
        self.received.extend(data)
        self.note_written()
        return data

    @property
    def unread(self) -> int:
        """Number of bytes that the server sent and this end has not read."""
        return len(self._arrived) + self.transport.get_write_buffer_size()

    def note_written(self) -> None:
        """Read the bytes that the server wrote, as far as this end reads."""
        if not self.transport.get_write_buffer_size():
            return
        if self.is_reading:
            self.take(None)
            self.on_received()
        elif len(self._arrived) < self.window:
            self._arrived.extend(self.transport.drain(self.window - len(self._arrived)))

    def note_end(self, *, reset: bool) -> None:
        """Note that the server ended its side of the connection."""
        self.is_at_eof = True
        self.was_reset = self.was_reset or reset
        self.on_received()
        self._activity.note()


def _ignore() -> None:
    """Do nothing."""
