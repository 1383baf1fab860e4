"""Store values in a file of SQLite, for all workers of one machine.

All statements run in one thread, with one connection: each of them takes well under a millisecond, and SQLite has one
writer at a time in any case. Each worker has its own connection; the write-ahead log lets them read meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar, final

from turnbuckle_contrib.stores.store import StoreUnavailable

__all__ = ["SQLiteStore"]

T = TypeVar("T")

_log: Final = logging.getLogger("turnbuckle.stores")

# The lock of a database may be held by another worker, for a few statements.
_BUSY_SECONDS: Final = 5.0
# Fewer rows at once keep the lock for a shorter time.
_BATCH: Final = 1000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires);
"""
_GET: Final = "SELECT value FROM entries WHERE key = ? AND expires > ?"
_SET: Final = "INSERT OR REPLACE INTO entries (key, value, expires) VALUES (?, ?, ?)"
# An expired entry counts as none.
_ADD: Final = """
INSERT INTO entries (key, value, expires) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires WHERE entries.expires <= ?
"""
_REPLACE: Final = "UPDATE entries SET value = ?, expires = ? WHERE key = ? AND expires > ?"
_DELETE: Final = "DELETE FROM entries WHERE key = ? AND expires > ?"
_EXPIRE: Final = "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires <= ? LIMIT ?)"


@final
class SQLiteStore:
    """A store in a file.

    Args:
        path: the file; it is made if it does not exist, for this user only.
        clock: returns seconds since the epoch.
    """

    def __init__(self, path: str | Path, clock: Callable[[], float] = time.time) -> None:
        self._path: Final = Path(path)
        self._clock: Final = clock
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        rows = await self._execute(_GET, key, self._clock())
        return rows[0][0] if rows else None

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Set the value of a key."""
        await self._execute(_SET, key, value, self._clock() + ttl)

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has none."""
        now = self._clock()
        return await self._changes(_ADD, key, value, now + ttl, now)

    async def replace(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has one."""
        now = self._clock()
        return await self._changes(_REPLACE, value, now + ttl, key, now)

    async def delete(self, key: str) -> bool:
        """Remove the value of a key."""
        return await self._changes(_DELETE, key, self._clock())

    async def start(self) -> None:
        """Open the file."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turnbuckle store")
        await self._run(self._open)

    async def check(self) -> None:
        """Read from the file."""
        await self._execute("SELECT 1 FROM entries LIMIT 1")

    async def remove_expired(self) -> None:
        """Delete the expired rows, some at a time."""
        while await self._changes(_EXPIRE, self._clock(), _BATCH):
            """Other statements run in between."""

    async def close(self) -> None:
        """Close the file."""
        thread, self._thread = self._thread, None
        if thread is not None:
            with suppress(sqlite3.Error):
                await asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown()

    def _open(self) -> None:
        # SQLite would make the file readable for others, as far as the umask allows.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connection = connection
        connection.execute("PRAGMA journal_mode = WAL")
        # A power failure may lose the last entries, but does not damage the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _execute(self, statement: str, *values: object) -> list[tuple[bytes]]:
        return await self._run(lambda: self._opened().execute(statement, values).fetchall())

    async def _changes(self, statement: str, *values: object) -> bool:
        return await self._run(lambda: self._opened().execute(statement, values).rowcount > 0)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("the store is not open")
        return self._connection

    async def _run(self, function: Callable[[], T]) -> T:
        thread = self._thread
        if thread is None:
            raise StoreUnavailable("the store is not open")
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, function)
        except (sqlite3.Error, OSError) as error:
            reason = f"SQLite failed: {error}"
            _log.warning(reason)
            raise StoreUnavailable(reason) from error
