"""Start the tasks of schedules when they are due, in one of the workers.

Theory of operation: all workers wait for the same times, which depend only on the clock. At each of them, the worker
that holds a lock on a file runs the task; a worker without the lock tries to get it. The worker keeps the lock until it
ends, and the system releases it even if the worker is killed; another worker then gets it at the next time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, final

from turnbuckle import Clock
from turnbuckle_contrib.tasks.records import Schedule, Task
from turnbuckle_contrib.worker_folder import Leadership

__all__ = ["Scheduler"]

# The clock may be set, and a machine may sleep; so a long wait is made of short ones.
_MAX_WAIT: Final = 60.0
# A run that is later than this was missed, as after the machine has slept, and does not happen.
_MAX_LATE: Final = 30.0

_log: Final = logging.getLogger("turnbuckle.tasks")


@final
class Scheduler:
    """Runs the schedules of one process.

    Args:
        start: runs a task, and returns when it has ended, or when an engine elsewhere has it.
        clock: the clock.
        leadership: decides between several workers; None if there is one.
    """

    def __init__(
        self,
        start: Callable[[Task], Awaitable[object]],
        clock: Clock,
        leadership: Leadership | None = None,
    ) -> None:
        self._start: Final = start
        self._clock: Final = clock
        self._leadership: Final = leadership
        self._runs: Final[dict[str, set[asyncio.Task[object]]]] = {}

    async def stop(self) -> None:
        """Cancel the starts that wait for their jitter."""
        runs = [run for runs in self._runs.values() for run in runs]
        for run in runs:
            run.cancel()
        if runs:
            await asyncio.wait(runs)

    async def repeat(self, schedule: Schedule) -> None:
        """Run the task of a schedule at its times, for ever."""
        due = schedule.times.after(self._clock.wall())
        while True:
            while (wait := due - self._clock.wall()) > 0:
                await self._sleep(min(wait, _MAX_WAIT))
            if -wait > _MAX_LATE:
                _log.warning("schedule %r missed a time by %.0f s", schedule.task.name, -wait)
            elif self._leadership is None or self._leadership.acquire():
                self._begin(schedule)
            due = schedule.times.after(max(due, self._clock.wall()))

    def _begin(self, schedule: Schedule) -> None:
        runs = self._runs.setdefault(schedule.task.name, set())
        if runs and not schedule.overlap:
            _log.warning("schedule %r is due while its last run goes on; it is left out", schedule.task.name)
            return
        run = asyncio.get_running_loop().create_task(self._run(schedule), name=f"turnbuckle {schedule.task.name}")
        runs.add(run)
        run.add_done_callback(runs.discard)

    async def _run(self, schedule: Schedule) -> None:
        if schedule.jitter:
            await self._sleep(random.uniform(0, schedule.jitter))
        try:
            await self._start(schedule.task)
        except Exception:  # noqa: BLE001  # of an engine elsewhere
            _log.exception("schedule %r could not start its task", schedule.task.name)

    async def _sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        timer = self._clock.call_later(seconds, awake.set)
        try:
            await awake.wait()
        finally:
            timer.cancel()
