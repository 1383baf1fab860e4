"""Statements, transactions, cancelled tasks, and several writers."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from turnbuckle_contrib.sqlite import Database, DatabaseBusy

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(params=["file", "memory"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(str(tmp_path / "d.sqlite3") if request.param == "file" else ":memory:", busy_seconds=0.5)
    await database.open()
    await database.execute(NOTES)
    yield database
    database.close()


def _modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def _texts(database: Database) -> list[str]:
    return [row["text"] for row in await database.fetch_all("SELECT text FROM notes ORDER BY id")]


async def test_statements_with_positional_and_named_parameters(database: Database) -> None:
    assert await database.execute("INSERT INTO notes (text) VALUES (?), (?)", "a", "b") == 2
    assert await database.execute("INSERT INTO notes (text) VALUES (:text)", {"text": "c"}) == 1
    assert await database.execute_many("INSERT INTO notes (text) VALUES (?)", [("d",), ("e",)]) == 2
    assert await _texts(database) == ["a", "b", "c", "d", "e"]
    row = await database.fetch_one("SELECT * FROM notes WHERE text = :text", {"text": "b"})
    assert row is not None
    assert dict(row) == {"id": 2, "text": "b"}
    assert await database.fetch_one("SELECT * FROM notes WHERE id = ?", 99) is None
    assert await database.fetch_value("SELECT count(*) FROM notes") == 5
    assert await database.fetch_value("SELECT 1 WHERE 0") is None
    assert await database.execute("PRAGMA user_version") == 0
    assert repr(database).startswith("<Database ")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO notes (text) VALUES ('x'), ('y') RETURNING id",
        "WITH t(text) AS (VALUES ('x'), ('y')) INSERT INTO notes (text) SELECT text FROM t RETURNING id",
    ],
)
async def test_insert_returning_writes_all_rows(database: Database, sql: str) -> None:
    assert await database.fetch_value(sql) == 1
    assert await _texts(database) == ["x", "y"]
    async with database.transaction() as transaction:
        await transaction.execute("DELETE FROM notes")
        assert await transaction.fetch_value(sql) == 1
    assert await _texts(database) == ["x", "y"]


async def test_parameters_are_no_sql(database: Database) -> None:
    text = "'); DROP TABLE notes; --"
    await database.execute("INSERT INTO notes (text) VALUES (?)", text)
    assert await _texts(database) == [text]


async def test_foreign_keys_are_on(database: Database) -> None:
    await database.execute("CREATE TABLE tags (note INTEGER NOT NULL REFERENCES notes(id))")
    with pytest.raises(sqlite3.IntegrityError):
        await database.execute("INSERT INTO tags VALUES (1)")


async def test_transaction_is_committed_or_rolled_back(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute("INSERT INTO notes (text) VALUES ('a')")

    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (text) VALUES ('b')")
            assert await transaction.fetch_value("SELECT count(*) FROM notes") == 2
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await _texts(database) == ["a"]
    with pytest.raises(RuntimeError, match="has ended"):
        await transaction.execute("SELECT 1")


async def test_inner_transaction_rolls_back_only_itself(database: Database) -> None:
    async with database.transaction() as outer:
        await outer.execute("INSERT INTO notes (text) VALUES ('a')")

        async def fail() -> None:
            async with outer.transaction() as inner:
                await inner.execute("INSERT INTO notes (text) VALUES ('b')")
                await inner.execute("INSERT INTO notes (text) VALUES ('a')")

        with pytest.raises(sqlite3.IntegrityError):
            await fail()
        async with outer.transaction() as inner:
            await inner.execute("INSERT INTO notes (text) VALUES ('c')")
    assert await _texts(database) == ["a", "c"]


async def test_writers_take_turns(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.transaction() as transaction:
            before = await transaction.fetch_value("SELECT count(*) FROM notes")
            await asyncio.sleep(0)
            await transaction.execute("INSERT INTO notes (text) VALUES (?)", f"{number}:{before}")

    await asyncio.gather(*(add(number) for number in range(20)))
    assert await _texts(database) == [f"{number}:{number}" for number in range(20)]


async def test_task_that_would_wait_for_itself_is_told(database: Database) -> None:
    with pytest.raises(RuntimeError, match="wait for itself"):
        async with database.transaction():
            await database.execute("DELETE FROM notes")
    assert await database.execute("DELETE FROM notes") == 0


async def test_readers_see_the_committed_state_and_do_not_wait(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "d"), readers=2)
    await database.open()
    await database.execute(NOTES)
    async with database.transaction() as transaction:
        await transaction.execute("INSERT INTO notes (text) VALUES ('a')")
        assert await asyncio.gather(*(_texts(database) for _ in range(5))) == [[]] * 5
    assert await _texts(database) == ["a"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(lambda connection: connection.execute("DELETE FROM notes"))
    database.close()


async def test_statement_that_leaves_a_transaction_open_is_an_error(database: Database) -> None:
    with pytest.raises(RuntimeError, match="left open"):
        await database.execute("BEGIN")

    async def roll_back() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("ROLLBACK")
            await transaction.execute("INSERT INTO notes (text) VALUES ('a')")

    with pytest.raises(RuntimeError, match="rolled back"):
        await roll_back()
    assert await _texts(database) == []


async def test_function_with_the_connection(database: Database) -> None:
    def count(connection: sqlite3.Connection) -> tuple[int, str]:
        return connection.execute("SELECT 2").fetchone()[0], threading.current_thread().name

    number, thread = await database.run(count)
    assert number == 2
    assert thread.startswith("turnbuckle sqlite")
    with pytest.raises(RuntimeError, match="StopIteration"):
        await database.run(lambda connection: next(iter(())))


async def test_cancelled_statement_is_interrupted(database: Database) -> None:
    reading = asyncio.create_task(database.fetch_all(ENDLESS))
    await asyncio.sleep(0.05)
    reading.cancel()
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reading, 10)
    assert await _texts(database) == []


async def test_cancelled_transaction_is_rolled_back(database: Database) -> None:
    async def write() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (text) VALUES ('a')")
            await transaction.fetch_all(ENDLESS)

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(writing, 10)
    assert await database.execute("INSERT INTO notes (text) VALUES ('b')") == 1
    assert await _texts(database) == ["b"]


async def test_interrupted_write_ends_the_transaction(database: Database) -> None:
    async def write() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (text) VALUES ('a')")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await transaction.execute(f"INSERT INTO notes (text) {ENDLESS}")
            await transaction.execute("INSERT INTO notes (text) VALUES ('b')")

    with pytest.raises(RuntimeError, match="cancelled"):
        await write()
    assert await _texts(database) == []


async def test_other_process_that_holds_the_file(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "d"), busy_seconds=0.05)
    await database.open()
    await database.execute(NOTES)
    other = sqlite3.connect(tmp_path / "d", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy) as caught:
        await database.execute("DELETE FROM notes")
    assert caught.value.status == 503
    with pytest.raises(DatabaseBusy):
        async with database.transaction():
            raise AssertionError
    other.execute("ROLLBACK")
    assert await database.execute("DELETE FROM notes") == 0
    other.close()
    database.close()


async def test_writer_that_waits_too_long_for_its_turn(database: Database) -> None:
    async with database.transaction():
        with pytest.raises(DatabaseBusy):
            await asyncio.create_task(database.execute("DELETE FROM notes"))
    assert await database.execute("DELETE FROM notes") == 0


async def test_new_file_is_private_and_closed_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "d"
    database = Database(str(path))
    await database.open()
    await database.execute(NOTES)
    assert _modes(tmp_path) == {"d": 0o600, "d-wal": 0o600, "d-shm": 0o600}
    database.close()
    assert _modes(tmp_path) == {"d": 0o600}
    with pytest.raises(RuntimeError, match="closed"):
        await database.execute("SELECT 1")


async def test_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("text" * 1000)
    database = Database(str(tmp_path / "d"))
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        await database.open()
    database.close()
