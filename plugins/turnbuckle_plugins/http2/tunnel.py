"""A stream as a transport, for the protocol that an extended CONNECT asks for (RFC 8441).

Sources: RFC 8441, sections 4 and 5; RFC 9113, section 8.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast, final

from turnbuckle_plugins.http2.engine.field_codec import FieldPair
from turnbuckle_plugins.http2.request_stream import ContentReceiver, RequestStream

__all__ = ["Tunnel"]

_HIGH: Final = 65536


@final
class Tunnel:
    """A tunnel: it receives the content of its stream, and passes it to a protocol.

    Args:
        stream: the stream.
        protocol: the protocol at this end of the tunnel.
        connection: the transport of the connection.
        loop: the serving loop.
        on_end: called with the tunnel when it has ended.
    """

    def __init__(
        self,
        stream: RequestStream,
        protocol: asyncio.Protocol,
        connection: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        on_end: Callable[[Tunnel], object],
    ) -> None:
        self.stream: Final = stream
        self.protocol = protocol
        self.connection: Final = connection
        self.high, self.low = _HIGH, _HIGH // 4
        self.is_closing = False
        self._loop: Final = loop
        self._on_end: Final = on_end
        self._run: ContentReceiver | None = None
        self._is_lost = False
        self._is_writing_paused = False
        self._is_reading_paused = False
        self._has_sent_end = False
        self._unread: list[bytes] = []
        self._has_peer_ended = False

    def start(self) -> None:
        """Connect the protocol, and pass on the content that was received early."""
        self._run = self.stream.receiver
        self.protocol.connection_made(TunnelTransport(self))
        self.stream.take_over(self)

    # -- as the receiver of content ------------------------------------------------------------------------------------

    def content_received(self, data: bytes) -> None:
        """Pass bytes to the protocol, or keep them while it has paused reading; the window bounds them."""
        if self._is_lost:
            self.stream.content_consumed(len(data))
        elif self._is_reading_paused:
            self._unread.append(data)
        else:
            self.stream.content_consumed(len(data))
            self.protocol.data_received(data)

    def content_ended(self, trailers: Sequence[FieldPair] = ()) -> None:
        """Pass the end of the input to the protocol."""
        self._has_peer_ended = True
        if not self._is_reading_paused and not self._is_lost and not self.protocol.eof_received():
            self.close()

    def resume_writing(self) -> None:
        """Resume the protocol, or end a tunnel that was closed."""
        size = self.stream.unsent_size
        if self._is_writing_paused and size <= self.low:
            self._is_writing_paused = False
            self.protocol.resume_writing()
        if self.is_closing and not size:
            self._lose(None)

    def disconnect(self) -> None:
        """Note that the peer has reset the stream, or is gone."""
        self._lose(ConnectionResetError("the peer has reset the stream"))

    # -- calls of the transport ----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._is_lost or self.is_closing or self._has_sent_end or not data:
            return
        self.stream.send_data(data, ends=False)
        if self.stream.unsent_size > self.high and not self._is_writing_paused:
            self._is_writing_paused = True
            self.protocol.pause_writing()

    def write_eof(self) -> None:
        """End the stream in this direction, after the data."""
        if not self._has_sent_end and not self._is_lost:
            self._has_sent_end = True
            self.stream.send_data(b"", ends=True)

    def close(self) -> None:
        """End the stream, after the data."""
        if self.is_closing or self._is_lost:
            return
        self.is_closing = True
        self.write_eof()
        if not self.stream.unsent_size:
            self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        """Reset the stream."""
        self.is_closing = True
        if not self._is_lost:
            self.stream.reset("the tunnel was aborted", error=False)
            self._loop.call_soon(self._lose, None)

    def pause_reading(self) -> None:
        """Store the bytes that are received."""
        self._is_reading_paused = True

    def resume_reading(self) -> None:
        """Pass on the bytes that were kept."""
        self._is_reading_paused = False
        unread, self._unread = self._unread, []
        for data in unread:
            self.content_received(data)
        if self._has_peer_ended and not self._is_reading_paused:
            self.content_ended()

    # -- calls of the connection ---------------------------------------------------------------------------------------

    def close_when_idle(self) -> None:
        """Ask the protocol to end, because the server stops."""
        close_when_idle = getattr(self.protocol, "close_when_idle", None)
        if callable(close_when_idle):
            close_when_idle()
        else:
            self.close()

    def _lose(self, error: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = self.is_closing = True
        # The protocol may never read them; the window of the connection would stay smaller.
        unread, self._unread = self._unread, []
        self.stream.content_consumed(sum(map(len, unread)))
        self._on_end(self)
        self.protocol.connection_lost(error)
        if self._run is not None:
            self._run.disconnect()


@final
class TunnelTransport(asyncio.Transport):
    """The transport of a tunnel, as its protocol sees it."""

    def __init__(self, tunnel: Tunnel) -> None:
        super().__init__()
        self._tunnel: Final = tunnel

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return a fact about the connection of the stream."""
        return self._tunnel.connection.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Return whether the tunnel is closing or closed."""
        return self._tunnel.is_closing

    def close(self) -> None:
        """End the stream, after the data."""
        self._tunnel.close()

    def abort(self) -> None:
        """Reset the stream."""
        self._tunnel.abort()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol."""
        self._tunnel.protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._tunnel.protocol

    def pause_reading(self) -> None:
        """Store the bytes that are received."""
        self._tunnel.pause_reading()

    def resume_reading(self) -> None:
        """Pass on the bytes that were kept."""
        self._tunnel.resume_reading()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        self._tunnel.write(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send several pieces in one."""
        self._tunnel.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """End the stream in this direction."""
        self._tunnel.write_eof()

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the peer does not take at the moment."""
        return self._tunnel.stream.unsent_size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the limits that pause and resume writing."""
        return self._tunnel.low, self._tunnel.high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the limits that pause and resume writing."""
        high = (_HIGH if low is None else 4 * low) if high is None else high
        self._tunnel.high, self._tunnel.low = high, high // 4 if low is None else low
