"""Limit how often a peer may do what costs the server more than the peer: a budget for each kind of frame.

A budget is a bucket of tokens: a burst, and a rate at which spent tokens come back.

Sources: RFC 9113, section 10.5; CVE-2019-9512, -9515, -9518, CVE-2023-44487 and CVE-2025-8671.
"""

from __future__ import annotations

from typing import Final, final

__all__ = ["Budget"]


@final
class Budget:
    """A number of tokens that comes back with time.

    Args:
        burst: the most tokens there are, and their number at the start.
        rate: tokens that come back each second.
    """

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, burst: float, rate: float) -> None:
        self._burst: Final = burst
        self._rate: Final = rate
        self._tokens = burst
        self._updated = 0.0

    def spend(self, tokens: float, now: float) -> bool:
        """Spend tokens; return whether there were enough.

        Args:
            tokens: how many.
            now: monotonic seconds.
        """
        if self._tokens < tokens:
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
            self._updated = now
        self._tokens -= tokens
        return self._tokens >= 0

    def give(self, tokens: float) -> None:
        """Give tokens back, up to the burst."""
        self._tokens = min(self._burst, self._tokens + tokens)
