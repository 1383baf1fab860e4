"""Large content with Starlette on uvicorn; see large_turnbuckle.py."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

from on_uvicorn import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

FILES = Path(os.environ["BENCH_FILES"])
PIECE = b"x" * 65536


async def file(request: Request) -> FileResponse:
    return FileResponse(FILES / request.path_params["name"])


async def stream(request: Request) -> StreamingResponse:
    async def produce() -> AsyncIterator[bytes]:
        for _ in range(request.path_params["pieces"]):
            yield PIECE

    return StreamingResponse(produce())


async def upload(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(sum([len(piece) async for piece in request.stream()])))


app = Starlette(
    routes=[
        Route("/upload", upload, methods=["POST"]),
        Route("/stream/{pieces:int}", stream),
        Route("/{name}", file),
    ]
)

if __name__ == "__main__":
    serve(app)
