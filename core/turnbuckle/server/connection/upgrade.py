"""Hand the transport of a connection over to another protocol (RFC 9110, section 7.8).

The other protocol gets the transport's callbacks directly, and the server sets no deadlines for it. The connection
still counts as one, and a server that stops notifies it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import ClassVar, Final, Protocol, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.serializer import content_size, error_response, response_head
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.connection_set import ManagedConnection
from turnbuckle.server.connection.exchange import HTTPExchange
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.web.peer import LazyEvent, Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.upgrade import SwitchProtocols

__all__ = ["ConnectionEnds", "SwitchedConnection", "UpgradableConnection", "switch_protocols"]

_log: Final = SafeLogger("turnbuckle.server")


class ConnectionEnds(Protocol):
    """The parts of a connection that another protocol takes over."""

    @property
    def server(self) -> ServerState:
        """The state that the connection shares with the others."""

    @property
    def transport(self) -> asyncio.Transport:
        """The transport."""

    @property
    def lost(self) -> LazyEvent:
        """The event that the peer is gone."""

    @property
    def peer(self) -> Peer:
        """The two ends of the connection."""


class UpgradableConnection(ConnectionEnds, Protocol):
    """A connection that can be handed over to another protocol."""

    @property
    def exchange(self) -> HTTPExchange:
        """The request and its response."""

    def switch(self, successor: ManagedConnection) -> bytes:
        """Put ``successor`` in the place of the connection; return the received bytes that belong to it."""

    def end_response(self, close: bool) -> None:
        """Continue after a complete response, which announced the end of the connection if ``close``."""


def switch_protocols(connection: UpgradableConnection, request: Request, response: SwitchProtocols) -> None:
    """Send 101 and hand the transport over to the protocol that the response names.

    If the client did not offer the protocol, that is an error of the handler: 500. If the request has unread content,
    the new protocol could not know where the content ends: 400.
    """
    exchange, server = connection.exchange, connection.server
    offered = exchange.head.upgrade.decode("latin-1").lower().split(",")
    if response.protocol.lower() not in (name.strip(" \t") for name in offered):
        _log.error("%s cannot switch to %s: not offered", request, response.protocol)
        data = error_response(500, date_line=server.date_line, method=exchange.head.method)
        connection.transport.write(data)
        _log_end(connection, 500, content_size(data))
        connection.end_response(close=True)
        return
    if exchange.content is not None and not exchange.content.is_complete:
        exchange.refuse(400)
        return
    transport = connection.transport
    protocol = response.factory()
    transport.write(response_head(101, response.fields(), b"", server.date_line))
    _log_end(connection, 101, 0)
    description = f"{request}, switched to {response.protocol}"
    switched = SwitchedConnection(connection, protocol, description, response.task)
    if server.access is not None and hasattr(protocol, "describe_end"):
        switched.logged = request, exchange.started
    early = connection.switch(switched)
    transport.set_protocol(switched)
    protocol.connection_made(transport)
    if early:
        protocol.data_received(early)
    if server.connections.is_draining:
        switched.close_when_idle()


@final
class SwitchedConnection(asyncio.Protocol):
    """The protocol that a transport calls after a switch: the other protocol, and the server when the peer is gone.

    Args:
        connection: the connection that was admitted and is handed over.
        protocol: the other protocol.
        description: a description of what keeps the connection open.
        task: the task that serves the connection; None for none.

    Attributes:
        logged: the request, and when its head was complete, for the line at the end; None for no line.
    """

    # The slots hold the methods of the other protocol, so that the transport calls them directly.
    __slots__ = (
        "_lost",
        "_peer",
        "_protocol",
        "_server",
        "_task",
        "_transport",
        "data_received",
        "deadline",
        "description",
        "eof_received",
        "logged",
        "pause_writing",
        "resume_writing",
    )

    request_count: ClassVar = 0

    data_received: Callable[[bytes], None]  # type: ignore[assignment]  # transports name no argument
    eof_received: Callable[[], bool | None]
    pause_writing: Callable[[], None]
    resume_writing: Callable[[], None]

    def __init__(
        self,
        connection: ConnectionEnds,
        protocol: asyncio.Protocol,
        description: str,
        task: asyncio.Task[None] | None = None,
    ) -> None:
        self._task: Final = task
        self._server: Final = connection.server
        self._transport: Final = connection.transport
        self._protocol: Final = protocol
        self._lost: Final = connection.lost
        self._peer: Final = connection.peer
        self.description: Final = description
        self.deadline = math.inf
        self.logged: tuple[Request, float] | None = None
        self.data_received = protocol.data_received
        self.eof_received = protocol.eof_received
        self.pause_writing = protocol.pause_writing
        self.resume_writing = protocol.resume_writing

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the server and the protocol that the peer is gone."""
        self._lost.set()
        self._server.admission.leave(self._peer, AdmissionStatus.ADMITTED)
        self._protocol.connection_lost(exc)
        self._log_end()
        if self._task is None or self._task.done():
            self._server.connections.discard(self)
        else:
            # A server that stops waits for it: it may be using a resource that a lifespan is about to end.
            self._task.add_done_callback(self._forget)

    def _log_end(self) -> None:
        logged, self.logged = self.logged, None
        end = getattr(self._protocol, "describe_end", None)
        if logged is not None and self._server.access is not None and callable(end):
            self._server.access.ended_switch(*logged, end())

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._server.connections.discard(self)

    def expire(self, now: float) -> None:
        """Do nothing: the other protocol has its own deadlines."""

    def disable_keep_alive(self) -> None:
        """Ask a protocol that a task serves to end now: it would not be idle by itself, as a WebSocket is not."""
        if self._task is not None:
            self.close_when_idle()

    def close_when_idle(self) -> None:
        """Call the protocol's ``close_when_idle`` if it has one, else close the transport."""
        close_when_idle = getattr(self._protocol, "close_when_idle", None)
        if callable(close_when_idle):
            close_when_idle()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Abort the transport, and cancel the task that serves the connection."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()


def _log_end(connection: UpgradableConnection, status: int, size: int) -> None:
    access = connection.server.access
    if access is not None:
        access.ended(connection.exchange, status, size)
