"""A protocol of a plugin serves connections that begin with its preface, or that negotiated its ALPN name."""

from __future__ import annotations

import asyncio

import pytest

from tests.core.server.streams.line_protocol import PREFACE, LinesPlugin
from turnbuckle import App, Request, Response
from turnbuckle.testing import Client


def _app() -> App:
    app = App(plugins=[LinesPlugin])

    @app.get("/")
    async def index(request: Request) -> str:
        return f"{request.http_version} {request.peer.protocol} {request.method}"

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.read())

    @app.get("/boom")
    async def boom() -> str:
        raise ValueError("boom")

    @app.get("/wait")
    async def wait() -> str:
        await asyncio.Event().wait()
        return "never"

    return app


async def test_preface_chooses_the_protocol() -> None:
    async with Client(_app()) as client:
        connection = client.connect()
        await connection.send(PREFACE + b"GET /\nPOST /echo hello world\nGET /none\n")
        assert connection.received == b"1: 200 1 LINES/1 GET\n2: 200 hello world\n3: 404 Not Found\n"


@pytest.mark.parametrize("pieces", [1, 5, 200])
async def test_http_is_served_on_the_same_listener(pieces: int) -> None:
    data = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    async with Client(_app()) as client:
        connection = client.connect()
        for start in range(0, len(data), pieces):
            await connection.send(data[start : start + pieces])
        assert connection.received.endswith(b"1.1 HTTP/1.1 GET")
        assert connection.statuses == [200]
