"""Read the CPU time and memory of a process, and pin it to a core (Linux only: /proc and sched_setaffinity)."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def two_cores() -> tuple[int, int]:
    """Return the core for the server and the core for the load; the same core twice if there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[min(1, len(cores) - 1)]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run the block, and every process started in it, only on `core`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def family(pid: int) -> list[int]:
    """Return `pid` and all its descendants."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            pids += family(int(child))
    return pids


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that `pid` and its descendants have used so far."""
    return sum(_process_clock(member) for member in family(pid))


def _process_clock(pid: int) -> float:
    # The id of clock_getcpuclockid(3). It counts the same time as utime and stime in /proc/PID/stat, but in
    # nanoseconds; their ticks of 10 ms would be one percent of a run.
    return time.clock_gettime((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of `pid` and its descendants; shared pages count once for each process."""
    return sum(_resident(member) for member in family(pid))


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
