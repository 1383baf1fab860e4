"""Carry the bytes of a protocol over TLS, on a transport of any event loop.

Theory of operation
===================

A ``TLSTransport`` is the protocol of its carrier, the plain transport, and the transport of the protocol above. It
encrypts written data immediately, so that the carrier holds all unsent bytes: flow control, buffer sizes and closing
are the carrier's, and the protocol above gets exact numbers. It decrypts no more than the protocol above wants to read.

A peer must not occupy the loop, nor make the server store unread bytes. In one turn of the loop, only so many
records are decrypted, and the carrier is paused until the next turn. TLS itself has messages that carry no data, which
OpenSSL may have to answer: key updates, refused renegotiations. A peer that sends many of them without any data, or
that does not read the answers, is cut off.

The TLS transports of the event loops cannot be used. They cannot stop writing while they go on reading, and without
that the last response can be destroyed while the peer is still sending. They end their output when the input ends, and
they do not count all unsent bytes. Here ``write_eof`` and ``eof_received`` behave as they do without TLS.

Sources: RFC 8446, section 6.1 (each direction ends separately), RFC 9112, section 9.8 (an end without closure alert).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ProtocolError
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_info import address_of

__all__ = ["TLSChannel", "TLSTransport"]

# Maximum bytes given to the protocol above in one call.
_READ_SIZE: Final = 65536

# Encrypted bytes given to OpenSSL at a time, because it processes all messages without data in them in one call.
_PIECE_SIZE: Final = 16384

# Pieces given to the protocol above in one turn of the loop, and seconds after which no further piece is.
_MAX_IN_A_TURN: Final = 32
_TURN_SECONDS: Final = 0.001

# Encrypted bytes that a peer may send without any data. A record has at most 16 KiB and some bytes, and contains data.
_MAX_WITHOUT_DATA: Final = 65536

# Bytes that TLS itself may answer while the peer does not read.
_MAX_UNREAD_ANSWERS: Final = 16384

_log: Final = SafeLogger("turnbuckle.server")


@final
@attrs.frozen(eq=False)
class TLSChannel:
    """TLS without I/O: received bytes go into ``incoming``, bytes to send come from ``outgoing``."""

    secured: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO

    @classmethod
    def for_server(cls, context: ssl.SSLContext) -> TLSChannel:
        """Return the server's end of a channel, before its handshake."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return cls(context.wrap_bio(incoming, outgoing, server_side=True), incoming, outgoing)


