"""Enter the lifespans of an application in order, and leave in reverse those that were entered.

Leaving goes on whatever happens: a lifespan that raises, or that does not come to an end, is logged by name, and the
next one has its turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, final

from turnbuckle.errors import LifespanError
from turnbuckle.server.application import ReadyLifespan
from turnbuckle.server.clock import Clock

__all__ = ["Lifespans"]

_log: Final = logging.getLogger("turnbuckle.server")


@final
class Lifespans:
    """The lifespans of one server; entered and left in one task, as cancel scopes want it.

    Args:
        lifespans: outermost first.
        limit: seconds that each may take to be left; 0 for no limit.
        clock: tells the time.
        startup: seconds that each may take to be entered; 0 for no limit.
    """

    def __init__(self, lifespans: Sequence[ReadyLifespan], limit: float, clock: Clock, *, startup: float = 0.0) -> None:
        self._lifespans: Final = lifespans
        self._limit: Final = limit
        self._startup: Final = startup
        self._clock: Final = clock
        self._entered: Final[list[tuple[str, AbstractAsyncContextManager[object]]]] = []
        self._scope: asyncio.Timeout | None = None

    async def enter(self) -> None:
        """Enter all, or none.

        Raises:
            LifespanError: one of them failed, or was not done in time; those before it have been left.
        """
        try:
            for lifespan in self._lifespans:
                self._entered.append((lifespan.name, await self._enter(lifespan)))
        except BaseException:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Leave those that were entered, the last one first; failures are logged."""
        while self._entered:
            name, context = self._entered.pop()
            try:
                await self._leave(context)
            except TimeoutError:
                _log.error("lifespan %r did not end in time, and was cancelled", name)
            except Exception:  # noqa: BLE001  # logged; those entered before must still be left
                _log.exception("lifespan %r failed at its end", name)

    def give_up(self) -> None:
        """Cancel the lifespan that is being left, if there is one."""
        scope, self._scope = self._scope, None
        if scope is not None:
            _expire(scope)

    async def _enter(self, lifespan: ReadyLifespan) -> AbstractAsyncContextManager[object]:
        try:
            async with self._limited(self._startup) as scope:
                context = lifespan.context()
                await context.__aenter__()
        except TimeoutError as error:
            # One that waits for something may well raise the same when it has had enough of it.
            late = TimeoutError(f"not done within {self._startup:g} s (timeouts.startup)")
            cause = late if scope.expired() else error
            raise LifespanError(lifespan.name, cause, lifespan.plugin) from error
        except Exception as error:
            raise LifespanError(lifespan.name, error, lifespan.plugin) from error
        return context

    async def _leave(self, context: AbstractAsyncContextManager[object]) -> None:
        async with self._limited(self._limit) as scope:
            self._scope = scope
            try:
                # Always a clean end: the cleanup of a lifespan is what stands behind its yield, "finally" or not.
                await context.__aexit__(None, None, None)
            finally:
                self._scope = None

    @asynccontextmanager
    async def _limited(self, limit: float) -> AsyncIterator[asyncio.Timeout]:
        """Cancel what is inside after so many seconds of the server's clock, and raise TimeoutError then."""
        async with asyncio.timeout(None) as scope:
            timer = self._clock.call_later(limit, lambda: _expire(scope)) if limit else None
            try:
                yield scope
            finally:
                if timer is not None:
                    timer.cancel()


def _expire(scope: asyncio.Timeout) -> None:
    # The limit and a second signal may come together.
    if not scope.expired():
        scope.reschedule(0.0)
