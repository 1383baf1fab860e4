"""Connect to PostgreSQL with asyncpg: a pool, and a connection in a transaction for each handler that asks for one.

``connection: asyncpg.Connection`` is a parameter of handlers. Its transaction is committed after the handler, and
rolled back if the handler raises. The pool is the resource ``POOL``, and a parameter of the type ``asyncpg.Pool``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, final

import asyncpg  # type: ignore[import-untyped]  # it has no annotations that type checkers use

from turnbuckle import Lifespan, ParameterProvider, Plugin, PluginInfo, ResourceKey, Setup, hookimpl
from turnbuckle_contrib.health import HealthCheck
from turnbuckle_contrib.postgres import DatabaseUnavailable, PostgresConfig, describe_url

__all__ = ["POOL", "AsyncpgPlugin"]

POOL: Final = ResourceKey[Any]("asyncpg", asyncpg.Pool)
"""The key of the pool, for ``request.resource(POOL)`` and ``setup.resource(POOL)``."""

_FAILURES: Final = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)


@final
class AsyncpgPlugin(Plugin[PostgresConfig]):
    """Provide the resource ``POOL``, parameters of the type ``asyncpg.Connection``, and a check for ``health``."""

    info = PluginInfo(name="asyncpg")

    def provide_lifespans(self, setup: Setup[PostgresConfig]) -> list[Lifespan]:
        """Return the lifespan."""
        return [Lifespan("asyncpg", _opened, provides=POOL)]

    def provide_parameters(self, setup: Setup[PostgresConfig]) -> list[ParameterProvider]:
        """Return the supplier of connections."""
        timeout = setup.config.timeout

        async def connection(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
            try:
                acquired = await pool.acquire(timeout=timeout)
            except _FAILURES as error:
                raise DatabaseUnavailable from error
            try:
                async with acquired.transaction():
                    yield acquired
            finally:
                await pool.release(acquired)

        text = "a connection to PostgreSQL, in a transaction"
        return [ParameterProvider(asyncpg.Connection, connection, description=text)]

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[PostgresConfig]) -> Iterable[HealthCheck]:
        """Return the check for readiness."""
        return [HealthCheck("asyncpg", _answers, POOL)]


@asynccontextmanager
async def _opened(setup: Setup[PostgresConfig]) -> AsyncIterator[asyncpg.Pool]:
    config = setup.config
    # A pool that keeps no connection open is made without a connection.
    least = config.min_size if config.required else 0
    pool = asyncpg.create_pool(config.url, min_size=least, max_size=config.max_size, timeout=config.timeout)
    try:
        try:
            await pool
            if config.required:
                await pool.fetchval("SELECT 1")
        except (*_FAILURES, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ConnectionError(f"{describe_url(config.url)}: {type(error).__name__}: {error}") from error
        yield pool
    finally:
        # Requests have ended; ``close()`` would wait for connections that were not released.
        pool.terminate()


async def _answers(pool: Any) -> None:
    await pool.fetchval("SELECT 1")
