"""Start the task of a request: its own, so that its context variables are its own, too.

The C constructor is called directly, which spares a layer of the loop's. Where Python can start a task at once (3.12
and later), a handler that never waits costs no turn of the loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine

__all__ = ["start_task"]

if sys.version_info >= (3, 12):

    def start_task(coroutine: Coroutine[object, None, None], loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        """Run the coroutine in a task of its own, up to its first wait before this returns."""
        return asyncio.Task(coroutine, loop=loop, eager_start=True)

else:

    def start_task(coroutine: Coroutine[object, None, None], loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        """Run the coroutine in a task of its own, from the next turn of the loop on."""
        return asyncio.Task(coroutine, loop=loop)
