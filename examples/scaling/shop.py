"""One app in every place of docs/operate/scaling.md: behind nginx and HAProxy, on Kubernetes, and on Ray Serve.

Run it from this folder with ``turnbuckle serve shop.py``: the settings are in turnbuckle.toml.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from turnbuckle import SSE, App, Request, ServerSentEvent, WebSocket

app = App("shop", plugins=["health", "proxy_headers", "websocket"])


@app.get("/")
async def whoami(request: Request) -> dict[str, object]:
    """What the server knows about the client, and which process answers."""
    return {
        "client": request.client[0] if request.client else None,
        "url": request.url,
        "protocol": request.http_version,
        "process": os.getpid(),
    }


@app.get("/ticks")
async def ticks(request: Request, pause: float = 1.0, count: int = 60) -> SSE:
    """Server-sent events, one for each pause; a proxy must not collect them."""

    async def events() -> AsyncIterator[ServerSentEvent]:
        for number in range(count):
            yield ServerSentEvent(str(number), id=str(number))
            await asyncio.sleep(pause)

    return SSE(events())


@app.post("/upload")
async def upload(request: Request) -> dict[str, int]:
    """Count the bytes of an upload as they arrive."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return {"size": size}


@app.get("/slow")
async def slow(request: Request, seconds: float = 2.0) -> str:
    """A request that must survive a restart of its server."""
    await asyncio.sleep(seconds)
    return "done\n"


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    """Send each message back."""
    async for message in socket:
        await socket.send(message)
