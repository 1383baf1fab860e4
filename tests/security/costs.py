"""Compare what work costs at two sizes, so that no test depends on how fast a machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["check_linear"]

_TIMES_LARGER: Final = 8
# Caches and noise may make each byte four times as expensive; quadratic work makes it eight times as expensive.
_MAX_RATIO: Final = _TIMES_LARGER * 4
_REPEATS: Final = 3


def check_linear(work: Callable[[int], object], size: int) -> None:
    """Fail if the CPU that some work takes grows with more than its size.

    Args:
        work: does it, for any size.
        size: the smaller one, large enough to take a millisecond.
    """
    work(size)
    small = min(_seconds(work, size) for _ in range(_REPEATS))
    for _ in range(_REPEATS):
        large = _seconds(work, size * _TIMES_LARGER)
        if large <= small * _MAX_RATIO:
            return
    raise AssertionError(f"{size} cost {small:.4f} s, and {_TIMES_LARGER} times as much {large:.4f} s")


def _seconds(work: Callable[[int], object], size: int) -> float:
    start = time.process_time()
    work(size)
    return time.process_time() - start
