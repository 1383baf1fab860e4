"""Wait for conditions that have no event, with a timeout."""

import asyncio
from collections.abc import Callable

TIMEOUT = 20


async def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; the loop runs meanwhile."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():  # noqa: ASYNC110  # the code under test offers nothing to wait for
            await asyncio.sleep(0)
