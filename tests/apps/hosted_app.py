"""An app with every kind of request, to be served by hosts and at home: ``uvicorn hosted_app:application``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from turnbuckle import App, File, Forbidden, Request, Response, Setup, Stream, WebSocket
from turnbuckle_plugins.asgi import asgi

FOLDER = Path(os.environ["HOSTED_APP_FOLDER"])

app = App("hosted", settings={"routing": {"trailing_slash": "redirect"}})
ends: list[str] = []


@app.lifespan
async def note(setup: Setup) -> AsyncIterator[None]:
    if os.environ.get("HOSTED_APP_FAILS"):
        raise OSError("no route to the database")
    yield
    (FOLDER / "stopped").touch()


@app.get("/", name="home")
async def home(request: Request) -> dict[str, object]:
    parts = request.url, request.url_for("home"), request.http_version, request.client is not None
    return dict(zip(("url", "home", "version", "has_client"), parts, strict=True))


@app.post("/echo")
async def echo(request: Request) -> bytes:
    return await request.read()


@app.post("/count", limits={"content": 1_000_000})
async def count(request: Request) -> dict[str, int]:
    return {"size": sum([len(piece) async for piece in request.stream()])}


@app.get("/stream")
async def stream(request: Request) -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(5):
            yield b"%d\n" % number
            await asyncio.sleep(0.001)

    return Stream(pieces())


@app.get("/file")
async def file(request: Request) -> File:
    return File(FOLDER / "file.bin")


@app.get("/items/")
async def items(request: Request) -> str:
    return "items"


@app.get("/fails")
async def fails(request: Request) -> None:
    raise LookupError("no such thing")


@app.get("/half")
async def half(request: Request) -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(0.05)
        raise LookupError("the other half")

    return Stream(pieces())


@app.get("/cookies")
async def cookies(request: Request) -> Response:
    response = Response("cookies")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


@app.get("/nothing")
async def nothing(request: Request) -> None:
    """Return nothing."""


@app.get("/ends")
async def list_ends(request: Request) -> list[str]:
    return ends


@app.get("/wait")
async def wait(request: Request) -> None:
    await request.disconnected()
    ends.append("wait")


@app.get("/endless")
async def endless(request: Request) -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        size = 0
        try:
            while True:
                size += 65536
                yield bytes(65536)
        finally:
            ends.append("endless, at most 32 MiB" if size <= 1 << 25 else f"endless: {size}")

    return Stream(pieces())


@app.websocket("/chat/{room}")
async def chat(socket: WebSocket, room: str) -> None:
    await socket.accept("chat" if "chat" in socket.subprotocols else None, headers={"X-Room": room})
    async for message in socket:
        if message == "close":
            await socket.close(4001, "bye")
        else:
            await socket.send(message)


@app.websocket("/members")
async def members(socket: WebSocket) -> None:
    raise Forbidden("members only")


application = asgi(app)
