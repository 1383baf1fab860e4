"""Act on the deadlines of many WebSockets with one timer, for pings and for ends that take too long.

A timer for each WebSocket would cost memory while it is idle, and time for each of its messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

__all__ = ["StreamClock", "StreamTimer", "Sweep", "Swept"]

_INTERVAL: Final = 1.0


class StreamTimer(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Cancel the call; do nothing if it has run."""


class StreamClock(Protocol):
    """The clock of the server, as streams use it."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> StreamTimer:
        """Call ``callback`` once, on the serving loop, ``delay`` seconds from now."""


class Swept(Protocol):
    """An object with a deadline, in monotonic seconds of the server's clock."""

    deadline: float

    def expire(self, now: float, /) -> None:
        """Act on the deadline, which has passed, and set the next one."""


@final
class Sweep:
    """The objects of one server that have a deadline, and the timer for all of them.

    Args:
        clock: the clock of the server.

    Attributes:
        clock: see above.
    """

    __slots__ = ("_members", "_timer", "clock")

    def __init__(self, clock: StreamClock) -> None:
        self.clock: Final = clock
        self._members: Final[set[Swept]] = set()
        self._timer: StreamTimer | None = None

    def add(self, member: Swept) -> None:
        """Act on the deadline of an object from now on, at most a second too late."""
        self._members.add(member)
        if self._timer is None:
            self._timer = self.clock.call_later(_INTERVAL, self._run)

    def discard(self, member: Swept) -> None:
        """Forget an object."""
        self._members.discard(member)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        now = self.clock.monotonic()
        self._timer = self.clock.call_later(_INTERVAL, self._run)
        for member in [member for member in self._members if member.deadline <= now]:
            member.expire(now)
