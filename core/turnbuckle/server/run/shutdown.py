"""End what is left when serving is over: tasks and threads have a moment, and then nobody waits for them.

A handler may ignore that it was cancelled, and no thread can be cancelled at all. A loop that is closed the usual way
waits for both without an end, and a server that was told to stop would never do so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar, final

from turnbuckle._safe_logger import SafeLogger

__all__ = ["TrackedThreadPool", "run_until_settled"]

P = ParamSpec("P")
T = TypeVar("T")

# Seconds that tasks have to unwind once they were cancelled, and threads to finish.
_GRACE_SECONDS: Final = 1.0

_log: Final = SafeLogger("turnbuckle.server")


@final
class TrackedThreadPool(ThreadPoolExecutor):
    """The threads of a loop; knows which calls are running."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="turnbuckle")
        self._calls: Final[set[Future[object]]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a thread."""
        future = super().submit(fn, *args, **kwargs)
        self._calls.add(future)  # type: ignore[arg-type]  # of whatever it returns
        future.add_done_callback(self._calls.discard)
        return future

    @property
    def has_calls(self) -> bool:
        """Whether a call has not returned."""
        return bool(self._calls)

    async def finish(self) -> None:
        """Begin no further call, and give those that are running a moment."""
        self.shutdown(wait=False, cancel_futures=True)
        calls = [asyncio.wrap_future(call) for call in tuple(self._calls)]
        if calls:
            await asyncio.wait(calls, timeout=_GRACE_SECONDS)


async def run_until_settled(serving: Coroutine[object, object, None], threads: TrackedThreadPool) -> None:
    """Serve, and leave nothing behind that the end of the loop would wait for.

    Args:
        serving: serves until it is told to stop.
        threads: what becomes the default executor of the running loop.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads)
    try:
        await serving
    finally:
        await _end_tasks(loop)
        await threads.finish()
        if threads.has_calls:
            _log.warning("threads of handlers or plugins are still running, and nobody waits for them")
            # The end of the loop waits for its executor: let that be one without threads.
            loop.set_default_executor(ThreadPoolExecutor(max_workers=1))


async def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    ended, deaf = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
    for task in ended:
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "a task failed while the loop was ending", "exception": error, "task": task}
            loop.call_exception_handler(context)
    for task in deaf:
        # The end of the loop waits for all tasks that are registered.
        asyncio.tasks._unregister_task(task)  # documented for those who extend asyncio
