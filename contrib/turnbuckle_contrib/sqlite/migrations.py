"""Apply the SQL scripts that a database does not have yet, in one transaction.

The number of applied scripts is in the database: in ``PRAGMA user_version`` for the app, and in a table for named parts
of the app, such as plugins with own tables. A script that was applied is never read again, so changes are new scripts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from turnbuckle import TurnbuckleError

__all__ = ["MigrationError", "migrate", "read_migrations"]

_TABLE: Final = "CREATE TABLE IF NOT EXISTS _turnbuckle_parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"
_STORE: Final = "INSERT OR REPLACE INTO _turnbuckle_parts (name, version) VALUES (?, ?)"


class MigrationError(TurnbuckleError):
    """A script failed, or the database is newer than the app."""


def read_migrations(folder: str | Path) -> list[str]:
    """Return the scripts in a folder, ``*.sql``, in the order of their names.

    Raises:
        FileNotFoundError: there is no such folder, or it has no scripts.
    """
    paths = sorted(Path(folder).glob("*.sql"))
    if not paths:
        raise FileNotFoundError(f"the folder {str(folder)!r} has no *.sql file")
    return [path.read_text(encoding="utf-8") for path in paths]


def migrate(connection: sqlite3.Connection, scripts: Sequence[str], name: str) -> int:
    """Apply the scripts that were not applied; ``Database.migrate`` describes the arguments.

    Args:
        connection: a connection in a transaction.
        scripts: all scripts.
        name: name of the part; "" for the app.
    """
    applied = _version(connection, name)
    if applied > len(scripts):
        of_part = f" of {name!r}" if name else ""
        raise MigrationError(
            f"the database has {applied} migrations{of_part}, and the app has {len(scripts)}: "
            "a newer version of the app has changed the database"
        )
    for number, script in enumerate(scripts[applied:], applied + 1):
        try:
            for statement in _statements(script):
                connection.execute(statement)
        except sqlite3.Error as error:
            raise MigrationError(f"migration {number} failed, and all are rolled back: {error}") from error
        if not connection.in_transaction:
            raise MigrationError(f"migration {number} ends the transaction; remove BEGIN and COMMIT")
    if name:
        connection.execute(_STORE, (name, len(scripts)))
    else:
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
    return len(scripts) - applied


def _version(connection: sqlite3.Connection, name: str) -> int:
    if not name:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return version
    connection.execute(_TABLE)
    row = connection.execute("SELECT version FROM _turnbuckle_parts WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else row[0]


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; ``executescript`` would commit the transaction first."""
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement := statement.removesuffix(";").strip():
        # The last statement needs no semicolon.
        yield statement
