"""Supervise the background tasks of one lifespan.

The tasks start once the lifespan has been entered, and are cancelled, the last one first, before it is left; so the
resources that they use exist while they run. A task that fails is logged; then it is restarted, or ends, or stops the
server.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Final, Literal, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.server.model.application import BackgroundFunction, OnFailure
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.stalls.task_stacks import await_location
from turnbuckle.web.middleware_check import never_returns

__all__ = ["BackgroundTasks"]

_ON_FAILURE: Final = ("restart", "log", "stop")

# Seconds before a failed task is restarted. The pause doubles each time, and starts again once the task has run for the
# maximum.
_FIRST_PAUSE: Final = 1.0
_MAX_PAUSE: Final = 60.0

_log: Final = SafeLogger("turnbuckle.server")


@attrs.frozen
class _Background:
    function: BackgroundFunction
    name: str
    on_failure: OnFailure


def _fault_of_function(function: object) -> str:
    """Return why a value cannot be run in the background, or ""."""
    name = getattr(function, "__name__", type(function).__name__)
    is_plain = inspect.isfunction(function) and not inspect.iscoroutinefunction(function)
    if inspect.iscoroutine(function):
        function.close()  # Python warns about coroutines that are never awaited
        return f"setup.background() takes a function, not a coroutine; write setup.background({name})"
    if not callable(function):
        return f"setup.background() takes an 'async def', not {function!r:.80}"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return f"background task {name!r} yields, so that it cannot be awaited; remove 'yield'"
    if is_plain and never_returns(function):
        return f"background task {name!r} is a plain 'def'; write 'async def {name}'"
    return ""


@final
class BackgroundTasks:
    """The background tasks of one lifespan.

    Args:
        owner: name of the lifespan, for the log.
        clock: the clock of the server.
        stop: stops the server because of a failed task.
    """

    def __init__(self, owner: str, clock: Clock, stop: Callable[[str, BaseException], None]) -> None:
        self._owner: Final = owner
        self._clock: Final = clock
        self._stop: Final = stop
        self._waiting: list[_Background] = []
        self._running: Final[list[tuple[str, asyncio.Task[None]]]] = []
        self._state: Literal["entering", "open", "closed"] = "entering"

    def start(self, function: BackgroundFunction, *, name: str = "", on_failure: OnFailure = "restart") -> None:
        """Run ``function`` in a task, once the lifespan has been entered.

        Raises:
            TypeError: ``function`` is a coroutine, or cannot be called, or is a plain function without a result.
            ValueError: ``on_failure`` is not "restart", "log" or "stop".
            RuntimeError: the lifespan is being left.
        """
        if on_failure not in _ON_FAILURE:
            raise ValueError(f"on_failure must be one of {', '.join(_ON_FAILURE)}, not {on_failure!r}")
        if fault := _fault_of_function(function):
            raise TypeError(fault)
        task = _Background(function, name or getattr(function, "__name__", "task"), on_failure)
        if self._state == "closed":
            raise RuntimeError(f"background task {task.name!r} cannot start: {self._owner} is being left")
        if self._state == "entering":
            self._waiting.append(task)
        else:
            self._begin(task)

    def open(self) -> None:
        """Start the tasks that were requested while the lifespan was being entered."""
        self._state = "open"
        waiting, self._waiting = self._waiting, []
        for background in waiting:
            self._begin(background)

    async def close(self) -> None:
        """Cancel all tasks, the last one first, and wait for each of them to end."""
        self._state = "closed"
        while self._running:
            _, task = self._running[-1]
            task.cancel()
            await asyncio.wait([task])
            self._forget(task)

    def pending(self) -> list[str]:
        """Return the tasks that are running, and where each of them waits."""
        return [f"{self._label(name)}, waiting at {await_location(task)}" for name, task in self._running]

    def abandon(self) -> None:
        """Forget tasks that are still running although they were cancelled."""
        self._running.clear()

    def _begin(self, background: _Background) -> None:
        task = asyncio.get_running_loop().create_task(self._supervise(background), name=f"turnbuckle {background.name}")
        self._running.append((background.name, task))
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running[:] = [pair for pair in self._running if pair[1] is not task]

    async def _supervise(self, background: _Background) -> None:
        pause = _FIRST_PAUSE
        while True:
            begun = self._clock.monotonic()
            if not await self._failed(background) or self._state == "closed" or background.on_failure != "restart":
                return
            if self._clock.monotonic() - begun >= _MAX_PAUSE:
                pause = _FIRST_PAUSE
            _log.info("%s restarts in %g s", self._label(background.name), pause)
            await self._sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE)

    async def _failed(self, background: _Background) -> bool:
        try:
            await background.function()
        except asyncio.CancelledError as error:
            current = asyncio.current_task()
            if self._state == "closed" or current is None or current.cancelling():
                raise
            # Something that the task awaited was cancelled, not the task itself. For the code that relies on the task
            # that is a failure.
            self._report(background, error)
        except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001  # logged, and acted on
            self._report(background, error)
        else:
            return False
        return True

    def _report(self, background: _Background, error: BaseException) -> None:
        label = self._label(background.name)
        _log.error("%s failed", label, exc_info=error)
        if background.on_failure == "stop" and self._state != "closed":
            self._stop(label, error)

    def _label(self, name: str) -> str:
        return f"background task {name!r} of {self._owner}"

    async def _sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        timer = self._clock.call_later(seconds, awake.set)
        try:
            await awake.wait()
        finally:
            timer.cancel()
