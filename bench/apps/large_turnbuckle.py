"""Large content with Turnbuckle: the files of BENCH_FILES, an upload that is counted, and a stream of pieces."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

from turnbuckle import App, Request, Response

FILES = Path(os.environ["BENCH_FILES"])
PIECE = b"x" * 65536

app = App("large")


@app.get("/{name}")
async def file(request: Request, name: str) -> Path:
    return FILES / name


@app.get("/stream/{pieces:int}")
async def stream(request: Request, pieces: int) -> Response:
    async def produce() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield PIECE

    return Response(produce())


@app.post("/upload", limits={"content": 1 << 30})
async def upload(request: Request) -> str:
    return str(sum([len(piece) async for piece in request.stream()]))


@app.post("/whole", limits={"content": 1 << 30})
async def whole(request: Request) -> str:
    return str(len(await request.read()))
