"""A site on Quart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from quart import Quart, Response, jsonify, make_response, redirect, request, send_file, websocket

from tests.apps.sites.requests import COMMON, SOCKETS

app = Quart(__name__)


@app.get("/")
async def page() -> str:
    return f"<h1>{request.path}</h1>"


@app.get("/items/<int:number>")
async def item(number: int) -> Any:
    return {"id": number, "q": request.args.getlist("q")}


@app.get("/paths/<path:rest>")
async def paths(rest: str) -> Any:
    return jsonify(rest)


@app.post("/form")
@app.post("/upload")
async def form() -> Any:
    fields = await request.form
    files = await request.files
    return {"fields": fields.to_dict(flat=False), "files": {name: len(file.read()) for name, file in files.items()}}


@app.post("/echo")
async def echo() -> Any:
    size = 0
    async for piece in request.body:
        size += len(piece)
    return {"size": size}


@app.get("/stream")
async def stream() -> Any:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(10):
            yield f"line {number}\n".encode() * 100

    return pieces(), 200, {"Content-Type": "text/plain"}


@app.get("/redirect")
async def to_item() -> Any:
    return redirect("/items/5")


@app.get("/error")
async def error() -> Any:
    raise ValueError("broken")


@app.get("/cookies")
async def cookies() -> Response:
    response: Response = await make_response(
        jsonify({"cookies": dict(request.cookies), "names": request.headers.getlist("x-name")})
    )
    response.set_cookie("c", "3", httponly=True)
    return response


@app.get("/empty")
async def empty() -> Any:
    return "", 204


@app.get("/file")
async def file() -> Any:
    return await send_file(Path(__file__).with_name("requests.py"), conditional=True)


@app.websocket("/ws")
async def socket() -> None:
    await websocket.accept()
    for _ in range(3):
        message = await websocket.receive()
        await websocket.send(message.upper() if isinstance(message, str) else message)
    await websocket.close(4001, "enough")


@app.websocket("/ws-denied")
async def denied() -> Any:
    return "denied", 401


REQUESTS = COMMON
WEBSOCKETS = SOCKETS
