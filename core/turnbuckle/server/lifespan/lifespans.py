"""Enter the lifespans of an application in order, and leave the entered ones in reverse.

The object that a lifespan yields is a resource while the lifespan is entered. Its background tasks are cancelled before
it is left. Leaving always continues: a lifespan that raises, or does not end in time, is logged by name, and then the
next one is left.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final, TypeVar, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.diagnostics import file_location
from turnbuckle.errors import LifespanError
from turnbuckle.server.lifespan.background import BackgroundTasks
from turnbuckle.server.model.application import ReadyLifespan
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.stalls.task_stacks import await_location
from turnbuckle.web.resources import Resources

__all__ = ["Lifespans"]

# Seconds after which the log names the lifespan or task that delays a start or a stop.
_GRACE_SECONDS: Final = 1.0

ErrorT = TypeVar("ErrorT", bound=BaseException)

# The messages of contextlib, with the explanation for a lifespan.
_YIELDS: Final = {
    "generator didn't stop": "yields again after its first 'yield'; write one 'yield', and the cleanup after it",
    "generator didn't yield": "ends before a 'yield'; write one 'yield' that every path of the start reaches",
}

_log: Final = SafeLogger("turnbuckle.server")


def _ignore_failure(task: str, error: BaseException) -> None:
    """Ignore the failure of a background task that should stop the server; it is logged already."""


@attrs.frozen
class _Entered:
    lifespan: ReadyLifespan
    context: AbstractAsyncContextManager[object]
    tasks: BackgroundTasks


@attrs.define
class _Limit:
    """A time limit in force.

    Attributes:
        scope: cancels the code inside it.
        location: where that code was waiting when it was cancelled.
    """

    scope: asyncio.Timeout
    location: str = ""

    def expire(self, waiting: object) -> None:
        """Cancel the code inside the limit."""
        # A time limit and a second signal may both expire it.
        if not self.scope.expired():
            self.location = await_location(waiting)
            self.scope.reschedule(0.0)


@final
class Lifespans:
    """The lifespans of one server; entered and left in the same task, as cancel scopes require.

    Args:
        lifespans: outermost first.
        limit: seconds that each may take to be left; 0 for no limit.
        clock: the clock of the server.
        startup: seconds that each may take to be entered; 0 for no limit.
        resources: gets the objects that the lifespans yield.
        fail: called with the name and exception of a failed background task that is to stop the server.
    """

    def __init__(
        self,
        lifespans: Sequence[ReadyLifespan],
        limit: float,
        clock: Clock,
        *,
        startup: float = 0.0,
        resources: Resources | None = None,
        fail: Callable[[str, BaseException], None] = _ignore_failure,
    ) -> None:
        self._lifespans: Final = lifespans
        self._limit: Final = limit
        self._startup: Final = startup
        self._clock: Final = clock
        self._resources: Final = resources or Resources()
        self._fail: Final = fail
        self._entered: Final[list[_Entered]] = []
        self._leaving: Callable[[], None] | None = None

    async def enter(self) -> None:
        """Enter all lifespans, or none.

        Raises:
            LifespanError: one of them failed or took too long; those entered before it have been left.
        """
        self._resources.phase = "starting"
        try:
            for lifespan in self._lifespans:
                await self._enter(lifespan)
        except BaseException:
            await self.leave()
            raise
        self._resources.phase = "serving"

    async def leave(self) -> None:
        """Leave the entered lifespans, the last one first; failures are logged."""
        self._resources.phase = "stopping"
        while self._entered:
            entered = self._entered.pop()
            await self._cancel_tasks(entered)
            if entered.lifespan.provides is not None:
                self._resources.remove(entered.lifespan.provides, entered.lifespan.scope)
            await self._leave(entered)
        self._resources.phase = "stopped"

    def give_up(self) -> None:
        """Cancel the lifespan that is being left, or the wait for its background tasks, if there is one."""
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            leaving()

    async def _enter(self, lifespan: ReadyLifespan) -> None:
        task = asyncio.current_task()
        tasks = BackgroundTasks(str(lifespan), self._clock, self._fail)
        context: AbstractAsyncContextManager[object] | None = None
        try:
            async with self._limited(self._startup, partial(_waiting_at, f"{lifespan} to be entered", task)) as limit:
                context = lifespan.context(tasks.start)
                value = await context.__aenter__()
            self._entered.append(_Entered(lifespan, context, tasks))
            if lifespan.provides is not None:
                self._resources.put(lifespan.provides, value, lifespan.scope)
        except TimeoutError as error:
            # A lifespan that waits with its own limit may raise TimeoutError as well.
            cause = self._timeout_error(limit) if limit.scope.expired() else error
            raise LifespanError(lifespan.name, cause, lifespan.plugin, lifespan.location) from error
        except asyncio.CancelledError as error:
            if _is_cancelled(task):
                raise
            interrupted = RuntimeError("an operation that it awaited was cancelled")
            raise LifespanError(lifespan.name, interrupted, lifespan.plugin, lifespan.location) from error
        except Exception as error:
            explained = _explain_yields(error, context)
            raise LifespanError(lifespan.name, explained, lifespan.plugin, lifespan.location) from error
        tasks.open()

    def _timeout_error(self, limit: _Limit) -> TimeoutError:
        at = f", waiting at {limit.location}" if limit.location else ""
        return TimeoutError(f"not done within {self._startup:g} s (timeouts.startup){at}")

    async def _cancel_tasks(self, entered: _Entered) -> None:
        tasks = entered.tasks
        try:
            async with self._limited(self._limit, tasks.pending, is_leaving=True):
                await tasks.close()
        except TimeoutError:
            for description in tasks.pending():
                _log.error("%s: did not end in time although it was cancelled", description)
            tasks.abandon()

    async def _leave(self, entered: _Entered) -> None:
        lifespan = entered.lifespan
        pending = partial(_waiting_at, f"{lifespan} to be left", asyncio.current_task())
        try:
            async with self._limited(self._limit, pending, is_leaving=True) as limit:
                # Leave without an exception: the code after its yield is the cleanup, in a "finally" or not.
                await entered.context.__aexit__(None, None, None)
        except TimeoutError:
            if not limit.scope.expired():
                _log.exception("%s failed at its end", lifespan)
            else:
                _log.error("%s did not end in time and was cancelled at %s", lifespan, limit.location)
        except asyncio.CancelledError:
            if _is_cancelled(asyncio.current_task()):
                raise
            # Something that the lifespan awaited was cancelled, which is a failure like any other.
            _log.exception("%s failed at its end", lifespan)
        except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001  # logged; those before are still left
            explained = _explain_yields(error, entered.context)
            _log.error("%s failed at its end", lifespan, exc_info=explained)

    @asynccontextmanager
    async def _limited(
        self, seconds: float, pending: Callable[[], Sequence[str]], *, is_leaving: bool = False
    ) -> AsyncIterator[_Limit]:
        """Run the block with a time limit on the server's clock; raise TimeoutError once it is exceeded."""
        task = asyncio.current_task()
        async with asyncio.timeout(None) as scope:
            limit = _Limit(scope)
            timers = [self._clock.call_later(_GRACE_SECONDS, lambda: _log_pending(pending()))]
            if seconds:
                timers.append(self._clock.call_later(seconds, lambda: limit.expire(task)))
            if is_leaving:
                self._leaving = lambda: limit.expire(task)
            try:
                yield limit
            finally:
                self._leaving = None
                for timer in timers:
                    timer.cancel()


def _explain_yields(error: ErrorT, context: object) -> ErrorT | RuntimeError:
    """Return the exception of a lifespan, with the fix if it does not yield exactly once."""
    code = getattr(getattr(context, "gen", None), "ag_code", None)
    text = _YIELDS.get(str(error)) if type(error) is RuntimeError else None
    if text is None or code is None or any(frame.f_code is code for frame, _ in traceback.walk_tb(error.__traceback__)):
        return error  # another error, or the same error of a context manager in the lifespan
    return RuntimeError(f"{code.co_qualname} ({file_location(code.co_filename, code.co_firstlineno)}) {text}")


def _is_cancelled(task: asyncio.Task[object] | None) -> bool:
    return task is None or bool(task.cancelling())


def _waiting_at(subject: str, task: object) -> Sequence[str]:
    return [f"{subject}, waiting at {await_location(task)}"]


def _log_pending(pending: Sequence[str]) -> None:
    for description in pending:
        _log.warning("still waiting for %s", description)
