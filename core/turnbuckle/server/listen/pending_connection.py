"""The base of connections whose first bytes decide which protocol serves them.

Such a connection counts, and is swept, from the moment it is accepted. Once its first bytes have arrived, it hands the
transport to the next protocol.
"""

from __future__ import annotations

import abc
import asyncio
import math
from typing import ClassVar, Final

from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.web.peer import Peer

__all__ = ["PendingConnection"]

# Seconds that the first bytes may still take once the server begins to stop.
_GRACE_SECONDS: Final = 1.0


class PendingConnection(asyncio.Protocol, abc.ABC):
    """A connection whose first bytes are awaited.

    Args:
        server: the state that the connections share.

    Attributes:
        server: see above.
        deadline: when the first bytes must be complete, in the clock's monotonic seconds.
    """

    __slots__ = ("_is_counted", "_peer", "_transport", "deadline", "server")

    request_count: ClassVar = 0
    _transport: asyncio.Transport
    _peer: Peer

    def __init__(self, server: ServerState) -> None:
        self.server: Final = server
        self.deadline = math.inf
        # Whether admission counts the connection, for ``_peer``.
        self._is_counted = False

    def eof_received(self) -> None:
        """Do nothing, so that the transport closes: nothing follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._leave()
        self.server.connections.discard(self)

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """What keeps the connection open, in words."""

    @abc.abstractmethod
    def expire(self, now: float) -> None:
        """Act on the deadline."""

    def disable_keep_alive(self) -> None:
        """Do nothing: the next protocol asks the server whether it is stopping."""

    def close_when_idle(self) -> None:
        """Give the peer one second: a request may follow at once."""
        self.deadline = min(self.deadline, self.server.clock.monotonic() + _GRACE_SECONDS)

    def abort(self) -> None:
        """Close the connection at once."""
        self._leave()
        self._transport.abort()

    def _leave(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self.server.admission.leave(self._peer, AdmissionStatus.ADMITTED)

    def _serve_with(self, protocol: asyncio.Protocol, received: bytes) -> None:
        """Hand the transport to a protocol that counts itself, with the bytes that it has not seen."""
        self._transport.set_protocol(protocol)
        self._leave()
        # It is the same connection, which counts once.
        self.server.admission.accepted -= 1
        protocol.connection_made(self._transport)
        self.server.connections.discard(self)
        if received:
            protocol.data_received(received)
