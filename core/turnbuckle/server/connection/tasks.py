"""Start the task of a request: its own, so that its context variables are its own, too.

The C constructor is called directly, which spares a layer of the loop's. Where Python can start a task at once (3.12
and later), a handler that never waits costs no turn of the loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from contextvars import Context
from functools import partial
from typing import Final, Protocol

__all__ = ["TaskStarter", "task_starter"]

_NAME: Final = "turnbuckle request"


class TaskStarter(Protocol):
    """Runs a coroutine in a task of its own, with the context variables of ``context``."""

    def __call__(self, coroutine: Coroutine[object, None, None], /, *, context: Context) -> asyncio.Task[None]:
        """Return the task."""


def task_starter(loop: asyncio.AbstractEventLoop) -> TaskStarter:
    """Return what runs a coroutine in a task of its own on ``loop``."""
    # Numbering tasks takes longer than it helps: one task is much like another.
    if sys.version_info >= (3, 12):
        return partial(asyncio.Task, loop=loop, name=_NAME, eager_start=True)
    return partial(asyncio.Task, loop=loop, name=_NAME)
