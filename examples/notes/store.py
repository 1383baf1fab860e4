"""Store notes in one SQLite file, so that a saved note survives a crash.

This module has the schema, the search and the order of notes. It knows nothing about HTTP. Its methods block: call them
with ``asyncio.to_thread``. All threads share one connection, protected by a lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

__all__ = ["Found", "Note", "Store"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS notes_in_order ON notes (pinned DESC, updated_at DESC, id DESC);
"""

# SQLite's LIKE ignores the case of ASCII letters only.
_CONTAINS: Final = "instr(casefold(title || char(10) || text), ?) > 0"
_MAX_ID: Final = 2**63 - 1


@attrs.frozen(kw_only=True)
class Note:
    """A stored note; both times are in UTC."""

    id: int
    title: str
    text: str
    pinned: bool
    created_at: datetime
    updated_at: datetime


@attrs.frozen(kw_only=True)
class Found:
    """One page of search results, and the number of notes on all pages."""

    notes: tuple[Note, ...]
    total: int


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """The notes in the file at ``path``; ``open`` creates a missing file."""

    def __init__(self, path: Path | str, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the file; required before all other methods."""
        with self._lock:
            if self._opened is None:
                self._opened = _connect(self._path)

    def close(self) -> None:
        """Close the file after the running statement."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def create(self, title: str, text: str, *, pinned: bool = False) -> Note:
        """Add a note, and return it with its number."""
        now = self._now().isoformat()
        row = self._write(
            "INSERT INTO notes (title, text, pinned, created_at, updated_at) VALUES (?, ?, ?, ?, ?) RETURNING *",
            (title, text, pinned, now, now),
        )
        if row is None:
            raise sqlite3.DatabaseError("the inserted note was not returned")
        return _note(row)

    def get(self, note_id: int) -> Note | None:
        """Return the note with this number, or None."""
        if not _may_exist(note_id):
            return None
        rows = self._read("SELECT * FROM notes WHERE id = ?", (note_id,))
        return _note(rows[0]) if rows else None

    def replace(self, note_id: int, title: str, text: str, *, pinned: bool) -> Note | None:
        """Change a note and the time of its last change; return it, or None if it does not exist."""
        if not _may_exist(note_id):
            return None
        row = self._write(
            "UPDATE notes SET title = ?, text = ?, pinned = ?, updated_at = ? WHERE id = ? RETURNING *",
            (title, text, pinned, self._now().isoformat(), note_id),
        )
        return _note(row) if row else None

    def pin(self, note_id: int, *, pinned: bool) -> Note | None:
        """Pin or unpin a note; this does not change the time of its last change."""
        if not _may_exist(note_id):
            return None
        row = self._write("UPDATE notes SET pinned = ? WHERE id = ? RETURNING *", (pinned, note_id))
        return _note(row) if row else None

    def delete(self, note_id: int) -> bool:
        """Delete a note; return whether it existed."""
        if not _may_exist(note_id):
            return False
        return self._write("DELETE FROM notes WHERE id = ? RETURNING id", (note_id,)) is not None

    def search(self, words: Sequence[str] = (), *, limit: int, offset: int = 0) -> Found:
        """Return the notes that contain all words: pinned notes first, then by last change."""
        where = " AND ".join([_CONTAINS] * len(words)) or "1"
        needles = tuple(word.casefold() for word in words)
        with self._lock:
            (total,) = self._connection.execute(f"SELECT count(*) FROM notes WHERE {where}", needles).fetchone()
            rows = self._connection.execute(
                f"SELECT * FROM notes WHERE {where} ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT ? OFFSET ?",
                (*needles, limit, offset),
            ).fetchall()
        return Found(notes=tuple(_note(row) for row in rows), total=total)

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            raise RuntimeError(f"the store {str(self._path)!r} is not open")
        return self._opened

    def _read(self, statement: str, values: tuple[object, ...]) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def _write(self, statement: str, values: tuple[object, ...]) -> sqlite3.Row | None:
        # The context of the connection commits before this returns, so a note is reported as saved only afterwards.
        with self._lock, self._connection:
            rows: list[sqlite3.Row] = self._connection.execute(statement, values).fetchall()
        return rows[0] if rows else None


def _connect(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
    try:
        connection.row_factory = sqlite3.Row
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL would be faster, but could lose the last notes after a power failure.
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _may_exist(note_id: int) -> bool:
    # A number that SQLite cannot store would raise OverflowError; such a note does not exist.
    return 0 < note_id <= _MAX_ID


def _note(row: sqlite3.Row) -> Note:
    return Note(
        id=row["id"],
        title=row["title"],
        text=row["text"],
        pinned=bool(row["pinned"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
