"""Keep what all connections of a server share: the set of them, the Date, and one sweep for all their deadlines.

A timer for each request would cost more than the request's head. Instead each connection writes down when it is due,
and one sweep, at most a second apart while there are connections, asks those whose time has come to act. A server
without connections sets no timer at all.

Sources: RFC 9110, section 6.6.1 (Date).
"""

from __future__ import annotations

import asyncio
import math
from contextvars import copy_context
from typing import Final, Protocol, final

from turnbuckle.http.dates import format_date
from turnbuckle.server.connection.admission import Admission
from turnbuckle.server.connection.tasks import task_starter
from turnbuckle.server.logs.access_log import AccessLog
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.clock import Clock, Timer
from turnbuckle.server.model.timeouts import Timeouts

__all__ = ["Connections", "ManagedConnection"]

_MAX_INTERVAL: Final = 1.0
_SHORTEST_INTERVAL: Final = 0.02

# Connections whose deadline has passed that are dealt with in one turn of the loop.
_MAX_IN_A_TURN: Final = 32


class ManagedConnection(Protocol):
    """What the sweep asks of a connection; ``deadline`` is in the clock's monotonic seconds."""

    deadline: float

    @property
    def holder(self) -> str:
        """What keeps it open, in words."""

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""

    def disable_keep_alive(self) -> None:
        """Let the next response be the last one."""

    def close_when_idle(self) -> None:
        """Close if nothing is going on, else as soon as what is going on has ended."""

    def abort(self) -> None:
        """Close at once, whatever is going on."""


@final
class Connections:
    """The open connections of one server.

    Attributes:
        access: writes the access log; None where there is none.
        application: what serves their requests.
        clock: what tells them the time.
        context: the context variables that every request starts from, whatever the one before it did to them.
        loop: the serving loop.
        open: all of them.
        idle_check: seconds after which an idle connection is looked at, as it may have had its time.
        date_line: the Date field line of this second, with its CRLF.
        admission: who may come in.
        is_draining: whether each response is the last of its connection.
        tracks_requests: whether anything wants to know when a request begins.
        start_task: starts the task of a request.
    """

    __slots__ = (
        "_empty",
        "_interval",
        "_timer",
        "access",
        "admission",
        "application",
        "clock",
        "context",
        "date_line",
        "idle_check",
        "is_draining",
        "loop",
        "open",
        "start_task",
        "tracks_requests",
    )

    def __init__(self, application: Application, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self.application: Final = application
        self.clock: Final = clock
        self.context: Final = copy_context()
        self.loop: Final = loop
        self.open: Final[set[ManagedConnection]] = set()
        self.is_draining = False
        self.access: Final = AccessLog(clock, queries=application.log_queries) if application.access_log else None
        self.admission: Final = Admission(application.capacity)
        self.tracks_requests: Final = _wants_start(application)
        self.idle_check: Final = min(application.timeouts.head or math.inf, application.timeouts.idle or math.inf)
        self.start_task: Final = task_starter(loop)
        self._timer: Timer | None = None
        self._empty: asyncio.Event | None = None
        self._interval: Final = _sweep_interval(application.timeouts, *application.own_timeouts)
        self._tell_date()

    def add(self, connection: ManagedConnection) -> None:
        """Sweep one more connection."""
        self.open.add(connection)
        if self._timer is None:
            self._tell_date()
            self._timer = self.clock.call_later(self._interval, self._sweep)

    def discard(self, connection: ManagedConnection) -> None:
        """Forget a connection that is gone or that another protocol has taken over."""
        self.open.discard(connection)
        if not self.open and self._empty is not None:
            self._empty.set()

    def begin_drain(self, last_request: float = 0.0) -> None:
        """Let each response be the last of its connection, and close the idle ones.

        Args:
            last_request: seconds that these have for a request first. One that was idle may have a request on the way,
                which would be lost: a client that uses it often sends one soon, and then knows that it was the last.
        """
        self.is_draining = True
        for connection in self.open:
            connection.disable_keep_alive()
        if last_request and self.open:
            self.clock.call_later(last_request, self._finish_up)
        else:
            self._finish_up()

    def _finish_up(self) -> None:
        for connection in tuple(self.open):
            connection.close_when_idle()

    async def drained(self) -> None:
        """Return once no connection is open, and no handler of one is running."""
        if self.open:
            self._empty = asyncio.Event()
            await self._empty.wait()

    def abort_all(self) -> None:
        """Cut every connection off."""
        for connection in tuple(self.open):
            connection.abort()

    def give_up(self) -> None:
        """Wait no longer for handlers that ignore that they were cancelled."""
        if self._empty is not None:
            self._empty.set()

    def _sweep(self) -> None:
        self._tell_date()
        now = self.clock.monotonic()
        self._expire([connection for connection in self.open if connection.deadline <= now], now)
        self._timer = self.clock.call_later(self._interval, self._sweep) if self.open else None

    def _expire(self, due: list[ManagedConnection], now: float) -> None:
        for connection in due[-_MAX_IN_A_TURN:]:
            if connection.deadline <= now:
                connection.expire(now)
        del due[-_MAX_IN_A_TURN:]
        if due:
            # Whoever behaves must not wait until a thousand others are told that they are late.
            self.loop.call_soon(self._expire, due, now)

    def _tell_date(self) -> None:
        self.date_line = b"Date: %b\r\n" % format_date(self.clock.wall())


def _wants_start(application: Application) -> bool:
    timeouts, capacity = application.timeouts, application.capacity
    return bool(
        application.access_log
        or application.own_timeouts
        or timeouts.handler
        or timeouts.total
        or timeouts.lifetime
        or capacity.requests_per_connection
        or capacity.concurrent_requests
    )


def _sweep_interval(*timeouts: Timeouts) -> float:
    """Return how far apart sweeps are: often enough that no deadline is missed by more than a quarter of it."""
    shortest = min((time for each in timeouts for time in _times(each) if time), default=_MAX_INTERVAL)
    return min(_MAX_INTERVAL, max(_SHORTEST_INTERVAL, shortest / 4))


def _times(timeouts: Timeouts) -> tuple[float, ...]:
    return (
        timeouts.first_byte,
        timeouts.handshake,
        timeouts.head,
        timeouts.content,
        timeouts.handler,
        timeouts.total,
        timeouts.write,
        timeouts.idle,
        timeouts.linger,
    )
