"""WebSockets with Starlette on uvicorn; see websocket_turnbuckle.py."""

from on_uvicorn import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

sockets: set[WebSocket] = set()


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for message in socket.iter_text():
        await socket.send_text(message)


async def room(socket: WebSocket) -> None:
    sockets.add(socket)
    await socket.accept()
    try:
        async for message in socket.iter_text():
            for other in list(sockets):
                await other.send_text(message)
    finally:
        sockets.discard(socket)


async def ready(request: Request) -> PlainTextResponse:
    return PlainTextResponse("yes")


app = Starlette(routes=[WebSocketRoute("/echo", echo), WebSocketRoute("/room", room), Route("/ready", ready)])

if __name__ == "__main__":
    serve(app)
