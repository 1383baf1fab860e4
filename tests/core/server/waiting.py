"""Wait for what has no event of its own, with a bound."""

import asyncio
from collections.abc import Callable

PATIENCE = 20


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; the loop turns meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # the code under test offers nothing to wait for
            await asyncio.sleep(0)
