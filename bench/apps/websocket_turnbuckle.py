"""WebSockets with Turnbuckle: an echo, and a room whose messages go to all of its sockets."""

from turnbuckle import App, WebSocket
from turnbuckle_contrib.channels import Channels

app = App("websockets", plugins=["websocket", "channels"])


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    async for message in socket:
        await socket.send(message)


@app.websocket("/room")
async def room(socket: WebSocket, channels: Channels) -> None:
    # The client counts as connected with the response, so the channel is entered before.
    async with channels.forward("room", socket):
        async for message in socket:
            await channels.publish("room", message)


@app.get("/ready")
async def ready() -> str:
    return "yes"
