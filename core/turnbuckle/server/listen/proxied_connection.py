"""Read the PROXY header of a connection, then hand the connection to the next protocol (TLS or HTTP).

``turnbuckle.http.proxy_protocol`` parses the header; this module owns the connection until the header is complete.

Only trusted proxies may connect at all. A client that can send the header could claim any address, and a client that
need not send it could pass for a proxy. Untrusted peers are disconnected, and so is a proxy that sends a wrong header
or none.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final, TypeAlias, cast, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ProtocolError
from turnbuckle.http.proxy_protocol import ProxyHeader, ProxyHeaderParser
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.listen.pending_connection import PendingConnection
from turnbuckle.server.model.connection_info import ConnectionInfo, address_of, client_of
from turnbuckle.web.peer import Peer
from turnbuckle.web.trusted_addresses import TrustedAddresses

__all__ = ["ProxiedConnection", "ProxySettings"]

_log: Final = SafeLogger("turnbuckle.server")

# The proxy does not count towards the limit per address, because all of its clients share that address.
_UNCOUNTED: Final = Peer()

NextProtocol: TypeAlias = Callable[[ConnectionInfo], asyncio.Protocol]


def _check_trusted(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(value)


@attrs.frozen(kw_only=True)
class ProxySettings:
    """Proxies that send the PROXY protocol.

    Attributes:
        protocol: expect a PROXY header (version 1 or 2) at the start of each connection; a connection without one is
            closed.
        trusted: the only peers that may connect then: addresses, networks such as "10.0.0.0/8", and "unix" for Unix
            sockets.
    """

    protocol: bool = False
    trusted: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_check_trusted)

    def __attrs_post_init__(self) -> None:
        if self.protocol and not self.trusted:
            raise ValueError("protocol needs proxy.trusted: without it no client could connect")


@final
class ProxiedConnection(PendingConnection):
    """A connection whose PROXY header is not complete yet.

    Args:
        server: the state that the connections share.
        trusted: the peers that may connect.
        following: makes the next protocol.
    """

    __slots__ = ("_following", "_parser", "_trusted")

    def __init__(self, server: ServerState, trusted: TrustedAddresses, following: NextProtocol) -> None:
        super().__init__(server)
        self._peer = _UNCOUNTED
        self._trusted: Final = trusted
        self._following: Final = following
        self._parser: Final = ProxyHeaderParser()

    # -- called by the transport ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline for the header, and disconnect an untrusted peer."""
        self._transport = cast(asyncio.Transport, transport)
        server = self.server
        self.deadline = server.clock.monotonic() + (server.application.timeouts.head or math.inf)
        server.connections.add(self)
        if not self._trusted.trusts(client_of(transport)):
            self._disconnect("it is not a trusted proxy")
        elif server.admission.enter(_UNCOUNTED):
            self.abort()
        else:
            self._is_counted = True
            if server.connections.is_draining:
                self.close_when_idle()

    def data_received(self, data: bytes) -> None:
        """Parse the header; data from a disconnected peer is dropped."""
        if not self._is_counted:
            return
        try:
            header = self._parser.feed(data)
        except ProtocolError as error:
            self._disconnect(str(error))
            return
        if header is not None:
            self._hand_over(header)

    # -- called by the sweep and the server ----------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """What keeps the connection open, in words."""
        return f"{address_of(self._transport)}, header of the PROXY protocol"

    def expire(self, now: float) -> None:
        """Disconnect a peer whose header took too long."""
        self._disconnect("its header took too long")

    # -- the end of the header -----------------------------------------------------------------------------------------

    def _disconnect(self, reason: str) -> None:
        _log.debug("%s was disconnected: %s", address_of(self._transport), reason)
        self.abort()

    def _hand_over(self, header: ProxyHeader) -> None:
        protocol = self._following(
            ConnectionInfo(
                is_proxied=header.is_known, client=header.source, server=header.destination, due=self.deadline
            )
        )
        self._serve_with(protocol, self._parser.trailing)
