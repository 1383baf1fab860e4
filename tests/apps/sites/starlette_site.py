"""A site on Starlette."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.apps.sites.requests import COMMON, SOCKETS, Sent


async def page(request: Request) -> Response:
    return HTMLResponse(f"<h1>{request.url.path} {request.state.value}</h1>")


async def item(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["id"], "q": request.query_params.getlist("q")})


async def paths(request: Request) -> Response:
    return JSONResponse(request.path_params["rest"])


async def form(request: Request) -> Response:
    async with request.form() as fields:
        sizes = [value if isinstance(value, str) else len(await value.read()) for value in fields.values()]
    return JSONResponse([list(fields), sizes])


async def echo(request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return JSONResponse(size)


async def stream(request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        for number in range(10):
            await asyncio.sleep(0)
            yield f"line {number}\n" * 100

    return StreamingResponse(pieces(), media_type="text/plain")


async def redirect(request: Request) -> Response:
    return RedirectResponse("/items/5")


async def error(request: Request) -> Response:
    raise ValueError("broken")


async def cookies(request: Request) -> Response:
    response = JSONResponse({"cookies": request.cookies, "names": request.headers.getlist("x-name")})
    response.set_cookie("c", "3", httponly=True)
    response.set_cookie("d", "4")
    return response


async def empty(request: Request) -> Response:
    return Response(status_code=204, background=BackgroundTask(asyncio.sleep, 0))


async def file(request: Request) -> Response:
    return FileResponse(Path(__file__).with_name("requests.py"))


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    for _ in range(3):
        message = await websocket.receive()
        if "text" in message:
            await websocket.send_text(message["text"].upper())
        else:
            await websocket.send_bytes(message["bytes"])
    await websocket.close(4001, "enough")


async def denied(websocket: WebSocket) -> None:
    await websocket.close()


async def stamp(request: Request, call_next: Any) -> Response:
    response: Response = await call_next(request)
    response.headers["x-stamp"] = "1"
    return response


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, object]]:
    yield {"value": "from lifespan"}


app = Starlette(
    routes=[
        Route("/", page),
        Route("/items/{id:int}", item),
        Route("/paths/{rest:path}", paths),
        Route("/form", form, methods=["POST"]),
        Route("/upload", form, methods=["POST"]),
        Route("/echo", echo, methods=["POST"]),
        Route("/stream", stream, middleware=[Middleware(GZipMiddleware)]),
        Route("/redirect", redirect),
        Route("/error", error),
        Route("/cookies", cookies),
        Route("/empty", empty),
        Route("/file", file),
        WebSocketRoute("/ws", socket),
        WebSocketRoute("/ws-denied", denied),
    ],
    middleware=[Middleware(BaseHTTPMiddleware, dispatch=stamp)],
    lifespan=lifespan,
)

REQUESTS = [*COMMON, Sent("GET", "/stream", (("Accept-Encoding", "gzip"),)), Sent("GET", "/items/5/")]
WEBSOCKETS = SOCKETS
