"""Store the state of one request and its response on a connection (RFC 9112, section 9).

A connection has one ``HTTPExchange`` and reuses it for each of its requests, because a new object would cost each
request another call. The exchange refers to the connection only as a ``BaseConnection``: it starts no task and does not
decide what follows a response.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final, Literal, final

from turnbuckle.errors import ConnectionLost, ProtocolError
from turnbuckle.http.events import NEED_DATA, Event, NeedData, RequestHead
from turnbuckle.http.serializer import content_size, error_response, interim_response
from turnbuckle.server.connection.base import BaseConnection, wake
from turnbuckle.server.connection.content import CONTENT_IS_GONE, RequestContent
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_state import ANSWERING, TAKES_CONTENT, ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.request.response_work import Work

__all__ = ["HTTPExchange"]

# States of a connection whose peer is gone, or was answered in place of the handler.
_IS_OVER: Final = (ConnectionState.CLOSED, ConnectionState.CLOSING, ConnectionState.LINGERING)

_CONTINUE: Final = interim_response(100)

# Statuses after which a client may try again later.
_RETRYABLE: Final = frozenset({429, 503})


@final
class HTTPExchange:
    """A request and its response.

    Args:
        connection: the connection of the exchange.

    Attributes:
        connection: see above.
        head: the head of the request; not set before the first request.
        content: the content of the request; None if it has none.
        task: the task that answers the request; None when there is none.
        started: when the head was complete, in the clock's monotonic seconds; set only if the server tracks requests.
        unlogged: the request, until its line in the access log is written; None if the log is off.
        opened: when the connection was admitted, in the clock's monotonic seconds.
        has_slot: whether the exchange counts as a concurrent request.
    """

    __slots__ = (
        "_number",
        "_reader",
        "connection",
        "content",
        "has_slot",
        "head",
        "opened",
        "started",
        "task",
        "unlogged",
    )

    head: RequestHead

    def __init__(self, connection: BaseConnection) -> None:
        self.connection: Final = connection
        self.content: RequestContent | None = None
        self.task: asyncio.Task[None] | None = None
        self.unlogged: Request | None = None
        self.opened = self.started = 0.0
        self.has_slot = False
        self._number = 0
        self._reader: asyncio.Future[None] | None = None

    @property
    def peer(self) -> Peer:
        """The two ends of the connection."""
        return self.connection.peer

    @property
    def is_aborted(self) -> bool:
        """Whether the server has cut the peer off."""
        return self.connection.is_aborted

    @property
    def state(self) -> ConnectionState:
        """The state of the connection."""
        return self.connection.state

    # -- the start of a request ----------------------------------------------------------------------------------------

    def track(self, request: Request) -> bool:
        """Record the start of a request; return False if there are too many concurrent requests."""
        server, connection = self.connection.server, self.connection
        application = server.application
        timeouts, capacity = application.timeouts, application.capacity
        request.exchange = self
        if server.access is not None:
            self.unlogged = request
        self.started = now = connection.clock.monotonic()
        self.use_timeouts(timeouts)
        self._number += 1
        if self._number == capacity.requests_per_connection or now - self.opened >= (timeouts.lifetime or math.inf):
            connection.is_last = True
        return not capacity.concurrent_requests or self._take_slot()

    def use_timeouts(self, timeouts: Timeouts) -> None:
        """Replace the deadlines of a request that is being handled; they count from the end of its head."""
        connection = self.connection
        if connection.state is ConnectionState.HANDLING:
            connection.timeouts = timeouts
            connection.deadlines.start(self.started, timeouts)
            connection.arm_next()

    def _take_slot(self) -> bool:
        # In a pipeline, a request begins before the task of the previous request has ended, and takes over its slot.
        self.has_slot = self.has_slot or self.connection.server.admission.begin_request()
        return self.has_slot

    def end_slot(self, task: asyncio.Task[None]) -> None:
        """Stop counting the exchange as a concurrent request when its last task is done."""
        if self.has_slot and (self.task is None or self.task.done()):
            self.has_slot = False
            self.connection.server.admission.end_request()

    # -- content, as ``IncomingContent`` needs it ----------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The server's clock."""
        return self.connection.clock

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts of the request."""
        return self.connection.timeouts

    def pull(self, expected: int = 0) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event, or ``NEED_DATA``; at least ``expected`` bytes of content are still to come.

        Raises:
            ProtocolError: the peer broke HTTP, or stopped in the middle of a request.
            ConnectionLost: the connection is gone.
        """
        connection = self.connection
        event = connection.buffer.pull(expected)
        if event is NEED_DATA and connection.state not in TAKES_CONTENT:
            raise ConnectionLost("the connection has ended")
        return event

    async def wait_for_bytes(self, deadline: float) -> None:
        """Wait until the peer has sent something.

        Raises:
            ProtocolError: 408 when the deadline has passed.
            ConnectionLost: the connection is gone.
        """
        connection = self.connection
        connection.deadlines.content = deadline
        connection.arm_next()
        self._reader = connection.server.loop.create_future()
        try:
            await self._reader
        finally:
            self._reader, connection.deadlines.content = None, math.inf
            if connection.state in ANSWERING:
                connection.arm_next()

    def wake_reader(self, error: Exception | None = None) -> None:
        """Resume the handler that waits for content, if one does; raise ``error`` in it if there is one."""
        wake(self._reader, error)

    def send_continue(self) -> None:
        """Send 100, which asks the peer for the content, unless a response has begun."""
        connection = self.connection
        if connection.state is ConnectionState.HANDLING:
            connection.transport.write(_CONTINUE)

    def send_early_hints(self, head: RequestHead, links: Sequence[str]) -> bool:
        """Send 103 before the response to a request (RFC 8297, section 2).

        Args:
            head: the head of the request; the connection may serve a later one.
            links: the values of Link fields.

        Returns:
            Whether it was sent.

        Raises:
            ValueError: a value cannot be sent.
            RuntimeError: the head of the response was sent.
        """
        connection = self.connection
        data = interim_response(103, [("Link", link) for link in links])
        if connection.state in _IS_OVER:
            return False
        if self.head is not head or connection.state is not ConnectionState.HANDLING:
            raise RuntimeError("early hints precede the response, whose head was sent")
        # A peer that reads nothing must not make the server store hints without a bound.
        if not head.minor_version or connection.is_writing_paused:
            return False
        connection.transport.write(data)
        return True

    def run_after(self, head: RequestHead, work: Work) -> None:
        """Run work after the response to a request.

        Args:
            head: the head of the request; the connection may serve a later one.
            work: the work.

        Raises:
            RuntimeError: the response was sent.
            ServiceUnavailable: there is too much work.
        """
        task = self.task
        if task is None or task.done():
            # A task that starts at once is not stored before its first wait; no other task runs then.
            task = asyncio.current_task() if self.connection.state in ANSWERING else None
        if task is None or self.head is not head:
            raise RuntimeError("the response is sent; request.after_response() is called while the request is served")
        self.connection.server.response_work.add(task, work, self.timeouts.after_response)

    def expire_content(self) -> None:
        """End the wait for content with 408."""
        self.connection.deadlines.content = math.inf
        self.connection.arm_next()
        self.wake_reader(ProtocolError("content comes too slowly", status=408))

    def abandon_content(self, content: RequestContent) -> None:
        """Make reads of the content fail in tasks that outlive the handler."""
        content.abandon()
        self.wake_reader(RuntimeError(CONTENT_IS_GONE))

    # -- responses of the connection itself ----------------------------------------------------------------------------

    def refuse(self, status: int, reason: str = "") -> None:
        """Answer with an error and close the connection; further input is dropped.

        Args:
            status: the status of the answer.
            reason: the reason, for the access log.
        """
        connection = self.connection
        if connection.state in (ConnectionState.CLOSED, ConnectionState.CLOSING):
            return
        self._send_error(status, reason, self.head.method if connection.state in ANSWERING else b"GET", close=True)
        connection.linger()

    def expire_handler(self) -> None:
        """Answer 503 in place of the handler, and cancel it."""
        task = self.task
        self.refuse(503, "the handler took too long")
        if task is not None:
            task.cancel()

    def answer_busy(self) -> bool:
        """Answer 503, because there are too many concurrent requests; return whether the connection has to close."""
        head = self.head
        close = self.connection.is_last or self.content is not None or not head.keep_alive or not head.minor_version
        self._send_error(503, "too many requests at a time", head.method, close=close)
        return close

    def _send_error(self, status: int, reason: str, method: bytes, *, close: bool) -> None:
        server = self.connection.server
        data = error_response(
            status,
            date_line=server.date_line,
            close=close,
            method=method,
            retry_after=server.application.capacity.retry_after if status in _RETRYABLE else 0,
        )
        self.connection.transport.write(data)
        if server.access is not None:
            server.access.refused(self, status, content_size(data), reason)
