"""Log what blocks the event loop: the request, its route, and the current line of the loop's thread.

While connections are open, a thread regularly schedules a callback on the loop. If the callback does not run in time,
the thread looks at the frames of the loop's thread. Requests pay nothing for it, and a server without connections is
not woken up.
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

# The loop is checked this many times within the time that it may be blocked.
_CHECKS_PER_LIMIT: Final = 4

# Seconds after a report in which no other is logged, so that one slow handler does not fill the log.
_REPORT_INTERVAL: Final = 10.0

# Frames of a stack that are logged, from the innermost on.
_MAX_FRAMES: Final = 12

_log: Final = logging.getLogger("turnbuckle.server")


@final
class Watchdog:
    """Watches one loop from a separate thread; created on that loop.

    Args:
        seconds: how long the loop may be blocked before a line is logged.
        loop: the serving loop, which runs in the current thread.
        is_busy: returns whether there is work that a blocked loop would delay.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop, is_busy: Callable[[], object]) -> None:
        self._seconds: Final = seconds
        self._loop: Final = loop
        self._is_busy: Final = is_busy
        self._loop_thread: Final = threading.get_ident()
        self._stopped: Final = threading.Event()
        self._answered = threading.Event()
        self._next_report = -math.inf
        self._unreported = 0
        self._thread: Final = threading.Thread(target=self._watch, name="turnbuckle watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and wait for the thread to end."""
        self._stopped.set()
        self._answered.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._seconds / _CHECKS_PER_LIMIT):
            if self._is_busy():
                self._check()

    def _check(self) -> None:
        answered = self._answered = threading.Event()
        since = time.monotonic()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            # The loop was closed without stopping the server.
            self._stopped.set()
            return
        if self._stopped.is_set() or answered.wait(self._seconds):
            return
        frames = callback_frames(sys._current_frames().get(self._loop_thread))
        # A loop that only waits is not blocked; the machine was too busy to run the callback.
        location = blocking_location(frames)
        if location and self._may_report():
            self._report(location, frames, since, answered)
        else:
            answered.wait()

    def _may_report(self) -> bool:
        if time.monotonic() < self._next_report:
            self._unreported += 1
            return False
        return True

    def _report(self, location: str, frames: list[FrameType], since: float, answered: threading.Event) -> None:
        # Described first: the loop's thread may run on while the warning is written.
        stack = " < ".join(_describe_frame(frame) for frame in frames[: -_MAX_FRAMES - 1 : -1])
        del frames
        others = f" ({self._unreported} more times since the last report)" if self._unreported else ""
        _log.warning("the event loop is blocked for %.1f s by %s%s", time.monotonic() - since, location, others)
        _log.debug("blocked at %s", stack)
        answered.wait()
        if not self._stopped.is_set():
            _log.warning("the event loop was blocked for %.1f s by %s", time.monotonic() - since, location)
        self._unreported = 0
        self._next_report = time.monotonic() + _REPORT_INTERVAL


def _describe_frame(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
