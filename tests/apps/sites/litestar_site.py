"""A site on Litestar."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, WebSocket, get, post, websocket
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import File, Redirect, Response, Stream

from tests.apps.sites.requests import COMMON, SOCKETS

Multipart = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
UrlEncoded = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/", media_type=MediaType.HTML)
async def page() -> str:
    return "<h1>page</h1>"


@get("/items/{number:int}")
async def item(number: int, request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"id": number, "q": request.query_params.getall("q")}


@get("/paths/{rest:path}")
async def paths(rest: str) -> dict[str, str]:
    return {"rest": str(rest)}


@post("/form")
async def form(data: UrlEncoded) -> dict[str, Any]:
    return data


@post("/upload")
async def upload(data: Multipart) -> list[Any]:
    file = data["file"]
    assert isinstance(file, UploadFile)
    return [data["note"], file.filename, len(await file.read())]


@post("/echo")
async def echo(request: Request[Any, Any, Any]) -> dict[str, int]:
    return {"size": len(await request.body())}


@get("/stream")
async def stream() -> Stream:
    async def pieces() -> AsyncIterator[str]:
        for number in range(10):
            yield f"line {number}\n" * 100

    return Stream(pieces(), media_type="text/plain")


@get("/redirect")
async def redirect() -> Redirect:
    return Redirect("/items/5")


@get("/error")
async def error() -> None:
    raise ValueError("broken")


@get("/cookies")
async def cookies(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    response = Response({"cookies": request.cookies, "names": request.headers.getall("x-name", [])})
    response.set_cookie("c", "3")
    return response


@get("/empty", status_code=204)
async def empty() -> None:
    return None


@get("/file")
async def file() -> File:
    return File(Path(__file__).with_name("requests.py"))


@websocket("/ws")
async def socket(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    for _ in range(3):
        message = await socket.receive()
        if message.get("text") is not None:  # type: ignore[union-attr]
            await socket.send_text(message["text"].upper())  # type: ignore[index, union-attr]
        else:
            await socket.send_bytes(message["bytes"])  # type: ignore[index, arg-type]
    await socket.close(4001, "enough")


app = Litestar(
    [page, item, paths, form, upload, echo, stream, redirect, error, cookies, empty, file, socket], openapi_config=None
)

REQUESTS = COMMON
WEBSOCKETS = SOCKETS
