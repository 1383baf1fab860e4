"""Let records wait for a thread that writes them, so that no log can hold up whoever logs.

Theory of operation
===================

Whoever logs appends to a deque and goes on; a thread takes from it, renders, and writes. A destination that takes
nothing (a pipe that nobody reads, a terminal that was stopped) blocks that thread alone. Then the deque fills, and
beyond its bound records are dropped and counted; of the last tenth only records of level WARNING and above take a
place, so that a flood of access lines does not push out what explains it. Once lines are taken again, one of them says
how many are missing.

The thread waits a moment before it looks, so that under load it wakes a few times a second rather than for each line,
and writes many lines at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections import deque
from typing import Final, final

from turnbuckle.server.logs.destinations import Destination
from turnbuckle.server.logs.formats import Render
from turnbuckle.server.logs.records import AccessEntry, LogLine, log_line_of
from turnbuckle.server.logs.redact import Redactor

__all__ = ["LogQueue", "QueuedHandler"]

# Seconds that lines are gathered.
_PAUSE: Final = 0.02

# Records that are rendered before they are written.
_AT_ONCE: Final = 256

# Characters of messages and tracebacks that wait: of these a peer that provokes errors decides the number.
_MAX_CHARACTERS: Final = 8 * 1024 * 1024


@final
class LogQueue:
    """Records that wait for one destination, and the thread that writes them there.

    Args:
        destination: where they go.
        render: what makes lines of them.
        size: how many may wait.
        secrets: what is kept out of them.
    """

    def __init__(self, destination: Destination, render: Render, *, size: int, secrets: Redactor) -> None:
        self._destination: Final = destination
        self._render: Final = render
        self._secrets: Final = secrets
        self._size: Final = size
        self._room: Final = size - size // 10
        self._begin()
        _begin_again_in_children(self)

    def _begin(self) -> None:
        self._records: deque[LogLine | AccessEntry] = deque()
        self._characters = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def lost(self) -> int:
        """Return how many records were dropped, or could not be written, since that was last said in the log."""
        return self._lost

    def put_access(self, entry: AccessEntry) -> None:
        """Let a line of the access log wait, or drop it; returns at once."""
        if len(self._records) >= self._room:
            self._lose(1)
            return
        self._records.append(entry)
        if not self._wake.is_set():
            self._rouse()

    def put(self, line: LogLine, *, is_urgent: bool) -> None:
        """Let any other record wait, or drop it; returns at once.

        Args:
            line: the record.
            is_urgent: whether it may take one of the last places.
        """
        with self._lock:
            is_full = len(self._records) >= (self._size if is_urgent else self._room)
            if is_full or self._characters + line.size > _MAX_CHARACTERS:
                self._lost += 1
                return
            self._characters += line.size
            self._records.append(line)
        self._rouse()

    def close(self, seconds: float) -> None:
        """Write what waits, and take nothing more; gives up after some seconds, as whoever blocks may never end."""
        self._is_closing.set()
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        if thread is None or not thread.is_alive():
            with contextlib.suppress(OSError):
                self._destination.close()

    def _rouse(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._is_closing.is_set():
                    self._thread = threading.Thread(target=self._run, name="turnbuckle log", daemon=True)
                    self._thread.start()
        self._wake.set()

    def _lose(self, number: int) -> None:
        with self._lock:
            self._lost += number

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.wait()
            is_last = self._is_closing.wait(_PAUSE)
            # Before looking: what is appended from now on rouses again.
            self._wake.clear()
            while self._records:
                self._write([self._take() for _ in range(min(_AT_ONCE, len(self._records)))])
            self._tell_lost()
            if is_last:
                return

    def _take(self) -> LogLine | AccessEntry:
        record = self._records.popleft()
        if isinstance(record, LogLine):
            with self._lock:
                self._characters -= record.size
        return record

    def _write(self, records: list[LogLine | AccessEntry]) -> None:
        try:
            for record in records:
                self._secrets.clean(record)
            self._destination.write([self._render(record).encode("utf-8", "backslashreplace") for record in records])
        except Exception:  # noqa: BLE001  # nothing may end this thread, least of all a record
            # Some of them may have been written: better one too many is said to be missing than one too few.
            self._lose(len(records))

    def _tell_lost(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, 0
        if lost:
            what = "1 line is" if lost == 1 else f"{lost} lines are"
            text = f"{what} missing here: the log did not take what it was given in time, or at all"
            line = LogLine(time=time.time(), level="WARNING", logger="turnbuckle.log", message=text)
            try:
                self._destination.write([self._render(line).encode()])
            except OSError:
                self._lose(lost)


@final
class QueuedHandler(logging.Handler):
    """Hands records to a queue.

    Args:
        queue: what takes them.
    """

    def __init__(self, queue: LogQueue) -> None:
        super().__init__()
        self.queue: Final = queue

    def emit(self, record: logging.LogRecord) -> None:
        """Let a record wait; this raises nothing, and prints nothing."""
        entry = record.__dict__.get("access")
        if isinstance(entry, AccessEntry):
            self.queue.put_access(entry)
        else:
            self.queue.put(log_line_of(record), is_urgent=record.levelno >= logging.WARNING)


def _begin_again_in_children(queue: LogQueue) -> None:
    """Give a process that is forked a thread of its own; what waits is written by its parent."""
    reference = weakref.ref(queue)

    def begin() -> None:
        found = reference()
        if found is not None:
            found._begin()

    os.register_at_fork(after_in_child=begin)
