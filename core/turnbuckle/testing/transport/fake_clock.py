"""A clock that stands still until a test advances it.

``FakeClock`` is the ``server.model.clock.Clock`` of the in-memory client. It moves only the things that use this clock:
the deadlines of the server, its Date field, and the expiry of the client's cookies. ``asyncio.sleep`` uses real time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Final, final

from turnbuckle.testing.transport.activity import turns

__all__ = ["FakeClock"]

_START: Final = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""

# Enough turns for the effects of a timer to end before the next timer runs.
_TURNS_PER_TIMER: Final = 8


@final
class _FakeTimer:
    __slots__ = ("callback", "due", "is_cancelled")

    def __init__(self, due: float, callback: Callable[[], object]) -> None:
        self.due: Final = due
        self.callback: Final = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


@final
class FakeClock:
    """A clock that only ``advance`` moves.

    Args:
        start: the wall time at which it starts, in seconds since the epoch.
    """

    def __init__(self, start: float = _START) -> None:
        self._start: Final = start
        self._elapsed = 0.0
        self._numbers: Final = itertools.count()
        self._timers: list[tuple[float, int, _FakeTimer]] = []

    def monotonic(self) -> float:
        """Return the seconds that the clock was advanced by."""
        return self._elapsed

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return self._start + self._elapsed

    def call_later(self, delay: float, callback: Callable[[], object], /) -> _FakeTimer:
        """Call ``callback`` once the clock has been advanced by ``delay``."""
        timer = _FakeTimer(self._elapsed + max(0.0, delay), callback)
        heapq.heappush(self._timers, (timer.due, next(self._numbers), timer))
        return timer

    @property
    def pending(self) -> int:
        """Number of waiting timers."""
        return sum(not timer.is_cancelled for _, _, timer in self._timers)

    async def advance(self, seconds: float) -> None:
        """Advance the time; each timer that becomes due runs at its time, in order, as a callback of the loop.

        Tasks that a timer wakes run before the time moves on.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"time cannot be advanced by {seconds!r} s")
        # Earlier actions, such as opening a connection, take effect before the time moves.
        await turns(_TURNS_PER_TIMER)
        target = self._elapsed + seconds
        while self._timers and self._timers[0][0] <= target:
            _, _, timer = heapq.heappop(self._timers)
            await self._fire(timer)
        self._elapsed = target

    async def _fire(self, timer: _FakeTimer) -> None:
        if timer.is_cancelled:
            return
        self._elapsed = max(self._elapsed, timer.due)
        # Not called directly: the callback would run inside the task of the test.
        asyncio.get_running_loop().call_soon(timer.callback)
        await turns(_TURNS_PER_TIMER)
