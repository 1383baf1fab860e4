"""The part of a request on a stream that the server uses: its state, its deadlines, its response and its end.

A response is sent no faster than the peer reads it. A peer that reads nothing must not keep a response in memory for
ever, but a slow peer must not be cut off: the write deadline checks how much was taken in the time allowed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final, Protocol, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.serializer import error_content
from turnbuckle.server.connection.base import wake
from turnbuckle.server.connection.content import CONTENT_IS_GONE, IncomingContent
from turnbuckle.server.connection.deadlines import Deadlines
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_state import ANSWERING, ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.stalls.task_stacks import describe_request
from turnbuckle.server.streams.channel import StreamChannel
from turnbuckle.server.streams.feed import StreamFeed
from turnbuckle.server.streams.fields import FieldPair
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.upgrade import SwitchProtocols

__all__ = ["BaseRun", "RunOwner"]

_HANDLING: Final = ConnectionState.HANDLING
_SENDING: Final = ConnectionState.SENDING
_CLOSED: Final = ConnectionState.CLOSED

_RETRYABLE: Final = frozenset({429, 503})
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")

_log: Final = SafeLogger("turnbuckle.server")


class RunOwner(Protocol):
    """The set of runs that a run belongs to; it watches over their deadlines."""

    @property
    def server(self) -> ServerState:
        """The state that all connections share."""

    @property
    def peer(self) -> Peer | None:
        """The two ends of the connection; None for a host."""

    @property
    def sends_date(self) -> bool:
        """Whether responses have a Date field of the server."""

    def note_deadline(self, deadline: float) -> None:
        """Note that a run is due then, in the clock's monotonic seconds."""

    def discard(self, run: BaseRun) -> None:
        """Forget a run that has ended."""


@final
class _Tunnel:
    """The other protocol of a stream, and the task that serves it.

    Args:
        request: the request that switched the stream.
        response: the response; its factory makes the protocol.
    """

    __slots__ = ("_make", "protocol", "request", "task")

    def __init__(self, request: Request, response: SwitchProtocols) -> None:
        self.request: Final = request
        self.task: Final = response.task
        self.protocol: asyncio.Protocol | None = None
        self._make: Final = response.factory
        response.factory = self._made

    def _made(self) -> asyncio.Protocol:
        self.protocol = self._make()
        return self.protocol


