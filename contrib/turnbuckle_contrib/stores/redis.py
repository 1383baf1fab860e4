"""Store values in Redis, for all workers and machines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final, TypeVar, final

import redis.asyncio
from redis.exceptions import RedisError

from turnbuckle_contrib.stores.store import StoreUnavailable

__all__ = ["RedisStore"]

T = TypeVar("T")

_log: Final = logging.getLogger("turnbuckle.stores")

# Beside the errors of the library: in asyncio of some versions of Python 3.12, writing to a connection that was closed
# raises TypeError.
_FAILURES: Final = (RedisError, OSError, TimeoutError, TypeError)


@final
class RedisStore:
    """A store in Redis, which removes expired values itself.

    Args:
        url: URL of the server.
        prefix: prefix of all keys.
        timeout: seconds that the server may take for an answer.
        connections: maximum number of connections.
    """

    def __init__(self, url: str, *, prefix: str, timeout: float, connections: int = 8) -> None:
        self._prefix: Final = prefix
        self._timeout: Final = timeout
        self._url: Final = url
        self._connections: Final = connections
        self._redis: Any = None

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        value: bytes | None = await self._answered(self._redis.get(self._prefix + key))
        return value

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Set the value of a key."""
        await self._answered(self._redis.set(self._prefix + key, value, px=_milliseconds(ttl)))

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has none."""
        return bool(await self._answered(self._redis.set(self._prefix + key, value, px=_milliseconds(ttl), nx=True)))

    async def replace(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has one."""
        return bool(await self._answered(self._redis.set(self._prefix + key, value, px=_milliseconds(ttl), xx=True)))

    async def delete(self, key: str) -> bool:
        """Remove the value of a key."""
        return bool(await self._answered(self._redis.delete(self._prefix + key)))

    async def start(self) -> None:
        """Connect. The pool of connections belongs to the event loop that runs."""
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            self._url,
            max_connections=self._connections,
            timeout=self._timeout,
            socket_connect_timeout=self._timeout,
        )
        self._redis = redis.asyncio.Redis.from_pool(pool)
        await self.check()

    async def check(self) -> None:
        """Send a command, and wait for its answer."""
        await self._answered(self._redis.ping())

    async def remove_expired(self) -> None:
        """Do nothing: Redis removes expired values."""

    async def close(self) -> None:
        """Disconnect."""
        with suppress(*_FAILURES, AttributeError):
            await self._redis.aclose(close_connection_pool=True)

    async def _answered(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except _FAILURES as error:
            reason = f"Redis did not answer: {type(error).__name__}"
            _log.warning(reason)
            raise StoreUnavailable(reason) from error


def _milliseconds(ttl: float) -> int:
    return max(1, int(ttl * 1000))
