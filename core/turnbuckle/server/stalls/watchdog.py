"""Name who blocks the loop: the request, its route, and the line that the loop's thread is at.

A thread asks the loop now and then whether it turns, as long as connections are open. When no answer comes in time, it
looks at the frames of the loop's thread. Requests pay nothing for it, and a server without connections is left asleep.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final, final

from turnbuckle.server.stalls.task_stacks import blocking_location, callback_frames

__all__ = ["Watchdog"]

# Of the time that the loop may be blocked, how long it is left alone between two questions.
_SHARE: Final = 4

# Seconds after a report in which no other is made: one slow handler must not fill the log.
_SILENCE: Final = 10.0

# Frames of a stack that are told, from the innermost on.
_DEPTH: Final = 12

_log: Final = logging.getLogger("turnbuckle.server")


@final
class Watchdog:
    """Watches one loop from a thread of its own; made on that loop.

    Args:
        seconds: that the loop may be blocked for before it is said by whom.
        loop: the serving loop, which runs in this thread.
        is_busy: tells whether there is anybody to be held up.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop, is_busy: Callable[[], object]) -> None:
        self._seconds: Final = seconds
        self._loop: Final = loop
        self._is_busy: Final = is_busy
        self._watched: Final = threading.get_ident()
        self._stopped: Final = threading.Event()
        self._answered = threading.Event()
        self._silent_until = -math.inf
        self._untold = 0
        self._thread: Final = threading.Thread(target=self._watch, name="turnbuckle watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more, and wait for the thread to end."""
        self._stopped.set()
        self._answered.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._seconds / _SHARE):
            if self._is_busy():
                self._ask()

    def _ask(self) -> None:
        answered = self._answered = threading.Event()
        asked = time.monotonic()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            # The loop was closed, and nobody stopped the server.
            self._stopped.set()
            return
        if self._stopped.is_set() or answered.wait(self._seconds):
            return
        frames = callback_frames(sys._current_frames().get(self._watched))
        # A loop that only waits is not blocked: the machine has no time for it.
        reporting_errors = blocking_location(frames)
        if reporting_errors and self._may_tell():
            self._tell(reporting_errors, frames, asked, answered)
        else:
            answered.wait()

    def _may_tell(self) -> bool:
        if time.monotonic() < self._silent_until:
            self._untold += 1
            return False
        return True

    def _tell(self, reporting_errors: str, frames: list[FrameType], asked: float, answered: threading.Event) -> None:
        others = f" ({self._untold} more times since it was last said)" if self._untold else ""
        _log.warning("the event loop is blocked for %.1f s by %s%s", time.monotonic() - asked, reporting_errors, others)
        _log.debug("blocked at %s", " < ".join(_described(each) for each in frames[: -_DEPTH - 1 : -1]))
        del frames
        answered.wait()
        if not self._stopped.is_set():
            _log.warning("the event loop was blocked for %.1f s by %s", time.monotonic() - asked, reporting_errors)
        self._untold = 0
        self._silent_until = time.monotonic() + _SILENCE


def _described(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
