"""Open the connections of a database, and run functions with them in threads.

A connection serves one function at a time, but in any thread. If the task that waits for a function is cancelled, the
statement is interrupted, and the connection is free again only when the thread has returned.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar, final

__all__ = ["MEMORY", "Threads", "connect"]

T = TypeVar("T")

MEMORY: Final = ":memory:"
"""The path of a database in memory, which is gone when its connection is closed."""


def connect(path: str, busy_seconds: float, *, is_reader: bool = False) -> sqlite3.Connection:
    """Open a connection, in autocommit mode; a new file can be read only by the user of the process.

    Raises:
        sqlite3.Error: the file cannot be opened, or is no database.
    """
    if path != MEMORY:
        with suppress(OSError):
            # SQLite reports the error, for a file that exists as well. Its other files get the mode of this one.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        if not is_reader:
            # Readers do not wait for the writer, and it does not wait for them.
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if is_reader:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


@final
class Threads:
    """The threads of one database.

    Args:
        count: maximum number of threads.

    Attributes:
        running: number of functions that run, or wait for a thread.
    """

    def __init__(self, count: int) -> None:
        self.running = 0
        self._executor: Final = ThreadPoolExecutor(count, thread_name_prefix="turnbuckle sqlite")

    async def run(self, function: Callable[[], T], interrupt: Callable[[], object] | None = None) -> T:
        """Run a function in a thread, and return its result.

        Args:
            function: the function.
            interrupt: called if this task is cancelled, to make the function return early; None to let it finish. The
                task continues only once the function has returned.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, _run, function)
        self.running += 1
        future.add_done_callback(self._ended)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if interrupt is not None:
                interrupt()
            while not future.done():
                # Another cancellation must not free the connection early. This task raises the first one below.
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            future.exception()
            raise

    def _ended(self, future: object) -> None:
        self.running -= 1

    def close(self) -> None:
        """Wait for the running functions, and end the threads."""
        self._executor.shutdown(cancel_futures=True)


def _run(function: Callable[[], T]) -> T:
    try:
        return function()
    except StopIteration as error:
        # StopIteration cannot pass through a future: the await would never end.
        raise RuntimeError("the function raised StopIteration") from error
