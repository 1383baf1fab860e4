"""The plugins asyncpg, psycopg and sqlalchemy with a real PostgreSQL: transactions, readiness, and its absence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import asyncpg  # type: ignore[import-untyped]
import pytest
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection as SQLAlchemyConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.contrib.databases.conftest import PostgresServer
from turnbuckle import App, Conflict, Lifespan, LifespanError, Plugin, Setup, StartupError
from turnbuckle.settings import Settings
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import LifespanConformance, PluginConformance
from turnbuckle_contrib.asyncpg import AsyncpgPlugin
from turnbuckle_contrib.postgres import PostgresConfig, describe_url
from turnbuckle_contrib.psycopg import PsycopgPlugin
from turnbuckle_contrib.sqlalchemy import SQLAlchemyConfig, SQLAlchemyPlugin

UNREACHABLE = "postgresql://ada:hidden-word@127.0.0.1:1/shop"


class TestAsyncpgPlugin(PluginConformance):
    import_beforehand = ("asyncpg", "turnbuckle_contrib.health")
    config: ClassVar = {"required": False}

    def make_plugin(self) -> Plugin:
        return AsyncpgPlugin()


class TestPsycopgPlugin(PluginConformance):
    import_beforehand = ("psycopg", "psycopg_pool", "turnbuckle_contrib.health")
    config: ClassVar = {"required": False}

    def make_plugin(self) -> Plugin:
        return PsycopgPlugin()


class TestSQLAlchemyPlugin(PluginConformance):
    import_beforehand = ("sqlalchemy.ext.asyncio", "turnbuckle_contrib.health")

    def make_plugin(self) -> Plugin:
        return SQLAlchemyPlugin()


class TestAsyncpgLifespan(LifespanConformance):
    def make_lifespan(self) -> Lifespan:
        return AsyncpgPlugin().provide_lifespans(self.make_setup())[0]

    def make_setup(self) -> Setup:
        return Setup(settings=Settings(), config=PostgresConfig(url=UNREACHABLE, required=False))


class TestPsycopgLifespan(LifespanConformance):
    def make_lifespan(self) -> Lifespan:
        return PsycopgPlugin().provide_lifespans(self.make_setup())[0]

    def make_setup(self) -> Setup:
        return Setup(settings=Settings(), config=PostgresConfig(url=UNREACHABLE, required=False))

    @pytest.mark.parametrize("steps", range(1, 6))
    def test_may_be_cancelled_while_it_is_left(self, steps: int) -> None:
        """A leaving that has not begun ends only with the generator, and a pool takes more turns of the loop then."""
        super().test_may_be_cancelled_while_it_is_left(steps)


class TestSQLAlchemyLifespan(LifespanConformance):
    def make_lifespan(self) -> Lifespan:
        return SQLAlchemyPlugin().provide_lifespans(self.make_setup())[0]

    def make_setup(self) -> Setup:
        return Setup(settings=Settings(), config=SQLAlchemyConfig(required=False))


def _asyncpg_app(server: PostgresServer | None, **settings: Any) -> App:
    url = UNREACHABLE if server is None else server.url
    app = App(plugins=[("asyncpg", {"url": url, **settings}), "health"])

    @app.post("/")
    async def add(connection: asyncpg.Connection, name: str, fails: bool = False) -> list[int]:
        await connection.execute("CREATE TABLE IF NOT EXISTS a_names (name text)")
        await connection.execute("INSERT INTO a_names VALUES ($1)", name)
        if fails:
            raise Conflict
        return [await connection.fetchval("SELECT count(*) FROM a_names")]

    return app


def _psycopg_app(server: PostgresServer | None, **settings: Any) -> App:
    url = UNREACHABLE if server is None else server.url
    app = App(plugins=[("psycopg", {"url": url, **settings}), "health"])

    @app.post("/")
    async def add(connection: AsyncConnection, name: str, fails: bool = False) -> list[int]:
        await connection.execute("CREATE TABLE IF NOT EXISTS p_names (name text)")
        await connection.execute("INSERT INTO p_names VALUES (%s)", (name,))
        if fails:
            raise Conflict
        row = await (await connection.execute("SELECT count(*) FROM p_names")).fetchone()
        assert row is not None
        return [row[0]]

    return app


def _sqlalchemy_app(server: PostgresServer | None, **settings: Any) -> App:
    url = UNREACHABLE.replace("://", "+asyncpg://") if server is None else server.sqlalchemy_url
    app = App(plugins=[("sqlalchemy", {"url": url, **settings}), "health"])

    @app.post("/")
    async def add(connection: SQLAlchemyConnection, name: str, fails: bool = False) -> list[int]:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS s_names (name text)"))
        await connection.execute(text("INSERT INTO s_names VALUES (:name)"), {"name": name})
        if fails:
            raise Conflict
        return [int((await connection.execute(text("SELECT count(*) FROM s_names"))).scalar_one())]

    return app


APPS = pytest.mark.parametrize(
    "make",
    [
        pytest.param(_asyncpg_app, id="asyncpg"),
        pytest.param(_psycopg_app, id="psycopg"),
        pytest.param(_sqlalchemy_app, id="sqlalchemy"),
    ],
)
Make = Callable[..., App]


@APPS
async def test_handler_runs_in_a_transaction(make: Make, postgres: PostgresServer) -> None:
    async with Client(make(postgres)) as client:
        assert (await client.post("/?name=ada")).json() == [1]
        assert (await client.post("/?name=eve&fails=1")).status == 409
        assert (await client.post("/?name=bob")).json() == [2]
        ready = await client.get("/-/health/ready")
        assert (ready.status, ready.json()["status"]) == (200, "ok")


@APPS
async def test_requests_share_the_pool(make: Make, postgres: PostgresServer) -> None:
    settings = {"pool_size": 2} if make is _sqlalchemy_app else {"max_size": 2}
    async with Client(make(postgres, **settings)) as client:
        responses = await asyncio.gather(*(client.post(f"/?name={number}&fails=1") for number in range(6)))
    assert {response.status for response in responses} <= {409, 500}


@APPS
async def test_database_that_goes_away_and_returns(make: Make, postgres: PostgresServer) -> None:
    async with Client(make(postgres, timeout=1.0), raise_exceptions=False) as client:
        assert (await client.get("/-/health/ready")).status == 200
        await asyncio.to_thread(postgres.stop)
        assert (await client.get("/-/health/ready")).status == 503
        assert (await client.get("/-/health/live")).status == 200
        assert (await client.post("/?name=ada")).status in {500, 503}
        await asyncio.to_thread(postgres.start)
        async with asyncio.timeout(120):
            while (await client.get("/-/health/ready")).status != 200:  # noqa: ASYNC110  # the pool connects again
                await asyncio.sleep(0.1)
        assert (await client.post("/?name=ada&fails=1")).status == 409


@APPS
async def test_start_without_the_database_names_it_without_its_password(make: Make) -> None:
    with pytest.raises(LifespanError) as caught:
        async with Client(make(None, timeout=1.0)):
            pass
    assert "ada" in str(caught.value)
    assert "127.0.0.1:1/shop" in str(caught.value)
    assert "hidden-word" not in str(caught.value)


@APPS
async def test_app_that_may_start_without_the_database_is_not_ready(make: Make) -> None:
    app = make(None, timeout=1.0, required=False)
    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/-/health/ready")).status == 503
        assert (await client.get("/-/health/live")).status == 200
        assert (await client.post("/?name=ada")).status == 503
    assert "hidden-word" not in repr(app.plan)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


@pytest.mark.parametrize("is_memory", [True, False])
async def test_session_of_sqlalchemy(is_memory: bool, request: pytest.FixtureRequest) -> None:
    url = "sqlite+aiosqlite://" if is_memory else request.getfixturevalue("postgres").sqlalchemy_url
    app = App(plugins=[("sqlalchemy", {"url": url})])

    @app.post("/tables")
    async def tables(engine: AsyncEngine) -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    @app.post("/")
    async def add(session: AsyncSession, text: str, commits: bool = False, fails: bool = False) -> dict[str, object]:
        note = Note(text=text)
        session.add(note)
        if commits:
            await session.commit()
        if fails:
            raise Conflict
        await session.flush()
        return {"id": note.id, "text": note.text}

    async with Client(app) as client:
        await client.post("/tables")
        assert (await client.post("/?text=a")).json() == {"id": 1, "text": "a"}
        assert (await client.post("/?text=b&fails=1&commits=1")).status == 409
        assert (await client.post("/?text=c&commits=1")).json()["text"] == "c"

        async def count(session: AsyncSession) -> list[int]:
            return [int((await session.execute(text("SELECT count(*) FROM notes"))).scalar_one())]

    again = App(plugins=[("sqlalchemy", {"url": url})])
    again.get("/")(count)
    if not is_memory:
        async with Client(again) as client:
            assert (await client.get("/")).json() == [2]


@pytest.mark.parametrize(
    ("plugin", "settings", "says"),
    [
        pytest.param("asyncpg", {"url": "mysql://a:hidden-word@b/c"}, "postgresql://", id="asyncpg-scheme"),
        pytest.param("psycopg", {"url": "postgresql://a:hidden-word@b:x/c"}, "port", id="psycopg-port"),
        pytest.param("asyncpg", {"min_size": 5, "max_size": 2}, "min_size", id="sizes"),
        pytest.param("sqlalchemy", {"url": "nonsense"}, "no URL of SQLAlchemy", id="sqlalchemy-no-url"),
        pytest.param("sqlalchemy", {"url": "postgresql://a:hidden-word@b/c"}, "asyncpg", id="sqlalchemy-not-async"),
        pytest.param("sqlalchemy", {"url": "cobol://a:hidden-word@b/c"}, "dialect", id="sqlalchemy-dialect"),
    ],
)
def test_mistakes_are_reported_at_startup(plugin: str, settings: dict[str, object], says: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[(plugin, settings)]).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == "TB202"
    assert says in problem.diagnostic.text
    assert "hidden-word" not in str(problem)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:x@db:5432/shop?sslmode=require&password=x", "postgresql://ada@db:5432/shop"),
        ("postgresql:///shop", "postgresql:///shop"),
    ],
)
def test_url_in_messages_has_no_password(url: str, shown: str) -> None:
    assert describe_url(url) == shown
