"""Run statements on a SQLite database: reads on several connections at a time, writes on one.

Theory of operation: SQLite has one writer at a time. All writes of a process go through one connection, in the order in
which their tasks asked for it, so that they do not compete for the lock of the file; between processes, the lock and
``busy_seconds`` decide. Reads see the last committed state, and do not wait for the writer.
"""

from __future__ import annotations

import abc
import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar, final

from turnbuckle import ServiceUnavailable
from turnbuckle_contrib.sqlite.connections import MEMORY, Threads, connect
from turnbuckle_contrib.sqlite.migrations import migrate

__all__ = ["Database", "DatabaseBusy", "Queries", "Transaction"]

T = TypeVar("T")
_Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

_READS: Final = ("select", "values", "with", "explain")


@final
class DatabaseBusy(ServiceUnavailable):
    """Other writers have held the database for ``busy_seconds``; the client sees 503."""


class Queries(abc.ABC):
    """The methods that run statements, of a database and of a transaction.

    Parameters of a statement are positional, for ``?``, or one mapping, for ``:name``. They are never part of the text.
    """

    async def fetch_all(self, sql: str, *params: object) -> list[sqlite3.Row]:
        """Return all rows of a statement."""
        return await self._query(sql, params, sqlite3.Cursor.fetchall)

    async def fetch_one(self, sql: str, *params: object) -> sqlite3.Row | None:
        """Return the first row of a statement; None if it has none."""
        return await self._query(sql, params, _first_row)

    async def fetch_value(self, sql: str, *params: object) -> Any:
        """Return the first value of the first row; None if there is no row."""
        row = await self.fetch_one(sql, *params)
        return None if row is None else row[0]

    async def execute(self, sql: str, *params: object) -> int:
        """Run a statement, and return the number of rows that it changed."""
        arguments = _parameters(params)
        return await self.run(lambda connection: max(0, connection.execute(sql, arguments).rowcount))

    async def execute_many(self, sql: str, rows: Iterable[_Parameters]) -> int:
        """Run a statement once for each row of parameters, and return the number of rows that it changed."""
        listed = list(rows)
        return await self.run(lambda connection: max(0, connection.executemany(sql, listed).rowcount))

    @abc.abstractmethod
    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with the connection, in a thread, and return its result."""

    async def _query(self, sql: str, params: tuple[object, ...], fetch: Callable[[sqlite3.Cursor], T]) -> T:
        arguments = _parameters(params)
        return await self.run(lambda connection: _fetched(connection, sql, arguments, fetch))


@final
class Database(Queries):
    """An open database; the plugin opens and closes it.

    Outside of ``transaction()``, each statement is a transaction: it is committed when it has run.

    Args:
        path: path of the file; ":memory:" for a database in memory.
        readers: maximum number of reads at a time.
        busy_seconds: seconds that a write may wait for other writers.
    """

    def __init__(self, path: str, readers: int = 4, busy_seconds: float = 5.0) -> None:
        self._path: Final = path
        self._busy_seconds: Final = busy_seconds
        self._threads: Final = Threads(readers + 1)
        self._writer: sqlite3.Connection | None = None
        self._write_lock: Final = asyncio.Lock()
        # The task that has the writer, to refuse what would wait for itself.
        self._writing: asyncio.Task[object] | None = None
        self._idle_readers: Final[list[sqlite3.Connection]] = []
        self._readers: Final[list[sqlite3.Connection]] = []
        self._read_slots: Final = asyncio.Semaphore(readers)

    def __repr__(self) -> str:
        return f"<Database {self._path}>"

    async def open(self) -> None:
        """Open the file, and create it if it does not exist.

        Raises:
            sqlite3.Error: it cannot be opened, or is no database.
        """
        await self._threads.run(self._open_writer)

    def close(self) -> None:
        """Interrupt running statements, and close all connections. An open transaction is rolled back."""
        connections = [*self._readers, *([self._writer] if self._writer is not None else [])]
        self._writer = None
        if self._threads.running:
            # Without a running statement, this would interrupt the checkpoint when the file is closed.
            for connection in connections:
                connection.interrupt()
        # A connection must not be closed while a thread uses it. At the end of the app, all threads are idle.
        self._threads.close()
        for connection in connections:
            connection.close()

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with the writing connection, in a thread, and return its result.

        The connection is in autocommit mode; use ``transaction().run`` for several statements that belong together.

        Raises:
            DatabaseBusy: other writers held the database for too long.
        """
        async with self._writing_connection() as connection:
            return await self._call(connection, lambda connection: _run_alone(connection, function))

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with a connection that cannot write, in a thread, and return its result."""
        if self._path == MEMORY:
            return await self.run(function)
        async with self._read_slots:
            connection = self._idle_readers.pop() if self._idle_readers else None
            if connection is None:
                connection = await self._threads.run(self._open_reader)
            try:
                return await self._call(connection, function)
            finally:
                self._idle_readers.append(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run the block in a transaction: it is committed at the end, and rolled back if the block raises.

        Only one task at a time can be in the block; others wait for their turn.

        Raises:
            DatabaseBusy: other writers held the database for too long.
        """
        async with self._writing_connection() as connection:
            try:
                await self._call(connection, _begin)
                transaction = Transaction(self._call, connection)
                try:
                    yield transaction
                finally:
                    transaction.is_open = False
                await self._threads.run(lambda: _commit(connection))
            except BaseException:
                if self._writer is not None:
                    await self._threads.run(lambda: _roll_back(connection))
                raise

    async def migrate(self, scripts: Sequence[str], name: str = "") -> int:
        """Apply the scripts that were not applied yet, all in one transaction, and return their number.

        Args:
            scripts: SQL, in order; a new version of the app adds scripts at the end.
            name: name of the part of the app whose tables they are; each part counts its own scripts. The number of ""
                is in ``PRAGMA user_version``.

        Raises:
            MigrationError: a script failed, so none is applied; or the database has more scripts applied.
        """
        async with self.transaction() as transaction:
            return await transaction.run(lambda connection: migrate(connection, scripts, name))

    async def _query(self, sql: str, params: tuple[object, ...], fetch: Callable[[sqlite3.Cursor], T]) -> T:
        arguments = _parameters(params)
        if sql.lstrip(" \t\r\n(").lower().startswith(_READS):
            try:
                return await self.read(lambda connection: _fetched(connection, sql, arguments, fetch))
            except sqlite3.OperationalError as error:
                # "WITH ... INSERT ... RETURNING" is no read.
                if error.sqlite_errorcode != sqlite3.SQLITE_READONLY:
                    raise
        return await self.run(lambda connection: _fetched(connection, sql, arguments, fetch))

    @asynccontextmanager
    async def _writing_connection(self) -> AsyncIterator[sqlite3.Connection]:
        task = asyncio.current_task()
        if self._writing is not None and self._writing is task:
            error = RuntimeError("this task has a transaction open, and would wait for itself")
            error.add_note("fix: call the methods of the transaction: async with database.transaction() as transaction")
            raise error
        try:
            async with asyncio.timeout(self._busy_seconds):
                await self._write_lock.acquire()
        except TimeoutError:
            raise DatabaseBusy from None
        try:
            if self._writer is None:
                raise RuntimeError("the database is closed")
            self._writing = task
            yield self._writer
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise DatabaseBusy from error
            raise
        finally:
            self._writing = None
            self._write_lock.release()

    async def _call(self, connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
        return await self._threads.run(lambda: function(connection), connection.interrupt)

    def _open_writer(self) -> None:
        try:
            self._writer = connect(self._path, self._busy_seconds)
        except sqlite3.Error as error:
            raise type(error)(f"{self._path!r}: {error}") from error

    def _open_reader(self) -> sqlite3.Connection:
        connection = connect(self._path, self._busy_seconds, is_reader=True)
        self._readers.append(connection)
        return connection


@final
class Transaction(Queries):
    """A transaction of a database, which ``database.transaction()`` makes.

    Attributes:
        is_open: whether statements can be run.
    """

    def __init__(self, call: Callable[..., Any], connection: sqlite3.Connection) -> None:
        self._call: Final = call
        self._connection: Final = connection
        self._savepoints: Final = count()
        self.is_open = True

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with the connection of the transaction, in a thread, and return its result.

        Raises:
            RuntimeError: the transaction has ended.
        """
        if not self.is_open:
            raise RuntimeError("the transaction has ended")
        result: T = await self._call(self._connection, lambda connection: _run_inside(connection, function))
        return result

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run the block in a savepoint: if the block raises, only its own changes are rolled back."""
        name = f"part_{next(self._savepoints)}"
        await self.execute(f"SAVEPOINT {name}")
        try:
            yield self
        except BaseException:
            if self._connection.in_transaction:
                await self.execute(f"ROLLBACK TO {name}")
                await self.execute(f"RELEASE {name}")
            raise
        await self.execute(f"RELEASE {name}")


def _parameters(params: tuple[object, ...]) -> _Parameters:
    return params[0] if len(params) == 1 and isinstance(params[0], Mapping) else params


def _fetched(connection: sqlite3.Connection, sql: str, params: _Parameters, fetch: Callable[[sqlite3.Cursor], T]) -> T:
    cursor = connection.execute(sql, params)
    try:
        return fetch(cursor)
    finally:
        # A statement that is not read to its end would keep its read transaction open.
        cursor.close()


def _first_row(cursor: sqlite3.Cursor) -> sqlite3.Row | None:
    row: sqlite3.Row | None = cursor.fetchone()
    if row is not None and not cursor.connection.in_transaction:
        # "INSERT ... RETURNING" is complete only when its last row is read.
        for _ in cursor:
            pass
    return row


def _run_alone(connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
    try:
        result = function(connection)
    except BaseException:
        _roll_back(connection)
        raise
    if connection.in_transaction:
        _roll_back(connection)
        raise RuntimeError("a transaction was left open, and is rolled back; use 'async with database.transaction()'")
    return result


def _run_inside(connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
    _check_open(connection)
    return function(connection)


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")


def _commit(connection: sqlite3.Connection) -> None:
    _check_open(connection)
    connection.execute("COMMIT")


def _check_open(connection: sqlite3.Connection) -> None:
    # SQLite rolls back by itself after some errors, such as an interrupted write. Later statements must not be
    # committed one by one.
    if not connection.in_transaction:
        raise RuntimeError("the transaction was rolled back, because a statement in it failed or was cancelled")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
