"""Wait for conditions that have no event, with a timeout."""

import asyncio
from collections.abc import Callable

TIMEOUT = 60
_TURNS = 200


async def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; the loop runs meanwhile.

    Most conditions hold after a few turns of the loop; the others wait for threads, processes and the network, which a
    loop that does not pause would take processor time from.
    """
    async with asyncio.timeout(TIMEOUT):
        for _ in range(_TURNS):
            if condition():
                return
            await asyncio.sleep(0)
        while not condition():  # noqa: ASYNC110  # the code under test offers nothing to wait for
            await asyncio.sleep(0.001)
