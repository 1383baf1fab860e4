"""Serve one client: octets in, requests to the application one at a time, responses out in order (RFC 9112, section 9).

Theory of operation
===================

The transport pushes, everything else pulls. Octets that arrive while a head is awaited go to the parser at once; those
that arrive while a handler runs wait in the inbox, and beyond a bound the transport is told to stop reading. So the
parser is never ahead of the application, a pipeline is never longer than one inbox, and responses cannot be out of
order: the next head is looked for when the response before it is on its way.

The state says who is waited for, and ``_TABLE`` says what each state makes of octets, of the end of input, and of its
deadline. Deadlines are totals; they are written down here and acted on by the sweep of ``connections.py``.

Writing, waiting and parting are the business of ``wire.py``. What neither module knows: how a head is parsed, how a
response is serialized, what a handler is.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, ProtocolError
from turnbuckle.http.events import NEED_DATA, EndOfMessage, Event, NeedData, RequestHead
from turnbuckle.http.serializer import interim_response
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.base import BaseConnection, wake
from turnbuckle.server.connection.connection_set import ManagedConnection
from turnbuckle.server.connection.content import CONTENT_IS_GONE, IncomingContent
from turnbuckle.server.connection.response import respond
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.request.request import Request

__all__ = ["HTTPConnection"]

# Seconds for a head that is awaited when the server begins to stop.
_LAST_HEAD: Final = 1.0

# Looking a member up in its class costs more than all that is done with it on the way of every request.
_IDLE: Final = ConnectionState.IDLE
_HANDLING: Final = ConnectionState.HANDLING

_TAKING_CONTENT: Final = frozenset({ConnectionState.HANDLING, ConnectionState.SENDING, ConnectionState.DROPPING})

_log: Final = SafeLogger("turnbuckle.server")

_CONTINUE: Final = interim_response(100)


@final
class HTTPConnection(BaseConnection):
    """One connection of a server; ``BaseConnection`` has the rest of its attributes.

    Attributes:
        head: of the request that is being served.
        content: of the same; None if it has none.
    """

    __slots__ = (
        "_began",
        "_end_is_due",
        "_has_slot",
        "_is_advancing",
        "_reader",
        "_served",
        "_standing",
        "content",
        "head",
    )

    head: RequestHead

    def __init__(self, server: ServerState, arrival: ConnectionInfo = DIRECT) -> None:
        super().__init__(server, arrival)
        self.content: IncomingContent | None = None
        self._began = 0.0
        self._served = 0
        self._has_slot = False
        self._standing = AdmissionStatus.NOT_COUNTED
        self._is_advancing = False
        self._end_is_due = False
        self._reader: asyncio.Future[None] | None = None

    # -- what the transport says -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the first head is due from now on."""
        super().connection_made(transport)
        shared = self.server
        if status := shared.admission.enter(self.peer):
            self._turn_away(status)
            return
        self._standing = AdmissionStatus.ADMITTED
        self._began = self.clock.monotonic()
        if self.timeouts.first_byte:
            # Until something comes, it is as one that waits between two requests.
            self.state = _IDLE
        self._arm(self.timeouts.first_byte or self.timeouts.head)
        if self._arrival.due is not None:
            self.deadline = min(self.deadline, self._arrival.due)
        if shared.connections.is_draining:
            self.is_last = True
            self.close_when_idle()

    def _turn_away(self, status: int) -> None:
        self._standing = self.server.admission.reject()
        if self._standing is AdmissionStatus.REJECTING:
            self.refuse(status, "too many connections")
        else:
            self.cut()

    def data_received(self, data: bytes) -> None:
        """Take octets off the transport."""
        if self.state <= _IDLE:
            # The row of both these states, taken without a detour: nearly all octets come here.
            self._inbox.parser.feed(data)
            self._advance(after_octets=True)
        else:
            _ON_DATA[self.state](self, data)

    def eof_received(self) -> bool:
        """Learn that the peer will send no more; it may still be reading."""
        self._inbox.end()
        return _ON_EOF[self.state](self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the peer is gone; whoever waits for it is told."""
        was, self.state = self.state, ConnectionState.CLOSED
        self.deadline = math.inf
        self._lost.set()
        self.server.admission.leave(self.peer, self._standing)
        wake(self._sender, ConnectionLost("the peer went away"))
        wake(self._reader, ConnectionLost("the peer went away"))
        task = self._task
        if task is None or task.done():
            self.server.connections.discard(self)
            return
        # A server that stops waits for the handler, too: it may be using what a lifespan is about to take away.
        task.add_done_callback(self._forget)
        # In any other state it was told to end before, and may be cleaning up.
        if was is ConnectionState.SENDING or (
            was is ConnectionState.HANDLING and self.server.application.cancel_on_disconnect
        ):
            task.cancel()
        elif was is ConnectionState.HANDLING:
            # Nobody waits for it any more, but its time is still limited.
            self.deadline = min(self._handler_due, self._total_due)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self.server.connections.discard(self)

    def resume_writing(self) -> None:
        """Learn that the transport can take more."""
        self.is_writing_paused = False
        if self.state is ConnectionState.FLUSHING:
            self._await_request()
        else:
            wake(self._sender)

    # -- what the sweep and the server say -----------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""
        self.deadline = math.inf
        _ON_DEADLINE[self.state](self)

    def close_when_idle(self) -> None:
        """Close if no request is being served; the response to one that is will announce the end."""
        if self.state is ConnectionState.IDLE and hasattr(self, "head") and not self._inbox.has_begun():
            self.close()
        elif self.state <= _IDLE:
            # Its request may be on the way already; it gets a moment to arrive.
            self.deadline = min(self.deadline, self.clock.monotonic() + _LAST_HEAD)

    # -- from octets to a request --------------------------------------------------------------------------------------

    def _advance(self, after_octets: bool = False) -> None:
        """Begin the next request if its head is complete; not reentrant, as a task may run at once and end here."""
        if self._is_advancing:
            return
        self._is_advancing = True
        inbox = self._inbox
        next_event = inbox.parser.next_event
        try:
            while self.state <= _IDLE:
                event = next_event()
                if event is NEED_DATA:
                    if not inbox.has_more:
                        break
                    inbox.feed()
                elif type(event) is RequestHead:
                    self._begin(event)
                    # Whatever is awaited now, the octets at hand have not begun it.
                    after_octets = False
                elif type(event) is EndOfMessage and self._end_is_due:
                    self._end_is_due = False
                else:
                    raise ProtocolError("the parser delivered content outside a request")
            else:
                return
            if after_octets or inbox.is_at_eof:
                self._await_head()
        except ProtocolError as error:
            self.refuse(error.status, str(error))
        except Exception:  # noqa: BLE001  # a parser that is plugged in may raise anything
            _log.exception("the parser failed")
            self.refuse(500, "the parser failed")
        finally:
            self._is_advancing = False

    def _await_head(self) -> None:
        if self._inbox.is_at_eof:
            self.close()
        elif self.state == _IDLE:
            self.state = ConnectionState.HEAD
            self._arm(self.timeouts.head)

    def _begin(self, head: RequestHead) -> None:
        if self._end_is_due:
            raise ProtocolError("the parser began a request before the one before it had ended")
        self.state = _HANDLING
        self.head = head
        self.content = content = None if head.content_length == 0 else IncomingContent(self, head)
        self._end_is_due = content is None
        self.deadline = math.inf
        shared = self.server
        request = Request(head, content, self.peer, shared.app_context)
        if shared.tracks_requests:
            self._begin_noted(request)
            return
        # The next request of a pipeline begins in the task of the one before it; its context must not.
        self._task = shared.start_task(respond(self, request), context=shared.context.copy())

    def _begin_noted(self, request: Request) -> None:
        """Begin a request where something is to be known or decided about every one."""
        request.exchange = self
        self._note_start(request)
        shared = self.server
        if shared.application.capacity.concurrent_requests and not self._takes_slot():
            self._answer_busy()
            return
        task = shared.start_task(respond(self, request), context=shared.context.copy())
        self._task = task
        if self._has_slot:
            task.add_done_callback(self._end_slot)

    def _note_start(self, request: Request) -> None:
        if self.server.access is not None:
            self.unlogged = request
        self.started = now = self.clock.monotonic()
        application = self.server.application
        timeouts, capacity = application.timeouts, application.capacity
        self.use_timeouts(timeouts)
        self._served += 1
        if self._served == capacity.requests_per_connection or now - self._began >= (timeouts.lifetime or math.inf):
            self.is_last = True

    def use_timeouts(self, timeouts: Timeouts) -> None:
        """Let other deadlines hold for the request that is being handled; they have begun with its head."""
        if self.is_handling:
            self.timeouts = timeouts
            self._handler_due = self.started + (timeouts.handler or math.inf)
            self._total_due = self.started + (timeouts.total or math.inf)
            self._rearm()

    def _takes_slot(self) -> bool:
        # In a pipeline a request begins before the task of the one before it has ended, and has its slot.
        self._has_slot = self._has_slot or self.server.admission.begin_request()
        return self._has_slot

    def _end_slot(self, task: asyncio.Task[None]) -> None:
        if self._has_slot and (self._task is None or self._task.done()):
            self._has_slot = False
            self.server.admission.end_request()

    def _answer_busy(self) -> None:
        head = self.head
        close = self.is_last or self.content is not None or not head.keep_alive or not head.minor_version
        data = self._error(503, head.method, close=close)
        self.transport.write(data)
        self._log_refusal(503, data, "too many requests at a time")
        self.end_response(close)

    def _hold(self, data: bytes) -> None:
        self._inbox.hold(data)
        wake(self._reader)

    def pull(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event, or ``NEED_DATA``.

        Raises:
            ProtocolError: the peer broke HTTP, or stopped in the middle of a request.
            ConnectionLost: the connection is gone.
        """
        event = self._inbox.pull()
        if event is NEED_DATA and self.state not in _TAKING_CONTENT:
            raise ConnectionLost("the connection has ended")
        return event

    async def wait_for_octets(self, deadline: float) -> None:
        """Wait until the peer has sent something.

        Raises:
            ProtocolError: 408 when the deadline has passed.
            ConnectionLost: the connection is gone.
        """
        self._content_due = deadline
        self._rearm()
        self._reader = self.server.loop.create_future()
        try:
            await self._reader
        finally:
            self._reader, self._content_due = None, math.inf
            if self.is_handling or self.is_sending:
                self._rearm()

    # -- the end of a response -----------------------------------------------------------------------------------------

    def send_continue(self) -> None:
        """Tell the peer to go on and send its content."""
        if self.state is ConnectionState.HANDLING:
            self.transport.write(_CONTINUE)

    @property
    def is_handling(self) -> bool:
        """Whether a response is awaited, and nothing of it sent."""
        return self.state == _HANDLING

    @property
    def is_sending(self) -> bool:
        """Whether a response is half sent, and may go on."""
        return self.state is ConnectionState.SENDING

    def begin_sending(self, head: bytes) -> None:
        """Send the head of a response whose body follows piece by piece."""
        self.state = ConnectionState.SENDING
        self._handler_due = math.inf
        self._rearm()
        self.transport.write(head)

    def end_response(self, close: bool) -> None:
        """Go on to what follows a complete response.

        Args:
            close: whether the response announced the end of the connection.
        """
        self._task = None
        content = self.content
        if close:
            self._close_after(content)
        elif content is not None and not content.is_complete:
            self._drop(content)
        elif self.is_writing_paused:
            self.state = ConnectionState.FLUSHING
            self._arm_write()
        else:
            self._await_request()

    def _await_request(self) -> None:
        self.state = _IDLE
        self._idle_since = now = self.clock.monotonic()
        self.deadline = now + self.server.idle_check
        self._advance()

    def _drop(self, content: IncomingContent) -> None:
        self._abandon(content)
        self.state = ConnectionState.DROPPING
        self._arm(self.timeouts.content)
        self._go_on_dropping()

    def _abandon(self, content: IncomingContent) -> None:
        """Keep what is left of content from a task that the handler has left behind."""
        content.abandon()
        wake(self._reader, RuntimeError(CONTENT_IS_GONE))

    def _take_dropped(self, data: bytes) -> None:
        self._hold(data)
        self._go_on_dropping()

    def _go_on_dropping(self) -> None:
        content = self.content
        try:
            while content is not None and not content.is_complete:
                if content.pull() is NEED_DATA:
                    return
        except (ProtocolError, ConnectionLost):
            self.linger()
            return
        self.end_response(close=False)

    def _close_after(self, content: IncomingContent | None) -> None:
        is_unread = content is not None and not content.is_complete
        if content is not None and is_unread:
            self._abandon(content)
        # A peer that did not ask for the end may be sending its next request.
        if self.head.keep_alive or self._inbox.size or is_unread:
            self.linger()
        else:
            self.close()

    def switch(self, successor: ManagedConnection) -> bytes:
        """Leave the transport to another protocol; return the octets that belong to it (RFC 9110, section 7.8).

        Args:
            successor: stands for the connection from now on.
        """
        self.pull()
        self.state = ConnectionState.SWITCHED
        self.deadline = math.inf
        self._task = None
        self.server.connections.add(successor)
        self.server.connections.discard(self)
        return self._inbox.empty()

    # -- the rows of the table -----------------------------------------------------------------------------------------

    def _end_between(self) -> bool:
        self._advance()
        return self.state is not ConnectionState.CLOSED

    def _end_during(self) -> bool:
        wake(self._reader)
        content = self.content
        if self.server.application.cancel_on_disconnect and (content is None or content.is_complete):
            # Most clients that send no more are gone, and one that reads on looks the same: the setting decides.
            self._lost.set()
            self.abort()
        return True

    def _expire_idle(self) -> None:
        # The octets that ended a request may have begun another head; who looked each time would pay for it each time.
        has_begun = self._inbox.has_begun()
        due = self._idle_since + ((self.timeouts.head if has_begun else self.timeouts.idle) or math.inf)
        if self.clock.monotonic() < due:
            self.state, self.deadline = (ConnectionState.HEAD if has_begun else _IDLE), due
        elif has_begun:
            self._expire_head()
        else:
            self.close()

    def _expire_head(self) -> None:
        self.refuse(408, "the head took too long")

    def _expire_request(self) -> None:
        if self.clock.monotonic() < min(self._handler_due, self._total_due):
            self._expire_content()
            return
        task = self._task
        self.refuse(503, "the handler took too long")
        if task is not None:
            task.cancel()

    def _expire_sending(self) -> None:
        now = self.clock.monotonic()
        if now < self._total_due and now >= self._content_due:
            self._expire_content()
        else:
            self._expire_write()

    def _expire_content(self) -> None:
        self._content_due = math.inf
        self._rearm()
        wake(self._reader, ProtocolError("content comes too slowly", status=408))

    def _request_head(self) -> RequestHead | None:
        return self.head if self.is_handling or self.is_sending else None


class _Row(NamedTuple):
    data: Callable[[HTTPConnection, bytes], None]
    eof: Callable[[HTTPConnection], bool]
    deadline: Callable[[HTTPConnection], None]


_C: TypeAlias = HTTPConnection

_TABLE: Final = {
    ConnectionState.HEAD: _Row(_C.data_received, _C._end_between, _C._expire_head),
    ConnectionState.IDLE: _Row(_C.data_received, _C._end_between, _C._expire_idle),
    ConnectionState.HANDLING: _Row(_C._hold, _C._end_during, _C._expire_request),
    ConnectionState.SENDING: _Row(_C._hold, _C._end_during, _C._expire_sending),
    ConnectionState.FLUSHING: _Row(_C._hold, _C._keep_open, _C._expire_write),
    ConnectionState.DROPPING: _Row(_C._take_dropped, _C._end_last, _C.linger),
    ConnectionState.LINGERING: _Row(_C._discard, _C._end_last, _C.close),
    ConnectionState.CLOSING: _Row(_C._ignore, _C._keep_open, _C._expire_write),
    ConnectionState.CLOSED: _Row(_C._ignore, _C._keep_open, _C.abort),
    ConnectionState.SWITCHED: _Row(_C._ignore, _C._keep_open, _C.abort),
}
"""What each state makes of octets, of the end of input, and of its deadline."""

_ON_DATA: Final = tuple(_TABLE[state].data for state in ConnectionState)
_ON_EOF: Final = tuple(_TABLE[state].eof for state in ConnectionState)
_ON_DEADLINE: Final = tuple(_TABLE[state].deadline for state in ConnectionState)
