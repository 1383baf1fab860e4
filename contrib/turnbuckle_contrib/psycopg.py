"""Connect to PostgreSQL with psycopg 3: a pool, and a connection in a transaction for each handler that asks for one.

``connection: psycopg.AsyncConnection`` is a parameter of handlers. Its transaction is committed after the handler, and
rolled back if the handler raises. The pool is the resource ``POOL``.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final, final

from psycopg import AsyncConnection, OperationalError
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from turnbuckle import Lifespan, ParameterProvider, Plugin, PluginInfo, ResourceKey, Setup, hookimpl
from turnbuckle_contrib.health import HealthCheck
from turnbuckle_contrib.postgres import DatabaseUnavailable, PostgresConfig, describe_url

__all__ = ["POOL", "PsycopgPlugin"]

POOL: Final = ResourceKey("psycopg", AsyncConnectionPool)
"""The key of the pool, for ``request.resource(POOL)`` and ``setup.resource(POOL)``."""


@final
class PsycopgPlugin(Plugin[PostgresConfig]):
    """Provide the resource ``POOL``, parameters of the type ``AsyncConnection``, and a check for ``health``."""

    info = PluginInfo(name="psycopg")

    def provide_lifespans(self, setup: Setup[PostgresConfig]) -> list[Lifespan]:
        """Return the lifespan."""
        return [Lifespan("psycopg", _opened, provides=POOL)]

    def provide_parameters(self, setup: Setup[PostgresConfig]) -> list[ParameterProvider]:
        """Return the supplier of connections."""
        text = "a connection to PostgreSQL, in a transaction"
        return [ParameterProvider(AsyncConnection, _connection, description=text)]

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[PostgresConfig]) -> Iterable[HealthCheck]:
        """Return the check for readiness."""
        return [HealthCheck("psycopg", _answers, POOL)]


@asynccontextmanager
async def _opened(setup: Setup[PostgresConfig]) -> AsyncIterator[AsyncConnectionPool]:
    config = setup.config
    if config.required:
        await _connect_once(config)
    pool = AsyncConnectionPool(
        config.url,
        min_size=config.min_size if config.required else 0,
        max_size=config.max_size,
        timeout=config.timeout,
        reconnect_timeout=config.timeout,
        # The peer may have closed a connection that was idle.
        check=AsyncConnectionPool.check_connection,
        open=False,
    )
    try:
        await pool.open()
        yield pool
    finally:
        await pool.close()


async def _connect_once(config: PostgresConfig) -> None:
    """Raise the reason if there is no connection; the pool would only report that it took too long."""
    try:
        connection = await AsyncConnection.connect(config.url, connect_timeout=math.ceil(config.timeout))
    except OperationalError as error:
        raise ConnectionError(f"{describe_url(config.url)}: {error}") from error
    await connection.close()


async def _connection(pool: AsyncConnectionPool) -> AsyncIterator[AsyncConnection]:
    try:
        connection = await pool.getconn()
    except (PoolTimeout, OperationalError) as error:
        raise DatabaseUnavailable from error
    try:
        async with connection.transaction():
            yield connection
    finally:
        await pool.putconn(connection)


async def _answers(pool: AsyncConnectionPool) -> None:
    async with pool.connection() as connection:
        await connection.execute("SELECT 1")
