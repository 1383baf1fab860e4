"""Check that a fault leaves nothing behind and that the server still serves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.core.server.polling import wait_until
from tests.core.server.serving_in_memory import GET, ServedConnection


def open_files() -> set[str]:
    """Return the open descriptors of this process, with the file of each."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            # The descriptor of the listing itself.
            continue
    return found


@asynccontextmanager
async def checking_for_leaks(served: ServedConnection, path: str = "/") -> AsyncIterator[None]:
    """Check that the block leaves no task, file or connection behind, and that another connection is served."""
    files, tasks = open_files(), asyncio.all_tasks()
    yield
    await served.connection.settle()
    await wait_until(lambda: asyncio.all_tasks() <= tasks)
    await wait_until(lambda: open_files() <= files)
    assert not served.server._state.connections.open
    other = served.server.connect()
    await other.send(GET.replace(b"GET / ", b"GET %b " % path.encode()))
    assert other.statuses == [200]
    await other.close()
    assert not served.server._state.connections.open
