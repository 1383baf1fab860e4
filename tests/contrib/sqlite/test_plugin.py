"""The plugin in an app: parameters, transactions of handlers, readiness and mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from turnbuckle import App, Conflict, Lifespan, LifespanError, Plugin, Setup, StartupError
from turnbuckle.settings import Settings
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import LifespanConformance, PluginConformance
from turnbuckle_contrib.sqlite import Database, SQLiteConfig, SQLitePlugin, Transaction

NOTES = "CREATE TABLE notes (text TEXT NOT NULL)"


class TestSQLitePlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return SQLitePlugin()


class TestSQLiteLifespan(LifespanConformance):
    plugin = SQLitePlugin
    config: ClassVar = {"path": ":memory:"}

    def make_lifespan(self) -> Lifespan:
        (lifespan,) = SQLitePlugin([NOTES]).provide_lifespans(
            Setup(settings=Settings(), config=SQLiteConfig(path=":memory:"))
        )
        return lifespan


def _app(path: Path, **settings: Any) -> App:
    app = App(plugins=[(SQLitePlugin([NOTES]), {"path": str(path), **settings}), "health"])

    @app.post("/notes")
    async def add(transaction: Transaction, text: str, fails: bool = False) -> list[int]:
        await transaction.execute("INSERT INTO notes VALUES (?)", text)
        if fails:
            raise Conflict
        return [await transaction.fetch_value("SELECT count(*) FROM notes")]

    @app.get("/notes")
    async def notes(database: Database) -> list[str]:
        return [row["text"] for row in await database.fetch_all("SELECT text FROM notes")]

    return app


async def test_handlers_receive_the_database_and_a_transaction(tmp_path: Path) -> None:
    path = tmp_path / "d"
    async with Client(_app(path)) as client:
        assert (await client.post("/notes?text=a")).json() == [1]
        assert (await client.post("/notes?text=b&fails=1")).status == 409
        assert (await client.get("/notes")).json() == ["a"]
        ready = await client.get("/-/health/ready")
        assert ready.json() == {"status": "ok", "checks": {"sqlite": "ok"}}
    async with Client(_app(path)) as client:
        assert (await client.get("/notes")).json() == ["a"]


async def test_readiness_fails_if_the_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "d"
    async with Client(_app(path)) as client:
        path.write_bytes(b"x" * 8192)
        (tmp_path / "d-wal").write_bytes(b"")
        assert (await client.get("/-/health/ready")).status == 503


async def test_migrations_from_a_folder_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "0001.sql").write_text(NOTES)
    app = App(plugins=[("sqlite", {"path": ":memory:", "migrations": str(tmp_path)})])

    @app.get("/")
    async def count(database: Database) -> list[int]:
        return [await database.fetch_value("SELECT count(*) FROM notes")]

    async with Client(app) as client:
        assert (await client.get("/")).json() == [0]


@pytest.mark.parametrize("migrations", ["migrations", NOTES, "", b"migrations"])
def test_migrations_as_one_text_are_refused(migrations: Any) -> None:
    with pytest.raises(TypeError, match=r"list of scripts, or a Path .*, not (str|bytes): .*SQLitePlugin\(Path"):
        SQLitePlugin(migrations)


async def test_start_fails_without_the_folder_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(LifespanError, match="unable to open database file") as caught:
        async with Client(_app(tmp_path / "none" / "d")):
            pass
    assert str(tmp_path / "none") in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        pytest.param({"path": ""}, "TB202", "path of a file", id="no-path"),
        pytest.param({"path": "sqlite:///x"}, "TB202", "no URL", id="url"),
        pytest.param({"readers": 0}, "TB202", "readers", id="readers"),
        pytest.param({"migrations": "nowhere"}, "TB306", "nowhere", id="no-folder"),
    ],
)
def test_mistakes_are_reported_at_startup(settings: dict[str, object], code: str, says: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("sqlite", settings)]).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == code
    assert says in problem.diagnostic.text
