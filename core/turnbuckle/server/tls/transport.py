"""Carry the octets of a protocol over TLS, on a transport of whatever loop.

Theory of operation
===================

A ``TLSTransport`` is the protocol of its carrier, and the transport of the protocol above. It encrypts what is written
at once, so that the carrier holds all that is unsent: flow control, the size of what is buffered and closing are the
carrier's, and what the protocol above knows of them is exact. It decrypts no more than the protocol above wants to
read.

Why not the TLS of the loops: it offers no way to stop writing and go on reading, without which the last response can be
destroyed while the peer is still sending; it answers the end of input with that of output; and it counts not all that
is unsent. Here ``write_eof`` and ``eof_received`` are what they are without TLS.

Sources: RFC 8446, section 6.1 (each direction ends by itself), RFC 9112, section 9.8 (an end without a goodbye).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, final

import attrs

__all__ = ["TLSChannel", "TLSTransport"]

# Octets that the protocol above is given at a time.
_PIECE: Final = 65536


@final
@attrs.frozen(eq=False)
class TLSChannel:
    """TLS without I/O: what arrives goes into ``incoming``, what is to be sent is in ``outgoing``."""

    secured: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO

    @classmethod
    def of(cls, context: ssl.SSLContext) -> TLSChannel:
        """Return the server's end of a channel whose handshake has not begun."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return cls(context.wrap_bio(incoming, outgoing, server_side=True), incoming, outgoing)


@final
class TLSTransport(asyncio.Transport, asyncio.Protocol):
    """The transport of a connection that is secured.

    Args:
        carrier: what the encrypted octets go through.
        channel: its handshake is over.
        protocol: what it serves; it is told neither of the connection, nor of what has arrived already.
        loop: the serving loop.
    """

    __slots__ = (
        "_carrier",
        "_channel",
        "_is_closing",
        "_is_delivering",
        "_is_ended",
        "_is_ending",
        "_is_paused",
        "_is_write_ended",
        "_loop",
        "_protocol",
    )

    def __init__(
        self,
        carrier: asyncio.Transport,
        channel: TLSChannel,
        protocol: asyncio.Protocol,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__()
        self._carrier: Final = carrier
        self._channel: Final = channel
        self._protocol = protocol
        self._loop: Final = loop
        self._is_paused = False
        self._is_delivering = False
        self._is_ending = False
        self._is_ended = False
        self._is_write_ended = False
        self._is_closing = False

    # -- what the carrier says -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take encrypted octets; once writing has ended they are of no use, and dropped."""
        if not self._is_write_ended:
            self._channel.incoming.write(data)
            self.deliver()

    def eof_received(self) -> bool:
        """Learn that no more will come, for which HTTP needs no goodbye: it knows where its messages end."""
        self._is_ending = True
        self.deliver()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the peer is gone."""
        self._is_closing = True
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the carrier holds more than it should."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that it can take more."""
        self._protocol.resume_writing()

    # -- reading -------------------------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Give the protocol all that has arrived, as far as it wants to read; not reentrant."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            self._deliver_pieces()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._is_ending = True
        except ssl.SSLError:
            # Tampered with or broken. The peer is told by an alert, if it still listens.
            self._send()
            self.abort()
        finally:
            self._is_delivering = False
        if not self._is_closing:
            # An answer of TLS itself may be due, such as to a change of keys.
            self._send()
            if self._is_ending and not self._is_paused:
                self._end()

    def _deliver_pieces(self) -> None:
        secured, incoming = self._channel.secured, self._channel.incoming
        while (incoming.pending or secured.pending()) and not (self._is_paused or self._is_closing or self._is_ended):
            data = secured.read(_PIECE)
            if not data:
                raise ssl.SSLZeroReturnError
            self._protocol.data_received(data)

    def _end(self) -> None:
        if not self._is_ended:
            self._is_ended = True
            if not self._protocol.eof_received():
                self.close()

    def is_reading(self) -> bool:
        """Return whether the protocol is given what arrives."""
        return not self._is_paused and not self._is_closing

    def pause_reading(self) -> None:
        """Give the protocol nothing more."""
        if not self._is_paused and not self._is_closing:
            self._is_paused = True
            self._carrier.pause_reading()

    def resume_reading(self) -> None:
        """Go on, with what has been decrypted first."""
        if self._is_paused and not self._is_closing:
            self._is_paused = False
            self._loop.call_soon(self.deliver)
            self._carrier.resume_reading()

    # -- writing -------------------------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        if not data or self._is_write_ended or self._is_closing:
            return
        write = self._channel.secured.write
        try:
            written = write(data)
            while written < len(data):
                # One record at a time, whatever is asked for.
                written += write(memoryview(data)[written:])
        except ssl.SSLError:
            self.abort()
            return
        self._send()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Do the same with several pieces."""
        self.write(b"".join(list_of_data))

    def _send(self) -> None:
        if self._channel.outgoing.pending:
            self._carrier.write(self._channel.outgoing.read())

    def can_write_eof(self) -> bool:
        """Return that writing can end before reading."""
        return self._carrier.can_write_eof()

    def write_eof(self) -> None:
        """Say goodbye; what arrives from now on is dropped, until the peer ends, too."""
        if not self._is_write_ended and not self._is_closing:
            self._say_goodbye()
            self._carrier.write_eof()

    def _say_goodbye(self) -> None:
        self._is_write_ended = True
        # When unwrap() complains, it has written the goodbye, and looked for an answer, which nobody waits for.
        with suppress(ssl.SSLError):
            self._channel.secured.unwrap()
        self._send()

    def close(self) -> None:
        """Say goodbye, and close once everything has been sent."""
        if not self._is_closing:
            if not self._is_write_ended:
                self._say_goodbye()
            self._is_closing = True
            self._carrier.close()

    def abort(self) -> None:
        """Cut the peer off."""
        self._is_closing = True
        self._carrier.abort()

    # -- what else a transport can -------------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Return whether the end has begun."""
        return self._is_closing or self._carrier.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Serve another protocol from now on.

        Raises:
            TypeError: it is not an ``asyncio.Protocol``.
        """
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError(f"{protocol!r} is not an asyncio.Protocol")
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol that is served."""
        return self._protocol

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return what is known of the channel, or of the carrier."""
        secured = self._channel.secured
        match name:
            case "ssl_object":
                return secured
            case "sslcontext":
                return secured.context
            case "peercert":
                return secured.getpeercert()
            case "cipher":
                return secured.cipher()
            case "compression":
                return None
        return self._carrier.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return the octets that are unsent, as they are encrypted."""
        return self._carrier.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return those of the carrier."""
        return self._carrier.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set those of the carrier."""
        self._carrier.set_write_buffer_limits(high, low)
