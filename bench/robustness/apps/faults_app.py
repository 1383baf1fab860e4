"""The application of `faults` and `endurance`: many kinds of answers, and counts of the process."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator

from turnbuckle import App, Request

COUNTED = ("HTTPConnection", "Request", "IncomingContent", "Response")

app = App("faults")


@app.get("/")
async def home() -> str:
    return "Hello, World!"


@app.get("/items/{id:int}")
async def item(request: Request, id: int) -> dict[str, object]:
    return {"id": id, "query": request.query_params.get("q", "")}


@app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(0.05)
    return "at last"


@app.get("/thread")
def thread() -> str:
    return "from a thread"


@app.get("/large")
async def large() -> bytes:
    return b"x" * 300_000


@app.get("/stream")
async def stream() -> AsyncIterator[bytes]:
    for _ in range(50):
        yield b"x" * 10_000
        await asyncio.sleep(0)


@app.get("/ticks")
async def ticks() -> AsyncIterator[str]:
    while True:
        yield "tick\n"
        await asyncio.sleep(0.2)


@app.post("/")
async def length(request: Request) -> str:
    return str(len(await request.read()))


@app.post("/pieces")
async def pieces(request: Request) -> str:
    return str(sum([len(piece) async for piece in request.stream()]))


@app.get("/held")
async def held() -> dict[str, int]:
    """Return counts after a garbage collection: tasks, descriptors, resident memory, and objects by type."""
    gc.collect()
    names = [type(found).__name__ for found in gc.get_objects()]
    counts = {name: names.count(name) for name in COUNTED}
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: ASYNC230  # /proc is in memory
        resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    fds = len(os.listdir("/proc/self/fd"))
    return {"tasks": len(asyncio.all_tasks()), "fds": fds, "resident": resident, **counts}
