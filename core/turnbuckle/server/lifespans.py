"""Enter the lifespans of an application in order, and leave in reverse those that were entered.

Leaving goes on whatever happens: a lifespan that raises, or that does not come to an end, is logged by name, and the
next one has its turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
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
    """

    def __init__(self, lifespans: Sequence[ReadyLifespan], limit: float, clock: Clock) -> None:
        self._lifespans: Final = lifespans
        self._limit: Final = limit
        self._clock: Final = clock
        self._entered: Final[list[tuple[str, AbstractAsyncContextManager[object]]]] = []
        self._scope: asyncio.Timeout | None = None

    async def enter(self) -> None:
        """Enter all, or none.

        Raises:
            LifespanError: one of them failed; those before it have been left.
        """
        try:
            for lifespan in self._lifespans:
                self._entered.append((lifespan.name, await _entered(lifespan)))
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
            scope.reschedule(0.0)

    async def _leave(self, context: AbstractAsyncContextManager[object]) -> None:
        timer = self._clock.call_later(self._limit, self.give_up) if self._limit else None
        try:
            # The limit is kept by the server's clock; the scope is only the way to cancel what is inside it.
            async with asyncio.timeout(None) as self._scope:
                # Always a clean end: the cleanup of a lifespan is what stands behind its yield, "finally" or not.
                await context.__aexit__(None, None, None)
        finally:
            self._scope = None
            if timer is not None:
                timer.cancel()


async def _entered(lifespan: ReadyLifespan) -> AbstractAsyncContextManager[object]:
    try:
        context = lifespan.context()
        await context.__aenter__()
    except Exception as error:
        raise LifespanError(lifespan.name, error) from error
    return context
