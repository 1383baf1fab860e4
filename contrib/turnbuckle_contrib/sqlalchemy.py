"""Use SQLAlchemy with an async engine: a session or a connection in a transaction for each handler that asks for one.

``session: AsyncSession`` and ``connection: AsyncConnection`` are parameters of handlers. Their transaction is committed
after the handler, and rolled back if the handler raises. The engine is the resource ``ENGINE``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final, final

import attrs
from sqlalchemy import make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    TimeoutError as PoolTimeout,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from turnbuckle import (
    Lifespan,
    ParameterProvider,
    Plugin,
    PluginInfo,
    ResourceKey,
    SettingRefused,
    Setup,
    hookimpl,
)
from turnbuckle_contrib.health import HealthCheck
from turnbuckle_contrib.postgres import DatabaseUnavailable

__all__ = ["ENGINE", "SQLAlchemyConfig", "SQLAlchemyPlugin"]

ENGINE: Final = ResourceKey("sqlalchemy", AsyncEngine)
"""The key of the engine, for ``request.resource(ENGINE)`` and ``setup.resource(ENGINE)``."""

_FAILURES: Final = (OSError, TimeoutError, OperationalError, InterfaceError, PoolTimeout)


def _is_url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    # The messages do not contain the URL, because it may have a password.
    try:
        dialect = make_url(value).get_dialect()
    except NoSuchModuleError:
        raise SettingRefused("SQLAlchemy does not know the dialect of the URL; is its package installed?") from None
    except (ArgumentError, ValueError):
        raise SettingRefused("it is no URL of SQLAlchemy, such as postgresql+asyncpg://user@host/name") from None
    if not dialect.is_async:
        raise SettingRefused("the driver of the URL is not async; write postgresql+asyncpg://, or sqlite+aiosqlite://")


@attrs.frozen(kw_only=True)
class SQLAlchemyConfig:
    """Settings of the plugin.

    Attributes:
        url: URL of the database with an async driver, such as "postgresql+asyncpg://user:password@host/name".
        pool_size: number of connections that are kept open, in each worker; a database in memory has one.
        timeout: seconds that the wait for a free connection may take.
        echo: whether each statement is logged.
        required: whether the start fails if the database cannot be reached; otherwise, the app starts, and is not
            ready.
    """

    url: str = attrs.field(default="sqlite+aiosqlite://", validator=_is_url, metadata={"secret": True})
    pool_size: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    echo: bool = False
    required: bool = True


@final
class SQLAlchemyPlugin(Plugin[SQLAlchemyConfig]):
    """Provide the resource ``ENGINE``, parameters for sessions and connections, and a check for ``health``."""

    info = PluginInfo(name="sqlalchemy")

    def provide_lifespans(self, setup: Setup[SQLAlchemyConfig]) -> list[Lifespan]:
        """Return the lifespan."""
        return [Lifespan("sqlalchemy", _opened, provides=ENGINE)]

    def provide_parameters(self, setup: Setup[SQLAlchemyConfig]) -> list[ParameterProvider]:
        """Return the suppliers of sessions and connections."""
        return [
            ParameterProvider(AsyncConnection, _connection, description="a connection in a transaction"),
            ParameterProvider(AsyncSession, _session, description="a session in a transaction"),
        ]

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[SQLAlchemyConfig]) -> Iterable[HealthCheck]:
        """Return the check for readiness."""
        return [HealthCheck("sqlalchemy", _answers, ENGINE)]


@asynccontextmanager
async def _opened(setup: Setup[SQLAlchemyConfig]) -> AsyncIterator[AsyncEngine]:
    config, url = setup.config, make_url(setup.config.url)
    is_in_memory = url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}
    sizes = {} if is_in_memory else {"pool_size": config.pool_size, "pool_timeout": config.timeout}
    engine = create_async_engine(url, echo=config.echo, pool_pre_ping=True, **sizes)
    try:
        if config.required:
            try:
                await _answers(engine)
            except Exception as error:
                # Each driver has its own exceptions.
                shown = url.set(query={}).render_as_string(hide_password=True)
                raise ConnectionError(f"{shown}: {type(error).__name__}: {error}") from error
        yield engine
    finally:
        await engine.dispose()


async def _connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    try:
        connection = await engine.connect()
    except _FAILURES as error:
        raise DatabaseUnavailable from error
    try:
        async with connection.begin():
            yield connection
    finally:
        await connection.close()


async def _session(connection: AsyncConnection) -> AsyncIterator[AsyncSession]:
    # The connection commits; the objects of the session stay usable until the response is made.
    async with AsyncSession(connection, expire_on_commit=False) as session:
        yield session
        await session.flush()


async def _answers(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
