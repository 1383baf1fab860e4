"""Send events while they happen, and comments while none does (WHATWG HTML, section 9.2).

Theory of operation: the events come from an async iterator of the app, which may wait for hours. Its task, the
producer, stores each event, formatted, until the server takes all that are stored; beyond a bound it waits. So the app
is never far ahead of a slow client. The server waits for the next event, for the time of a comment, or for the stop of
the server. When it stops, the producer is cancelled, and the response ends as if there were no more events: a browser
then reconnects, to another server if there is one.

The iterator runs in one task from its first step to its end, so that it may use timeouts and cancel scopes.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final, final

from turnbuckle.web.content.json import ENCODE
from turnbuckle.web.headers import HeaderPairs
from turnbuckle.web.response.response import Stream
from turnbuckle.web.streams.server_sent_events import KEEP_ALIVE, Encode, encode_event
from turnbuckle.web.streams.stream_context import StreamContext, current_stream_context
from turnbuckle.web.streams.sweep import StreamTimer

__all__ = ["SSE", "EventStream"]

# Bytes of events that are stored before the iterator waits for the client.
_MAX_STORED: Final = 16 * 1024

_KEEP_ALIVE_SECONDS: Final = 15.0

_TASK_NAME: Final = "turnbuckle event stream"


class SSE(Stream):
    """A response of server-sent events.

    Args:
        events: an async iterator. Its items are ``ServerSentEvent``, or their data: a text, or a value that is sent as
            JSON. It is closed when the client has disconnected, and when the server begins to stop.
        headers: further fields.
        keep_alive: seconds without an event after which a comment is sent, so that proxies keep the connection open and
            the server notices that a client is gone; 0 for never.

    Raises:
        TypeError: ``events`` is not an async iterator.
        ValueError: ``keep_alive`` is negative, or a field cannot be sent.
    """

    __slots__ = ()

    def __init__(
        self,
        events: AsyncIterable[object],
        headers: HeaderPairs | None = None,
        *,
        keep_alive: float = _KEEP_ALIVE_SECONDS,
    ) -> None:
        if not isinstance(events, AsyncIterable):
            raise TypeError(
                f"SSE takes an async iterator of events, not {type(events).__qualname__}; "
                "write an 'async def' that yields, and call it"
            )
        if isinstance(keep_alive, bool) or not 0 <= keep_alive < math.inf:
            raise ValueError(f"keep_alive must be a number of seconds of at least 0, not {keep_alive!r}")
        super().__init__(EventStream(events, keep_alive, ENCODE.get()), 200, headers, "text/event-stream")
        self.headers.setdefault("Cache-Control", "no-store")
        # nginx would store the events until its buffer is full.
        self.headers.setdefault("X-Accel-Buffering", "no")


@final
class EventStream:
    """The body of an ``SSE`` response.

    Args:
        events: the events of the app.
        keep_alive: seconds without an event after which a comment is sent; 0 for never.
        encode: encodes data as JSON.
    """

    __slots__ = (
        "_context",
        "_encode",
        "_error",
        "_events",
        "_is_ended",
        "_is_running",
        "_is_stopping",
        "_keep_alive",
        "_producer",
        "_room",
        "_size",
        "_stored",
        "_timer",
        "_waiter",
        "_waits_since",
    )

    _context: StreamContext

    def __init__(self, events: AsyncIterable[object], keep_alive: float, encode: Encode) -> None:
        self._events: Final = events
        self._keep_alive: Final = keep_alive
        self._encode: Final = encode
        self._stored: list[bytes] = []
        self._size = 0
        self._producer: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._timer: StreamTimer | None = None
        self._waits_since = 0.0
        self._error: BaseException | None = None
        self._is_running = False
        self._is_stopping = False
        self._is_ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the stream itself: it can be iterated once."""
        return self

    async def __anext__(self) -> bytes:
        """Return all stored events, or wait for one, or return a comment when it is time.

        Raises:
            Exception: the exception of the events' iterator.
        """
        if self._producer is None:
            self._start()
        while not self._stored:
            if self._is_ended:
                self._end_timer()
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            await self._wait()
        stored, self._stored, self._size = self._stored, [], 0
        _wake(self._room)
        return stored[0] if len(stored) == 1 else b"".join(stored)

    async def aclose(self) -> None:
        """Close the iterator of the events, and wait for its ``finally`` blocks."""
        self._end_timer()
        producer = self._producer
        if producer is None:
            # Never started, as for HEAD.
            self._is_ended = True
            await _close(self._events)
        elif not producer.done():
            self._stop()
            await asyncio.wait([producer])

    # -- the events ----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._context = context = current_stream_context()
        self._producer = asyncio.get_running_loop().create_task(self._produce(), name=_TASK_NAME)
        context.stopping.add_callback(self._stop)

    def _stop(self) -> None:
        self._is_stopping = True
        # A task that is cancelled before its first step does not close the iterator.
        if self._producer is not None and self._is_running:
            self._producer.cancel()

    async def _produce(self) -> None:
        self._is_running = True
        try:
            if not self._is_stopping:
                await self._store_events()
        except BaseException as error:  # noqa: BLE001  # raised again where the response is sent
            if not (self._is_stopping and isinstance(error, asyncio.CancelledError)):
                self._error = error
        await self._end()

    async def _store_events(self) -> None:
        async for event in self._events:
            self._store(encode_event(event, self._encode))
            if self._size >= _MAX_STORED:
                await self._wait_for_room()
            if self._is_stopping:
                # The iterator has caught its cancellation.
                return

    async def _end(self) -> None:
        try:
            await _close(self._events)
        except BaseException as error:  # noqa: BLE001  # as above
            self._error = self._error or error
        self._is_ended = True
        _wake(self._waiter)

    def _store(self, data: bytes) -> None:
        self._stored.append(data)
        self._size += len(data)
        _wake(self._waiter)

    async def _wait_for_room(self) -> None:
        self._room = asyncio.get_running_loop().create_future()
        await self._room

    # -- the wait of the server ----------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        if self._keep_alive:
            self._waits_since = self._context.clock.monotonic()
            if self._timer is None:
                self._timer = self._context.clock.call_later(self._keep_alive, self._tick)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _tick(self) -> None:
        """Send a comment if the server has waited for an event so long; one timer serves many events."""
        self._timer = None
        if self._waiter is None:
            # The client reads slowly; the next wait sets the timer again.
            return
        left = self._keep_alive - (self._context.clock.monotonic() - self._waits_since)
        if left <= 0:
            self._store(KEEP_ALIVE)
        else:
            self._timer = self._context.clock.call_later(left, self._tick)

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._producer is not None:
            self._context.stopping.discard_callback(self._stop)


async def _close(events: AsyncIterable[object]) -> None:
    close = getattr(events, "aclose", None)
    if close is not None:
        await close()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
