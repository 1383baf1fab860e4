"""Read what a proxy says of a connection before anything else, then leave it to what comes next.

Only a proxy that is trusted may connect at all: who could send the header could be anybody, and who need not send it
could pass for a proxy. Whoever is not trusted is cut off; so is a proxy that sends no header, or a wrong one.
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
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.connection_info import ConnectionInfo, address_of, client_of
from turnbuckle.web.peer import Peer
from turnbuckle.web.trusted_addresses import TrustedAddresses

__all__ = ["ProxiedConnection", "ProxySettings"]

_log: Final = SafeLogger("turnbuckle.server")

# Seconds for a header that is awaited when the server begins to stop.
_LAST_MOMENT: Final = 1.0

# The proxy itself is not counted by its address: all of its clients have it.
_NOBODY: Final = Peer()

Next: TypeAlias = Callable[[ConnectionInfo], asyncio.Protocol]


def _are_trusted(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(value)


@attrs.frozen(kw_only=True)
class ProxySettings:
    """Proxies that send the PROXY protocol.

    Attributes:
        protocol: each connection begins with a header of the PROXY protocol, version 1 or 2; one that has none is cut.
        trusted: who may connect then: addresses, networks such as "10.0.0.0/8", and "unix" for Unix sockets.
    """

    protocol: bool = False
    trusted: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_are_trusted)

    def __attrs_post_init__(self) -> None:
        if self.protocol and not self.trusted:
            raise ValueError("protocol needs proxy.trusted: without it nobody could connect")


@final
class ProxiedConnection(asyncio.Protocol):
    """A connection of which only the proxy is known yet.

    Args:
        server: the state that it shares with the other connections.
        trusted: who may connect.
        following: makes what comes next.

    Attributes:
        deadline: when the header has to be complete, in the clock's monotonic seconds.
    """

    __slots__ = ("_following", "_is_counted", "_parser", "_transport", "_trusted", "deadline", "server")

    _transport: asyncio.Transport

    def __init__(self, server: ServerState, trusted: TrustedAddresses, following: Next) -> None:
        self.server: Final = server
        self.deadline = math.inf
        self._trusted: Final = trusted
        self._following: Final = following
        self._parser: Final = ProxyHeaderParser()
        self._is_counted = False

    # -- what the transport says ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; the header is due as a head is."""
        self._transport = cast(asyncio.Transport, transport)
        shared = self.server
        self.deadline = shared.clock.monotonic() + (shared.application.timeouts.head or math.inf)
        shared.connections.add(self)
        if not self._trusted.trusts(client_of(transport)):
            self._cut("it is not trusted to speak for others")
        elif shared.admission.enter(_NOBODY):
            self.abort()
        else:
            self._is_counted = True
            if shared.connections.is_draining:
                self.close_when_idle()

    def data_received(self, data: bytes) -> None:
        """Go on with the header; an untrusted peer is cut off by now."""
        if not self._is_counted:
            return
        try:
            header = self._parser.feed(data)
        except ProtocolError as error:
            self._cut(str(error))
            return
        if header is not None:
            self._hand_over(header)

    def eof_received(self) -> None:
        """Learn that the peer has given up; the transport closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the peer is gone."""
        self._leave()
        self.server.connections.discard(self)

    # -- what the sweep and the server ask -----------------------------------------------------------------------------

    @property
    def holder(self) -> str:
        """What keeps the connection open, in words."""
        return f"{address_of(self._transport)}, header of the PROXY protocol"

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""
        self._cut("its header took too long")

    def disable_keep_alive(self) -> None:
        """Know that the server stops: whatever comes next learns of it from the server."""

    def close_when_idle(self) -> None:
        """Leave the proxy a moment: a request may follow at once."""
        self.deadline = min(self.deadline, self.server.clock.monotonic() + _LAST_MOMENT)

    def abort(self) -> None:
        """Cut the peer off."""
        self._leave()
        self._transport.abort()

    # -- the end of the header -----------------------------------------------------------------------------------------

    def _cut(self, reason: str) -> None:
        _log.debug("%s was cut off: %s", address_of(self._transport), reason)
        self.abort()

    def _leave(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self.server.admission.leave(_NOBODY, AdmissionStatus.ADMITTED)

    def _hand_over(self, header: ProxyHeader) -> None:
        protocol = self._following(
            ConnectionInfo(
                is_proxied=header.is_known, client=header.source, server=header.destination, due=self.deadline
            )
        )
        self._transport.set_protocol(protocol)
        # It counts itself.
        self._leave()
        protocol.connection_made(self._transport)
        self.server.connections.discard(self)
        if self._parser.trailing:
            protocol.data_received(self._parser.trailing)
