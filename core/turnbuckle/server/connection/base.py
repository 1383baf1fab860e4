"""Write to one peer, wait for it, and part from it: what every connection needs, whatever it serves.

A ``BaseConnection`` owns the transport, the deadline, and the ways in which a connection ends. It does not know what a
request
is.

Why closing is hard: a close with octets unread makes the kernel reset the connection, and the reset can destroy the
last response before the peer has read it. So where input may still be coming, a wire stops writing first, then reads
and drops for a while (RFC 9112, section 9.6), in state LINGERING.

Why writing is, too: a peer that takes nothing must not hold a response in memory for ever, but one that is merely slow
is not to be cut off. So the write deadline asks what was taken in its time, not whether all was.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final, cast

from turnbuckle.errors import ConnectionLost
from turnbuckle.http.events import RequestHead
from turnbuckle.http.serializer import content_size, error_response
from turnbuckle.server.connection.receive_buffer import ReceiveBuffer
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo, describe_peer
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.stalls.task_stacks import request_holder
from turnbuckle.web.peer import Disconnected, Peer
from turnbuckle.web.request.request import Request

__all__ = ["BaseConnection", "wake"]

# Octets that a lingering connection drops before it gives up on a peer that does not stop sending.
_LINGER_SIZE: Final = 1024 * 1024

# What another try may not meet.
_NOT_NOW: Final = frozenset({429, 503})


class BaseConnection(asyncio.Protocol):
    """The server's end of a connection, without what is spoken on it.

    Attributes:
        server: the state that it shares with the other connections.
        clock: tells the time.
        timeouts: how long it waits for what.
        started: when the head of the request that is being served was complete, where anything wants to know.
        transport: what it writes to.
        unlogged: the request that is being served, while it has no line in the access log; None without such a log.
        peer: the two ends.
        state: what it waits for.
        deadline: when waiting ends, in the clock's monotonic seconds.
        is_aborted: whether the server cut the peer off.
        is_last: whether the next response is the last one.
        is_writing_paused: whether the transport holds as much as it should.
    """

    __slots__ = (
        "_arrival",
        "_content_due",
        "_dropped",
        "_handler_due",
        "_idle_since",
        "_inbox",
        "_lost",
        "_sender",
        "_task",
        "_total_due",
        "_unsent",
        "_write_due",
        "clock",
        "deadline",
        "is_aborted",
        "is_last",
        "is_writing_paused",
        "peer",
        "server",
        "started",
        "state",
        "timeouts",
        "transport",
        "unlogged",
    )

    transport: asyncio.Transport
    peer: Peer

    def __init__(self, server: ServerState, arrival: ConnectionInfo = DIRECT) -> None:
        application = server.application
        self._arrival: Final = arrival
        self.server = server
        self.clock: Clock = server.clock
        self.timeouts: Timeouts = application.timeouts
        self.state = ConnectionState.HEAD
        self.deadline = math.inf
        self.is_aborted = False
        self.is_last = False
        self.is_writing_paused = False
        self.started = 0.0
        self.unlogged: Request | None = None
        self._inbox = ReceiveBuffer(application.parser_factory(application.limits), application.capacity.pipeline)
        self._dropped = 0
        self._unsent = 0
        self._task: asyncio.Task[None] | None = None
        self._sender: asyncio.Future[None] | None = None
        # While a request is served several things may be due: its deadlines, content, and a peer that is to take some.
        self._handler_due = self._total_due = self._content_due = self._write_due = math.inf
        # Before the first request a connection is not idle, but late.
        self._idle_since = -math.inf
        self._lost = Disconnected()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, and be swept from now on."""
        # Loops bring transports of their own making, which need not derive from asyncio's.
        self.transport = transport = cast(asyncio.Transport, transport)
        self._inbox.transport = transport
        self.peer = describe_peer(transport, self._arrival, self._lost)
        self.server.connections.add(self)

    def pause_writing(self) -> None:
        """Learn that the transport holds more than it should."""
        self.is_writing_paused = True

    @property
    def lost(self) -> Disconnected:
        """What tells that the peer is gone."""
        return self._lost

    @property
    def holder(self) -> str:
        """What keeps the connection open, in words."""
        task = self._task
        if task is not None and not task.done():
            return request_holder(task)
        client = self.peer.client
        return f"{client[0]}:{client[1]}, {self.state.name.lower()}" if client else self.state.name.lower()

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed; what serves something on the wire knows more to do."""
        self.deadline = math.inf
        self.abort()

    def disable_keep_alive(self) -> None:
        """Let the next response be the last one, and say so."""
        self.is_last = True

    def close_when_idle(self) -> None:
        """Close as soon as nothing is going on; nothing is, as far as a wire knows."""
        self.close()

    # -- waiting -------------------------------------------------------------------------------------------------------

    def _arm(self, seconds: float) -> None:
        self.deadline = self.clock.monotonic() + seconds if seconds else math.inf

    def _rearm(self) -> None:
        """Be swept when the first thing is due of all that a request waits for."""
        self.deadline = min(self._handler_due, self._total_due, self._content_due, self._write_due)

    def _arm_write(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._arm(self.timeouts.write)
        self._write_due = self.deadline
        self.deadline = min(self.deadline, self._total_due)

    async def flush(self) -> None:
        """Wait until the transport can take more.

        Raises:
            ConnectionLost: the connection is gone.
        """
        while self.is_writing_paused and self.state is ConnectionState.SENDING:
            self._arm_write()
            self._rearm()
            self._sender = self.server.loop.create_future()
            try:
                await self._sender
            finally:
                self._sender, self._write_due = None, math.inf
        if self.state is not ConnectionState.SENDING:
            raise ConnectionLost("the peer went away")
        self._rearm()

    def _expire_write(self) -> None:
        taken = self._unsent - self.transport.get_write_buffer_size()
        is_in_time = self.clock.monotonic() < self._total_due
        if is_in_time and taken > 0 and taken >= self.timeouts.write * self.timeouts.write_rate:
            # Slow, but reading: what it took has earned it as much time again.
            self._arm_write()
        else:
            self.abort()

    # -- parting -------------------------------------------------------------------------------------------------------

    def refuse(self, status: int, reason: str = "") -> None:
        """Answer with an error of the protocol, and close; whatever else the peer has sent is dropped.

        Args:
            status: of the answer.
            reason: why, for the access log.
        """
        if self.state in (ConnectionState.CLOSED, ConnectionState.CLOSING):
            return
        head = self._request_head()
        method = head.method if head is not None else b"GET"
        data = self._error(status, method)
        self.transport.write(data)
        self._log_refusal(status, data, reason)
        self.linger()

    def _log_refusal(self, status: int, data: bytes, reason: str) -> None:
        access = self.server.access
        if access is not None:
            access.refused(self, status, content_size(data), reason)

    def _error(self, status: int, method: bytes, *, close: bool = True) -> bytes:
        shared = self.server
        retry_after = shared.application.capacity.retry_after if status in _NOT_NOW else 0
        return error_response(status, date_line=shared.date_line, close=close, method=method, retry_after=retry_after)

    def _request_head(self) -> RequestHead | None:
        """Return what is being answered; a wire does not know of requests."""
        return None

    def linger(self) -> None:
        """Stop writing, then read and drop until the peer has noticed."""
        self._inbox.drop()
        if self._inbox.is_at_eof or not self.timeouts.linger or not self.transport.can_write_eof():
            self.close()
            return
        self.state = ConnectionState.LINGERING
        self._arm(self.timeouts.linger)
        try:
            self.transport.write_eof()
        except OSError:
            # A peer that is gone resets the connection at once when it is written to; asyncio lets that through.
            self.cut()

    def close(self) -> None:
        """Close once everything written has been sent, for which the peer has ``timeouts.write`` seconds."""
        if self.state in (ConnectionState.CLOSED, ConnectionState.CLOSING):
            return
        self.state = ConnectionState.CLOSING
        self._arm_write()
        self.transport.close()

    def cut(self) -> None:
        """Cut the peer off, so that it sees that something is missing."""
        if self.state is not ConnectionState.CLOSED:
            self.state = ConnectionState.CLOSING
            self.is_aborted = True
            self.transport.abort()

    def abort(self) -> None:
        """Cut the peer off, and cancel the handler that serves it."""
        self.cut()
        if self._task is not None:
            self._task.cancel()

    # -- what is the same in several states ----------------------------------------------------------------------------

    def _ignore(self, data: bytes) -> None:
        """Take octets that nobody will look at."""

    def _discard(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > _LINGER_SIZE:
            self.close()

    def _end_last(self) -> bool:
        self.close()
        return True

    def _keep_open(self) -> bool:
        return True


def wake(waiter: asyncio.Future[None] | None, error: Exception | None = None) -> None:
    """Let whoever waits go on, or fail; nobody may be waiting."""
    if waiter is not None and not waiter.done():
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
