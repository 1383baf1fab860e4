"""Provide the part of a connection that does not depend on HTTP: state, deadline, writing, and closing.

``HTTPConnection`` is the only subclass. Closing stays in this class, and is not an object that the connection has:
it needs the state, the transport, the buffer and the deadline, so an object would refer back to its connection.

Why closing is hard: if a socket is closed while input is unread, the kernel resets the connection, and the reset can
destroy the last response before the peer has read it. So if more input is possible, a connection stops writing first,
then reads and drops input for a while (RFC 9112, section 9.6), in state LINGERING.

Why writing is hard: a peer that reads nothing must not keep a response in memory for ever, but a slow peer must not be
cut off. So the write deadline checks how much was read in the time allowed, not whether everything was.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final, cast

from turnbuckle.errors import ConnectionLost
from turnbuckle.server.connection.deadlines import Deadlines
from turnbuckle.server.connection.receive_buffer import ReceiveBuffer
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo, describe_peer
from turnbuckle.server.model.connection_state import ANSWERING, ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.peer import LazyEvent, Peer

__all__ = ["BaseConnection", "wake"]

# Bytes that a lingering connection drops before it closes although the peer is still sending. A browser reads the
# response to a large upload only after it has sent all of it, and shows an error if the connection is closed before.
_MAX_LINGER_BYTES: Final = 64 * 1024 * 1024


class BaseConnection(asyncio.Protocol):
    """The server's end of a connection.

    Args:
        server: the state that it shares with the other connections.
        info: facts about the connection that the transport does not have.

    Attributes:
        server: see above.
        clock: the server's clock.
        timeouts: the timeouts of the request that is being served, or of the connection.
        transport: the transport.
        peer: the two ends of the connection.
        buffer: the received bytes, and the parser.
        state: what the connection waits for.
        deadline: when the wait ends, in the clock's monotonic seconds.
        deadlines: the deadlines of the request that is being served.
        is_aborted: whether the server has cut the peer off.
        is_last: whether the next response is the last one.
        is_endless: whether a response is being sent whose length was not announced.
        is_event_stream: whether that response consists of server-sent events.
        is_writing_paused: whether the transport's write buffer is full.
    """

    __slots__ = (
        "_dropped",
        "_info",
        "_lost",
        "_sender",
        "_unsent",
        "buffer",
        "clock",
        "deadline",
        "deadlines",
        "is_aborted",
        "is_endless",
        "is_event_stream",
        "is_last",
        "is_writing_paused",
        "peer",
        "server",
        "state",
        "timeouts",
        "transport",
    )

    transport: asyncio.Transport
    peer: Peer

    def __init__(self, server: ServerState, info: ConnectionInfo = DIRECT) -> None:
        application = server.application
        self.server = server
        self.clock: Clock = server.clock
        self.timeouts: Timeouts = application.timeouts
        self.buffer = ReceiveBuffer(application.parser_factory(application.limits), application.capacity.pipeline)
        self.state = ConnectionState.HEAD
        self.deadline = math.inf
        self.deadlines = Deadlines()
        self.is_aborted = False
        self.is_last = False
        self.is_endless = False
        self.is_event_stream = False
        self.is_writing_paused = False
        self._info: Final = info
        self._dropped = 0
        self._unsent = 0
        self._sender: asyncio.Future[None] | None = None
        self._lost = LazyEvent()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport, and add the connection to the server's set."""
        # The transports of other loops need not derive from asyncio's.
        self.transport = transport = cast(asyncio.Transport, transport)
        self.buffer.transport = transport
        self.peer = describe_peer(transport, self._info, self._lost)
        self.server.connections.add(self)

    def pause_writing(self) -> None:
        """Note that the transport's write buffer is full."""
        self.is_writing_paused = True

    @property
    def lost(self) -> LazyEvent:
        """The event that the peer is gone."""
        return self._lost

    @property
    def description(self) -> str:
        """A description of what keeps the connection open."""
        client = self.peer.client
        return f"{client[0]}:{client[1]}, {self.state.name.lower()}" if client else self.state.name.lower()

    @property
    def request_count(self) -> int:
        """1 while a request is handled or its response is sent, otherwise 0."""
        return int(self.state in ANSWERING)

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""
        self.deadline = math.inf
        self.abort()

    def disable_keep_alive(self) -> None:
        """Make the next response the last one."""
        self.is_last = True
        if self.state is ConnectionState.SENDING:
            self._limit_endless()

    def close_when_idle(self) -> None:
        """Close the connection; without requests it is always idle."""
        self.close()

    def _enter(self, state: ConnectionState) -> None:
        """Change the state. No other code assigns it.

        The tests check each change against ``TRANSITIONS``; here the check would cost every request two lookups.
        """
        self.state = state

    # -- deadlines -----------------------------------------------------------------------------------------------------

    def _arm(self, seconds: float) -> None:
        self.deadline = self.clock.monotonic() + seconds if seconds else math.inf

    def arm_next(self) -> None:
        """Set the deadline to the earliest one of the request."""
        self.deadline = self.deadlines.next()

    def _arm_write(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._arm(self.timeouts.write)
        self.deadlines.write = self.deadline
        self.deadline = min(self.deadline, self.deadlines.total)

    # -- writing -------------------------------------------------------------------------------------------------------

    @property
    def is_handling(self) -> bool:
        """Whether a response is due and nothing of it was sent."""
        return self.state is ConnectionState.HANDLING

    @property
    def is_sending(self) -> bool:
        """Whether the head of a streamed response was sent, and the rest may follow."""
        return self.state is ConnectionState.SENDING

    def begin_sending(self, head: bytes, *, is_endless: bool, is_event_stream: bool = False) -> None:
        """Send the head of a streamed response.

        Args:
            head: the head.
            is_endless: whether the length of the response is not announced.
            is_event_stream: whether the response consists of server-sent events.
        """
        self._enter(ConnectionState.SENDING)
        self.is_endless = is_endless
        self.is_event_stream = is_event_stream
        self.deadlines.handler = math.inf
        if self.server.connections.is_draining:
            self._limit_endless()
        self.arm_next()
        self.transport.write(head)

    def _limit_endless(self) -> None:
        # An event stream would delay the stop of the server by the whole time that requests have to finish.
        if self.is_endless and self.timeouts.stream_shutdown:
            due = self.clock.monotonic() + self.timeouts.stream_shutdown
            self.deadlines.total = min(self.deadlines.total, due)
            self.arm_next()

    async def flush(self) -> None:
        """Wait until the transport can take more data.

        Raises:
            ConnectionLost: the connection is gone.
        """
        while self.is_writing_paused and self.state is ConnectionState.SENDING:
            self._arm_write()
            self.arm_next()
            self._sender = self.server.loop.create_future()
            try:
                await self._sender
            finally:
                self._sender, self.deadlines.write = None, math.inf
        if self.state is not ConnectionState.SENDING:
            raise ConnectionLost("the peer went away")
        self.arm_next()

    def _expire_write(self) -> None:
        sent = self._unsent - self.transport.get_write_buffer_size()
        is_in_time = self.clock.monotonic() < self.deadlines.total
        if is_in_time and sent > 0 and sent >= self.timeouts.write * self.timeouts.write_rate:
            # The peer is slow but reads fast enough, so it gets the same time again.
            self._arm_write()
        else:
            self.abort()

    # -- closing -------------------------------------------------------------------------------------------------------

    def linger(self) -> None:
        """Stop writing, then read and drop input until the peer has closed its side."""
        self.buffer.drop()
        if self.buffer.is_at_eof or not self.timeouts.linger or not self.transport.can_write_eof():
            self.close()
            return
        self._enter(ConnectionState.LINGERING)
        self._arm(self.timeouts.linger)
        try:
            self.transport.write_eof()
        except OSError:
            # If the peer is gone, the socket raises at once, and asyncio does not catch that.
            self.cut()

    def close(self) -> None:
        """Close the connection when all data is sent; the peer has ``timeouts.write`` seconds to read it."""
        if self.state in (ConnectionState.CLOSED, ConnectionState.CLOSING):
            return
        self._enter(ConnectionState.CLOSING)
        self._arm_write()
        self.transport.close()

    def cut(self) -> None:
        """Abort the transport, so that the peer can tell that data is missing."""
        if self.state in (ConnectionState.CLOSED, ConnectionState.SWITCHED):
            return
        if self.state is not ConnectionState.CLOSING:
            self._enter(ConnectionState.CLOSING)
        self.is_aborted = True
        self.transport.abort()

    def abort(self) -> None:
        """Cut the connection off."""
        self.cut()

    # -- reactions that several states have in common ------------------------------------------------------------------

    def _ignore(self, data: bytes) -> None:
        """Ignore received bytes."""

    def _discard(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > _MAX_LINGER_BYTES:
            self.close()

    def _end_last(self) -> bool:
        self.close()
        return True

    def _keep_open(self) -> bool:
        return True


def wake(waiter: asyncio.Future[None] | None, error: Exception | None = None) -> None:
    """Resume the task that awaits a future, or raise ``error`` in it; do nothing if there is no such task."""
    if waiter is not None and not waiter.done():
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
