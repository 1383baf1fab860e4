"""WebSockets with aiohttp; see websocket_turnbuckle.py."""

import sys

import uvloop
from aiohttp import web

sockets: set[web.WebSocketResponse] = set()


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


async def room(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    sockets.add(socket)
    await socket.prepare(request)
    async for message in socket:
        for other in list(sockets):
            if other.prepared:
                await other.send_str(message.data)
    sockets.discard(socket)
    return socket


async def ready(request: web.Request) -> web.Response:
    return web.Response(text="yes")


app = web.Application()
app.router.add_get("/echo", echo)
app.router.add_get("/room", room)
app.router.add_get("/ready", ready)

if __name__ == "__main__":
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
