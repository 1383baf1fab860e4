"""Store data in SQLite: a database with one writer, several readers, transactions and migrations.

``App(plugins=[("sqlite", {"path": "notes.sqlite3"})])`` supplies a parameter of the type ``Database``, and one of the
type ``Transaction``, which is committed after the handler and rolled back if it raises.
"""

from __future__ import annotations

from turnbuckle_contrib.sqlite.database import Database, DatabaseBusy, Queries, Transaction
from turnbuckle_contrib.sqlite.migrations import MigrationError, read_migrations
from turnbuckle_contrib.sqlite.plugin import DATABASE, SQLiteConfig, SQLitePlugin

__all__ = [
    "DATABASE",
    "Database",
    "DatabaseBusy",
    "MigrationError",
    "Queries",
    "SQLiteConfig",
    "SQLitePlugin",
    "Transaction",
    "read_migrations",
]
