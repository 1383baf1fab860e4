"""Count requests in Redis, for all workers and machines together, with the scripts of the package ``limits``.

If Redis does not answer, ``StoreUnavailable`` is raised, and Redis is not asked for a second, so that requests do not
wait for it one after the other. The log has one line when the counting stops, and one when it continues.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final, final

from limits.aio.storage import RedisStorage
from redis.exceptions import RedisError

from turnbuckle_contrib.rate_limit.rules import Check, Outcome, Usage

__all__ = ["RedisCounters", "StoreUnavailable"]

_PAUSE: Final = 1.0
# As in channels: asyncio of some versions of Python 3.12 raises TypeError for a connection that was closed.
_FAILURES: Final = (RedisError, OSError, TimeoutError, TypeError)

_log: Final = logging.getLogger("turnbuckle.rate_limit")


class StoreUnavailable(Exception):
    """Redis does not answer, so the request was not counted."""


@final
class RedisCounters:
    """The counters of one app in Redis.

    Args:
        url: of Redis.
        prefix: of all keys.
        timeout: seconds that Redis may take for all rules of a request.
    """

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        url = url.replace("unix://", "redis+unix://") if url.startswith("unix://") else url
        # The implementation is named, because by default the library prefers another package.
        self._storage: Final = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=prefix)
        self._timeout: Final = timeout
        self._paused_until = 0.0
        self._is_failing = False

    async def count(self, checks: Sequence[Check]) -> Outcome:
        """Count a request by each rule until one is exceeded, and return the usages.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        if self._is_failing and time.monotonic() < self._paused_until:
            raise StoreUnavailable
        try:
            async with asyncio.timeout(self._timeout):
                usages = await self._count(checks)
        except _FAILURES as error:
            self._note_failure(error)
            raise StoreUnavailable from error
        if self._is_failing:
            self._is_failing = False
            _log.warning("Redis answers again: rate limits are counted")
        return Outcome(usages, usages[-1].is_exceeded)

    async def _count(self, checks: Sequence[Check]) -> list[Usage]:
        usages: list[Usage] = []
        for check in checks:
            rule, key = check.rule, f"{check.place} {check.rule.name} {check.key}"
            is_allowed = await self._storage.acquire_sliding_window_entry(key, rule.amount, rule.seconds)
            previous, _, current, lifetime = await self._storage.get_sliding_window(key, rule.seconds)
            # The counter of a period is kept for the next period as well.
            elapsed = min(1.0, max(0.0, 2 - lifetime / rule.seconds))
            usages.append(Usage.of_window(rule, previous, current, elapsed, is_exceeded=not is_allowed))
            if not is_allowed:
                break
        return usages

    def _note_failure(self, error: BaseException) -> None:
        self._paused_until = time.monotonic() + _PAUSE
        if not self._is_failing:
            self._is_failing = True
            _log.error(
                "rate limits are not counted, because Redis does not answer: %s", str(error) or type(error).__name__
            )

    async def is_ready(self) -> bool:
        """Return whether Redis answers."""
        try:
            async with asyncio.timeout(self._timeout):
                return bool(await self._storage.check())
        except _FAILURES:
            return False

    async def close(self) -> None:
        """Close the connections."""
        connection: Any = self._storage.bridge
        await connection.get_connection().aclose()
