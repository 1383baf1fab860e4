"""Store the content of a request on a stream until its handler reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Literal, Protocol, final

from turnbuckle.errors import ConnectionLost, ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, Event, NeedData, RequestHead
from turnbuckle.server.connection.base import wake
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.streams.channel import StreamChannel

__all__ = ["StreamFeed"]


# Bytes up to which pieces of content are joined.
_MAX_JOINED: Final = 4096


class _FedRun(Protocol):
    """The run of a request, as its feed sees it."""

    @property
    def server(self) -> ServerState:
        """The state that all connections share."""

    @property
    def head(self) -> RequestHead:
        """The head of the request."""

    @property
    def channel(self) -> StreamChannel:
        """The carrier's end."""

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts of the request."""

    @property
    def is_done(self) -> bool:
        """Whether the response has ended."""

    def begin_wait(self, deadline: float) -> None:
        """Set the deadline for the next content."""

    def end_wait(self) -> None:
        """Remove the deadline for the next content."""

    def send_continue(self) -> None:
        """Send 100, unless a response has begun."""


@final
class StreamFeed:
    """The content of one request, as far as it was received; a ``ContentFeed``.

    The carrier bounds its size: it gives the peer room for more only when content was taken from here.

    Args:
        run: the run of the request.
    """

    __slots__ = ("_error", "_events", "_reader", "_run")

    def __init__(self, run: _FedRun) -> None:
        self._run: Final = run
        self._events: Final[deque[Data | EndOfMessage]] = deque()
        self._error: ProtocolError | None = None
        self._reader: asyncio.Future[None] | None = None

    # -- calls of the run ----------------------------------------------------------------------------------------------

    def add(self, event: Data | EndOfMessage) -> None:
        """Store content, or its end, and resume the handler that waits for it."""
        last = self._events[-1] if self._events else None
        if isinstance(last, Data) and isinstance(event, Data) and len(last.data) + len(event.data) <= _MAX_JOINED:
            # A peer that sends single bytes must not make the server store an object for each.
            last.data += event.data
        else:
            self._events.append(event)
            wake(self._reader)

    def fail(self, error: ProtocolError) -> None:
        """Make reading fail after the content that was received."""
        self._error = error
        wake(self._reader)

    def wake(self, error: Exception) -> None:
        """Raise an exception in the handler that waits for content, if one does."""
        wake(self._reader, error)

    def drop(self) -> int:
        """Drop the stored content; return its size."""
        size = sum(len(event.data) for event in self._events if isinstance(event, Data))
        self._events.clear()
        return size

    # -- calls of ``IncomingContent`` ----------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The server's clock."""
        return self._run.server.clock

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts of the request."""
        return self._run.timeouts

    def pull(self, expected: int = 0) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the next event of the content, or ``NEED_DATA``; ``expected`` bytes of content are still to come.

        Raises:
            ProtocolError: the content is shorter or longer than announced, or the carrier reported an error.
            ConnectionLost: the stream has ended.
        """
        if self._events:
            event = self._events.popleft()
            if isinstance(event, Data):
                self._run.channel.content_consumed(len(event.data))
            self._check_length(event, expected)
            return event
        if self._error is not None:
            raise ProtocolError(str(self._error), status=self._error.status)
        if self._run.is_done:
            raise ConnectionLost("the stream has ended")
        return NEED_DATA

    def _check_length(self, event: Data | EndOfMessage, expected: int) -> None:
        length = self._run.head.content_length
        if length is None:
            return
        if isinstance(event, Data) and len(event.data) > expected:
            raise ProtocolError(f"content exceeds the Content-Length of {length} bytes")
        if isinstance(event, EndOfMessage) and expected:
            raise ProtocolError(f"content ends {expected} bytes before its Content-Length")

    async def wait_for_bytes(self, deadline: float) -> None:
        """Wait until the peer has sent something.

        Raises:
            ProtocolError: 408 when the deadline has passed.
            ConnectionLost: the stream has ended.
        """
        self._run.begin_wait(deadline)
        self._reader = self._run.server.loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None
            self._run.end_wait()

    def send_continue(self) -> None:
        """Ask the peer to send its content (100 Continue)."""
        self._run.send_continue()
