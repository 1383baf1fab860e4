"""Run functions after the responses to their requests, for ``request.after_response``.

Theory of operation: a function is added to the task that answers its request. When that task is done, the last byte of
the response was passed to the transport, and a new task runs the functions of the request in order. A request that adds
none costs nothing. A server that stops waits for all functions before it leaves the lifespans, whose resources they
use.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ServiceUnavailable
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.stalls.task_stacks import await_location
from turnbuckle.web.handlers import call_in_thread, describe_handler
from turnbuckle.web.request.response_work import AnsweredRequest, Work

__all__ = ["ResponseWork"]

_TASK_NAME: Final = "turnbuckle work after a response"

_log: Final = SafeLogger("turnbuckle.server")


class _RequestWork:
    """The functions of one request, and the seconds that each may run."""

    __slots__ = ("is_answered", "items")

    def __init__(self) -> None:
        self.is_answered = False
        self.items: list[tuple[Work, float]] = []


@final
class ResponseWork:
    """The functions that run after the responses of one server.

    Args:
        clock: the clock of the server.
        loop: the serving loop.
        most: the number of functions that may wait or run at a time; 0 for any number.
        retry_after: seconds after which a client that is refused may try again; 0 to send no such field.
    """

    __slots__ = (
        "_clock",
        "_count",
        "_empty",
        "_headers",
        "_is_given_up",
        "_is_stopped",
        "_loop",
        "_most",
        "_running",
        "_tasks",
        "_waiting",
    )

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop, most: int, retry_after: int = 0) -> None:
        self._clock: Final = clock
        self._loop: Final = loop
        self._most: Final = most
        self._headers: Final = {"Retry-After": str(retry_after)} if retry_after else {}
        self._count = 0
        self._waiting: Final[dict[asyncio.Task[object], _RequestWork]] = {}
        self._running: Final[dict[asyncio.Task[object], Work]] = {}
        # The tasks that run functions, by the tasks that answered their requests.
        self._tasks: Final[dict[asyncio.Task[object], asyncio.Task[None]]] = {}
        self._empty: asyncio.Event | None = None
        self._is_stopped = self._is_given_up = False

    @property
    def count(self) -> int:
        """Number of functions that wait or run."""
        return self._count

    def add(self, task: asyncio.Task[object], work: Work, seconds: float) -> None:
        """Run a function once a task has answered its request.

        Args:
            task: the task that answers the request.
            work: the function.
            seconds: the time that it may take; 0 for no limit.

        Raises:
            ServiceUnavailable: too many functions wait or run.
        """
        if self._most and self._count >= self._most:
            raise ServiceUnavailable(headers=self._headers)
        waiting = self._waiting.get(task)
        if waiting is None:
            waiting = self._waiting[task] = _RequestWork()
            task.add_done_callback(self._begin)
        waiting.items.append((work, seconds))
        self._count += 1

    def note_answered(self, task: asyncio.Task[object] | None) -> None:
        """Note that a task sends a streamed response: its functions run even if it is cancelled from now on."""
        if self._waiting and task in self._waiting:
            self._waiting[task].is_answered = True

    async def finished(self, task: asyncio.Task[object]) -> None:
        """Return once a task has answered its request, and the functions of the request have ended."""
        if task.done() and not self._count:
            return
        await asyncio.wait([task])
        # The functions begin in a callback of the task.
        await asyncio.sleep(0)
        running = self._tasks.get(task)
        if running is not None:
            await asyncio.wait([running])

    async def drained(self) -> None:
        """Return once no function waits or runs."""
        if self._count and not self._is_given_up:
            self._empty = asyncio.Event()
            await self._empty.wait()

    def cancel_all(self) -> None:
        """Cancel the running functions, and run no further ones."""
        self._is_stopped = True
        for task in tuple(self._running):
            task.cancel()

    def give_up(self) -> None:
        """End ``drained()`` although functions that ignore their cancellation are still running."""
        self._is_given_up = True
        if self._empty is not None:
            self._empty.set()

    def pending(self) -> Iterator[str]:
        """Yield the functions that are running, and where each of them waits."""
        for task, work in self._running.items():
            yield f"{_describe(work)}, waiting at {await_location(task)}"

    def _begin(self, task: asyncio.Task[object]) -> None:
        waiting = self._waiting.pop(task)
        is_cancelled = task.cancelled() and not waiting.is_answered
        items = [item for item in waiting.items if not is_cancelled and item[0].exception is item[0].request.exception]
        self._forget(len(waiting.items) - len(items))
        if items:
            running = self._tasks[task] = self._loop.create_task(self._run(items), name=_TASK_NAME)
            running.add_done_callback(lambda _: self._tasks.pop(task, None))

    def _forget(self, number: int) -> None:
        self._count -= number
        if not self._count and self._empty is not None:
            self._empty.set()

    async def _run(self, items: list[tuple[Work, float]]) -> None:
        for work, seconds in items:
            try:
                if not self._is_stopped:
                    await self._run_one(work, seconds)
            finally:
                self._forget(1)

    async def _run_one(self, work: Work, seconds: float) -> None:
        task = self._loop.create_task(_call(work.request, work), name=_TASK_NAME, context=work.context)
        self._running[task] = work
        expired: list[str] = []
        timer = self._clock.call_later(seconds, lambda: _expire(task, expired)) if seconds else None
        try:
            await asyncio.wait([task])
        finally:
            del self._running[task]
            if timer is not None:
                timer.cancel()
        if task.cancelled():
            reason = f"did not end within {seconds:g} s (timeouts.after_response)" if expired else "was cancelled"
            _log.error("%s %s%s", _describe(work), reason, f", waiting at {expired[0]}" if expired else "")


def _expire(task: asyncio.Task[object], expired: list[str]) -> None:
    expired.append(await_location(task))
    task.cancel()


async def _call(request: AnsweredRequest, work: Work) -> None:
    # Reports about stalls find the request among the local variables of this frame.
    try:
        if inspect.iscoroutinefunction(work.function):
            await work.function(*work.args, **work.kwargs)
        else:
            await call_in_thread(work.function, work.args, work.kwargs)
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001  # logged; the response is sent
        _log.error("%s failed", _describe(work), exc_info=error)


def _describe(work: Work) -> str:
    route = work.request.route
    handler = f" (handler {describe_handler(route.handler)})" if route is not None else ""
    return f"{work.name} after the response to {work.request}{handler}"
