"""A site on FastAPI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import (
    BackgroundTasks,
    Cookie,
    FastAPI,
    File,
    Form,
    Header,
    Query,
    Request,
    Response,
    UploadFile,
    WebSocket,
)
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel

from tests.apps.sites.requests import COMMON, SOCKETS, Sent

app = FastAPI()


class Note(BaseModel):
    """A note."""

    text: str
    stars: int = 0


@app.get("/", response_class=HTMLResponse)
def page() -> str:
    return "<h1>page</h1>"


@app.get("/items/{number}")
async def item(number: int, q: Annotated[list[str], Query()]) -> dict[str, Any]:
    return {"id": number, "q": q}


@app.get("/paths/{rest:path}")
async def paths(rest: str) -> str:
    return rest


@app.post("/form")
async def form(a: Annotated[list[str], Form()], b: Annotated[str, Form()]) -> list[Any]:
    return [a, b]


@app.post("/upload")
def upload(note: Annotated[str, Form()], file: Annotated[UploadFile, File()]) -> list[Any]:
    return [note, file.filename, file.content_type, len(file.file.read())]


@app.post("/echo")
async def echo(request: Request) -> int:
    return len(await request.body())


@app.post("/notes", status_code=201)
async def add(note: Note) -> Note:
    return note


@app.get("/stream")
def stream() -> StreamingResponse:
    def pieces() -> Iterator[str]:
        for number in range(10):
            yield f"line {number}\n" * 100

    return StreamingResponse(pieces(), media_type="text/plain")


@app.get("/redirect")
async def redirect() -> RedirectResponse:
    return RedirectResponse("/items/5", status_code=303)


@app.get("/error")
def error() -> None:
    raise ValueError("broken")


@app.get("/cookies")
async def cookies(
    response: Response, a: Annotated[str, Cookie()] = "", x_name: Annotated[list[str] | None, Header()] = None
) -> list[Any]:
    response.set_cookie("c", "3")
    return [a, x_name]


@app.get("/empty", status_code=204)
async def empty(tasks: BackgroundTasks) -> None:
    tasks.add_task(len, "x")


@app.get("/file")
async def file() -> FileResponse:
    return FileResponse(Path(__file__).with_name("requests.py"))


@app.websocket("/ws")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    for _ in range(3):
        message = await websocket.receive()
        if "text" in message:
            await websocket.send_text(message["text"].upper())
        else:
            await websocket.send_bytes(message["bytes"])
    await websocket.close(4001, "enough")


_JSON = (("Content-Type", "application/json"),)
REQUESTS = [
    *COMMON,
    Sent("POST", "/notes", _JSON, b'{"text": "hi"}'),
    Sent("POST", "/notes", _JSON, b'{"text": 1}'),
    Sent("POST", "/notes", _JSON, b"{"),
    Sent("GET", "/openapi.json"),
    Sent("GET", "/docs"),
]
WEBSOCKETS = SOCKETS
