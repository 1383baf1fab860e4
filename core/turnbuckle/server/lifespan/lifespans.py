"""Enter the lifespans of an application in order, and leave in reverse those that were entered.

What a lifespan yields is a resource as long as it is entered. Before it is left, its background tasks are cancelled.
Leaving goes on whatever happens: a lifespan that raises, or that does not come to an end, is logged by name, and the
next one has its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import LifespanError
from turnbuckle.server.lifespan.background import BackgroundTasks
from turnbuckle.server.model.application import ReadyLifespan
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.stalls.task_stacks import await_location
from turnbuckle.web.resources import Resources

__all__ = ["Lifespans"]

# Seconds after which it is said who holds up a start or a stop.
_GRACE_SECONDS: Final = 1.0

_log: Final = SafeLogger("turnbuckle.server")


def _ignore_failure(task: str, error: BaseException) -> None:
    """Go on without a background task that should stop the server; it was logged."""


@attrs.frozen
class _Entered:
    lifespan: ReadyLifespan
    context: AbstractAsyncContextManager[object]
    tasks: BackgroundTasks


@attrs.define
class _Limit:
    """A limit of time that is in force.

    Attributes:
        scope: cancels what is inside of it.
        location: where that was when it was cancelled.
    """

    scope: asyncio.Timeout
    location: str = ""

    def expire(self, waiting: object) -> None:
        """Cancel what is inside."""
        # The limit and a second signal may come together.
        if not self.scope.expired():
            self.location = await_location(waiting)
            self.scope.reschedule(0.0)


@final
class Lifespans:
    """The lifespans of one server; entered and left in one task, as cancel scopes want it.

    Args:
        lifespans: outermost first.
        limit: seconds that each may take to be left; 0 for no limit.
        clock: tells the time.
        startup: seconds that each may take to be entered; 0 for no limit.
        resources: where what they yield is put.
        fail: told of a background task that failed, and that the server cannot do without.
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
        """Enter all, or none.

        Raises:
            LifespanError: one of them failed, or was not done in time; those before it have been left.
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
        """Leave those that were entered, the last one first; failures are logged."""
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
        try:
            async with self._limited(self._startup, partial(_held_by, f"{lifespan} to be entered", task)) as limit:
                context = lifespan.context(tasks.start)
                value = await context.__aenter__()
            self._entered.append(_Entered(lifespan, context, tasks))
            if lifespan.provides is not None:
                self._resources.put(lifespan.provides, value, lifespan.scope)
        except TimeoutError as error:
            # One that waits for something may well raise the same when it has had enough of it.
            cause = self._late(limit) if limit.scope.expired() else error
            raise LifespanError(lifespan.name, cause, lifespan.plugin, lifespan.location) from error
        except asyncio.CancelledError as error:
            if _is_cancelled(task):
                raise
            broken = RuntimeError("something that it waited for was cancelled")
            raise LifespanError(lifespan.name, broken, lifespan.plugin, lifespan.location) from error
        except Exception as error:
            raise LifespanError(lifespan.name, error, lifespan.plugin, lifespan.location) from error
        tasks.open()

    def _late(self, limit: _Limit) -> TimeoutError:
        at = f", waiting at {limit.location}" if limit.location else ""
        return TimeoutError(f"not done within {self._startup:g} s (timeouts.startup){at}")

    async def _cancel_tasks(self, entered: _Entered) -> None:
        tasks = entered.tasks
        try:
            async with self._limited(self._limit, tasks.holders, is_leaving=True):
                await tasks.close()
        except TimeoutError:
            for holder in tasks.holders():
                _log.error("%s: did not end in time though it was cancelled", holder)
            tasks.abandon()

    async def _leave(self, entered: _Entered) -> None:
        lifespan = entered.lifespan
        held_by = partial(_held_by, f"{lifespan} to be left", asyncio.current_task())
        try:
            async with self._limited(self._limit, held_by, is_leaving=True) as limit:
                # Always a clean end: the cleanup of a lifespan is what stands behind its yield, "finally" or not.
                await entered.context.__aexit__(None, None, None)
        except TimeoutError:
            if not limit.scope.expired():
                _log.exception("%s failed at its end", lifespan)
            else:
                _log.error("%s did not end in time, and was cancelled at %s", lifespan, limit.location)
        except asyncio.CancelledError:
            if _is_cancelled(asyncio.current_task()):
                raise
            # Something that it waited for was cancelled, which is a failure like any other.
            _log.exception("%s failed at its end", lifespan)
        except (Exception, SystemExit, GeneratorExit):  # noqa: BLE001  # logged; those before must still be left
            _log.exception("%s failed at its end", lifespan)

    @asynccontextmanager
    async def _limited(
        self, seconds: float, holders: Callable[[], Sequence[str]], *, is_leaving: bool = False
    ) -> AsyncIterator[_Limit]:
        """Cancel what is inside after so many seconds of the server's clock, and raise TimeoutError then."""
        task = asyncio.current_task()
        async with asyncio.timeout(None) as scope:
            limit = _Limit(scope)
            timers = [self._clock.call_later(_GRACE_SECONDS, lambda: _tell(holders()))]
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


def _is_cancelled(task: asyncio.Task[object] | None) -> bool:
    return task is None or bool(task.cancelling())


def _held_by(what: str, task: object) -> Sequence[str]:
    return [f"{what}, waiting at {await_location(task)}"]


def _tell(holders: Sequence[str]) -> None:
    for holder in holders:
        _log.warning("still waiting for %s", holder)
