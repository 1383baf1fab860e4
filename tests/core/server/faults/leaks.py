"""See to it that a fault leaves nothing behind, and that the server still serves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.core.server.served import GET, Served
from tests.core.server.waiting import until


def open_files() -> set[str]:
    """Return what the descriptors of this process stand for."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            # That of the listing itself.
            continue
    return found


@asynccontextmanager
async def leaving_nothing(served: Served, path: str = "/") -> AsyncIterator[None]:
    """Require that the block leaves no task, no file and no connection behind, and that others are still served."""
    files, tasks = open_files(), asyncio.all_tasks()
    yield
    await served.connection.settle()
    await until(lambda: asyncio.all_tasks() <= tasks)
    await until(lambda: open_files() <= files)
    assert not served.server._state.connections.open
    other = served.server.connect()
    await other.send(GET.replace(b"GET / ", b"GET %b " % path.encode()))
    assert other.statuses == [200]
    await other.close()
    assert not served.server._state.connections.open
