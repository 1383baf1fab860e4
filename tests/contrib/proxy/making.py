"""Servers for the tests of the proxy: real sockets on both sides, and upstreams that send any bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs

from turnbuckle import App, HTTPServer, Request, Response, Stream, WebSocket

__all__ = ["Exchange", "answering", "echo_app", "exchange", "make_proxy", "raw_upstream", "serving"]

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[str]:
    async with HTTPServer(app.compile(), port=0) as server:
        yield f"127.0.0.1:{server.addresses[0].port}"  # type: ignore[union-attr]


@asynccontextmanager
async def raw_upstream(script: Script) -> AsyncIterator[str]:
    """Serve connections with a script that reads and writes bytes."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def answering(content: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(content)
        await writer.drain()

    return script


def make_proxy(*authorities: str, at: str = "/up", base: str = "", **settings: object) -> App:
    app = App(plugins=["websocket"] if settings.get("websockets") else [])
    urls = [f"http://{authority}{base}" for authority in authorities]
    app.install("proxy", at=at, settings={"upstreams": urls, **settings})
    return app


def echo_app() -> App:
    """An upstream that describes the requests that it gets."""
    app = App(plugins=["websocket"])

    @app.route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def echo(request: Request, path: str) -> Response:
        content = await request.read()
        fields = [[name, value] for name, value in request.headers.items()]
        described = {
            "method": request.method,
            "target": request.target,
            "fields": fields,
            "content": content.decode("latin-1"),
        }
        return Response(json.dumps(described), content_type="application/json")

    @app.get("/pieces")
    async def pieces() -> Stream:
        async def generate() -> AsyncIterator[bytes]:
            for number in range(3):
                yield b"%d" % number

        return Stream(generate())

    @app.get("/redirect")
    async def redirect(request: Request) -> Response:
        return Response(b"", 302, {"Location": request.query_params["to"]})

    @app.get("/cookies")
    async def cookies() -> Response:
        response = Response(b"x", headers=[("Connection", "X-Secret, close"), ("X-Secret", "1")])
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept("b" if "b" in socket.subprotocols else None)
        async for message in socket:
            if message == "close":
                await socket.close(4001, "enough")
                return
            await socket.send(message)

    return app


@attrs.frozen
class Exchange:
    status: int
    headers: list[tuple[str, str]]
    content: bytes
    is_complete: bool

    def json(self) -> Any:
        return json.loads(self.content)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def fields(self) -> dict[str, str]:
        """Return the fields that the upstream has received."""
        return {name.lower(): value for name, value in self.json()["fields"]}


async def exchange(authority: str, request: bytes) -> Exchange:
    """Send a request, and read the response up to the end of the connection."""
    host, _, port = authority.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        async with asyncio.timeout(20):
            received = await reader.read(-1)
    except ConnectionResetError:
        received = b""
    finally:
        writer.close()
    head, _, rest = received.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, _, rest = rest.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    status = int(first.split()[1]) if first else 0
    by_name = dict(headers)
    if by_name.get("transfer-encoding") == "chunked":
        content, is_complete = _dechunk(rest)
    else:
        content, is_complete = rest, len(rest) == int(by_name.get("content-length", len(rest)))
    return Exchange(status, headers, content, is_complete)


def _dechunk(rest: bytes) -> tuple[bytes, bool]:
    content = b""
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line, 16)
        if not size:
            return content, True
        content, rest = content + rest[:size], rest[size + 2 :]
    return content, False
