"""Queue log records for a thread that writes them, so that a slow destination cannot block the code that logs.

Theory of operation
===================

Logging appends to a deque and returns. A thread takes records from the deque, renders them, and writes. A destination
that does not accept data (a pipe that is not read, a stopped terminal) blocks only that thread. Then the deque fills
up, and records beyond its limit are dropped and counted. The last tenth is reserved for records of level WARNING and
above, so that a flood of access lines does not drop the messages that explain it. Once lines are written again, one of
them reports the number of dropped records.

The thread pauses before it looks at the deque, so that under load it wakes a few times a second instead of once a line,
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
from turnbuckle.server.logs.formats import LineRenderer
from turnbuckle.server.logs.records import AccessEntry, LogLine, log_line_of
from turnbuckle.server.logs.redact import Redactor

__all__ = ["LogQueue", "QueuedHandler"]

# Seconds that lines are collected before they are written.
_PAUSE: Final = 0.02

# Records rendered and written at once.
_BATCH_SIZE: Final = 256

# Maximum characters of queued messages and tracebacks. A peer that provokes errors controls how many there are.
_MAX_CHARACTERS: Final = 8 * 1024 * 1024


@final
class LogQueue:
    """Records queued for one destination, and the thread that writes them.

    Args:
        destination: where the records go.
        render: renders a record.
        size: maximum number of queued records.
        secrets: removes secrets from records.
    """

    def __init__(self, destination: Destination, render: LineRenderer, *, size: int, secrets: Redactor) -> None:
        self._destination: Final = destination
        self._render: Final = render
        self._secrets: Final = secrets
        self._size: Final = size
        self._size_below_warning: Final = size - size // 10
        self._initialize()
        _reinitialize_in_children(self)

    def _initialize(self) -> None:
        self._records: deque[LogLine | AccessEntry] = deque()
        self._characters = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def lost(self) -> int:
        """The number of records that were dropped or not written since the log last reported them."""
        return self._lost

    def put_access(self, entry: AccessEntry) -> None:
        """Queue or drop an entry of the access log; returns at once."""
        if len(self._records) >= self._size_below_warning:
            self._count_lost(1)
            return
        self._records.append(entry)
        if not self._wake.is_set():
            self._wake_thread()

    def put(self, line: LogLine, *, is_urgent: bool) -> None:
        """Queue or drop any other record; returns at once.

        Args:
            line: the record.
            is_urgent: whether it may take a place of the reserved tenth.
        """
        with self._lock:
            is_full = len(self._records) >= (self._size if is_urgent else self._size_below_warning)
            if is_full or self._characters + line.size > _MAX_CHARACTERS:
                self._lost += 1
                return
            self._characters += line.size
            self._records.append(line)
        self._wake_thread()

    def close(self, seconds: float) -> None:
        """Write the queued records and accept no more; give up after ``seconds``.

        The destination may block for ever.
        """
        self._is_closing.set()
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        if thread is None or not thread.is_alive():
            with contextlib.suppress(OSError):
                self._destination.close()

    def _wake_thread(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._is_closing.is_set():
                    self._thread = threading.Thread(target=self._run, name="turnbuckle log", daemon=True)
                    self._thread.start()
        self._wake.set()

    def _count_lost(self, number: int) -> None:
        with self._lock:
            self._lost += number

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.wait()
            is_last = self._is_closing.wait(_PAUSE)
            # Clear before looking at the deque: a record appended from now on wakes the thread again.
            self._wake.clear()
            while self._records:
                self._write([self._take() for _ in range(min(_BATCH_SIZE, len(self._records)))])
            self._write_lost_count()
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
            # Some of them may have been written. Report rather one record too many as missing than one too few.
            self._count_lost(len(records))

    def _write_lost_count(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, 0
        if lost:
            count = "1 line is" if lost == 1 else f"{lost} lines are"
            text = f"{count} missing here: the log's destination was too slow, or failed"
            line = LogLine(time=time.time(), level="WARNING", logger="turnbuckle.log", message=text)
            try:
                self._destination.write([self._render(line).encode()])
            except OSError:
                self._count_lost(lost)


@final
class QueuedHandler(logging.Handler):
    """Hands the records of a logger to a queue.

    Args:
        queue: the queue.
    """

    def __init__(self, queue: LogQueue) -> None:
        super().__init__()
        self.queue: Final = queue

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record; this raises nothing and prints nothing."""
        entry = record.__dict__.get("access")
        if isinstance(entry, AccessEntry):
            self.queue.put_access(entry)
        else:
            self.queue.put(log_line_of(record), is_urgent=record.levelno >= logging.WARNING)


def _reinitialize_in_children(queue: LogQueue) -> None:
    """Give a forked process its own empty queue and thread; its parent writes the records queued before."""
    reference = weakref.ref(queue)

    def reinitialize() -> None:
        queue = reference()
        if queue is not None:
            queue._initialize()

    os.register_at_fork(after_in_child=reinitialize)
