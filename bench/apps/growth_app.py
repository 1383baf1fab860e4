"""The application of `bench.growth`: BENCH_ROUTES routes, BENCH_MIDDLEWARE middleware, and content of any size."""

import itertools
import os
from collections.abc import AsyncIterator

from turnbuckle import App, Handler, Request, Response

PIECE = b"x" * 65536
BODIES = {size: b"x" * size for size in (100, 10_000, 100_000, 1_000_000, 10_000_000)}

app = App("growth")


answered = itertools.count()


async def item(request: Request, id: int) -> dict[str, object]:
    return {"id": id, "number": next(answered)}


async def pass_on(request: Request, call_next: Handler) -> Response:
    return await call_next(request)


for number in range(int(os.environ.get("BENCH_ROUTES", "10"))):
    app.add_route(f"/r{number}/{{id:int}}", item)
for number in range(int(os.environ.get("BENCH_MIDDLEWARE", "0"))):
    app.add_middleware(pass_on, name=f"hop_{number}")
for segments in (1, 5, 10, 20):
    app.add_route("/" + "".join(f"s{number}/" for number in range(segments - 1)) + "{id:int}", item)


@app.get("/ready")
async def ready(request: Request) -> str:
    return "yes"


@app.get("/whole/{size:int}")
async def whole_out(request: Request, size: int) -> bytes:
    return BODIES[size]


@app.get("/stream/{size:int}")
async def stream_out(request: Request, size: int) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, size, len(PIECE)):
            yield PIECE[: size - at]

    return Response(pieces())


@app.post("/whole", limits={"content": 1 << 30})
async def whole_in(request: Request) -> str:
    return str(len(await request.read()))


@app.post("/stream", limits={"content": 1 << 30})
async def stream_in(request: Request) -> str:
    return str(sum([len(piece) async for piece in request.stream()]))
