"""aiohttp's own server on uvloop, without an access log."""

import sys

import uvloop
from aiohttp import web


async def home(request: web.Request) -> web.Response:
    return web.Response(text="Hello, World!")


async def item(request: web.Request) -> web.Response:
    id = int(request.match_info["id"])
    return web.json_response({"id": id, "name": f"item {id}", "tags": ["red", "large"]})


async def order(request: web.Request) -> web.Response:
    order = await request.json()
    return web.json_response({"id": order["id"], "name": order["name"], "total": order["price"] * order["quantity"]})


app = web.Application()
app.router.add_get("/", home)
app.router.add_get(r"/items/{id:\d+}", item)
app.router.add_post("/items", order)

if __name__ == "__main__":
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
