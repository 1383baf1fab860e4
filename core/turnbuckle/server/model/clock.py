"""Tell the time to everything that waits, through one object, so that tests can move it.

Deadlines are kept in monotonic seconds; the Date field wants wall time. Only ``server/`` asks either.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, final

__all__ = ["Clock", "SystemClock", "Timer"]


class Timer(Protocol):
    """A call that is due later and can be called off."""

    def cancel(self) -> None:
        """Call it off; harmless when it has run."""


class Clock(Protocol):
    """What the server asks about time."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def wall(self) -> float:
        """Return seconds since the epoch."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call ``callback`` once, on the serving loop, ``delay`` seconds from now."""


@final
class SystemClock:
    """The clock of the machine, with the timers of an event loop.

    The time is not the loop's: some loops look at the clock once a turn, and what happens within a turn would take
    none.
    """

    __slots__ = ("_loop", "monotonic")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.monotonic = time.monotonic

    def wall(self) -> float:
        """Return the machine's time."""
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Schedule on the loop."""
        return self._loop.call_later(delay, callback)
