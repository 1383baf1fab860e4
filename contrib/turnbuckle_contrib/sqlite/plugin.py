"""The plugin: it opens the database when the app starts, and supplies it to handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final

import attrs

from turnbuckle import Lifespan, ParameterProvider, Plugin, PluginInfo, ResourceKey, Setup, hookimpl
from turnbuckle_contrib.health import HealthCheck
from turnbuckle_contrib.sqlite.connections import MEMORY
from turnbuckle_contrib.sqlite.database import Database, Transaction
from turnbuckle_contrib.sqlite.migrations import read_migrations

__all__ = ["DATABASE", "SQLiteConfig", "SQLitePlugin"]

DATABASE: Final = ResourceKey("sqlite", Database)
"""The key of the database, for ``request.resource(DATABASE)`` and ``setup.resource(DATABASE)``."""


def _check_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value or "\0" in value:
        raise ValueError(f"{attribute.name} is the path of a file, or {MEMORY!r}, not {value!r}")
    if "://" in value or value.startswith("file:"):
        raise ValueError(f"{attribute.name} is the path of a file, such as 'notes.sqlite3', and no URL")


@attrs.frozen(kw_only=True)
class SQLiteConfig:
    """Settings of the plugin.

    Attributes:
        path: path of the file, which is created if it does not exist; ":memory:" for a database in memory.
        migrations: folder of the scripts that make the tables; "" for none.
        readers: maximum number of reads at a time, in each worker.
        busy_seconds: seconds that a write may wait for other writers.
    """

    path: str = attrs.field(default="app.sqlite3", validator=_check_path)
    migrations: str = ""
    readers: int = attrs.field(default=4, validator=[attrs.validators.ge(1), attrs.validators.le(64)])
    busy_seconds: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))


@final
class SQLitePlugin(Plugin[SQLiteConfig]):
    """Provide the resource ``DATABASE``, parameters of the type ``Transaction``, and a check for ``health``.

    Args:
        migrations: the scripts that make the tables, as texts, or their folder; in place of the setting.

    Raises:
        TypeError: the migrations are one text, which is neither a list of scripts nor a ``Path``.
    """

    info = PluginInfo(name="sqlite")

    def __init__(self, migrations: Sequence[str] | Path = ()) -> None:
        if isinstance(migrations, str | bytes | bytearray):
            raise TypeError(
                f"migrations must be a list of scripts, or a Path for their folder, not {type(migrations).__name__}: "
                "write SQLitePlugin([script]) or SQLitePlugin(Path(folder))"
            )
        self._migrations: Final = migrations

    def provide_lifespans(self, setup: Setup[SQLiteConfig]) -> list[Lifespan]:
        """Return the lifespan.

        Raises:
            FileNotFoundError: the folder of the migrations does not exist, or has no scripts.
        """
        given = self._migrations or (Path(setup.config.migrations) if setup.config.migrations else ())
        scripts = read_migrations(given) if isinstance(given, Path) else tuple(given)

        @asynccontextmanager
        async def opened(setup: Setup[SQLiteConfig]) -> AsyncIterator[Database]:
            config = setup.config
            database = Database(config.path, config.readers, config.busy_seconds)
            try:
                await database.open()
                if scripts:
                    await database.migrate(scripts)
                yield database
            finally:
                database.close()

        return [Lifespan("sqlite", opened, provides=DATABASE)]

    def provide_parameters(self, setup: Setup[SQLiteConfig]) -> list[ParameterProvider]:
        """Return the supplier of transactions."""
        return [ParameterProvider(Transaction, _transaction, description="a transaction of the SQLite database")]

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[SQLiteConfig]) -> Iterable[HealthCheck]:
        """Return the check for readiness."""
        return [HealthCheck("sqlite", _answers, DATABASE)]


async def _transaction(database: Database) -> AsyncIterator[Transaction]:
    async with database.transaction() as transaction:
        yield transaction


async def _answers(database: Database) -> None:
    # Reads the header of the file, which "SELECT 1" does not.
    await database.fetch_value("SELECT count(*) FROM sqlite_schema")
