"""Read the content of a request in the worker thread of a plain ``def`` handler.

Theory of operation: the thread starts a task on the event loop, which reads the content with the methods of the
request, and waits for its result. Limits and deadlines are therefore the same as for ``await request.read()``. When the
request ends early, its tasks are cancelled and its thread gets ``ConnectionLost``.

While a thread waits, its pool may start another thread in its place (``WorkerPool``). Without that, a few clients that
send slowly could occupy all threads, and a large upload could wait for ever for a thread that writes it to the disk.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast, final

from turnbuckle.errors import ConnectionLost
from turnbuckle.web.foreign_names import SYNC_NAMES, add_foreign_names

if TYPE_CHECKING:
    from turnbuckle.web.content.forms import FormData, FormLimits

__all__ = ["SyncContent", "WorkerPool", "call_on_loop", "note_pool"]

T = TypeVar("T")

_END: Final = object()
_ITERATORS: Final = frozenset({"ndjson", "stream"})

_this_thread: Final = threading.local()


class WorkerPool(Protocol):
    """A pool of threads that learns when one of its threads only waits for content."""

    def begin_wait(self) -> None:
        """Note that the calling thread begins to wait, so that another thread may do its work."""

    def end_wait(self) -> None:
        """Note that the calling thread continues."""


class AsyncContent(Protocol):
    """The content of a request as code on the event loop reads it; ``Request`` describes the methods."""

    async def read(self) -> bytes:
        """Return the complete content."""

    async def text(self) -> str:
        """Return the content as text."""

    async def json(self) -> object:
        """Return the content decoded as JSON."""

    async def decode(self) -> object:
        """Return the content decoded by its media type."""

    async def form(self, limits: FormLimits | None = None) -> FormData:
        """Return the content as a form."""

    async def early_hints(self, links: Iterable[str]) -> bool:
        """Send 103 before the response."""

    def ndjson(self) -> AsyncIterator[object]:
        """Return an iterator over the values of newline-delimited JSON."""

    def stream(self) -> AsyncIterator[bytes]:
        """Return an iterator over the content."""


def note_pool(pool: WorkerPool) -> None:
    """Store the pool of the calling thread; pools call this when a thread starts."""
    _this_thread.pool = pool


@final
class SyncContent:
    """A request for code that may block: its methods for content and hints, without ``await``.

    Each method raises ``RuntimeError`` if it is called on an event loop, which it would block.

    Args:
        request: the request.
        loop: the loop that serves the request; None if no server does.
    """

    __slots__ = ("_is_cancelled", "_loop", "_pending", "_request")

    def __init__(self, request: AsyncContent, loop: asyncio.AbstractEventLoop | None) -> None:
        self._request: Final = request
        self._loop: Final = loop
        self._pending: Final[set[Future[Any]]] = set()
        self._is_cancelled = False

    def read(self) -> bytes:
        """Return the complete content; see ``Request.read``."""
        return self._result("read", self._request.read)

    def text(self) -> str:
        """Return the content as text; see ``Request.text``."""
        return self._result("text", self._request.text)

    def json(self) -> object:
        """Return the content decoded as JSON; see ``Request.json``."""
        return self._result("json", self._request.json)

    def decode(self) -> object:
        """Return the content decoded by its media type; see ``Request.decode``."""
        return self._result("decode", self._request.decode)

    def form(self, limits: FormLimits | None = None) -> FormData:
        """Return the fields and files of a form; see ``Request.form``. Read a file with its attribute ``file``."""
        return self._result("form", lambda: self._request.form(limits))

    def stream(self) -> Iterator[bytes]:
        """Yield the content as it arrives, once; see ``Request.stream``."""
        return self._iterate("stream", self._request.stream())

    def ndjson(self) -> Iterator[object]:
        """Yield the values of newline-delimited JSON as they arrive; see ``Request.ndjson``."""
        return self._iterate("ndjson", self._request.ndjson())

    def early_hints(self, links: Iterable[str]) -> bool:
        """Send 103 before the response; see ``Request.early_hints``."""
        return self._result("early_hints", lambda: self._request.early_hints(links))

    def _iterate(self, name: str, items: AsyncIterator[T]) -> Iterator[T]:
        while (item := self._result(name, lambda: _next(items))) is not _END:
            yield cast(T, item)

    def cancel(self) -> None:
        """End all calls with ``ConnectionLost``, because the request has ended; called on the loop."""
        self._is_cancelled = True
        for future in tuple(self._pending):
            future.cancel()

    def _result(self, name: str, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        loop = self._loop
        if _is_on_loop():
            call = f"request.{name}()"
            wanted = f"'async for' with {call}" if name in _ITERATORS else f"'await {call}'"
            raise RuntimeError(
                f"request.sync.{name}() waits for the client, and would block the event loop here: write {wanted}"
            )
        if loop is None:
            raise RuntimeError(f"request.sync.{name}() needs the event loop of a server, which this request has not")
        coroutine = start()
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError as error:  # the loop is closed
            coroutine.close()
            raise ConnectionLost("the server has stopped") from error
        self._pending.add(future)
        if self._is_cancelled:
            future.cancel()
        return self._wait(future)

    def _wait(self, future: Future[T]) -> T:
        pool: WorkerPool | None = getattr(_this_thread, "pool", None)
        if pool is not None:
            pool.begin_wait()
        try:
            return future.result()
        except CancelledError:
            raise ConnectionLost("the request has ended before its content was read") from None
        finally:
            self._pending.discard(future)
            if pool is not None:
                pool.end_wait()


async def _next(items: AsyncIterator[T]) -> T | object:
    # A null in NDJSON is None.
    return await anext(items, _END)


def call_on_loop(loop: asyncio.AbstractEventLoop | None, function: Callable[[], T]) -> T:
    """Call a function on a loop and return its result, from a task of the loop or from a thread.

    Raises:
        ConnectionLost: the loop is closed.
    """
    if loop is None or _is_on_loop():
        return function()
    result: Future[T] = Future()

    def call() -> None:
        try:
            result.set_result(function())
        except BaseException as error:  # noqa: BLE001  # raised in the thread
            result.set_exception(error)

    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError as error:  # the loop is closed
        raise ConnectionLost("the server has stopped") from error
    return result.result()


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


add_foreign_names(SyncContent, SYNC_NAMES)
