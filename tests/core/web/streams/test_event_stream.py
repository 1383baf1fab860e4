"""An event stream ends with its client or its server, and stores no more than its bound."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterable, AsyncIterator

import pytest

from turnbuckle import SSE, App, Request, Response, ServerSentEvent
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.testing import Client

_GET = b"GET / HTTP/1.1\r\nHost: a.example\r\nAccept: text/event-stream\r\n\r\n"


class _Source:
    """Events of a test, and what happens to their iterator."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()
        self.steps: list[str] = []
        self.taken = 0

    async def events(self) -> AsyncIterator[object]:
        self.steps.append("begun")
        try:
            while (event := await self.queue.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                self.taken += 1
                yield event
        finally:
            self.steps.append("closed")


def _app(source: _Source, *, keep_alive: float = 15.0) -> App:
    app = App()

    @app.get("/")
    async def stream(request: Request) -> Response:
        return SSE(source.events(), keep_alive=keep_alive)

    return app


async def test_events_are_sent_when_they_happen() -> None:
    source = _Source()
    async with Client(_app(source)) as client:
        connection = client.connect()
        await connection.send(_GET)
        head = connection.received
        assert b"\r\nContent-Type: text/event-stream\r\n" in head
        assert b"\r\nCache-Control: no-store\r\n" in head
        assert b"\r\nX-Accel-Buffering: no\r\n" in head
        for event, sent in [
            ("a", b"9\r\ndata: a\n\n\r\n"),
            ({"n": 1}, b'f\r\ndata: {"n":1}\n\n\r\n'),
            (ServerSentEvent("b", id="2"), b"f\r\nid: 2\ndata: b\n\n\r\n"),
        ]:
            received = connection.received
            source.queue.put_nowait(event)
            await connection.settle()
            assert connection.received == received + sent
        source.queue.put_nowait(None)
        await connection.settle()
        assert connection.received.endswith(b"0\r\n\r\n")
        assert source.steps == ["begun", "closed"]
        assert client.clock.pending == 1  # the sweep of the connections


async def test_comment_is_sent_when_no_event_happens() -> None:
    source = _Source()
    async with Client(_app(source)) as client:
        connection = client.connect()
        await connection.send(_GET)
        await client.advance(14.9)
        assert b":\n\n" not in connection.received
        await client.advance(0.1)
        await connection.settle()
        assert connection.received.endswith(b"3\r\n:\n\n\r\n")
        await client.advance(10)
        source.queue.put_nowait("a")
        await connection.settle()
        await client.advance(14.9)
        assert connection.received.count(b":\n\n") == 1
        await client.advance(0.1)
        await connection.settle()
        assert connection.received.count(b":\n\n") == 2
        assert source.steps == ["begun"]


async def test_comments_can_be_off() -> None:
    source = _Source()
    async with Client(_app(source, keep_alive=0)) as client:
        connection = client.connect()
        await connection.send(_GET)
        await client.advance(100)
        assert connection.received.endswith(b"\r\n\r\n")
        assert client.clock.pending == 1


@pytest.mark.parametrize("how", ["reset", "half_close"])
async def test_iterator_is_closed_when_the_client_disconnects(how: str, caplog: pytest.LogCaptureFixture) -> None:
    source = _Source()
    async with Client(_app(source), settings={"log": {"access": True}}) as client:
        connection = client.connect()
        await connection.send(_GET)
        assert source.steps == ["begun"]
        with caplog.at_level(logging.INFO, "turnbuckle.access"):
            await getattr(connection, how)()
            await connection.settle()
        assert source.steps == ["begun", "closed"]
        assert connection.is_lost
        assert "disconnected" in caplog.text
        await client.advance(1)
        assert client.clock.pending == 0


async def test_other_streams_go_on_for_a_client_that_sends_no_more() -> None:
    source = _Source()
    app = App()

    @app.get("/")
    async def stream(request: Request) -> AsyncIterator[str]:
        async for event in source.events():
            yield str(event)

    async with Client(app) as client:
        connection = client.connect()
        await connection.send(_GET)
        await connection.half_close()
        source.queue.put_nowait("abc")
        source.queue.put_nowait(None)
        await connection.settle()
        assert connection.responses[0].content == b"abc"


@pytest.mark.parametrize("when", ["during", "before"])
async def test_stream_ends_properly_when_the_server_stops(when: str) -> None:
    source = _Source()
    async with Client(_app(source)) as client:
        connection = client.connect()
        await connection.settle()
        if when == "before":
            client.server.begin_drain(1.0)
        await connection.send(_GET)
        if when == "during":
            source.queue.put_nowait("last")
            await connection.settle()
            client.server.begin_drain(1.0)
        await connection.settle()
        response = connection.responses[0]
        assert response.content == (b"data: last\n\n" if when == "during" else b"")
        assert source.steps == (["begun", "closed"] if when == "during" else [])
        await client.advance(1.0)
        await connection.settle()
        assert connection.is_closed
        assert not connection.was_reset


async def test_iterator_that_ignores_its_cancellation_is_not_asked_for_more() -> None:
    async def stubborn() -> AsyncIterator[str]:
        for number in range(10):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                yield f"no {number}"

    app = App()
    app.get("/")(lambda: SSE(stubborn()))
    async with Client(app) as client:
        connection = client.connect()
        await connection.send(_GET)
        client.server.begin_drain()
        await connection.settle()
        assert connection.responses[0].content == b"data: no 0\n\n"


async def test_iterator_that_does_not_end_is_cut_off_in_time() -> None:
    never = asyncio.Event()

    async def stuck() -> AsyncIterator[str]:
        try:
            await never.wait()
        finally:
            await never.wait()
        yield ""

    app = App()
    app.get("/")(lambda: SSE(stuck()))
    async with Client(app, timeouts=Timeouts(stream_shutdown=5)) as client:
        connection = client.connect()
        await connection.send(_GET)
        client.server.begin_drain()
        await client.advance(4)
        assert not connection.is_closed
        await client.advance(2)
        await connection.settle()
        assert connection.is_closed
        never.set()


async def test_slow_client_holds_the_iterator_back() -> None:
    source = _Source()
    event = "x" * 1000
    async with Client(_app(source)) as client:
        connection = client.connect()
        await connection.send(_GET)
        connection.pause_reading()
        for _ in range(1000):
            source.queue.put_nowait(event)
        await connection.settle()
        assert 0 < source.taken < 200
        await connection.resume_reading()
        source.queue.put_nowait(None)
        await connection.settle()
        assert connection.responses[0].content == f"data: {event}\n\n".encode() * 1000


async def test_slow_client_gets_no_comments() -> None:
    source = _Source()
    async with Client(_app(source), timeouts=Timeouts(write=0)) as client:
        connection = client.connect()
        await connection.send(_GET)
        connection.pause_reading()
        for _ in range(1000):
            source.queue.put_nowait("x" * 1000)
        await connection.settle()
        await client.advance(60)
        await connection.resume_reading()
        assert b":\n\n" not in connection.received
        await client.advance(15)
        await connection.settle()
        assert connection.received.endswith(b":\n\n\r\n")


async def test_exception_breaks_the_stream_off_after_the_events_before_it(caplog: pytest.LogCaptureFixture) -> None:
    source = _Source()
    async with Client(_app(source), raise_exceptions=False) as client:
        connection = client.connect()
        source.queue.put_nowait("a")
        source.queue.put_nowait(RuntimeError("no more"))
        await connection.send(_GET)
        assert b"data: a\n\n" in connection.received
        assert connection.exchange().is_cut
        assert source.steps == ["begun", "closed"]
        assert "no more" in caplog.text


async def test_data_without_json_breaks_the_stream_off(caplog: pytest.LogCaptureFixture) -> None:
    source = _Source()
    async with Client(_app(source), raise_exceptions=False) as client:
        connection = client.connect()
        source.queue.put_nowait(object())
        await connection.send(_GET)
        assert connection.exchange().is_cut
        assert source.steps == ["begun", "closed"]


async def test_head_begins_no_stream() -> None:
    source = _Source()
    async with Client(_app(source)) as client:
        response = await client.head("/")
        assert response.headers["content-type"] == "text/event-stream"
        assert source.steps == []


async def test_iterator_may_use_a_timeout() -> None:
    async def events() -> AsyncIterator[str]:
        try:
            async with asyncio.timeout(0.001):
                yield "a"
                await asyncio.Event().wait()
        except TimeoutError:
            yield "late"

    app = App()
    app.get("/")(lambda: SSE(events()))
    async with Client(app) as client:
        assert (await client.get("/")).content == b"data: a\n\ndata: late\n\n"


class _Closing:
    """An iterator without events, which cannot be closed."""

    def __aiter__(self) -> _Closing:
        return self

    async def __anext__(self) -> str:
        raise StopAsyncIteration

    async def aclose(self) -> None:
        raise RuntimeError("no end")


async def test_iterator_that_cannot_be_closed_breaks_the_stream_off(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    app.get("/")(lambda: SSE(_Closing()))
    async with Client(app, raise_exceptions=False) as client:
        assert (await client.raw(_GET)).is_cut
    assert "no end" in caplog.text


async def test_stream_outside_of_a_server_uses_the_clock_of_the_loop() -> None:
    source = _Source()
    body = SSE(source.events(), keep_alive=0.001).body
    assert isinstance(body, AsyncIterable)
    pieces = aiter(body)
    assert await anext(pieces) == b":\n\n"
    source.queue.put_nowait("a")
    assert await anext(pieces) == b"data: a\n\n"
    source.queue.put_nowait(None)
    assert [piece async for piece in pieces if piece != b":\n\n"] == []


async def test_own_fields_take_precedence() -> None:
    async def events() -> AsyncIterator[str]:
        yield "a"

    app = App()
    app.get("/")(lambda: SSE(events(), {"Cache-Control": "private", "X-Accel-Buffering": "yes"}))
    async with Client(app) as client:
        headers = (await client.get("/")).headers
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("private", "yes")


def test_plain_iterator_is_refused() -> None:
    with pytest.raises(
        TypeError, match=re.escape("SSE takes an async iterator of events, not list; write an 'async def'")
    ):
        SSE(["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), True])
def test_interval_of_comments_is_checked(seconds: float) -> None:
    with pytest.raises(ValueError, match="keep_alive must be a number of seconds of at least 0"):
        SSE(_Source().events(), keep_alive=seconds)


@pytest.mark.parametrize(
    ("sent", "read"), [(b"17", "17"), ("é☃".encode(), "é☃"), (b"\xff", "\ufffd")], ids=["ascii", "utf-8", "malformed"]
)
async def test_last_event_id_is_read(sent: bytes, read: str) -> None:
    app = App()
    app.get("/")(lambda request: request.last_event_id)
    async with Client(app) as client:
        exchange = await client.raw(_GET.replace(b"Accept", b"Last-Event-ID: " + sent + b"\r\nAccept"))
        assert exchange.response.text == read
        assert (await client.get("/")).content == b""
