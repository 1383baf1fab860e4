"""``setup.monitor``: the end of each response, and the figures of the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import pytest

from turnbuckle import App, Request, ResponseEnd, ServerFigures, Setup, Stream, WebSocket
from turnbuckle.settings import Settings
from turnbuckle.testing import Client


class Monitored:
    """An app that stores the end of each response."""

    def __init__(self) -> None:
        self.ends: list[ResponseEnd] = []
        self.release = asyncio.Event()
        self.figures: Callable[[], ServerFigures]
        self.app = app = App(plugins=["websocket"])
        app.lifespan(self.watch)

        @app.post("/echo/{name}")
        async def echo(request: Request, name: str) -> bytes:
            return await request.read()

        @app.get("/stream")
        async def stream(request: Request) -> Stream:
            return Stream(self._pieces())

        @app.get("/figures")
        async def figures(request: Request) -> str:
            return str(self.figures().requests)

        @app.websocket("/chat")
        async def chat(socket: WebSocket) -> None:
            async for text in socket:
                await socket.send(text)

    async def watch(self, setup: Setup) -> AsyncIterator[None]:
        self.figures = setup.monitor(self.ends.append)
        yield

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield b"abc"
        await self.release.wait()
        yield b"def"

    def told(self) -> list[tuple[str, int, str, int, int]]:
        return [
            (
                end.request.route.path if end.request is not None and end.request.route is not None else "",
                end.status,
                end.outcome,
                end.received_bytes,
                end.sent_bytes,
            )
            for end in self.ends
        ]


async def test_monitor_sees_each_response_at_its_end() -> None:
    monitored = Monitored()
    async with Client(monitored.app) as client:
        await client.post("/echo/a", content=b"12345")
        await client.post("/echo/a", content=_chunks())
        assert (await client.get("/figures")).text == "1"
        await client.get("/none")
        async with client.stream("GET", "/stream") as response:
            pieces = response.stream()
            assert await anext(pieces) == b"abc"
            assert len(monitored.ends) == 4
            assert monitored.figures().requests == 1
            await client.advance(2)
            monitored.release.set()
            assert await anext(pieces) == b"def"
        assert monitored.figures().requests == 0
    assert monitored.told() == [
        ("/echo/{name}", 200, "complete", 5, 5),
        ("/echo/{name}", 200, "complete", 4, 4),
        ("/figures", 200, "complete", 0, 1),
        ("", 404, "complete", 0, 9),
        ("/stream", 200, "complete", 0, 6),
    ]
    assert monitored.ends[-1].seconds == pytest.approx(2.0)


async def _chunks() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cd"


async def test_monitor_sees_refused_requests_and_their_reason() -> None:
    monitored = Monitored()
    async with Client(monitored.app) as client:
        await client.raw(b"GET / HTTP/1.1\r\n\r\n")
        await client.raw(b"NONSENSE\r\n\r\n")
    assert [(end.request, end.status, end.outcome, bool(end.reason)) for end in monitored.ends] == [
        (None, 400, "refused", True)
    ] * 2


async def test_monitor_sees_both_ends_of_a_websocket() -> None:
    monitored = Monitored()
    async with Client(monitored.app) as client, client.websocket("/chat") as socket:
        await socket.send("abc")
        assert await socket.receive() == "abc"
        assert monitored.told() == [("/chat", 101, "complete", 0, 0)]
        assert monitored.figures().requests == 0
        assert monitored.figures().connections == 1
        await client.advance(5)
    (_, status, outcome, _, sent) = monitored.told()[1]
    assert (status, outcome, sent) == (101, "closed", 5)
    assert monitored.ends[1].seconds == pytest.approx(5.0)


async def test_figures_of_connections() -> None:
    monitored = Monitored()
    async with Client(monitored.app, settings={"capacity": {"connections": 1}}) as client:
        first = client.connect()
        second = client.connect()
        await client.advance(0)
        figures = monitored.figures()
        assert (figures.connections, figures.accepted, dict(figures.rejected)) == (1, 1, {503: 1, 429: 0})
        assert figures.response_work == 0
        del first, second
    assert monitored.told() == [("", 503, "refused", 0, 20)]


async def test_exception_of_a_monitor_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.lifespan
    async def watch(setup: Setup) -> AsyncIterator[None]:
        setup.monitor(lambda end: 1 / 0)
        yield

    async with Client(app, raise_exceptions=False) as client:
        with caplog.at_level(logging.ERROR, "turnbuckle.server"):
            assert (await client.get("/")).status == 404
    assert "a monitor failed at the end of GET /" in caplog.text


async def test_monitor_works_beside_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    monitored = Monitored()
    with caplog.at_level(logging.INFO, "turnbuckle.access"):
        async with Client(monitored.app, settings={"log": {"access": True}}) as client:
            await client.get("/none")
    assert len(monitored.ends) == 1


def test_monitor_needs_a_lifespan() -> None:
    with pytest.raises(LookupError, match="needs a server"):
        Setup(settings=Settings()).monitor(print)
