"""Logging returns at once, whatever the destination does; dropped records are counted and reported."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Iterable

import pytest

from turnbuckle.server.logs.formats import render_text
from turnbuckle.server.logs.queue import LogQueue, QueuedHandler
from turnbuckle.server.logs.records import AccessEntry, LogLine
from turnbuckle.server.logs.redact import Redactor

SECONDS = 30


class _Gate:
    """A destination that takes nothing until it is opened, and says when it is asked."""

    def __init__(self, error: OSError | None = None) -> None:
        self.is_asked = threading.Event()
        self.may_write = threading.Event()
        self.lines: list[str] = []
        self.error = error
        self.is_closed = False

    def write(self, lines: Iterable[bytes]) -> None:
        self.is_asked.set()
        assert self.may_write.wait(SECONDS)
        if self.error is not None:
            raise self.error
        self.lines += [line.decode() for line in lines]

    def close(self) -> None:
        self.is_closed = True


def _queue(destination: _Gate, size: int = 10) -> LogQueue:
    return LogQueue(destination, render_text, size=size, secrets=Redactor(()))


def _line(message: str = "listening", exception: str = "") -> LogLine:
    return LogLine(time=0.0, level="INFO", logger="turnbuckle.server", message=message, exception=exception)


def _entry() -> AccessEntry:
    return AccessEntry(client="a", status=200, content_bytes=0, outcome="complete", time=0.0)


def _stuck(queue: LogQueue, gate: _Gate) -> None:
    """Have the thread wait for its destination, with nothing in the queue."""
    queue.put(_line("first"), is_urgent=False)
    assert gate.is_asked.wait(SECONDS)


def test_records_are_written_in_order() -> None:
    gate = _Gate()
    gate.may_write.set()
    queue = _queue(gate, 1000)
    for number in range(400):
        queue.put(_line(f"line {number}"), is_urgent=False)
        queue.put_access(_entry())
    queue.close(SECONDS)
    assert [line.split("line ")[1] for line in gate.lines[::2]] == [f"{number}\n" for number in range(400)]
    assert len(gate.lines) == 800
    assert gate.is_closed


def test_full_queue_drops_records_and_reports_their_number() -> None:
    gate = _Gate()
    queue = _queue(gate)
    _stuck(queue, gate)
    for _ in range(30):
        queue.put_access(_entry())
    assert queue.lost == 21
    gate.may_write.set()
    queue.close(SECONDS)
    assert len(gate.lines) == 11
    assert gate.lines[-1].endswith(
        "WARNING turnbuckle.log: 21 lines are missing here: the log's destination was too slow, or failed\n"
    )
    assert queue.lost == 0


def test_last_places_are_for_warnings() -> None:
    gate = _Gate()
    queue = _queue(gate)
    _stuck(queue, gate)
    for _ in range(20):
        queue.put_access(_entry())
        queue.put(_line(), is_urgent=False)
    lost = queue.lost
    queue.put(_line("important"), is_urgent=True)
    assert queue.lost == lost
    queue.put(_line("important, too"), is_urgent=True)
    assert queue.lost == lost + 1
    gate.may_write.set()
    queue.close(SECONDS)
    assert gate.lines[-2].endswith("important\n")


def test_tracebacks_that_wait_take_bounded_room() -> None:
    gate = _Gate()
    queue = _queue(gate, 10_000)
    _stuck(queue, gate)
    for _ in range(1000):
        queue.put(_line(exception="x" * 32_000), is_urgent=True)
    assert queue.lost > 700
    gate.may_write.set()
    queue.close(SECONDS)
    assert 200 < len(gate.lines) < 300


def test_lines_that_cannot_be_written_are_counted_until_that_can_be_said() -> None:
    gate = _Gate(OSError(28, "No space left on device"))
    queue = _queue(gate)
    _stuck(queue, gate)
    queue.put_access(_entry())
    gate.may_write.set()
    gate.error = None
    queue.close(SECONDS)
    assert len(gate.lines) in {1, 2}


def test_lines_that_were_never_written_stay_lost() -> None:
    gate = _Gate(OSError(28, "No space left on device"))
    gate.may_write.set()
    queue = _queue(gate)
    queue.put(_line(), is_urgent=True)
    queue.close(SECONDS)
    assert (gate.lines, queue.lost) == ([], 1)


def test_record_that_cannot_be_rendered_ends_nothing() -> None:
    gate = _Gate()
    gate.may_write.set()
    queue = _queue(gate)
    broken = _line()
    broken.time = float("nan")
    queue.put(broken, is_urgent=True)
    queue.close(SECONDS)
    assert [line.partition(": ")[2][:21] for line in gate.lines] == ["1 line is missing her"]


def test_close_gives_up_on_a_destination_that_takes_nothing() -> None:
    gate = _Gate()
    queue = _queue(gate)
    _stuck(queue, gate)
    queue.close(0.0)
    assert not gate.is_closed
    queue.put(_line(), is_urgent=True)
    gate.may_write.set()


def test_close_without_a_line_starts_no_thread() -> None:
    gate = _Gate()
    _queue(gate).close(SECONDS)
    assert gate.is_closed
    assert not gate.is_asked.is_set()


@pytest.mark.parametrize("method", ["put", "put_access"])
def test_line_after_the_end_is_dropped(method: str) -> None:
    gate = _Gate()
    queue = _queue(gate)
    queue.close(SECONDS)
    if method == "put":
        queue.put(_line(), is_urgent=True)
    else:
        queue.put_access(_entry())
    assert not gate.is_asked.is_set()


def test_queued_handler_queues_records_and_access_entries() -> None:
    gate = _Gate()
    gate.may_write.set()
    queue = _queue(gate)
    handler = QueuedHandler(queue)
    record = logging.LogRecord("turnbuckle.access", logging.INFO, "", 0, "%s", (_entry(),), None)
    record.__dict__["access"] = _entry()
    handler.handle(record)
    handler.handle(logging.LogRecord("shop", logging.ERROR, "", 0, "%d", ("x",), None))
    queue.close(SECONDS)
    assert [line.split(" ", 1)[1] for line in gate.lines] == [
        'INFO    turnbuckle.access: a "-" 200 0 - - complete\n',
        "ERROR   shop: %d (its arguments cannot be shown: TypeError)\n",
    ]


@pytest.mark.parametrize("is_kept", [True, False])
def test_forked_child_begins_with_an_empty_queue_and_a_thread_of_its_own(is_kept: bool) -> None:
    gate = _Gate()
    queue: LogQueue | None = _queue(gate)
    assert queue is not None
    _stuck(queue, gate)
    queue.put(_line("of the parent"), is_urgent=True)
    reading, writing = os.pipe()
    if not is_kept:
        queue.close(0.0)
        queue = None
        gc.collect()
    child = os.fork()
    if child == 0:
        # Nothing of pytest must run in here, whatever happens.
        try:
            if queue is not None:
                gate.may_write.set()
                queue.put(_line("of the child"), is_urgent=True)
                queue.close(SECONDS)
            os.write(writing, "".join(gate.lines).encode() or b"none")
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    written = os.read(reading, 10_000).decode()
    os.close(reading)
    gate.may_write.set()
    if queue is not None:
        queue.close(SECONDS)
        assert written.endswith("of the child\n")
        assert "of the parent" not in written
    else:
        assert written == "none"
