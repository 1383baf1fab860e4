from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from turnbuckle import App
from turnbuckle.http.limits import Limits
from turnbuckle.server.model.application import Application, ReadyLifespan
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.testing import Client, FakeClock, IncompleteResponse
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import JSON, Response, Stream, Text

MakeApplication = Callable[..., Application]


async def _describe(request: Request) -> Response:
    content = await request.read()
    return JSON(
        {
            "method": request.method,
            "target": request.target,
            "headers": list(request.headers.items()),
            "content": content.decode(),
            "client": request.client,
            "scheme": request.scheme,
        }
    )


def _described(content: bytes) -> dict[str, object]:
    value = json.loads(content)
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
async def test_client_sends_each_method(make_application: MakeApplication, method: str) -> None:
    async with Client(make_application(_describe)) as client:
        response = await getattr(client, method)("/a", params={"b": "c"})

    description = _described(response.content)
    assert (description["method"], description["target"]) == (method.upper(), "/a?b=c")
    assert (response.status, response.reason_phrase, response.http_version) == (200, "OK", "1.1")
    assert (response.method, response.url) == (method.upper(), "http://testserver/a?b=c")


async def test_client_reads_no_content_for_head(make_application: MakeApplication) -> None:
    async with Client(make_application(_describe)) as client:
        response = await client.head("/")
        after = await client.get("/")

    assert (response.content, int(response.headers["content-length"]) > 0) == (b"", True)
    assert after.status == 200


@pytest.mark.parametrize(
    ("options", "content"),
    [
        pytest.param({"json": {"a": 1}}, '{"a":1}', id="json"),
        pytest.param({"data": {"a": "b c"}}, "a=b+c", id="form"),
        pytest.param({"content": b"bytes"}, "bytes", id="raw"),
        pytest.param({"content": "text"}, "text", id="text"),
        pytest.param({"content": "text", "headers": {"Expect": "100-continue"}}, "text", id="continue"),
        pytest.param({"content": b"x" * 300_000}, "x" * 300_000, id="large"),
    ],
)
async def test_client_sends_content(
    make_application: MakeApplication, options: dict[str, object], content: str
) -> None:
    async with Client(make_application(_describe)) as client:
        response = await client.request("POST", "/", **options)  # type: ignore[arg-type]  # a table holds any option

    assert _described(response.content)["content"] == content


async def test_client_streams_content_no_faster_than_it_is_read(make_application: MakeApplication) -> None:
    go, made = asyncio.Event(), list[int]()

    async def answer(request: Request) -> Response:
        await go.wait()
        return Text(str(len(await request.read())))

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"x" * 10_000

    async with Client(make_application(answer)) as client:
        task = asyncio.create_task(client.post("/", content=pieces()))
        await client.settle()
        before = len(made)
        go.set()
        response = await task

    assert 10 < before < 50
    assert (response.text, len(made)) == ("1000000", 100)


async def test_client_stops_sending_when_the_answer_comes_first(make_application: MakeApplication) -> None:
    made, closed = list[int](), list[bool]()

    async def answer(request: Request) -> Response:
        return Response(status=403)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            for number in range(10_000):
                made.append(number)
                yield b"x" * 10_000
        finally:
            closed.append(True)

    async with Client(make_application(answer)) as client:
        response = await client.post("/", content=pieces())
        after = await client.get("/")

    assert (response.status, after.status) == (403, 403)
    assert len(made) < 10_000


