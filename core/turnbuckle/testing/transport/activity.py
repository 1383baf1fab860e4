"""Wait until everything on the loop has happened, without using the wall clock.

After a test acts, it must know when all consequences have happened. On one loop this can be decided: if no byte and no
timer has moved for a number of turns, and no call runs in a worker thread, nothing more will happen until the test acts
again. A handler that waits for something outside of the loop, such as a socket or ``asyncio.sleep``, is not noticed; a
test of such a handler waits for a condition instead (``until``).

The timeout is real time. It does not affect the results of a test, only the time that a broken test takes to fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar, final

from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.run.shutdown import TrackedThreadPool
from turnbuckle.web.request.sync import note_pool

__all__ = ["Activity", "ServerFault", "WatchedExecutor", "turns"]

P = ParamSpec("P")
T = TypeVar("T")

# Each await that switches to another task takes one turn; this is the number of such steps without visible activity.
_QUIET_TURNS: Final = 40
# If nothing else is ready to run, no task is between two such steps; the loop still has to poll its sockets and timers.
_IDLE_TURNS: Final = 3


class ServerFault(TurnbuckleError):
    """A callback of the server's connection raised an exception, which is the cause of this one."""


async def turns(count: int) -> None:
    """Yield to the loop ``count`` times; each time it runs all ready callbacks."""
    for _ in range(count):
        await asyncio.sleep(0)


@final
class WatchedExecutor(ThreadPoolExecutor):
    """The default executor of a loop, which counts its running calls.

    Args:
        loop: the loop whose default executor this becomes.
        inner: the previous default executor, which still does the work.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, inner: Executor | None = None) -> None:
        super().__init__(thread_name_prefix="turnbuckle-testing", initializer=note_pool, initargs=(self,))
        self._loop: Final = loop
        self._inner: Final = inner
        self._watchers: Final[list[Callable[[], None]]] = []
        self._limited: Final[list[_LimitedPool]] = []
        self.running = 0

    @classmethod
    def watch(cls, loop: asyncio.AbstractEventLoop, watcher: Callable[[], None]) -> WatchedExecutor:
        """Return the watched executor of a loop, new if needed; ``watcher`` is called at the end of each call."""
        # Two clients on one loop must count the same calls. If the loop hides its executor, each counts its own calls.
        present = getattr(loop, "_default_executor", None)
        watched = present if isinstance(present, cls) else cls(loop, present)
        if watched is not present:
            loop.set_default_executor(watched)
        watched._watchers.append(watcher)
        return watched

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a thread."""
        submit = super().submit if self._inner is None else self._inner.submit
        if self._limited:
            submit = self._limited[-1].submit
        future: Future[T] = submit(fn, *args, **kwargs)
        self.running += 1
        # One turn later, so that it is called after asyncio's own callback: the loop gets the result first.
        self._loop.call_soon_threadsafe(partial(future.add_done_callback, self._note_done))
        return future

    def limit(self, size: int) -> Callable[[], None]:
        """Run calls in a limited number of threads from now on, until the returned function is called."""
        pool = _LimitedPool(self, size)
        self._limited.append(pool)

        def end() -> None:
            self._limited.remove(pool)
            pool.shutdown(wait=False)

        return end

    def begin_wait(self) -> None:
        """Count the calling thread no longer, because it waits for content."""
        self._count_on_loop(-1)

    def end_wait(self) -> None:
        """Count the calling thread again."""
        self._count_on_loop(1)

    def _count_on_loop(self, change: int) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._count, change)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut down this executor and the inner one."""
        if self._inner is not None:
            self._inner.shutdown(wait, cancel_futures=cancel_futures)
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _note_done(self, future: Future[T]) -> None:
        self._count_on_loop(-1)

    def _count(self, change: int) -> None:
        self.running += change
        for watcher in self._watchers:
            watcher()


@final
class _LimitedPool(TrackedThreadPool):
    """The threads of a server in memory that limits their number."""

    def __init__(self, watched: WatchedExecutor, size: int) -> None:
        super().__init__(size)
        self._watched: Final = watched

    def begin_wait(self) -> None:
        super().begin_wait()
        self._watched.begin_wait()

    def end_wait(self) -> None:
        super().end_wait()
        self._watched.end_wait()


@final
class Activity:
    """Count the activity on the connections of one client, and wait for it.

    Args:
        loop: the loop of the client and the server.
        timeout: real seconds after which a wait fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float = 5.0) -> None:
        self.timeout: Final = timeout
        self.faults: Final[list[BaseException]] = []
        self._executor: Final = WatchedExecutor.watch(loop, self.note)
        # The callbacks that are ready to run; None if the loop hides them, as uvloop does.
        self._ready: Final[Sized | None] = getattr(loop, "_ready", None)
        self._count = 0
        # Set by the next activity; None if nothing waits for it.
        self._change: asyncio.Event | None = None

    def limit_threads(self, size: int) -> Callable[[], None]:
        """Run calls in a limited number of threads until the returned function is called."""
        return self._executor.limit(size)

    def note(self) -> None:
        """Note that something happened."""
        self._count += 1
        if self._change is not None:
            self._change.set()
            self._change = None

    def note_fault(self, fault: BaseException) -> None:
        """Note an exception of the server's connection."""
        self.faults.append(fault)
        self.note()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Return once the condition holds.

        Args:
            condition: called after each activity.
            what: a description of the condition, for the message.

        Raises:
            TimeoutError: the condition did not hold in time.
            ServerFault: the server's connection raised an exception.
        """
        try:
            async with asyncio.timeout(self.timeout):
                while not condition():
                    self.check()
                    await self._next_activity()
        except TimeoutError:
            raise TimeoutError(f"waited {self.timeout} s in vain for {what}") from None

    async def settle(self) -> None:
        """Return once nothing more happens without the test.

        Raises:
            TimeoutError: activity does not end, or a call in a worker thread does not end.
            ServerFault: the server's connection raised an exception.
        """
        try:
            async with asyncio.timeout(self.timeout):
                await self._wait_for_quiet()
        except TimeoutError:
            running = self._executor.running
            raise TimeoutError(f"no rest within {self.timeout} s; {running} calls run in worker threads") from None
        self.check()

    async def _wait_for_quiet(self) -> None:
        while True:
            seen = self._count
            await self._quiet_turns()
            if seen != self._count:
                continue
            if not self._executor.running:
                return
            await self._next_activity()

    async def _quiet_turns(self) -> None:
        idle = 0
        for _ in range(_QUIET_TURNS):
            await asyncio.sleep(0)
            idle = 0 if self._ready is None or self._ready else idle + 1
            if idle == _IDLE_TURNS:
                return

    async def _next_activity(self) -> None:
        if self._change is None:
            self._change = asyncio.Event()
        await self._change.wait()

    def check(self) -> None:
        """Raise if the server's connection raised an exception.

        Raises:
            ServerFault: once for each exception.
        """
        if self.faults:
            fault = self.faults.pop(0)
            raise ServerFault(f"the server's connection raised {fault!r}") from fault