@final
class TLSTransport(asyncio.Transport, asyncio.Protocol):
    """The transport of a connection whose handshake is complete.

    Args:
        carrier: the transport that carries the encrypted bytes.
        channel: its handshake is complete.
        protocol: the protocol above. The caller calls its ``connection_made``, then ``deliver`` for the bytes that have
            already arrived.
        loop: the serving loop.
        clock: the server's clock.
    """

    __slots__ = (
        "_carrier",
        "_channel",
        "_clock",
        "_delivers_later",
        "_is_carrier_full",
        "_is_carrier_paused",
        "_is_closing",
        "_is_delivering",
        "_is_ended",
        "_is_ending",
        "_is_paused",
        "_is_write_ended",
        "_loop",
        "_protocol",
        "_rest",
        "_unread_answers",
        "_without_data",
    )

    def __init__(
        self,
        carrier: asyncio.Transport,
        channel: TLSChannel,
        protocol: asyncio.Protocol,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
    ) -> None:
        super().__init__()
        self._carrier: Final = carrier
        self._channel: Final = channel
        self._protocol = protocol
        self._loop: Final = loop
        self._clock: Final = clock
        # Received bytes that OpenSSL has not been given yet.
        self._rest = memoryview(b"")
        self._delivers_later = False
        self._without_data = 0
        self._unread_answers = 0
        self._is_carrier_full = False
        self._is_carrier_paused = False
        self._is_paused = False
        self._is_delivering = False
        self._is_ending = False
        self._is_ended = False
        self._is_write_ended = False
        self._is_closing = False

    # -- called by the carrier -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Decrypt and deliver received bytes; once writing has ended, drop them."""
        if self._is_write_ended:
            return
        if self._rest or len(data) > _PIECE_SIZE:
            self._rest = memoryview(b"".join((self._rest, data)) if self._rest else data)
        else:
            self._channel.incoming.write(data)
        self.deliver()

    def eof_received(self) -> bool:
        """End the input; HTTP needs no closure alert, because it knows where its messages end."""
        self._is_ending = True
        self.deliver()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the loss to the protocol."""
        self._is_closing = True
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the carrier's buffer is full."""
        self._is_carrier_full = True
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the carrier's buffer has room again."""
        self._is_carrier_full, self._unread_answers = False, 0
        self._protocol.resume_writing()

    # -- reading -------------------------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Give the protocol the received bytes, as far as it wants to read; not reentrant."""
        if self._is_delivering or self._delivers_later:
            return
        self._is_delivering = True
        try:
            self._deliver_pieces()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._is_ending = True
        except ssl.SSLError:
            # The bytes were tampered with or are broken. An alert reports that to the peer, if it still listens.
            self._send()
            self.abort()
        except ProtocolError as error:
            _log.debug("%s was disconnected: %s", address_of(self._carrier), error)
            self.abort()
        finally:
            self._is_delivering = False
        if not self._is_closing:
            self._update_carrier()
            if self._is_ending and not (self._is_paused or self._delivers_later):
                self._end()

    def _deliver_pieces(self) -> None:
        now = self._clock.monotonic
        end = now() + _TURN_SECONDS
        pieces = 0
        while self._has_input() and not (self._is_paused or self._is_closing or self._is_ended):
            if pieces and (pieces == _MAX_IN_A_TURN or now() >= end):
                self._delivers_later = True
                self._loop.call_soon(self._deliver_later)
                return
            data = self._read()
            if data:
                self._protocol.data_received(data)
                pieces += 1

    def _deliver_later(self) -> None:
        self._delivers_later = False
        if not self._is_closing:
            self.deliver()

    def _has_input(self) -> bool:
        """Return whether there are bytes to decrypt, after giving OpenSSL the next ones if it has none."""
        incoming = self._channel.incoming
        if incoming.pending or self._channel.secured.pending():
            return True
        if not self._rest:
            return False
        incoming.write(self._rest[:_PIECE_SIZE])
        self._rest = self._rest[_PIECE_SIZE:]
        return True

    def _read(self) -> bytes:
        """Return decrypted data; ``b""`` if the bytes so far contain none."""
        pending = self._channel.incoming.pending
        try:
            data = self._channel.secured.read(_READ_SIZE)
        except ssl.SSLWantReadError:
            self._without_data += pending
            if self._without_data > _MAX_WITHOUT_DATA:
                raise ProtocolError("too many TLS messages without data") from None
            return b""
        finally:
            self._send_answers()
        if not data:
            raise ssl.SSLZeroReturnError
        self._without_data = 0
        return data

    def _send_answers(self) -> None:
        """Send what TLS itself has to answer, for example a key update."""
        size = self._channel.outgoing.pending
        if size:
            if self._is_carrier_full:
                self._unread_answers += size
                if self._unread_answers > _MAX_UNREAD_ANSWERS:
                    raise ProtocolError("answers of TLS are not read")
            self._send()

    def _end(self) -> None:
        if not self._is_ended:
            self._is_ended = True
            if not self._protocol.eof_received():
                self.close()

    def is_reading(self) -> bool:
        """Return whether received bytes are given to the protocol."""
        return not self._is_paused and not self._is_closing

    def pause_reading(self) -> None:
        """Stop giving bytes to the protocol."""
        if not self._is_paused and not self._is_closing:
            self._is_paused = True
            self._update_carrier()

    def resume_reading(self) -> None:
        """Give bytes to the protocol again, starting with those already decrypted."""
        if self._is_paused and not self._is_closing:
            self._is_paused = False
            self._loop.call_soon(self.deliver)
            self._update_carrier()

    def _update_carrier(self) -> None:
        """Pause or resume the reading of the carrier: it reads only if its bytes can be delivered."""
        is_paused = self._is_paused or self._delivers_later
        if is_paused is self._is_carrier_paused:
            return
        self._is_carrier_paused = is_paused
        if is_paused:
            self._carrier.pause_reading()
        else:
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
                # OpenSSL writes one record at a time.
                written += write(memoryview(data)[written:])
        except ssl.SSLError:
            self.abort()
            return
        self._send()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Encrypt and send several pieces."""
        self.write(b"".join(list_of_data))

    def _send(self) -> None:
        if self._channel.outgoing.pending:
            self._carrier.write(self._channel.outgoing.read())

    def can_write_eof(self) -> bool:
        """Return whether writing can end before reading."""
        return self._carrier.can_write_eof()

    def write_eof(self) -> None:
        """Send the closure alert; received bytes are dropped from now on, until the peer ends its side."""
        if not self._is_write_ended and not self._is_closing:
            self._send_closure_alert()
            self._carrier.write_eof()

    def _send_closure_alert(self) -> None:
        self._is_write_ended = True
        # unwrap() raises because the peer's alert is missing, which is not waited for. It has written ours by then.
        with suppress(ssl.SSLError):
            self._channel.secured.unwrap()
        self._send()

    def close(self) -> None:
        """Send the closure alert, and close once everything has been sent."""
        if not self._is_closing:
            if not self._is_write_ended:
                self._send_closure_alert()
            self._is_closing = True
            self._carrier.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._is_closing = True
        self._carrier.abort()

    # -- other methods of a transport ----------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Return whether closing has begun."""
        return self._is_closing or self._carrier.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Use another protocol from now on.

        Raises:
            TypeError: it is not an ``asyncio.Protocol``.
        """
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError(f"{protocol!r} is not an asyncio.Protocol")
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol above."""
        return self._protocol

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return a fact about the TLS channel or the carrier."""
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
        """Return the number of unsent bytes, encrypted."""
        return self._carrier.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the limits of the carrier."""
        return self._carrier.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the limits of the carrier."""
        self._carrier.set_write_buffer_limits(high, low)
