"""The application of `slow` and `memory`: streams of a given size, and uploads to disk."""

import tempfile
from collections.abc import AsyncIterator
from typing import Final

from turnbuckle import App, Request, Response

PIECE: Final = b"x" * 65536
MIB: Final = 1024 * 1024

app = App("limits")


@app.get("/")
async def home(request: Request) -> str:
    return "Hello, World!"


@app.get("/stream/{mib:int}")
async def stream(request: Request, mib: int) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(mib * MIB // len(PIECE)):
            yield PIECE

    return Response(pieces())


@app.post("/upload", limits={"content": 2 * 1024 * MIB})
async def upload(request: Request) -> str:
    size = 0
    with tempfile.TemporaryFile() as file:
        async for piece in request.stream():
            size += file.write(piece)
    return str(size)
