"""Secure a connection that was accepted, then leave it to HTTP, or to the protocol that both sides agreed on.

The connection counts from the moment it is accepted: it is swept like every other, so that a handshake that stalls or
trickles ends with its deadline, and a server that stops does not forget it. One too many is cut off without a word, as
an answer would take a handshake.

A handshake that fails is the peer's affair, and everybody who scans the internet causes some: the log has one line
about it, at level debug.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from datetime import UTC, datetime
from typing import Final, TypeAlias, cast, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.serializer import error_response
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.connection.upgrade import SwitchedConnection
from turnbuckle.server.model.application import ConnectionFactory
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo, address_of, describe_peer
from turnbuckle.server.tls.context import Certificates
from turnbuckle.server.tls.transport import TLSChannel, TLSTransport
from turnbuckle.web.peer import Disconnected, Peer
from turnbuckle.web.tls import ClientCertificate, TLSInfo

__all__ = ["TLSHandshake"]

_log: Final = SafeLogger("turnbuckle.server")

# Seconds for a handshake that is going on when the server begins to stop, and for an alert to be sent.
_LAST_MOMENT: Final = 1.0

_Names: TypeAlias = "tuple[tuple[tuple[str, str], ...], ...]"


@final
class TLSHandshake(asyncio.Protocol):
    """A connection that is not secured yet.

    Args:
        server: the state that it shares with the other connections.
        certificates: what it is secured with.
        arrival: what a proxy has told of it.

    Attributes:
        deadline: when the handshake has to be over, in the clock's monotonic seconds.
    """

    __slots__ = ("_arrival", "_carrier", "_certificates", "_channel", "_has_failed", "_peer", "deadline", "server")

    _carrier: asyncio.Transport
    _channel: TLSChannel

    def __init__(self, server: ServerState, certificates: Certificates, arrival: ConnectionInfo = DIRECT) -> None:
        self.server: Final = server
        self.deadline = math.inf
        self._certificates: Final = certificates
        self._arrival: Final = arrival
        self._has_failed = False
        self._peer: Peer | None = None

    # -- what the transport says ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; the client begins."""
        shared = self.server
        now = shared.clock.monotonic()
        self._carrier = cast(asyncio.Transport, transport)
        self._channel = TLSChannel.of(self._certificates.context(now))
        self.deadline = now + (shared.application.timeouts.handshake or math.inf)
        shared.connections.add(self)
        peer = describe_peer(self._carrier, self._arrival, Disconnected())
        if shared.admission.enter(peer):
            self.abort()
            return
        self._peer = peer
        if shared.connections.is_draining:
            self.close_when_idle()

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake."""
        if self._has_failed:
            return
        channel = self._channel
        channel.incoming.write(data)
        try:
            channel.secured.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
        except (ssl.SSLError, ValueError) as error:
            self._fail(error)
        else:
            self._send()
            self._hand_over()

    def eof_received(self) -> None:
        """Learn that the peer has given up; the transport closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the peer is gone."""
        self._leave()
        self.server.connections.discard(self)

    def _leave(self) -> None:
        if self._peer is not None:
            self.server.admission.leave(self._peer, AdmissionStatus.ADMITTED)
            self._peer = None

    # -- what the sweep and the server ask -----------------------------------------------------------------------------

    @property
    def holder(self) -> str:
        """What keeps the connection open, in words."""
        return f"{address_of(self._carrier)}, handshake of TLS"

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""
        if not self._has_failed:
            _log.debug("%s: the handshake of TLS took too long", address_of(self._carrier))
        self.abort()

    def disable_keep_alive(self) -> None:
        """Know that the server stops: whatever comes next learns of it from the server."""

    def close_when_idle(self) -> None:
        """Leave the handshake a moment: a request may follow it at once."""
        self.deadline = min(self.deadline, self.server.clock.monotonic() + _LAST_MOMENT)

    def abort(self) -> None:
        """Cut the peer off."""
        self._carrier.abort()

    # -- the end of the handshake --------------------------------------------------------------------------------------

    def _send(self) -> None:
        if self._channel.outgoing.pending:
            self._carrier.write(self._channel.outgoing.read())

    def _fail(self, error: Exception) -> None:
        _log.debug("%s: no handshake of TLS: %s", address_of(self._carrier), error)
        self._has_failed = True
        if getattr(error, "reason", None) == "HTTP_REQUEST":
            # Who speaks HTTP where TLS is spoken understands this better than an alert.
            self._channel.outgoing.read()
            self._carrier.write(error_response(400, date_line=self.server.date_line))
        self._send()
        self.close_when_idle()
        self._carrier.close()

    def _hand_over(self) -> None:
        tls = _describe(self._channel.secured)
        arrival = attrs.evolve(self._arrival, due=None, tls=tls)
        make = self.server.application.alpn.get(tls.alpn)
        if make is None:
            self._serve_http(arrival)
        else:
            self._serve_other(arrival, tls.alpn, make)

    def _serve_http(self, arrival: ConnectionInfo) -> None:
        protocol = HTTPConnection(self.server, arrival)
        secured = self._secured(protocol)
        # It counts itself.
        self._leave()
        protocol.connection_made(secured)
        # Not before the other one is counted: a server that stops would believe that nobody is left.
        self.server.connections.discard(self)
        secured.deliver()

    def _serve_other(self, arrival: ConnectionInfo, name: str, make: ConnectionFactory) -> None:
        shared, lost = self.server, Disconnected()
        secured = self._secured(self)
        peer = describe_peer(secured, arrival, lost)
        try:
            protocol = make(peer)
        except Exception:  # noqa: BLE001  # whatever a plugin raises
            _log.exception("protocol %s cannot be made for a connection", name)
            self.abort()
            return
        ends = _Ends(server=shared, transport=secured, lost=lost, peer=peer)
        switched = SwitchedConnection(ends, protocol, f"{address_of(secured)}, {name}")
        secured.set_protocol(switched)
        shared.connections.add(switched)
        # It goes on being counted, and is the other one's to leave.
        self._peer = None
        shared.connections.discard(self)
        protocol.connection_made(secured)
        secured.deliver()
        if shared.connections.is_draining:
            switched.close_when_idle()

    def _secured(self, protocol: asyncio.Protocol) -> TLSTransport:
        secured = TLSTransport(self._carrier, self._channel, protocol, self.server.loop)
        self._carrier.set_protocol(secured)
        return secured


@attrs.frozen(kw_only=True)
class _Ends:
    """What another protocol is given."""

    server: ServerState
    transport: asyncio.Transport
    lost: Disconnected
    peer: Peer


def _describe(secured: ssl.SSLObject) -> TLSInfo:
    cipher = secured.cipher()
    return TLSInfo(
        version=secured.version() or "",
        cipher=cipher[0] if cipher is not None else "",
        alpn=secured.selected_alpn_protocol() or "",
        client_certificate=_certificate_of(secured),
    )


def _certificate_of(secured: ssl.SSLObject) -> ClientCertificate | None:
    der = secured.getpeercert(binary_form=True)
    facts = secured.getpeercert()
    if not der or not facts:
        return None
    return ClientCertificate(
        subject=_flat(cast(_Names, facts.get("subject", ()))),
        issuer=_flat(cast(_Names, facts.get("issuer", ()))),
        alternative_names=cast("tuple[tuple[str, str], ...]", facts.get("subjectAltName", ())),
        serial_number=str(facts.get("serialNumber", "")),
        not_before=_time_of(facts.get("notBefore")),
        not_after=_time_of(facts.get("notAfter")),
        der=der,
    )


def _flat(names: _Names) -> tuple[tuple[str, str], ...]:
    return tuple(pair for name in names for pair in name)


def _time_of(text: object) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)
