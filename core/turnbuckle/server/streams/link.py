"""Connections that another protocol than HTTP/1.1 serves, and the requests on their streams.

A plugin's protocol reads and writes the transport; ``ProtocolLink`` is the server's side of the connection: it runs the
requests, stores the deadline of the protocol, and passes on that the server stops. The sweep of
``server/connection/connection_set.py`` sees the link in place of the connection.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.events import RequestHead
from turnbuckle.http.limits import Limits
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.application import ConnectionProtocol
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_state import ANSWERING
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.streams.base import BaseRun
from turnbuckle.server.streams.channel import StreamChannel
from turnbuckle.server.streams.run import StreamRun
from turnbuckle.web.peer import LazyEvent, Peer

__all__ = ["LinkedConnection", "ProtocolLink", "RunSet", "serve_protocol"]

_log: Final = SafeLogger("turnbuckle.server")


@final
class RunSet:
    """The runs of one connection or one host, and the earliest of their deadlines.

    Args:
        server: the state that all connections share.
        on_empty: called when the last run has ended.
        peer: the two ends of the connection; None for a host.
        sends_date: whether responses have a Date field of the server.

    Attributes:
        server, peer, sends_date: see above.
        runs: the runs that have not ended.
        deadline: when the first of them may be due, in the clock's monotonic seconds.
    """

    __slots__ = ("_on_empty", "deadline", "peer", "runs", "sends_date", "server")

    def __init__(
        self,
        server: ServerState,
        on_empty: Callable[[], object],
        *,
        peer: Peer | None = None,
        sends_date: bool = True,
    ) -> None:
        self.server: Final = server
        self.peer: Final = peer
        self.sends_date: Final = sends_date
        self.runs: Final[set[BaseRun]] = set()
        self.deadline = math.inf
        self._on_empty: Final = on_empty

    def begin(
        self, head: RequestHead, peer: Peer, channel: StreamChannel, *, has_content: bool, is_checked: bool = False
    ) -> StreamRun:
        """Begin a run; ``StreamRun.begin`` describes the arguments."""
        run = StreamRun(self, head, peer, channel)
        peer.exchange = run
        self.runs.add(run)
        run.begin(has_content=has_content, is_checked=is_checked)
        return run

    def note_deadline(self, deadline: float) -> None:
        """Note that a run is due then."""
        self.deadline = min(self.deadline, deadline)

    def discard(self, run: BaseRun) -> None:
        """Forget a run that has ended."""
        self.runs.discard(run)
        if not self.runs:
            self._on_empty()

    def expire_runs(self, now: float) -> None:
        """Act on the deadlines of runs that have passed; ``deadline`` becomes the next one."""
        self.deadline = math.inf
        for run in tuple(self.runs):
            if run.deadline <= now:
                run.expire(now)
        for run in self.runs:
            self.note_deadline(run.deadline)

    @property
    def request_count(self) -> int:
        """Number of runs whose responses have not ended."""
        return sum(run.state in ANSWERING for run in self.runs)

    def limit_endless(self) -> None:
        """Limit the time of streams without an end, because the server stops."""
        for run in tuple(self.runs):
            run.limit_endless()

    def describe_runs(self) -> str:
        """Return a description of a run, and how many there are."""
        run = next((run for run in self.runs if not run.is_done), None) or next(iter(self.runs))
        others = f", and {len(self.runs) - 1} more requests" if len(self.runs) > 1 else ""
        return f"{run.description}{others}"


@final
class ProtocolLink:
    """The server's side of a connection that a plugin's protocol serves.

    Attributes:
        name: the name of the protocol, such as ``"HTTP/2"``; requests have it as ``request.peer.protocol``.
        peer: the two ends of the connection.
        limits: the limits of messages.
        timeouts: the timeouts of connections.
        capacity: the limits on connections and requests.
        clock: the clock of the server; deadlines are in its monotonic seconds.
        loop: the serving loop.
        stopping: set once the server begins to stop.
        upgrades: the protocols that a request may switch to: tokens of the ``Upgrade`` field in lower case.
    """

    __slots__ = (
        "_close_when_idle",
        "_closes_when_idle",
        "_expire_protocol",
        "_lost",
        "_own_deadline",
        "_requests",
        "_runs",
        "_server",
        "_started",
        "_transport",
        "capacity",
        "clock",
        "limits",
        "loop",
        "name",
        "peer",
        "stopping",
        "timeouts",
        "upgrades",
    )

    def __init__(self, server: ServerState, transport: asyncio.Transport, peer: Peer, name: str) -> None:
        application = server.application
        self.name: Final = name
        self.peer: Final = peer
        self.limits: Final[Limits] = application.limits
        self.timeouts: Final[Timeouts] = application.timeouts
        self.capacity: Final[Capacity] = application.capacity
        self.upgrades: Final = application.upgrades
        self.clock: Final[Clock] = server.clock
        self.loop: Final = server.loop
        self.stopping: Final[LazyEvent] = server.connections.stopping
        self._server: Final = server
        self._transport: Final = transport
        self._runs: Final = RunSet(server, self._close_if_idle, peer=peer)
        self._own_deadline = math.inf
        self._started = server.clock.monotonic()
        self._requests = 0
        self._closes_when_idle = False
        self._lost = False
        self._expire_protocol: Callable[[float], object] | None = None
        self._close_when_idle: Callable[[], object] | None = None

    # -- calls of the protocol -----------------------------------------------------------------------------------------

    @property
    def is_draining(self) -> bool:
        """Whether the protocol should accept no further requests on this connection.

        The server stops, or the connection has had its lifetime (``timeouts.lifetime``) or its number of requests
        (``capacity.requests_per_connection``).
        """
        most, lifetime = self.capacity.requests_per_connection, self.timeouts.lifetime
        return (
            self._server.connections.is_draining
            or (most > 0 and self._requests >= most)
            or (lifetime > 0 and self.clock.monotonic() - self._started >= lifetime)
        )

    @property
    def run_count(self) -> int:
        """Number of requests that are being served."""
        return len(self._runs.runs)

    @property
    def request_count(self) -> int:
        """Number of requests whose responses have not ended."""
        return self._runs.request_count

    def run(
        self, head: RequestHead, channel: StreamChannel, *, has_content: bool, is_checked: bool = False
    ) -> StreamRun:
        """Serve a request. The response may begin, and end, before this method returns.

        Args:
            head: the head, as the peer sent it, with a Host field if it named an authority. Its length is read from its
                Content-Length; set ``upgrade`` if the request asks for a tunnel.
            channel: the carrier's end of the stream.
            has_content: whether content, or its end, will follow.
            is_checked: whether a head with an equal method, target and fields was served on this server before, so that
                it need not be checked again. The protocol then sets ``content_length``.
        """
        peer = self.peer
        self._requests += 1
        own = Peer(peer.client, peer.server, scheme=peer.scheme, tls=peer.tls, protocol=peer.protocol)
        return self._runs.begin(head, own, channel, has_content=has_content, is_checked=is_checked)

    def set_deadline(self, at: float) -> None:
        """Set the time when the server calls ``expire(now)`` of the protocol; ``math.inf`` for never.

        Args:
            at: in the clock's monotonic seconds. A later call replaces an earlier one; the server looks at it at least
                once a second.
        """
        self._own_deadline = at

    def close_after_requests(self) -> None:
        """Close the transport once no request is being served; at once if there is none."""
        self._closes_when_idle = True
        self._close_if_idle()

    def refused(self, reason: str) -> None:
        """Log that the protocol ends the connection because its peer misbehaves."""
        _log.debug("%s connection of %s ended: %s", self.name, self.peer.client, reason)
        for run in self._runs.runs:
            # For the log, the peer did not leave: the server has cut it off.
            run.is_aborted = True
        if self._server.access is not None:
            self._server.access.ended_connection(self.peer, reason)

    # -- calls of the server, as for every ``ManagedConnection`` -------------------------------------------------------

    @property
    def deadline(self) -> float:
        """When the protocol or a request is due."""
        return min(self._own_deadline, self._runs.deadline)

    @property
    def description(self) -> str:
        """A description of what keeps the connection open."""
        client = self.peer.client
        start = f"{client[0]}:{client[1]}, {self.name}" if client else self.name
        return f"{start}, {self._runs.describe_runs()}" if self._runs.runs else start

    def expire(self, now: float) -> None:
        """Act on deadlines that have passed."""
        self._runs.expire_runs(now)
        if self._own_deadline <= now:
            self._own_deadline = math.inf
            if self._expire_protocol is None:
                self._transport.abort()
            else:
                self._expire_protocol(now)

    def disable_keep_alive(self) -> None:
        """Limit streams without an end; the protocol learns from ``stopping`` that it accepts no further requests."""
        self._runs.limit_endless()

    def close_when_idle(self) -> None:
        """Call the protocol's ``close_when_idle`` if it has one, else close the transport after the last request."""
        if self._close_when_idle is not None:
            self._close_when_idle()
        else:
            self.close_after_requests()

    def abort(self) -> None:
        """Abort the transport, and cancel all requests."""
        for run in tuple(self._runs.runs):
            run.abort()
        self._transport.abort()

    # -- calls of ``LinkedConnection`` ---------------------------------------------------------------------------------

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Begin to serve a connection with a protocol."""
        self._expire_protocol = _method_of(protocol, "expire")
        self._close_when_idle = _method_of(protocol, "close_when_idle")
        self._server.connections.add(self)

    def connection_lost(self) -> None:
        """Note that the peer is gone, and stop counting the connection."""
        self._lost = True
        self._own_deadline = math.inf
        self.peer.lost.set()
        self._server.admission.leave(self.peer, AdmissionStatus.ADMITTED)
        for run in tuple(self._runs.runs):
            run.disconnect()
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._runs.runs:
            return
        if self._lost:
            # A server that stops waits for the handlers.
            self._server.connections.discard(self)
        elif self._closes_when_idle:
            self._transport.close()


def _method_of(protocol: asyncio.Protocol, name: str) -> Callable[..., object] | None:
    method = getattr(protocol, name, None)
    return method if callable(method) else None


@final
class LinkedConnection(asyncio.Protocol):
    """The protocol that the transport of such a connection calls: the plugin's, and the link when the peer is gone.

    Attributes:
        peer: the two ends of the connection.
    """

    # The slots hold the methods of the plugin's protocol, so that the transport calls them directly.
    __slots__ = (
        "_link",
        "_protocol",
        "data_received",
        "eof_received",
        "pause_writing",
        "peer",
        "resume_writing",
    )

    data_received: Callable[[bytes], None]  # type: ignore[assignment]  # transports name no argument
    eof_received: Callable[[], bool | None]
    pause_writing: Callable[[], None]
    resume_writing: Callable[[], None]

    def __init__(self, link: ProtocolLink, protocol: asyncio.Protocol) -> None:
        self._link: Final = link
        self._protocol: Final = protocol
        self.peer: Final = link.peer
        self.data_received = protocol.data_received
        self.eof_received = protocol.eof_received
        self.pause_writing = protocol.pause_writing
        self.resume_writing = protocol.resume_writing

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the protocol and the link that the peer is gone."""
        try:
            self._protocol.connection_lost(exc)
        finally:
            self._link.connection_lost()


def serve_protocol(server: ServerState, transport: asyncio.Transport, peer: Peer, protocol: ConnectionProtocol) -> bool:
    """Hand an admitted connection over to a plugin's protocol; abort it if the plugin fails.

    Args:
        server: the state that all connections share.
        transport: the transport; its protocol is replaced.
        peer: the two ends of the connection.
        protocol: makes the plugin's protocol.

    Returns:
        Whether the protocol serves the connection. The caller passes on the bytes that were received early.
    """
    peer.protocol = protocol.version
    link = ProtocolLink(server, transport, peer, protocol.version)
    try:
        made = protocol.make(link)
        connection = LinkedConnection(link, made)
    except Exception:  # noqa: BLE001  # a plugin may raise anything
        _log.exception("protocol %s cannot serve a connection", protocol.version)
        transport.abort()
        return False
    transport.set_protocol(connection)
    link.attach(made)
    made.connection_made(transport)
    if server.connections.is_draining:
        link.close_when_idle()
    return True
