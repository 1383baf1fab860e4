"""Read the first bytes of a connection without TLS, and hand it to HTTP/1.1 or to the protocol that they announce.

A client that knows that the server speaks another protocol begins with the preface of the protocol (RFC 9113, section
3.3). An app without such protocols does not use this module. With them, the first bytes of a client of HTTP/1.1 differ
from each preface, so its connection costs one comparison.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final, cast, final

import attrs

from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.listen.pending_connection import PendingConnection
from turnbuckle.server.model.application import ConnectionProtocol
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo, address_of, describe_peer
from turnbuckle.server.streams.link import serve_protocol
from turnbuckle.web.peer import LazyEvent

__all__ = ["PrefaceConnection"]


@final
class PrefaceConnection(PendingConnection):
    """A connection whose protocol is not known yet.

    Args:
        server: the state that the connections share.
        info: the facts that a PROXY header gave about the connection.
    """

    __slots__ = ("_info", "_received")

    def __init__(self, server: ServerState, info: ConnectionInfo = DIRECT) -> None:
        super().__init__(server)
        self._info: Final = info
        self._received = b""

    # -- called by the transport ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection, and start the deadline; HTTP/1.1 rejects a connection that is not admitted."""
        self._transport = cast(asyncio.Transport, transport)
        server = self.server
        self._peer = describe_peer(self._transport, self._info, LazyEvent())
        server.connections.add(self)
        if server.admission.enter(self._peer):
            self._serve_http()
            return
        self._is_counted = True
        timeouts = server.application.timeouts
        self._arm(timeouts.first_byte or timeouts.head)
        if self._info.due is not None:
            self.deadline = min(self.deadline, self._info.due)
        if server.connections.is_draining:
            self.close_when_idle()

    def data_received(self, data: bytes) -> None:
        """Hand the connection over as soon as its first bytes decide."""
        if not self._is_counted:
            return
        timeouts = self.server.application.timeouts
        if timeouts.first_byte and not self._received:
            self._arm(timeouts.head)
        received = self._received = self._received + data
        may_follow = False
        for preface, protocol in self.server.application.prefaces.items():
            if received.startswith(preface):
                self._serve_protocol(protocol)
                return
            may_follow = may_follow or preface.startswith(received)
        if not may_follow:
            self._serve_http()

    # -- called by the sweep and the server ----------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """What keeps the connection open, in words."""
        return f"{address_of(self._transport)}, first bytes"

    def expire(self, now: float) -> None:
        """Hand a late head over to HTTP/1.1, which answers it; close a connection whose first byte is late."""
        if self._received or not self.server.application.timeouts.first_byte:
            self._serve_http(due=now)
        else:
            self._transport.close()

    # -- the decision --------------------------------------------------------------------------------------------------

    def _arm(self, seconds: float) -> None:
        self.deadline = self.server.clock.monotonic() + seconds if seconds else math.inf

    def _serve_http(self, due: float | None = None) -> None:
        due = self.deadline if due is None else due
        self._serve_with(HTTPConnection(self.server, attrs.evolve(self._info, due=due)), self._received)

    def _serve_protocol(self, protocol: ConnectionProtocol) -> None:
        if not serve_protocol(self.server, self._transport, self._peer, protocol):
            return
        # The connection stays counted; its link will release it.
        self._is_counted = False
        self.server.connections.discard(self)
        following = self._transport.get_protocol()
        if isinstance(following, asyncio.Protocol):
            following.data_received(self._received)
