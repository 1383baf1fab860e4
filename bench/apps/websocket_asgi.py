"""WebSockets with a bare ASGI callable: an echo, and a room. On uvicorn when it is a script."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

room: set[Send] = set()


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"yes"})
        return
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    is_echo = scope["path"] == "/echo"
    if not is_echo:
        room.add(send)
    await send({"type": "websocket.accept"})
    try:
        while (message := await receive())["type"] == "websocket.receive":
            answer = {"type": "websocket.send", "text": message["text"]}
            if is_echo:
                await send(answer)
            else:
                await asyncio.gather(*(send_one(answer) for send_one in room))
    finally:
        room.discard(send)


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio" if sys.argv[2:] == ["sansio"] else "websockets",
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        server_header=False,
        log_level="warning",
    )
