"""aiohttp's own server on uvloop, without an access log."""

import sys

import uvloop
from aiohttp import web


async def home(request: web.Request) -> web.Response:
    return web.Response(text="Hello, World!")


async def item(request: web.Request) -> web.Response:
    return web.Response(text=f"item {int(request.match_info['id'])}")


app = web.Application()
app.router.add_get("/", home)
app.router.add_get(r"/items/{id:\d+}", item)

if __name__ == "__main__":
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
