"""After serving, cancel leftover tasks and threads; wait at most one second for them.

A handler may ignore its cancellation, and a thread cannot be cancelled at all. The usual way to close a loop waits for
both without a limit, so a server that was asked to stop might never end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.web.request.sync import note_pool

__all__ = ["TrackedThreadPool", "run_until_settled"]

P = ParamSpec("P")
T = TypeVar("T")

# Seconds that cancelled tasks may take to end, and running threads to return.
_GRACE_SECONDS: Final = 1.0

_log: Final = SafeLogger("turnbuckle.server")


class TrackedThreadPool(ThreadPoolExecutor):
    """The thread pool of a loop, which knows the calls that are running.

    Args:
        size: number of threads; None for Python's default.
    """

    def __init__(self, size: int | None = None) -> None:
        super().__init__(size, thread_name_prefix="turnbuckle", initializer=note_pool, initargs=(self,))
        self._calls: Final[set[Future[object]]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a thread."""
        future = super().submit(fn, *args, **kwargs)
        self._calls.add(future)  # type: ignore[arg-type]  # the result type does not matter
        future.add_done_callback(self._calls.discard)
        return future

    def begin_wait(self) -> None:
        """Allow one more thread, because the calling one waits for content."""
        with self._shutdown_lock:
            self._max_workers += 1
            if not self._shutdown and self._work_queue.qsize():
                self._adjust_thread_count()  # the threads are made when calls are added

    def end_wait(self) -> None:
        """Allow one thread less. The additional thread stays, and is used again."""
        with self._shutdown_lock:
            self._max_workers -= 1

    def _adjust_thread_count(self) -> None:
        if len(self._calls) >= len(self._threads):
            # Python 3.11 counts a thread as idle after each call, even if it goes on with the next one. With such a
            # count, a call would wait for threads that wait for content.
            while self._idle_semaphore.acquire(blocking=False):
                pass
        super()._adjust_thread_count()

    @property
    def has_calls(self) -> bool:
        """Whether a call is still running."""
        return bool(self._calls)

    async def finish(self) -> None:
        """Start no further call, and wait a limited time for the running ones."""
        self.shutdown(wait=False, cancel_futures=True)
        calls = [asyncio.wrap_future(call) for call in tuple(self._calls)]
        if calls:
            await asyncio.wait(calls, timeout=_GRACE_SECONDS)


async def run_until_settled(serving: Coroutine[object, object, None], threads: TrackedThreadPool) -> None:
    """Serve, and leave no task or thread behind that closing the loop would wait for.

    Args:
        serving: serves until it is stopped.
        threads: becomes the default executor of the running loop.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads)
    try:
        await serving
    finally:
        await _end_tasks(loop)
        await threads.finish()
        if threads.has_calls:
            _log.warning("threads of handlers or plugins are still running; not waiting for them")
            # Closing the loop waits for its default executor, so replace that by one without threads.
            loop.set_default_executor(ThreadPoolExecutor(max_workers=1))


async def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    ended, still_running = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
    for task in ended:
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "a task failed while the loop was ending", "exception": error, "task": task}
            loop.call_exception_handler(context)
    for task in still_running:
        # Closing the loop waits for all registered tasks.
        asyncio.tasks._unregister_task(task)  # documented for extensions of asyncio
