"""Deadlines of handlers, with a fake clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from turnbuckle import App, Plugin, Request, StartupError, WebSocket
from turnbuckle.testing import Client, FakeClock
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.timeout import TimeoutPlugin


class TestTimeoutPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return TimeoutPlugin()


class TestTimeoutMiddleware(MiddlewareConformance):
    plugin = TimeoutPlugin


class _Waiting:
    """An app whose handlers wait, and the clock of their deadlines."""

    def __init__(self, **config: object) -> None:
        self.clock = FakeClock()
        self.go = asyncio.Event()
        self.cancelled: list[str] = []
        self.app = App(plugins=["request_id", (TimeoutPlugin(lambda: self.clock), config)])
        self.app.get("/")(self.wait)
        self.app.get("/quick", options={"timeout": 2})(self.wait)
        self.app.get("/endless", options={"timeout": False})(self.wait)

        @self.app.get("/stubborn")
        async def stubborn(request: Request) -> str:
            try:
                await self.wait(request)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            return "late"

        @self.app.get("/stream")
        async def stream(request: Request) -> AsyncIterator[str]:
            yield "first "
            await self.go.wait()
            yield "last"

    async def wait(self, request: Request) -> str:
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.path)
            raise
        return "done"


async def test_handler_that_takes_too_long_is_cancelled_and_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    waiting = _Waiting(seconds=30)
    async with Client(waiting.app) as client:
        request = asyncio.ensure_future(client.get("/"))
        await waiting.clock.advance(29.5)
        assert not request.done()
        await waiting.clock.advance(1.5)
        response = await request
        assert (response.status, response.headers["content-type"]) == (503, "application/problem+json")
        assert response.json() == {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "the server took too long to answer; try again later",
        }
        assert "x-request-id" in response.headers
        assert waiting.cancelled == ["/"]
        waiting.go.set()
        assert (await client.get("/")).text == "done"
        assert "connection" not in response.headers
    assert "GET / was cancelled after 30 s" in caplog.text


async def test_status_may_be_504() -> None:
    waiting = _Waiting(seconds=1, status=504)
    async with Client(waiting.app) as client:
        request = asyncio.ensure_future(client.get("/"))
        await waiting.clock.advance(3)
        assert (await request).status == 504


async def test_option_of_the_route_takes_precedence() -> None:
    waiting = _Waiting(seconds=0)
    async with Client(waiting.app) as client:
        requests = {path: asyncio.ensure_future(client.get(path)) for path in ("/", "/quick", "/endless")}
        await waiting.clock.advance(1000)
        assert (await requests["/quick"]).status == 503
        waiting.go.set()
        assert [(await requests[path]).text for path in ("/", "/endless")] == ["done", "done"]


async def test_stream_may_take_longer() -> None:
    waiting = _Waiting(seconds=1)
    async with Client(waiting.app) as client, client.stream("GET", "/stream") as response:
        pieces = response.stream()
        assert await anext(pieces) == b"first "
        await waiting.clock.advance(100)
        waiting.go.set()
        assert await anext(pieces) == b"last"


async def test_websocket_may_take_longer() -> None:
    clock = FakeClock()
    app = App(plugins=["websocket", (TimeoutPlugin(lambda: clock), {"seconds": 1})])

    @app.websocket("/chat")
    async def chat(socket: WebSocket) -> None:
        async for message in socket:
            await socket.send(message)

    async with Client(app) as client, client.websocket("/chat") as socket:
        await clock.advance(100)
        await socket.send("still there")
        assert await socket.receive() == "still there"


async def test_handler_that_survives_its_cancellation_answers_itself() -> None:
    waiting = _Waiting(seconds=1)
    async with Client(waiting.app) as client:
        request = asyncio.ensure_future(client.get("/stubborn"))
        await waiting.clock.advance(3)
        assert (await request).text == "late"


async def test_client_that_leaves_at_the_same_time_gets_no_answer() -> None:
    waiting = _Waiting(seconds=1)
    application = waiting.app.compile()
    async with Client(application, raise_exceptions=False) as client:
        connection = client.connect()
        connection.post(b"GET / HTTP/1.1\r\nHost: testserver\r\n\r\n")
        await client.settle()
        await connection.reset()
        await waiting.clock.advance(3)
        await client.settle()
    assert waiting.clock.pending == 0


async def test_timer_ends_with_the_last_request() -> None:
    waiting = _Waiting(seconds=30)
    waiting.go.set()
    async with Client(waiting.app) as client:
        for _ in range(3):
            await client.get("/")
        assert waiting.clock.pending == 1
        await waiting.clock.advance(2)
    assert waiting.clock.pending == 0


@pytest.mark.parametrize("config", [{"seconds": -1}, {"status": 500}])
def test_settings_are_checked(config: dict[str, object]) -> None:
    with pytest.raises(StartupError):
        App(plugins=[("timeout", config)]).resolve()


@pytest.mark.parametrize("value", [0, -1, True, "5", float("nan"), float("inf")])
def test_option_is_checked(value: object) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=["timeout"], options={"timeout": value}).resolve()
    assert "write a positive number of seconds, or False for no deadline" in str(caught.value.problems[0])
