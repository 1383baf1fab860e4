"""Store the notes of one account in SQLite: search, tags and files.

This module knows nothing about HTTP. ``MIGRATIONS`` make the tables; the plugin ``sqlite`` runs them at startup.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import attrs
from drafts import Draft

from turnbuckle_contrib.sqlite import Database

__all__ = ["MIGRATIONS", "File", "Found", "Note", "Notes"]

_MAX_ID: Final = 2**63 - 1
_ORDER: Final = "ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT ? OFFSET ?"
_MATCHES: Final = "id IN (SELECT rowid FROM words WHERE words MATCH ?)"
_TAGGED: Final = "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)"

MIGRATIONS: Final = (
    # Before accounts: files of that time have this table already.
    """
    CREATE TABLE IF NOT EXISTS notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        pinned INTEGER NOT NULL DEFAULT 0,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    );
    """,
    """
    DROP INDEX IF EXISTS notes_in_order;
    ALTER TABLE notes ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE notes ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    CREATE INDEX notes_of_owner ON notes (owner, pinned, updated_at);
    CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
        name TEXT NOT NULL,
        content BLOB NOT NULL
    );
    CREATE INDEX files_of_note ON files (note_id);
    CREATE VIRTUAL TABLE words USING fts5 (
        title, text, tags, content='notes', content_rowid='id', tokenize="unicode61 remove_diacritics 2"
    );
    INSERT INTO words (words) VALUES ('rebuild');
    CREATE TRIGGER notes_inserted AFTER INSERT ON notes BEGIN
        INSERT INTO words (rowid, title, text, tags) VALUES (new.id, new.title, new.text, new.tags);
    END;
    CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
        INSERT INTO words (words, rowid, title, text, tags) VALUES ('delete', old.id, old.title, old.text, old.tags);
    END;
    CREATE TRIGGER notes_updated AFTER UPDATE OF title, text, tags ON notes BEGIN
        INSERT INTO words (words, rowid, title, text, tags) VALUES ('delete', old.id, old.title, old.text, old.tags);
        INSERT INTO words (rowid, title, text, tags) VALUES (new.id, new.title, new.text, new.tags);
    END;
    """,
)


@attrs.frozen(kw_only=True)
class Note:
    """A stored note; both times are in UTC."""

    id: int
    title: str
    text: str
    tags: tuple[str, ...]
    pinned: bool
    created_at: datetime
    updated_at: datetime


@attrs.frozen(kw_only=True)
class Found:
    """One page of search results, and the number of notes on all pages."""

    notes: tuple[Note, ...]
    total: int


@attrs.frozen(kw_only=True)
class File:
    """A file of a note; its size is in bytes."""

    id: int
    note_id: int
    name: str
    size: int


@attrs.frozen
class Notes:
    """The notes of one account. Methods that take a number return None if the account has no note of that number."""

    database: Database
    owner: str

    async def search(self, words: Sequence[str] = (), *, tag: str = "", limit: int, offset: int = 0) -> Found:
        """Return the notes with all words and the tag: pinned notes first, then by last change."""
        where, values = "owner = ?", [self.owner]
        if words:
            # In quotes, each word is only text for the search; the star finds the words that begin with it.
            where, values = f"{where} AND {_MATCHES}", [*values, " ".join(f'"{word}"*' for word in map(_plain, words))]
        if tag:
            where, values = f"{where} AND {_TAGGED}", [*values, tag]
        total = await self.database.fetch_value(f"SELECT count(*) FROM notes WHERE {where}", *values)
        rows = await self.database.fetch_all(f"SELECT * FROM notes WHERE {where} {_ORDER}", *values, limit, offset)
        return Found(notes=tuple(map(_note, rows)), total=int(total))

    async def tags(self) -> list[tuple[str, int]]:
        """Return the tags in use, each with the number of its notes."""
        statement = "SELECT value, count(*) FROM notes, json_each(tags) WHERE owner = ? GROUP BY value ORDER BY value"
        return [(str(row[0]), int(row[1])) for row in await self.database.fetch_all(statement, self.owner)]

    async def get(self, note_id: int) -> Note | None:
        """Return a note."""
        return await self._one("SELECT * FROM notes WHERE id = ? AND owner = ?", note_id)

    async def create(self, draft: Draft) -> Note:
        """Add a note, and return it with its number."""
        now = _now()
        row = await self.database.fetch_one(
            "INSERT INTO notes (owner, title, text, tags, pinned, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *",
            *(self.owner, draft.title, draft.text, json.dumps(draft.tags), draft.pinned, now, now),
        )
        assert row is not None
        return _note(row)

    async def replace(self, note_id: int, draft: Draft, *, version: str = "") -> Note | None:
        """Change a note; with a version, only if that is the time of its last change."""
        return await self._one(
            "UPDATE notes SET title = ?, text = ?, tags = ?, pinned = ?, updated_at = ?"
            " WHERE ? IN ('', updated_at) AND id = ? AND owner = ? RETURNING *",
            note_id,
            *(draft.title, draft.text, json.dumps(draft.tags), draft.pinned, _now(), version),
        )

    async def pin(self, note_id: int, *, pinned: bool) -> Note | None:
        """Pin or unpin a note; this is no change of its content."""
        return await self._one("UPDATE notes SET pinned = ? WHERE id = ? AND owner = ? RETURNING *", note_id, pinned)

    async def delete(self, note_id: int) -> Note | None:
        """Delete a note with its files, and return it."""
        return await self._one("DELETE FROM notes WHERE id = ? AND owner = ? RETURNING *", note_id)

    async def adopt(self) -> None:
        """Take over the notes that were written before there were accounts."""
        await self.database.execute("UPDATE notes SET owner = ? WHERE owner = ''", self.owner)

    async def files(self, note_id: int) -> list[File]:
        """Return the files of a note, without their content."""
        statement = "SELECT id, note_id, name, length(content) AS size FROM files WHERE note_id = ? ORDER BY id"
        return [File(**dict(row)) for row in await self.database.fetch_all(statement, note_id)]

    async def attach(self, note_id: int, name: str, content: bytes) -> None:
        """Add a file to a note of the account."""
        await self.database.execute(
            "INSERT INTO files (note_id, name, content) VALUES (?, ?, ?)", note_id, name, content
        )

    async def file(self, file_id: int) -> tuple[File, bytes] | None:
        """Return a file with its content."""
        row = await self._row(
            "SELECT files.*, length(content) AS size FROM files JOIN notes ON notes.id = note_id"
            " WHERE files.id = ? AND owner = ?",
            file_id,
        )
        if row is None:
            return None
        values = dict(row)
        content: bytes = values.pop("content")
        return File(**values), content

    async def delete_file(self, file_id: int) -> int | None:
        """Delete a file, and return the number of its note."""
        row = await self._row(
            "DELETE FROM files WHERE id = ? AND note_id IN (SELECT id FROM notes WHERE owner = ?) RETURNING note_id",
            file_id,
        )
        return None if row is None else int(row["note_id"])

    async def _one(self, statement: str, note_id: int, *values: object) -> Note | None:
        row = await self._row(statement, note_id, *values)
        return None if row is None else _note(row)

    async def _row(self, statement: str, number: int, *values: object) -> sqlite3.Row | None:
        # A number of a URL may be larger than the numbers of SQLite.
        return await self.database.fetch_one(statement, *values, number, self.owner) if number <= _MAX_ID else None


def _plain(word: str) -> str:
    return word.replace('"', " ")


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _note(row: sqlite3.Row) -> Note:
    return Note(
        id=row["id"],
        title=row["title"],
        text=row["text"],
        tags=tuple(json.loads(row["tags"])),
        pinned=bool(row["pinned"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
