"""Serve one client: read requests, pass them to the application one at a time, and send the responses in order.

Theory of operation (RFC 9112, section 9)
=========================================

The transport pushes bytes, and everything else pulls. Bytes that arrive while a head is awaited go to the parser at
once. Bytes that arrive while a handler runs wait in the receive buffer, and beyond a bound the transport stops reading.
So the parser is never ahead of the application, a pipeline is never longer than one buffer, and responses cannot be out
of order: the next head is parsed when the response before it has been written.

A handler that never waits is answered within the call that received its request (Python 3.12 and later), so a pipeline
could occupy the loop. After some requests, or some time, a connection is YIELDING until the next turn of the loop.

The state of a connection names the party that it waits for. ``_REACTIONS`` defines the reaction of each state to bytes,
to the end of input, and to its deadline; ``TRANSITIONS`` (``server/model/connection_state.py``) defines which states
may follow. Deadlines are totals: the connection stores them, and the sweep of ``connection_set.py`` acts on them.

``exchange.py`` has the state of one request, ``base.py`` writes and closes. None of these modules knows how a head is
parsed, how a response is serialized, or what a handler is.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, ProtocolError
from turnbuckle.http.events import NEED_DATA, EndOfMessage, RequestHead
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.server.connection.base import BaseConnection, wake
from turnbuckle.server.connection.connection_set import ManagedConnection
from turnbuckle.server.connection.content import RequestContent, begin_content
from turnbuckle.server.connection.exchange import HTTPExchange
from turnbuckle.server.connection.response import respond
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.connection_info import DIRECT, ConnectionInfo
from turnbuckle.server.model.connection_state import WAITS_FOR_HEAD, ConnectionState
from turnbuckle.server.stalls.task_stacks import describe_request
from turnbuckle.web.request.request import Request

__all__ = ["HTTPConnection"]

# Seconds for an awaited head when the server begins to stop.
_LAST_HEAD_SECONDS: Final = 1.0

# Requests that one connection is answered in one turn of the loop, and seconds after which no further one is begun.
_MAX_IN_A_TURN: Final = 32
_TURN_SECONDS: Final = 0.001

# Events of dropped content, such as chunks, that are parsed in one turn of the loop.
_MAX_DROPPED_IN_A_TURN: Final = 256

# Looking a member up in its class takes longer than the work that is done with it for each request.
_IDLE: Final = ConnectionState.IDLE
_HANDLING: Final = ConnectionState.HANDLING

_TASK_NAME: Final = "turnbuckle request"
# Where a task can start at once, a handler that never waits needs no further turn of the loop.
_STARTS_AT_ONCE: Final = sys.version_info >= (3, 12)

_log: Final = SafeLogger("turnbuckle.server")


@final
class HTTPConnection(BaseConnection):
    """One HTTP/1.1 connection of a server; see ``BaseConnection`` for its arguments and other attributes.

    Attributes:
        exchange: the request that is being served, and its response.
    """

    __slots__ = ("_admission", "_drops_later", "_end_is_due", "_idle_since", "_is_advancing", "exchange")

    def __init__(self, server: ServerState, info: ConnectionInfo = DIRECT) -> None:
        super().__init__(server, info)
        self.exchange = HTTPExchange(self)
        self._admission = AdmissionStatus.NOT_COUNTED
        self._is_advancing = False
        self._end_is_due = False
        self._drops_later = False
        # Before its first request, a connection is not idle: its head is due.
        self._idle_since = -math.inf

    # -- calls of the transport ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit or reject the connection; the first head is due from now on."""
        super().connection_made(transport)
        self.peer.exchange = self.exchange
        server = self.server
        if status := server.admission.enter(self.peer):
            self._reject(status)
            return
        self._admission = AdmissionStatus.ADMITTED
        self.exchange.opened = self.clock.monotonic()
        if self.timeouts.first_byte:
            # Until the first byte, the connection is treated like one that waits between two requests.
            self._enter(_IDLE)
        self._arm(self.timeouts.first_byte or self.timeouts.head)
        if self._info.due is not None:
            self.deadline = min(self.deadline, self._info.due)
        if server.connections.is_draining:
            self.is_last = True
            self.close_when_idle()

    def _reject(self, status: int) -> None:
        self._admission = self.server.admission.reject()
        if self._admission is AdmissionStatus.REJECTING:
            self.exchange.refuse(status, "too many connections")
        else:
            self.cut()

    def data_received(self, data: bytes) -> None:
        """React to bytes from the peer."""
        if self.state in WAITS_FOR_HEAD:
            # The reaction of both states, inlined: nearly all bytes arrive in them, and a call less counts.
            buffer = self.buffer
            if len(data) <= buffer.piece:
                buffer.parser.feed(data)
            else:
                buffer.hold(data)
            self._advance(after_data=True)
        else:
            _ON_DATA[self.state](self, data)

    def eof_received(self) -> bool:
        """React to the end of input; the peer may still be reading."""
        self.buffer.end()
        return _ON_EOF[self.state](self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake everything that waits for the peer, and stop counting the connection."""
        previous = self.state
        self._enter(ConnectionState.CLOSED)
        self.deadline = math.inf
        self._lost.set()
        self.server.admission.leave(self.peer, self._admission)
        wake(self._sender, ConnectionLost("the peer went away"))
        self.exchange.wake_reader(ConnectionLost("the peer went away"))
        task = self.exchange.task
        if task is None or task.done():
            self._forget(task)
            return
        # A server that stops waits for the handler: it may be using a resource that a lifespan is about to end.
        task.add_done_callback(self._forget)
        # In any other state the task was cancelled before, and may be cleaning up.
        if previous is ConnectionState.SENDING or (
            previous is _HANDLING and self.server.application.cancel_on_disconnect
        ):
            task.cancel()
        elif previous is _HANDLING:
            # The peer is gone, but the handler's time is still limited.
            self.deadline = self.deadlines.next_of_handler()

    def _forget(self, task: asyncio.Task[None] | None) -> None:
        self.deadline = math.inf
        self.server.connections.discard(self)
        # They refer to each other, and would stay in memory until the garbage is collected.
        self.peer.exchange = None
        del self.exchange

    def resume_writing(self) -> None:
        """Continue to write: the transport can take more data."""
        self.is_writing_paused = False
        if self.state is ConnectionState.FLUSHING:
            # Not at once: a transport of asyncio that is closed during this call reports its end twice.
            self.server.loop.call_soon(self._leave_flushing, context=self.server.context)
        else:
            wake(self._sender)

    def _leave_flushing(self) -> None:
        if self.state is ConnectionState.FLUSHING and not self.is_writing_paused:
            self._await_request()

    # -- calls of the server -------------------------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """A description of what keeps the connection open."""
        task = self.exchange.task
        return describe_request(task) if task is not None and not task.done() else super().description

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""
        self.deadline = math.inf
        _ON_DEADLINE[self.state](self)

    def close_when_idle(self) -> None:
        """Close the connection if it serves no request; otherwise the response announces the end."""
        if self.state is _IDLE and math.isfinite(self._idle_since) and not self.buffer.has_begun():
            self.close()
        elif self.state is ConnectionState.YIELDING:
            self.server.loop.call_soon(self.close_when_idle)
        elif self.state in WAITS_FOR_HEAD:
            # A request may be on its way.
            self.deadline = min(self.deadline, self.clock.monotonic() + _LAST_HEAD_SECONDS)

    def abort(self) -> None:
        """Cut the connection off, and cancel the handler that is serving it."""
        self.cut()
        # A connection that was forgotten has no exchange.
        if hasattr(self, "exchange") and self.exchange.task is not None:
            self.exchange.task.cancel()

    # -- from bytes to a request ---------------------------------------------------------------------------------------

    def _advance(self, after_data: bool = False, began: float = math.inf) -> None:
        """Begin the next request if its head is complete; after enough requests, let other connections have a turn.

        Not reentrant: a task may run at once, and its response ends in another call of this method.

        Args:
            after_data: whether bytes have arrived that may have begun a head.
            began: when this turn began, in the clock's monotonic seconds; if not known, it is taken to begin with the
                end of the first response.
        """
        if self._is_advancing:
            return
        self._is_advancing = True
        buffer = self.buffer
        next_event = buffer.parser.next_event
        answered = 0
        try:
            while self.state in WAITS_FOR_HEAD:
                event = next_event()
                if event is NEED_DATA:
                    if not buffer.has_more:
                        break
                    buffer.feed()
                elif type(event) is RequestHead:
                    # The received bytes belong to this request, and have not begun the next head.
                    after_data = False
                    self._begin(event)
                    # If it was answered at once, the clock was read then, so it is not read again here.
                    answered += 1
                    began = min(began, self._idle_since)
                    if self.state is _IDLE and (
                        answered == _MAX_IN_A_TURN or self._idle_since - began >= _TURN_SECONDS
                    ):
                        self._end_turn()
                elif type(event) is EndOfMessage and self._end_is_due:
                    self._end_is_due = False
                else:
                    raise ProtocolError("the parser delivered content outside a request")
            else:
                return
            if after_data or buffer.is_at_eof:
                self._await_head()
        except Exception as error:  # noqa: BLE001  # a parser of a plugin may raise anything
            self._refuse_input(error)
        finally:
            self._is_advancing = False

    def _refuse_input(self, error: Exception) -> None:
        if isinstance(error, ProtocolError):
            self.exchange.refuse(error.status, str(error))
        else:
            _log.error("the parser failed", exc_info=error)
            self.exchange.refuse(500, "the parser failed")

    def _end_turn(self) -> None:
        self._enter(ConnectionState.YIELDING)
        self.deadline = math.inf
        self.server.loop.call_soon(self._take_turn, context=self.server.context)

    def _take_turn(self) -> None:
        if self.state is ConnectionState.YIELDING:
            self._enter(_IDLE)
            self._idle_since = now = self.clock.monotonic()
            self.deadline = now + self.server.idle_check
            self._advance(after_data=self.buffer.has_more, began=now)

    def _await_head(self) -> None:
        if self.buffer.is_at_eof:
            self.close()
        elif self.state is _IDLE:
            self._enter(ConnectionState.HEAD)
            self._arm(self.timeouts.head)

    def _begin(self, head: RequestHead) -> None:
        if self._end_is_due:
            raise ProtocolError("the parser began a request before the previous one had ended")
        self._enter(_HANDLING)
        server, exchange = self.server, self.exchange
        content: RequestContent | None = None
        self._end_is_due = True
        if head.content_length != 0:
            limit = server.application.content_limit
            content, self._end_is_due = begin_content(exchange, self.buffer.parser, head, limit)
        exchange.head, exchange.content = head, content
        self.deadline = math.inf
        request = Request(head, content, self.peer, server.app_context)
        if server.tracks_requests and not exchange.track(request):
            self.end_response(exchange.answer_busy())
            return
        # In a pipeline, a request begins in the task of the previous one, and must not see its context variables.
        context, answer = server.context.copy(), respond(self, request)
        # The C constructor is called directly, because the loop's create_task() adds a Python call to each request, and
        # functools.partial() copies its keywords. With a fixed name, asyncio does not number the tasks.
        if _STARTS_AT_ONCE:
            task = asyncio.Task(answer, loop=server.loop, name=_TASK_NAME, context=context, eager_start=True)  # type: ignore[call-arg]
        else:
            task = asyncio.Task(answer, loop=server.loop, name=_TASK_NAME, context=context)
        exchange.task = task
        if exchange.has_slot:
            task.add_done_callback(exchange.end_slot)

    # -- the response --------------------------------------------------------------------------------------------------

    def end_response(self, close: bool) -> None:
        """Continue after a complete response, which announced the end of the connection if ``close``."""
        exchange = self.exchange
        exchange.task = None
        content = exchange.content
        if close:
            self._close_after(content)
        elif content is not None and not content.is_complete:
            self._drop(content)
        elif self.is_writing_paused:
            self._enter(ConnectionState.FLUSHING)
            self._arm_write()
        else:
            self._await_request()

    def _await_request(self) -> None:
        self._enter(_IDLE)
        self._idle_since = now = self.clock.monotonic()
        self.deadline = now + self.server.idle_check
        if self.is_last:
            # The server began to stop after the head of a stream was sent, which could not announce the end.
            self.deadline = now + self.timeouts.last_request
        self._advance()

    def _drop(self, content: RequestContent) -> None:
        self.exchange.abandon_content(content)
        self._enter(ConnectionState.DROPPING)
        self._arm(self.timeouts.content)
        self._continue_dropping()

    def _continue_dropping(self) -> None:
        content = self.exchange.content
        pulled = 0
        try:
            while content is not None and not content.is_complete:
                if pulled == _MAX_DROPPED_IN_A_TURN:
                    self._drops_later = True
                    self.server.loop.call_soon(self._drop_more, context=self.server.context)
                    return
                if content.pull() is NEED_DATA:
                    return
                pulled += 1
        except (ProtocolError, ConnectionLost):
            self.linger()
            return
        self.end_response(close=False)

    def _drop_more(self) -> None:
        self._drops_later = False
        if self.state is ConnectionState.DROPPING:
            self._continue_dropping()

    def _close_after(self, content: RequestContent | None) -> None:
        is_unread = content is not None and not content.is_complete
        if content is not None and is_unread:
            self.exchange.abandon_content(content)
        # A peer that did not ask for the end may be sending its next request.
        if self.exchange.head.keep_alive or self.buffer.size or is_unread:
            self.linger()
        else:
            self.close()

    def switch(self, successor: ManagedConnection) -> bytes:
        """Put another protocol in the place of the connection (RFC 9110, section 7.8).

        Args:
            successor: takes the place of the connection in the set of open connections.

        Returns:
            The received bytes that belong to the other protocol.
        """
        if self._end_is_due:
            self._end_is_due = False
            self.exchange.pull()
        self._enter(ConnectionState.SWITCHED)
        self.deadline = math.inf
        self.exchange.task = None
        self.peer.exchange = None
        self.server.connections.add(successor)
        self.server.connections.discard(self)
        return self.buffer.empty()

    # -- reactions -----------------------------------------------------------------------------------------------------

    def _hold(self, data: bytes) -> None:
        self.buffer.hold(data)
        self.exchange.wake_reader()

    def _take_dropped(self, data: bytes) -> None:
        self._hold(data)
        if not self._drops_later:
            self._continue_dropping()

    def _end_between(self) -> bool:
        self._advance()
        return self.state is not ConnectionState.CLOSED

    def _end_during(self) -> bool:
        self.exchange.wake_reader()
        content = self.exchange.content
        if self.server.application.cancel_on_disconnect and (content is None or content.is_complete):
            # Most clients that send no more are gone. One that still reads looks the same, so the setting decides.
            self._lost.set()
            self.abort()
        elif self.state is ConnectionState.SENDING and self.is_event_stream:
            # It has no end that a client could wait for. Without this, the disconnect would be noticed when the second
            # comment is sent, because the first one still finds room in the kernel.
            self._lost.set()
            self.transport.abort()
        return True

    def _expire_idle(self) -> None:
        # The same read may contain the start of the next head. Checking on every request costs too much, so the check
        # is made when the idle deadline passes.
        has_begun = self.buffer.has_begun()
        idle = self.timeouts.last_request if self.is_last else self.timeouts.idle or math.inf
        due = self._idle_since + ((self.timeouts.head or math.inf) if has_begun else idle)
        if self.clock.monotonic() < due:
            self.deadline = due
            if has_begun:
                self._enter(ConnectionState.HEAD)
        elif has_begun:
            self._expire_head()
        else:
            self.close()

    def _expire_head(self) -> None:
        self.exchange.refuse(408, "the head took too long")

    def _expire_handling(self) -> None:
        if self.clock.monotonic() < self.deadlines.next_of_handler():
            self.exchange.expire_content()
        else:
            self.exchange.expire_handler()

    def _expire_sending(self) -> None:
        now = self.clock.monotonic()
        if now < self.deadlines.total and now >= self.deadlines.content:
            self.exchange.expire_content()
        else:
            self._expire_write()


class _Reactions(NamedTuple):
    data: Callable[[HTTPConnection, bytes], None]
    eof: Callable[[HTTPConnection], bool]
    deadline: Callable[[HTTPConnection], None]


_C: TypeAlias = HTTPConnection

_REACTIONS: Final = {
    # ``data_received`` itself is the reaction of the states that wait for a head.
    ConnectionState.HEAD: _Reactions(_C.data_received, _C._end_between, _C._expire_head),
    ConnectionState.IDLE: _Reactions(_C.data_received, _C._end_between, _C._expire_idle),
    ConnectionState.HANDLING: _Reactions(_C._hold, _C._end_during, _C._expire_handling),
    ConnectionState.SENDING: _Reactions(_C._hold, _C._end_during, _C._expire_sending),
    ConnectionState.FLUSHING: _Reactions(_C._hold, _C._keep_open, _C._expire_write),
    ConnectionState.DROPPING: _Reactions(_C._take_dropped, _C._end_last, _C.linger),
    ConnectionState.LINGERING: _Reactions(_C._discard, _C._end_last, _C.close),
    ConnectionState.CLOSING: _Reactions(_C._ignore, _C._keep_open, _C._expire_write),
    ConnectionState.CLOSED: _Reactions(_C._ignore, _C._keep_open, _C.abort),
    ConnectionState.SWITCHED: _Reactions(_C._ignore, _C._keep_open, _C.abort),
    ConnectionState.YIELDING: _Reactions(_C._hold, _C._keep_open, _C._take_turn),
}
"""The reactions of each state to bytes, to the end of input, and to a deadline."""

_ON_DATA: Final = tuple(_REACTIONS[state].data for state in ConnectionState)
_ON_EOF: Final = tuple(_REACTIONS[state].eof for state in ConnectionState)
_ON_DEADLINE: Final = tuple(_REACTIONS[state].deadline for state in ConnectionState)
