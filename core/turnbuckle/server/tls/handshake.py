"""Do the TLS handshake of an accepted connection, then hand it to HTTP or to the protocol that ALPN selected.

The connection counts from the moment it is accepted. It is swept like any other, so a handshake that stalls or trickles
ends at its deadline, and a server that stops closes it. A connection above the limit is closed without an answer,
because an answer would need a handshake.

A failed handshake is the peer's problem, and scanners of the internet cause many: each gets one log line at level
debug.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from datetime import UTC, datetime
from typing import ClassVar, Final, TypeAlias, cast, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.serializer import error_response
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.application import ConnectionProtocol
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo, address_of, describe_peer
from turnbuckle.server.streams.link import serve_protocol
from turnbuckle.server.tls.context import Certificates
from turnbuckle.server.tls.transport import TLSChannel, TLSTransport
from turnbuckle.web.peer import LazyEvent, Peer
from turnbuckle.web.tls import ClientCertificate, TLSInfo

__all__ = ["TLSHandshake"]

_log: Final = SafeLogger("turnbuckle.server")

# Seconds that a handshake may still take once the server begins to stop, and that an alert may take to be sent.
_GRACE_SECONDS: Final = 1.0

# Bytes that a client may send in its handshake. The largest part is its certificate, which OpenSSL limits to 100 KiB.
_MAX_HANDSHAKE: Final = 256 * 1024

_DistinguishedName: TypeAlias = "tuple[tuple[tuple[str, str], ...], ...]"


@final
class TLSHandshake(asyncio.Protocol):
    """A connection whose handshake is not complete yet.

    Args:
        server: the state that the connections share.
        certificates: provide the context of the handshake.
        info: the facts that a PROXY header gave about the connection.

    Attributes:
        deadline: when the handshake must be complete, in the clock's monotonic seconds.
    """

    __slots__ = (
        "_carrier",
        "_certificates",
        "_channel",
        "_has_failed",
        "_info",
        "_peer",
        "_received",
        "deadline",
        "server",
    )

    request_count: ClassVar = 0
    _carrier: asyncio.Transport
    _channel: TLSChannel

    def __init__(self, server: ServerState, certificates: Certificates, info: ConnectionInfo = DIRECT) -> None:
        self.server: Final = server
        self.deadline = math.inf
        self._certificates: Final = certificates
        self._info: Final = info
        self._has_failed = False
        self._received = 0
        self._peer: Peer | None = None

    # -- called by the transport ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline of the handshake; the client sends first."""
        server = self.server
        now = server.clock.monotonic()
        self._carrier = cast(asyncio.Transport, transport)
        self._channel = TLSChannel.for_server(self._certificates.context(now))
        self.deadline = now + (server.application.timeouts.handshake or math.inf)
        server.connections.add(self)
        peer = describe_peer(self._carrier, self._info, LazyEvent())
        if server.admission.enter(peer):
            self.abort()
            return
        self._peer = peer
        if server.connections.is_draining:
            self.close_when_idle()

    def data_received(self, data: bytes) -> None:
        """Continue the handshake."""
        if self._has_failed:
            return
        channel = self._channel
        channel.incoming.write(data)
        self._received += len(data)
        try:
            channel.secured.do_handshake()
        except ssl.SSLWantReadError:
            if self._received > _MAX_HANDSHAKE:
                self._fail(ValueError(f"{self._received} bytes exceed {_MAX_HANDSHAKE}"))
            else:
                self._send()
        except (ssl.SSLError, ValueError) as error:
            self._fail(error)
        else:
            self._send()
            self._hand_over()

    def eof_received(self) -> None:
        """Do nothing, so that the transport closes: the handshake will not be completed."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._leave()
        self.server.connections.discard(self)

    def _leave(self) -> None:
        if self._peer is not None:
            self.server.admission.leave(self._peer, AdmissionStatus.ADMITTED)
            self._peer = None

    # -- called by the sweep and the server ----------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """What keeps the connection open, in words."""
        return f"{address_of(self._carrier)}, TLS handshake"

    def expire(self, now: float) -> None:
        """Close the connection: the handshake took too long."""
        if not self._has_failed:
            _log.debug("%s: the TLS handshake took too long", address_of(self._carrier))
        self.abort()

    def disable_keep_alive(self) -> None:
        """Do nothing: the next protocol asks the server whether it is stopping."""

    def close_when_idle(self) -> None:
        """Give the handshake one second: a request may follow at once."""
        self.deadline = min(self.deadline, self.server.clock.monotonic() + _GRACE_SECONDS)

    def abort(self) -> None:
        """Close the connection at once."""
        self._carrier.abort()

    # -- the end of the handshake --------------------------------------------------------------------------------------

    def _send(self) -> None:
        if self._channel.outgoing.pending:
            self._carrier.write(self._channel.outgoing.read())

    def _fail(self, error: Exception) -> None:
        _log.debug("%s: the TLS handshake failed: %s", address_of(self._carrier), error)
        self._has_failed = True
        if getattr(error, "reason", None) == "HTTP_REQUEST":
            # A client that speaks plain HTTP understands this better than a TLS alert.
            self._channel.outgoing.read()
            self._carrier.write(error_response(400, date_line=self.server.date_line))
        self._send()
        self.close_when_idle()
        self._carrier.close()

    def _hand_over(self) -> None:
        tls = _tls_info(self._channel.secured)
        certificate = tls.client_certificate
        # OpenSSL checks the dates in a full handshake only, not when a session is resumed.
        if certificate is not None and not _is_valid(certificate, self.server.clock.wall()):
            self._fail(ValueError("the client's certificate has expired or is not valid yet"))
            return
        info = attrs.evolve(self._info, due=None, tls=tls)
        protocol = self.server.application.alpn.get(tls.alpn)
        if protocol is None:
            self._serve_http(info)
        else:
            self._serve_alpn_protocol(info, protocol)

    def _serve_http(self, info: ConnectionInfo) -> None:
        protocol = HTTPConnection(self.server, info)
        secured = self._secured(protocol)
        # The HTTP connection counts itself.
        self._leave()
        self.server.admission.accepted -= 1
        protocol.connection_made(secured)
        # Only after the HTTP connection is counted. Otherwise a stopping server would see no open connection.
        self.server.connections.discard(self)
        secured.deliver()

    def _serve_alpn_protocol(self, info: ConnectionInfo, protocol: ConnectionProtocol) -> None:
        server = self.server
        secured = self._secured(self)
        peer = describe_peer(secured, info, LazyEvent())
        if not serve_protocol(server, secured, peer, protocol):
            return
        # The connection stays counted; its link will release it.
        self._peer = None
        server.connections.discard(self)
        secured.deliver()

    def _secured(self, protocol: asyncio.Protocol) -> TLSTransport:
        secured = TLSTransport(self._carrier, self._channel, protocol, self.server.loop, self.server.clock)
        self._carrier.set_protocol(secured)
        return secured


def _tls_info(secured: ssl.SSLObject) -> TLSInfo:
    cipher = secured.cipher()
    return TLSInfo(
        version=secured.version() or "",
        cipher=cipher[0] if cipher is not None else "",
        alpn=secured.selected_alpn_protocol() or "",
        client_certificate=_client_certificate(secured),
    )


def _client_certificate(secured: ssl.SSLObject) -> ClientCertificate | None:
    der = secured.getpeercert(binary_form=True)
    facts = secured.getpeercert()
    if not der or not facts:
        return None
    return ClientCertificate(
        subject=_flatten(cast(_DistinguishedName, facts.get("subject", ()))),
        issuer=_flatten(cast(_DistinguishedName, facts.get("issuer", ()))),
        alternative_names=cast("tuple[tuple[str, str], ...]", facts.get("subjectAltName", ())),
        serial_number=str(facts.get("serialNumber", "")),
        not_before=_parse_time(facts.get("notBefore")),
        not_after=_parse_time(facts.get("notAfter")),
        der=der,
    )


def _is_valid(certificate: ClientCertificate, now: float) -> bool:
    return certificate.not_before.timestamp() <= now <= certificate.not_after.timestamp()


def _flatten(names: _DistinguishedName) -> tuple[tuple[str, str], ...]:
    return tuple(pair for name in names for pair in name)


def _parse_time(text: object) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)
