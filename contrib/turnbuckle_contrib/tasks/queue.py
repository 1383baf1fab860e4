"""Run calls of tasks in this process: some at a time, the others wait in a bounded queue.

A call that fails waits for its retry without a place among the running ones. When the app stops, the queue is drained:
waiting calls run until the deadline, waiting retries run at once and for the last time.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final, final

from turnbuckle import Clock, ResourceKey, ServiceUnavailable, Timer
from turnbuckle_contrib.tasks.records import Call

__all__ = ["TaskQueue"]

_MAX_PAUSE: Final = 3600.0
# Share by which a pause differs, so that many calls that failed together are not repeated together.
_JITTER: Final = 0.1

_log: Final = logging.getLogger("turnbuckle.tasks")


@final
class TaskQueue:
    """The calls of one process.

    Args:
        limit: maximum number of calls that wait or run.
        concurrency: maximum number of calls that run at a time.
        resource: returns the resource of a key.
        clock: the clock for pauses.
    """

    def __init__(self, limit: int, concurrency: int, resource: Callable[[ResourceKey[Any]], Any], clock: Clock) -> None:
        self._limit: Final = limit
        self._clock: Final = clock
        self._concurrency: Final = concurrency
        self._resource: Final = resource
        self._waiting: Final[deque[Call]] = deque()
        self._running: Final[dict[asyncio.Task[None], Call]] = {}
        self._pausing: Final[dict[Call, Timer]] = {}
        self._is_draining = False
        self._empty: Final = asyncio.Event()

    @property
    def count(self) -> int:
        """Number of calls that wait, run, or wait for a retry."""
        return len(self._waiting) + len(self._running) + len(self._pausing)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another call."""
        return self.count >= self._limit

    def check_room(self) -> None:
        """Raise ServiceUnavailable if the queue is full."""
        if self.is_full:
            raise ServiceUnavailable

    def put(self, call: Call) -> None:
        """Run a call as soon as there is a place for it."""
        self._waiting.append(call)
        self._start_waiting()

    async def drain(self, seconds: float) -> None:
        """Wait until all calls have ended; after some seconds, cancel the running calls and drop the others."""
        self._is_draining = True
        for call, timer in list(self._pausing.items()):
            timer.cancel()
            self._resume(call)
        try:
            if self.count:
                async with asyncio.timeout(seconds):
                    await self._empty.wait()
        except TimeoutError:
            _log.error("tasks did not end within %g s: %s", seconds, self._describe())
        finally:
            self._waiting.clear()
            running = tuple(self._running)
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running)

    def _describe(self) -> str:
        running = ", ".join(f"{call.task.name!r} is cancelled" for call in self._running.values())
        waiting = ", ".join(f"{call.task.name!r} is dropped" for call in self._waiting)
        return ", ".join(filter(None, (running, waiting)))

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._concurrency:
            call = self._waiting.popleft()
            task = asyncio.get_running_loop().create_task(
                self._run(call), name=f"turnbuckle task {call.task.name}", context=call.context
            )
            self._running[task] = call
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._start_waiting()
        if not self.count:
            self._empty.set()

    async def _run(self, call: Call) -> None:
        task = call.task
        try:
            async with asyncio.timeout(task.timeout or None):
                await self._call(call)
        except Exception as error:  # noqa: BLE001  # a task may raise anything
            self._failed(call, error)
        finally:
            if call not in self._pausing:
                call.ended.set()

    async def _call(self, call: Call) -> None:
        function = call.task.function
        arguments = [self._resource(key) for key in call.task.uses]
        if inspect.iscoroutinefunction(function):
            await function(*arguments, *call.args, **call.kwargs)
        else:
            await asyncio.to_thread(function, *arguments, *call.args, **call.kwargs)

    def _failed(self, call: Call, error: Exception) -> None:
        task, attempt = call.task, call.attempt
        if attempt > task.retries or self._is_draining:
            of_all = f" in attempt {attempt}" if task.retries else ""
            _log.error("task %r failed%s", task.name, of_all, exc_info=error)
            return
        pause = min(task.backoff * 2 ** (attempt - 1), _MAX_PAUSE) * (1 + _JITTER * random.random())
        _log.warning(
            "task %r failed in attempt %d, and runs again in %.1f s", task.name, attempt, pause, exc_info=error
        )
        call.attempt += 1
        self._pausing[call] = self._clock.call_later(pause, lambda: self._resume(call))

    def _resume(self, call: Call) -> None:
        del self._pausing[call]
        self.put(call)