class BaseRun:
    """The parts of a run that the server uses: its state, deadlines, and response; ``StreamRun`` is the only subclass.

    Attributes:
        owner: the connection, or the host, of the stream.
        server: the state that all connections share.
        channel: the carrier's end.
        head: the head of the request.
        peer: the two ends of the stream.
        feed: the received content; None if the request has none.
        content: the content of the request, as the handler reads it; None if it has none.
        state: what the run waits for.
        timeouts: the timeouts of the request.
        deadline: when the wait ends, in the clock's monotonic seconds.
        deadlines: the deadlines of the request.
        task: the task that answers the request; None before it begins.
        has_begun: whether the task runs the application, or has run it.
        is_running: whether the task has not ended.
        started: when the run began, in the clock's monotonic seconds.
        unlogged: the request, until its line in the access log is written; None if the log is off.
        is_aborted: whether the server has cut the peer off.
        is_endless: whether a response is being sent whose length was not announced.
    """

    __slots__ = (
        "_has_slot",
        "_sender",
        "_tunnel",
        "_unsent",
        "channel",
        "content",
        "deadline",
        "deadlines",
        "feed",
        "has_begun",
        "head",
        "is_aborted",
        "is_endless",
        "is_running",
        "owner",
        "peer",
        "server",
        "started",
        "state",
        "task",
        "timeouts",
        "unlogged",
    )

    def __init__(self, owner: RunOwner, head: RequestHead, peer: Peer, channel: StreamChannel) -> None:
        self.owner: Final = owner
        self.server: Final = owner.server
        self.channel: Final = channel
        self.head: Final = head
        self.peer: Final = peer
        self.feed: StreamFeed | None = None
        self.content: IncomingContent | None = None
        self.state = _HANDLING
        self.timeouts: Timeouts = owner.server.application.timeouts
        self.deadline = math.inf
        self.deadlines: Final = Deadlines()
        self.task: asyncio.Task[None] | None = None
        self.has_begun = False
        self.is_running = False
        self.started = owner.server.clock.monotonic()
        self.unlogged: Request | None = None
        self.is_aborted = False
        self.is_endless = False
        self._has_slot = False
        self._sender: asyncio.Future[None] | None = None
        self._tunnel: _Tunnel | None = None
        self._unsent = 0

    @property
    def connection_peer(self) -> Peer:
        """The two ends of the connection of the stream."""
        return self.owner.peer or self.peer

    @property
    def is_done(self) -> bool:
        """Whether the response has ended, or will never be sent."""
        return self.state not in ANSWERING and self.state is not ConnectionState.SWITCHED

    # -- the content ---------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The server's clock."""
        return self.server.clock

    def begin_wait(self, deadline: float) -> None:
        """Set the deadline for the next content."""
        self.deadlines.content = deadline
        self._arm_next()

    def end_wait(self) -> None:
        """Remove the deadline for the next content."""
        self.deadlines.content = math.inf
        if self.state in ANSWERING:
            self._arm_next()

    def send_continue(self) -> None:
        """Send 100, which asks the peer for the content, unless a response has begun."""
        if self.state is _HANDLING:
            self.channel.send_interim(100, ())

    # -- the response --------------------------------------------------------------------------------------------------

    @property
    def date_field(self) -> FieldPair | None:
        """The Date field of the server; None if the host sends its own."""
        return self.server.date_field if self.owner.sends_date else None

    def send_complete(self, status: int, fields: Sequence[FieldPair], body: bytes) -> None:
        """Send a whole response, and end the run."""
        channel = self.channel
        if body:
            channel.send_head(status, fields, ends=False)
            channel.send_data(body, ends=True)
        else:
            channel.send_head(status, fields, ends=True)
        self.end_response()

    def _enter(self, state: ConnectionState) -> None:
        """Change the state. No other code assigns it."""
        self.state = state

    def begin_sending(self, status: int, fields: Sequence[FieldPair], *, is_endless: bool, ends: bool = False) -> None:
        """Send the head of a streamed response.

        Args:
            status: the status.
            fields: the fields.
            is_endless: whether the length of the response is not announced.
            ends: whether the response has no content.
        """
        self._enter(_SENDING)
        self.is_endless = is_endless
        self.deadlines.handler = math.inf
        if self.server.connections.is_draining:
            self.limit_endless()
        self._arm_next()
        self.channel.send_head(status, fields, ends=ends)

    def limit_endless(self) -> None:
        """Limit the time of a response without an announced length, because the server stops."""
        if self.state is _SENDING and self.is_endless and self.timeouts.stream_shutdown:
            due = self.clock.monotonic() + self.timeouts.stream_shutdown
            self.deadlines.total = min(self.deadlines.total, due)
            self._arm_next()

    async def flush(self) -> None:
        """Wait until the channel can take more data.

        Raises:
            ConnectionLost: the stream has ended.
        """
        while self.channel.is_writing_paused and self.state is _SENDING:
            self._arm_write()
            self._sender = self.server.loop.create_future()
            try:
                await self._sender
            finally:
                self._sender, self.deadlines.write = None, math.inf
        if self.state is not _SENDING:
            raise ConnectionLost("the peer went away")
        self._arm_next()

    def end_response(self) -> None:
        """End the run after the last byte of a response, or once the peer has taken it."""
        self._abandon_content()
        if self.channel.unsent_size:
            self._enter(ConnectionState.FLUSHING)
            self.deadlines.handler = math.inf
            self._arm_write()
        else:
            self._end()

    def switch(self, request: Request, response: SwitchProtocols) -> None:
        """Make a tunnel of the stream; answer 500 if the client did not offer the protocol, or the carrier has none."""
        offered = self.head.upgrade.decode("latin-1").lower().split(",")
        is_offered = response.protocol.lower() in (name.strip(" \t") for name in offered)
        try:
            if not is_offered:
                raise RuntimeError("not offered")
            if self.content is not None and not self.content.is_complete:
                self.refuse(400, "the content was not read before the switch")
                return
            self._enter(ConnectionState.SWITCHED)
            self._arm(math.inf)
            self._tunnel = _Tunnel(request, response)
            self.channel.switch(response)
        except RuntimeError as error:
            self._enter(_HANDLING)
            _log.error("%s cannot switch to %s: %s", request, response.protocol, error)
            self.refuse(500, "the connection cannot switch protocols")
            return
        if self.server.access is not None:
            self.server.access.ended(self, 101, 0)

    def refuse(self, status: int, reason: str = "") -> None:
        """Answer with an error in place of the handler.

        Args:
            status: the status of the answer.
            reason: the reason, for the access log.
        """
        if self.state is not _HANDLING:
            self.cut(reason or "the request cannot be answered")
            return
        server = self.server
        body = error_content(status)
        fields = [_TEXT, (b"content-length", b"%d" % len(body))]
        if self.date_field is not None:
            fields.append(self.date_field)
        if status in _RETRYABLE and server.application.capacity.retry_after:
            fields.append((b"retry-after", b"%d" % server.application.capacity.retry_after))
        content_size = 0 if self.head.method == b"HEAD" else len(body)
        if server.access is not None:
            server.access.refused(self, status, content_size, reason)
        self.send_complete(status, fields, body if content_size else b"")

    def cut(self, reason: str, *, error: bool = False) -> None:
        """Reset the stream, so that the peer can tell that data is missing."""
        if self.state is _CLOSED:
            return
        self.is_aborted = True
        self._enter_closed()
        lost = ConnectionLost("the server has cut the peer off")
        wake(self._sender, lost)
        self._wake_reader(lost)
        self.channel.reset(reason, error=error)
        if not self.is_running:
            self._leave()

    # -- the end -------------------------------------------------------------------------------------------------------

    def disconnect(self) -> None:
        """Note that the peer has reset the stream, or is gone: a response that is being sent is cancelled.

        A handler that has not answered is cancelled if ``server.cancel_on_disconnect`` is set.
        """
        previous = self.state
        if previous is _CLOSED:
            return
        self._enter_closed()
        if previous is ConnectionState.SWITCHED:
            self._log_tunnel()
        error = ConnectionLost("the peer went away")
        wake(self._sender, error)
        self._wake_reader(error)
        self.peer.lost.set()
        if not self.is_running:
            self._leave()
        elif previous is _SENDING or (previous is _HANDLING and self.server.application.cancel_on_disconnect):
            self._cancel()
        elif previous is _HANDLING:
            # The peer is gone, but the handler's time is still limited.
            self._arm(self.deadlines.next_of_handler())

    def _log_tunnel(self) -> None:
        access, tunnel = self.server.access, self._tunnel
        end = None if tunnel is None else getattr(tunnel.protocol, "describe_end", None)
        if access is not None and tunnel is not None and callable(end):
            access.ended_switch(tunnel.request, self.started, end())

    def _end(self) -> None:
        self._enter_closed()
        if not self.is_running:
            self._leave()

    def _enter_closed(self) -> None:
        self._enter(_CLOSED)
        self.deadline = math.inf
        self._abandon_content()

    def _abandon_content(self) -> None:
        feed, content = self.feed, self.content
        if feed is None or content is None:
            return
        if not content.is_complete and self.state is not _CLOSED:
            content.abandon()
            feed.wake(RuntimeError(CONTENT_IS_GONE))
        if unread := feed.drop():
            self.channel.content_consumed(unread)

    def _wake_reader(self, error: Exception) -> None:
        if self.feed is not None:
            self.feed.wake(error)

    def end_task(self) -> None:
        """Note that the task of the request ends."""
        self.is_running = False
        if self._has_slot:
            self._has_slot = False
            self.server.admission.end_request()
        if self.state in ANSWERING:
            # The loop was closed, or the channel raised an exception.
            self._enter_closed()
        if self.state is _CLOSED:
            self._leave()

    def _leave(self) -> None:
        task = None if self._tunnel is None else self._tunnel.task
        if task is not None and not task.done():
            # A server that stops waits for it: it may be using a resource that a lifespan is about to end.
            task.add_done_callback(lambda _: self._leave())
            return
        self.deadline = math.inf
        self.owner.discard(self)
        # They refer to each other, and would stay in memory until the garbage is collected.
        self.peer.exchange = self.feed = self.content = None

    # -- deadlines, and the end of the server --------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """A description of the request, and of the place where it waits."""
        task = self.task
        if task is not None and not task.done():
            return describe_request(task)
        return f"{self.head.method.decode('latin-1')} {self.head.target.decode('latin-1')}, {self.state.name.lower()}"

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""
        self.deadline = math.inf
        deadlines = self.deadlines
        if self.state is _CLOSED:
            self.abort()
        elif self.state is _HANDLING:
            if now < deadlines.next_of_handler():
                self._expire_content()
            else:
                self.refuse(503, "the handler took too long")
                self._cancel()
        elif self.state is _SENDING and deadlines.content <= now < deadlines.total:
            self._expire_content()
        else:
            self._expire_write(now)

    def abort(self) -> None:
        """End the run at once, and cancel its task."""
        self.cut("the server ended the stream")
        self._cancel()
        if self._tunnel is not None and self._tunnel.task is not None:
            self._tunnel.task.cancel()

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()
            if not self.has_begun:
                # Its coroutine will never run.
                if self.server.access is not None:
                    self.server.access.ended(self, 0, 0, complete=False)
                self.end_task()

    def _expire_content(self) -> None:
        self.deadlines.content = math.inf
        self._arm_next()
        self._wake_reader(ProtocolError("content comes too slowly", status=408))

    def _expire_write(self, now: float) -> None:
        left = self.channel.unsent_size
        sent = self._unsent - left
        if self.state is ConnectionState.FLUSHING and not left:
            self._end()
        elif now < self.deadlines.total and sent > 0 and sent >= self.timeouts.write * self.timeouts.write_rate:
            # The peer is slow but reads fast enough, so it gets the same time again.
            self._arm_write()
        else:
            self.cut("the peer reads too slowly")
            self._cancel()

    def _arm_write(self) -> None:
        self._unsent = self.channel.unsent_size
        self.deadlines.write = self.clock.monotonic() + (self.timeouts.write or math.inf)
        self._arm(min(self.deadlines.write, self.deadlines.total))

    def _arm_next(self) -> None:
        self._arm(self.deadlines.next())

    def _arm(self, deadline: float) -> None:
        self.deadline = deadline
        if deadline != math.inf:
            self.owner.note_deadline(deadline)
