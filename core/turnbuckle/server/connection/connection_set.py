"""Track the open connections of a server, act on their deadlines, and drain them when the server stops.

A timer for each request would cost more than parsing the head of the request. Instead, each connection stores when it
is due, and one sweep for all connections, at most a second apart, calls the ones that are past their deadline. A server
without connections sets no timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, final

from turnbuckle.server.model.clock import Clock, Timer
from turnbuckle.web.peer import LazyEvent

__all__ = ["ConnectionSet", "ManagedConnection"]

# Connections past their deadline that are handled in one turn of the loop.
_MAX_IN_A_TURN: Final = 32


class ManagedConnection(Protocol):
    """A connection as the set sees it."""

    @property
    def deadline(self) -> float:
        """When the connection is due, in the clock's monotonic seconds."""

    @property
    def description(self) -> str:
        """A description of what keeps the connection open."""

    @property
    def request_count(self) -> int:
        """Number of requests whose responses have not ended."""

    def expire(self, now: float) -> None:
        """Act on a deadline that has passed."""

    def disable_keep_alive(self) -> None:
        """Make the next response the last one."""

    def close_when_idle(self) -> None:
        """Close now if the connection is idle, else when its current work has ended."""

    def abort(self) -> None:
        """Close at once, in any state."""


@final
class ConnectionSet:
    """The open connections of one server.

    Args:
        clock: the server's clock.
        loop: the serving loop.
        interval: seconds between two sweeps.
        on_sweep: called at the start of each sweep, and before the first connection is added.

    Attributes:
        open: the connections.
        is_draining: whether each response is the last one on its connection.
        stopping: set once ``is_draining`` is.
    """

    __slots__ = ("_clock", "_empty", "_interval", "_loop", "_on_sweep", "_timer", "is_draining", "open", "stopping")

    def __init__(
        self, clock: Clock, loop: asyncio.AbstractEventLoop, interval: float, on_sweep: Callable[[], None]
    ) -> None:
        self._clock: Final = clock
        self._loop: Final = loop
        self._interval: Final = interval
        self._on_sweep: Final = on_sweep
        self._timer: Timer | None = None
        self._empty: asyncio.Event | None = None
        self.open: Final[set[ManagedConnection]] = set()
        self.is_draining = False
        self.stopping: Final = LazyEvent()

    def add(self, connection: ManagedConnection) -> None:
        """Add a connection; from now on the sweep acts on its deadline."""
        self.open.add(connection)
        if self._timer is None:
            self._on_sweep()
            self._timer = self._clock.call_later(self._interval, self._sweep)

    def discard(self, connection: ManagedConnection) -> None:
        """Remove a connection that is closed or that another protocol has taken over."""
        self.open.discard(connection)
        if not self.open and self._empty is not None:
            self._empty.set()

    def begin_drain(self, last_request: float = 0.0) -> None:
        """Make each response the last one on its connection, and close the idle connections.

        Args:
            last_request: seconds to wait for a last request before idle connections are closed. A request may be on its
                way to an idle connection, and closing would lose it. A client that uses its connection often sends a
                request soon, and its response announces the end.
        """
        self.is_draining = True
        self.stopping.set()
        for connection in self.open:
            connection.disable_keep_alive()
        if last_request and self.open:
            self._clock.call_later(last_request, self._close_idle)
        else:
            self._close_idle()

    def _close_idle(self) -> None:
        for connection in tuple(self.open):
            connection.close_when_idle()

    async def drained(self) -> None:
        """Return once no connection is open and no handler is running."""
        if self.open:
            self._empty = asyncio.Event()
            await self._empty.wait()

    def abort_all(self) -> None:
        """Abort every connection."""
        for connection in tuple(self.open):
            connection.abort()

    def give_up(self) -> None:
        """End ``drained()`` although handlers that ignore their cancellation are still running."""
        if self._empty is not None:
            self._empty.set()

    def _sweep(self) -> None:
        self._on_sweep()
        now = self._clock.monotonic()
        self._expire([connection for connection in self.open if connection.deadline <= now], now)
        self._timer = self._clock.call_later(self._interval, self._sweep) if self.open else None

    def _expire(self, due: list[ManagedConnection], now: float) -> None:
        for connection in due[-_MAX_IN_A_TURN:]:
            if connection.deadline <= now:
                connection.expire(now)
        del due[-_MAX_IN_A_TURN:]
        if due:
            # A thousand late connections must not delay the requests on the others.
            self._loop.call_soon(self._expire, due, now)
