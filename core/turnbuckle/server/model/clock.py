"""Define the clock of a server: one object, so that tests can replace it.

Deadlines are in monotonic seconds, the Date field needs wall time. Only ``server/`` reads a clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, final

__all__ = ["Clock", "SystemClock", "Timer"]


class Timer(Protocol):
    """A scheduled call that can be cancelled."""

    def cancel(self) -> None:
        """Cancel the call; do nothing if it has run."""


class Clock(Protocol):
    """The source of time, and of timers."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def wall(self) -> float:
        """Return seconds since the epoch."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call ``callback`` once, on the serving loop, ``delay`` seconds from now."""


@final
class SystemClock:
    """The clock of the machine, with the timers of an event loop.

    ``monotonic`` is not the loop's time: some loops read the clock once a turn, and all work within a turn would seem
    to take no time.
    """

    __slots__ = ("_loop", "monotonic")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.monotonic = time.monotonic

    def wall(self) -> float:
        """Return the time of the machine."""
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Schedule a call on the loop."""
        return self._loop.call_later(delay, callback)
