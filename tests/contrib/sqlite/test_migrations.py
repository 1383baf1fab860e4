"""Scripts are applied once, in one transaction, whatever fails and however many processes start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from turnbuckle_contrib.sqlite import Database, MigrationError, read_migrations

FIRST = """
-- A comment; with a semicolon.
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT DEFAULT ';');
CREATE TRIGGER added AFTER INSERT ON notes BEGIN
    UPDATE notes SET text = text || ';' WHERE id = new.id;
END;
"""
SECOND = "ALTER TABLE notes ADD COLUMN tag TEXT; INSERT INTO notes (text) VALUES ('first')"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(str(tmp_path / "d"))
    await database.open()
    yield database
    database.close()


async def test_each_script_is_applied_once(database: Database) -> None:
    assert await database.migrate([FIRST]) == 1
    assert await database.migrate([FIRST, SECOND]) == 1
    assert await database.migrate([FIRST, SECOND]) == 0
    assert await database.fetch_value("PRAGMA user_version") == 2
    assert await database.fetch_value("SELECT text FROM notes") == "first;"


async def test_named_parts_count_their_own_scripts(database: Database) -> None:
    assert await database.migrate(["CREATE TABLE a (x)"], "accounts") == 1
    assert await database.migrate(["CREATE TABLE a (x)", "CREATE TABLE b (x)"], "accounts") == 1
    assert await database.migrate([FIRST]) == 1
    assert await database.migrate(["CREATE TABLE c (x)"], "sessions") == 1
    with pytest.raises(MigrationError, match="'accounts'"):
        await database.migrate(["CREATE TABLE a (x)"], "accounts")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("CREATE TABLE tags (x); CREATE TABLE tags (x)", "already exists", id="error"),
        pytest.param("CREATE TABLE tags (x", "syntax error", id="incomplete"),
        pytest.param("CREATE TABLE tags (x); COMMIT", "BEGIN", id="commit"),
    ],
)
async def test_failed_script_changes_nothing(database: Database, script: str, says: str) -> None:
    with pytest.raises(MigrationError, match=says) as caught:
        await database.migrate([FIRST, script])
    assert "migration 2" in str(caught.value)
    assert await database.fetch_value("PRAGMA user_version") == 0


async def test_newer_database_is_refused(database: Database) -> None:
    await database.migrate([FIRST, SECOND])
    with pytest.raises(MigrationError, match="2 migrations, and the app has 1"):
        await database.migrate([FIRST])


async def test_workers_that_start_together_apply_each_script_once(tmp_path: Path) -> None:
    databases = [Database(str(tmp_path / "d")) for _ in range(4)]
    await asyncio.gather(*(database.open() for database in databases))
    applied = await asyncio.gather(*(database.migrate([FIRST, SECOND]) for database in databases))
    assert sorted(applied) == [0, 0, 0, 2]
    for database in databases:
        database.close()


def test_folder_of_scripts(tmp_path: Path) -> None:
    (tmp_path / "0002_tags.sql").write_text("B")
    (tmp_path / "0001_notes.sql").write_text("A")
    (tmp_path / "README").write_text("C")
    assert read_migrations(tmp_path) == ["A", "B"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_migrations(tmp_path / "nowhere")
