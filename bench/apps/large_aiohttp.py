"""Large content with aiohttp; see large_turnbuckle.py."""

import os
import sys
from pathlib import Path

import uvloop
from aiohttp import web

FILES = Path(os.environ["BENCH_FILES"])
PIECE = b"x" * 65536


async def file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILES / request.match_info["name"])


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(int(request.match_info["pieces"])):
        await response.write(PIECE)
    await response.write_eof()
    return response


async def upload(request: web.Request) -> web.Response:
    return web.Response(text=str(sum([len(piece) async for piece in request.content.iter_any()])))


app = web.Application(client_max_size=1 << 30)
app.router.add_get(r"/stream/{pieces:\d+}", stream)
app.router.add_get("/{name}", file)
app.router.add_post("/upload", upload)

if __name__ == "__main__":
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
