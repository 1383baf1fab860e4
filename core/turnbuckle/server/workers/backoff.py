"""Say how long to wait before the next attempt."""

from __future__ import annotations

from typing import Final, final

__all__ = ["Backoff"]


@final
class Backoff:
    """Pauses that double.

    Args:
        first: seconds.
        longest: seconds.
        healthy: seconds of success after which the pauses begin anew.
    """

    def __init__(self, first: float, longest: float, healthy: float) -> None:
        self._first: Final = first
        self._longest: Final = longest
        self._healthy: Final = healthy
        self._next = first

    def pause(self, lasted: float = 0.0) -> float:
        """Return the seconds to wait after a failure.

        Args:
            lasted: seconds for which the attempt was a success.
        """
        if lasted >= self._healthy > 0:
            self.reset()
        pause = min(self._next, self._longest)
        self._next = min(2 * self._next, self._longest)
        return pause

    def reset(self) -> None:
        """Begin anew."""
        self._next = self._first
