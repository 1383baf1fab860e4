"""Count requests in the memory of one process, for each worker on its own.

Each rule has two counters for each client: of the current period and of the previous one, which counts for the part of
it that a window of the length of a period still covers. All clients have the same periods, so that old counters are
dropped together. The number of clients is bounded: if too many different ones come within a period, clients with few
requests are forgotten first.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

from turnbuckle_contrib.rate_limit.rules import Check, Outcome, Rule, Usage

__all__ = ["MemoryCounters"]

# Clients with many requests that may be passed over, to find one with few.
_MAX_SPARED: Final = 8


@final
class _Periods:
    """The counters of one rule, in one part of the app."""

    __slots__ = ("_max_keys", "_number", "_seconds", "current", "elapsed", "previous")

    def __init__(self, seconds: int, max_keys: int) -> None:
        self._seconds: Final = seconds
        self._max_keys: Final = max_keys
        self._number = 0
        self.elapsed = 0.0
        self.current: OrderedDict[str, int] = OrderedDict()
        self.previous: Mapping[str, int] = {}

    def move_to(self, now: float) -> None:
        """Begin the period of a time, if it is another one."""
        position = now / self._seconds
        number = math.floor(position)
        self.elapsed = position - number
        if number != self._number:
            self.previous = self.current if number == self._number + 1 else {}
            self._number, self.current = number, OrderedDict()

    def is_exceeded(self, key: str, amount: int) -> bool:
        """Return whether one more request of a client would be too much."""
        previous = self.previous.get(key, 0)
        return int(previous * (1 - self.elapsed)) + self.current.get(key, 0) >= amount

    def add(self, key: str, amount: int) -> int:
        """Count a request, and return the requests of its client in this period."""
        current = self.current
        count = current[key] = current.get(key, 0) + 1
        if len(current) > self._max_keys:
            self._forget_one(amount)
        return count

    def _forget_one(self, amount: int) -> None:
        current = self.current
        for _ in range(_MAX_SPARED):
            key, count = current.popitem(last=False)
            if 2 * count < amount or not current:
                return
            current[key] = count
        current.popitem(last=False)


@final
class MemoryCounters:
    """The counters of one app.

    Args:
        clock: returns seconds.
        max_keys: number of clients that each rule counts in a period.
    """

    def __init__(self, clock: Callable[[], float], max_keys: int) -> None:
        self._clock: Final = clock
        self._max_keys: Final = max_keys
        self._periods: Final[dict[tuple[str, Rule], _Periods]] = {}

    def count(self, checks: Sequence[Check]) -> Outcome:
        """Count a request by all rules if none of them is exceeded, and return the usages."""
        now = self._clock()
        found = [(check, self._periods_of(check, now)) for check in checks]
        is_refused = any(periods.is_exceeded(check.key, check.rule.amount) for check, periods in found)
        usages = []
        for check, periods in found:
            key, rule = check.key, check.rule
            is_exceeded = is_refused and periods.is_exceeded(key, rule.amount)
            current = periods.current.get(key, 0) if is_refused else periods.add(key, rule.amount)
            previous = periods.previous.get(key, 0)
            usages.append(Usage.of_window(rule, previous, current, periods.elapsed, is_exceeded=is_exceeded))
        return Outcome(usages, is_refused)

    def _periods_of(self, check: Check, now: float) -> _Periods:
        identity = (check.place, check.rule)
        periods = self._periods.get(identity)
        if periods is None:
            periods = self._periods[identity] = _Periods(check.rule.seconds, self._max_keys)
        periods.move_to(now)
        return periods