async def test_client_does_not_send_content_that_was_refused(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        return Response(status=413)

    made = list[bytes]()

    async def pieces() -> AsyncIterator[bytes]:
        made.append(b"x")
        yield b"x"

    async with Client(make_application(answer)) as client:
        response = await client.post("/", content=pieces(), headers={"Expect": "100-continue"})

    assert (response.status, made) == (413, [])


async def test_client_raises_what_the_content_raises(make_application: MakeApplication) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"
        raise LookupError("no more")

    async with Client(make_application()) as client:
        with pytest.raises(LookupError, match="no more"):
            await client.post("/", content=pieces())


async def test_client_uses_one_connection_as_long_as_it_can(make_application: MakeApplication) -> None:
    peers = list[object]()

    async def answer(request: Request) -> Response:
        peers.append(request.peer)
        return Response(headers={"Connection": "close"} if request.path == "/close" else None)

    async with Client(make_application(answer)) as client:
        for path in ("/", "/", "/close", "/"):
            await client.get(path)
        await asyncio.gather(client.get("/"), client.get("/"))
        await client.advance(60)
        await client.get("/")

    first, second, third, fourth, fifth, sixth, seventh = (id(peer) for peer in peers)
    assert first == second == third != fourth
    assert fourth in (fifth, sixth)
    assert fifth != sixth
    assert seventh not in (first, fifth, sixth)


async def test_client_says_where_requests_come_from(make_application: MakeApplication) -> None:
    async with Client(make_application(_describe), base_url="https://example.com", client=("10.0.0.9", 80)) as client:
        tcp = _described((await client.get("/")).content)
    async with Client(make_application(_describe), client=None) as client:
        unix = _described((await client.get("/")).content)

    assert (tcp["client"], tcp["scheme"]) == (["10.0.0.9", 80], "https")
    assert (unix["client"], unix["scheme"]) == (None, "http")


async def test_client_sends_its_headers_with_every_request(make_application: MakeApplication) -> None:
    async with Client(make_application(_describe), headers={"X-A": "1", "Accept": "text/html"}) as client:
        description = _described((await client.get("/", headers={"X-B": "2"})).content)

    assert description["headers"] == [
        ["host", "testserver"],
        ["user-agent", "turnbuckle-testing"],
        ["x-a", "1"],
        ["accept", "text/html"],
        ["x-b", "2"],
    ]


async def test_client_keeps_cookies_and_removes_them_on_request(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        response = JSON(dict(request.cookies))
        if request.path == "/in":
            response.set_cookie("session", "s3cret")
            response.set_cookie("short", "1", max_age=10)
        elif request.path == "/out":
            response.delete_cookie("session")
        return response

    async with Client(make_application(answer), cookies={"first": "1"}) as client:
        came_in = await client.get("/in", cookies={"once": "2"})
        within = await client.get("/")
        await client.advance(10)
        later = await client.get("/out")
        after = await client.get("/")

    assert came_in.cookies == {"session": "s3cret", "short": "1"}
    assert [response.json() for response in (came_in, within, later, after)] == [
        {"first": "1", "once": "2"},
        {"first": "1", "session": "s3cret", "short": "1"},
        {"first": "1", "session": "s3cret"},
        {"first": "1"},
    ]


async def test_response_gives_text_json_and_headers(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        response = Response('{"é": 1}'.encode("latin-1"), content_type="application/json; charset=latin-1")
        response.headers.add("X-Many", "1")
        response.headers.add("x-many", "2")
        return response

    async with Client(make_application(answer)) as client:
        response = await client.get("/")

    assert response.text == '{"é": 1}'
    assert response.charset == "latin-1"
    assert (response.headers["X-MANY"], response.headers.get_list("x-many")) == ("1", ["1", "2"])
    with pytest.raises(ValueError, match="utf-8"):
        response.json()


async def test_client_waits_for_handlers_in_threads_and_real_time(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(0.002)
        return Text(await asyncio.to_thread(lambda: "from a thread"))

    async with Client(make_application(answer)) as client:
        assert (await client.get("/")).text == "from a thread"


async def test_client_has_the_threads_of_the_settings() -> None:
    app = App()
    names: set[str] = set()
    both = threading.Barrier(2)

    @app.get("/wait")
    def wait(seconds: float) -> str:
        # In one thread, the second request would wait until the first one gives up.
        names.add(threading.current_thread().name)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(seconds)
        return "broken" if both.broken else "met"

    @app.post("/upload")
    def upload(request: Request) -> str:
        return f"{len(request.sync.read())}"

    async with Client(app, settings={"server": {"threads": 1}}) as client:
        first, second = await asyncio.gather(client.get("/wait?seconds=0.05"), client.get("/wait?seconds=0.05"))
        assert (first.text, second.text) == ("broken", "broken")
        assert len(names) == 1
        # A thread that waits for content does not count.
        connection = client.connect()
        await connection.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n12")
        assert (await client.get("/wait?seconds=0")).text == "broken"
        await connection.send(b"34", settle=False)
        await connection.until(1)
        assert connection.exchange().responses[0].text == "4"
    both.reset()
    async with Client(app) as client:
        first, second = await asyncio.gather(client.get("/wait?seconds=4"), client.get("/wait?seconds=4"))
        assert (first.text, second.text) == ("met", "met")


async def test_client_that_waits_in_vain_fails(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        await asyncio.Event().wait()
        return Response()

    began = time.monotonic()
    async with Client(make_application(answer), timeout=0.02) as client:
        with pytest.raises(TimeoutError, match="a response"):
            await client.get("/")

    assert time.monotonic() - began < 5


async def test_client_reports_a_response_that_is_cut(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            raise RuntimeError("broken")

        return Stream(pieces())

    async with Client(make_application(answer), raise_exceptions=False) as client:
        with pytest.raises(IncompleteResponse):
            await client.get("/")


# -- streams


async def test_stream_lets_the_server_write_as_it_is_read(make_application: MakeApplication) -> None:
    made, closed = list[int](), list[bool]()

    async def answer(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    made.append(1)
                    yield b"x" * 10_000
            finally:
                closed.append(True)

        response = Stream(pieces(), headers={"X-A": "1"})
        response.set_cookie("a", "b")
        return response

    async with Client(make_application(answer)) as client:
        async with client.stream("GET", "/") as response:
            await client.settle()
            before = len(made)
            async for _ in response.stream():
                if len(response.content) > 500_000:
                    break
        await client.settle()

    assert (response.status, response.reason_phrase, response.http_version) == (200, "OK", "1.1")
    assert (response.headers["x-a"], response.cookies, response.interim) == ("1", {"a": "b"}, ())
    assert (before < 30, 50 < len(made) < 100, closed) == (True, True, [True])
    assert client.cookies["a"] == "b"


async def test_stream_can_be_read_to_its_end(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client, client.stream("POST", "/", content=b"x" * 200_000) as response:
        content = await response.read()

    assert (len(content), content == response.content, len(response.trailers)) == (200_000, True, 0)


async def test_stream_that_is_cut_raises_where_it_is_read(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            raise RuntimeError("broken")

        return Stream(pieces())

    async with (
        Client(make_application(answer), raise_exceptions=False) as client,
        client.stream("GET", "/") as response,
    ):
        with pytest.raises(IncompleteResponse):
            await response.read()

    assert response.content == b"one"


# -- what surrounds requests


async def test_client_runs_lifespans_in_order_and_leaves_them_in_reverse(make_application: MakeApplication) -> None:
    seen = list[str]()

    def lifespan(name: str) -> ReadyLifespan:
        @asynccontextmanager
        async def context(start: object) -> AsyncIterator[None]:
            seen.append(f"enter {name}")
            yield
            seen.append(f"leave {name}")

        return ReadyLifespan(name=name, context=context)

    async with Client(make_application(lifespans=(lifespan("a"), lifespan("b")))) as client:
        await client.get("/")
        seen.append("response")

    assert seen == ["enter a", "enter b", "response", "leave b", "leave a"]


async def test_client_cancels_handlers_when_it_is_left(make_application: MakeApplication) -> None:
    seen = list[str]()

    async def answer(request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return Response()

    async with Client(make_application(answer)) as client:
        await client.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert seen == ["cancelled"]


async def test_client_has_limits_and_timeouts_of_its_own(make_application: MakeApplication) -> None:
    limits, timeouts = Limits(content=3), Timeouts(head=1)
    async with Client(make_application(), limits=limits, timeouts=timeouts) as client:
        too_large = await client.raw(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd")
        connection = client.connect()
        await client.advance(2)

    assert client.application.limits is limits
    assert (too_large.statuses[0] >= 400, connection.statuses) == (True, [408])


async def test_client_moves_the_clock_of_the_server(make_application: MakeApplication) -> None:
    clock = FakeClock(start=0.0)
    async with Client(make_application(), clock=clock) as client:
        first = await client.get("/")
        await client.advance(61)
        second = await client.get("/")

    assert (first.headers["date"], second.headers["date"]) == (
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:01:01 GMT",
    )


async def test_client_lets_a_server_drain(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client:
        connection = client.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.server.begin_drain()
        await client.settle()

    assert (connection.statuses, connection.is_closed) == ([200], True)


async def test_client_that_is_not_open_says_so(make_application: MakeApplication) -> None:
    client = Client(make_application())

    with pytest.raises(RuntimeError, match="async with"):
        await client.get("/")
    async with client:
        with pytest.raises(RuntimeError, match="already open"):
            await client.__aenter__()
        assert client.is_open
    assert not client.is_open


async def test_client_can_be_opened_again(make_application: MakeApplication) -> None:
    client = Client(make_application())
    for _ in range(2):
        async with client:
            assert (await client.get("/")).status == 200


def test_client_works_on_uvloop(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        return Text(await asyncio.to_thread(lambda: "from a thread"))

    async def fetch() -> tuple[str, bytes]:
        async with Client(make_application(answer), raise_exceptions=False) as client:
            exchange = await client.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", split="bytewise")
            return (await client.get("/")).text, exchange.response.content

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(fetch()) == ("from a thread", b"from a thread")
