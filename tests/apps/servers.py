"""Run a site under Turnbuckle and under the server that it is compared with, in this process, on real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
import waitress.server

from turnbuckle import App, HTTPServer

__all__ = ["under_turnbuckle", "under_uvicorn", "under_waitress"]


@asynccontextmanager
async def under_turnbuckle(app: Any, kind: str) -> AsyncIterator[int]:
    """Serve an app, and yield the port."""
    outer = App(plugins=[kind, "websocket"])
    outer.mount("/", app)
    async with HTTPServer(outer.compile(), port=0) as server:
        yield server.addresses[0].port


@asynccontextmanager
async def under_uvicorn(app: Any, kind: str) -> AsyncIterator[int]:
    """Serve an ASGI app with uvicorn, and yield the port."""
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="auto")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
            if serving.done():
                serving.result()
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def under_waitress(app: Any, kind: str) -> AsyncIterator[int]:
    """Serve a WSGI app with waitress, and yield the port."""
    sockets: dict[int, Any] = {}
    server: Any = waitress.server.create_server(app, host="127.0.0.1", port=0, map=sockets)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.close()
