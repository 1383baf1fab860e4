"""Wait for what happens on the loop, without a look at the wall clock.

A test acts, and then has to know when everything that follows has happened. On one loop this can be told: when nobody
has moved an octet or a timer for a number of turns, and no call runs in a worker thread, nothing more will happen until
the test acts again. What is not seen is a handler that waits for something outside of the loop, such as a socket or
``asyncio.sleep``: whoever tests one waits for a condition instead (``until``).

Patience is real time. It never decides what a test sees, only how long a broken one takes to fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar, final

from turnbuckle.errors import TurnbuckleError

__all__ = ["Activity", "ServerFault", "WatchedExecutor", "turns"]

P = ParamSpec("P")
T = TypeVar("T")

# Each await that hands over to another task takes one turn; this is how deep they may be nested unseen.
_QUIET_TURNS: Final = 40


class ServerFault(TurnbuckleError):
    """A callback of the server's connection raised an exception, which is the cause of this one."""


async def turns(count: int) -> None:
    """Let the loop run everything that is ready, ``count`` times."""
    for _ in range(count):
        await asyncio.sleep(0)


@final
class WatchedExecutor(ThreadPoolExecutor):
    """The default executor of a loop, which knows how many calls are on their way through it.

    Args:
        loop: whose default executor this becomes.
        inner: the one that it had before, which then still does the work.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, inner: Executor | None = None) -> None:
        super().__init__(thread_name_prefix="turnbuckle-testing")
        self._loop: Final = loop
        self._inner: Final = inner
        self._watchers: Final[list[Callable[[], None]]] = []
        self.running = 0

    @classmethod
    def watch(cls, loop: asyncio.AbstractEventLoop, watcher: Callable[[], None]) -> WatchedExecutor:
        """Return the watched executor of a loop, made if need be; ``watcher`` is called when a call is through."""
        # Two clients on one loop have to count the same calls. Where the loop hides its executor, each counts its own.
        present = getattr(loop, "_default_executor", None)
        watched = present if isinstance(present, cls) else cls(loop, present)
        if watched is not present:
            loop.set_default_executor(watched)
        watched._watchers.append(watcher)
        return watched

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a thread."""
        submit = super().submit if self._inner is None else self._inner.submit
        future: Future[T] = submit(fn, *args, **kwargs)
        self.running += 1
        # One turn later, so that it is called after asyncio's own callback: the loop hears of the result first.
        self._loop.call_soon_threadsafe(partial(future.add_done_callback, self._note_done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut down this executor and the one that it stands before."""
        if self._inner is not None:
            self._inner.shutdown(wait, cancel_futures=cancel_futures)
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _note_done(self, future: Future[T]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self.running -= 1
        for watcher in self._watchers:
            watcher()


@final
class Activity:
    """Counts what happens to the connections of one client, and waits for it.

    Args:
        loop: that all of it runs on.
        timeout: real seconds after which a wait fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float = 5.0) -> None:
        self.timeout: Final = timeout
        self.faults: Final[list[BaseException]] = []
        self._executor: Final = WatchedExecutor.watch(loop, self.note)
        self._count = 0
        self._change = asyncio.Event()

    def note(self) -> None:
        """Something happened."""
        self._count += 1
        self._change.set()
        self._change = asyncio.Event()

    def note_fault(self, fault: BaseException) -> None:
        """The server's connection raised."""
        self.faults.append(fault)
        self.note()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Return once the condition holds.

        Args:
            condition: asked after each thing that happens.
            what: is awaited, for the message.

        Raises:
            TimeoutError: it did not hold in time.
            ServerFault: the server's connection raised.
        """
        try:
            async with asyncio.timeout(self.timeout):
                while not condition():
                    self.check()
                    await self._change.wait()
        except TimeoutError:
            raise TimeoutError(f"waited {self.timeout} s in vain for {what}") from None

    async def settle(self) -> None:
        """Return once nothing more happens by itself.

        Raises:
            TimeoutError: something goes on happening, or a call in a worker thread does not end.
            ServerFault: the server's connection raised.
        """
        try:
            async with asyncio.timeout(self.timeout):
                await self._be_quiet()
        except TimeoutError:
            running = self._executor.running
            raise TimeoutError(f"no rest within {self.timeout} s, with {running} calls in worker threads") from None
        self.check()

    async def _be_quiet(self) -> None:
        while True:
            seen = self._count
            await turns(_QUIET_TURNS)
            if seen != self._count:
                continue
            if not self._executor.running:
                return
            await self._change.wait()

    def check(self) -> None:
        """Raise if the server's connection raised.

        Raises:
            ServerFault: it did; raised once for each fault.
        """
        if self.faults:
            fault = self.faults.pop(0)
            raise ServerFault(f"the server's connection raised {fault!r}") from fault
