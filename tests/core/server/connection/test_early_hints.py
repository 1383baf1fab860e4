"""103 precedes the response to its request, and is never sent to a client that would take it for the response."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from turnbuckle import App, Request, Response, Stream, Timeouts
from turnbuckle.testing import Client

_GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
_STYLE = "</style.css>; rel=preload; as=style"
_SCRIPT = "</é?a=b,c>; rel=preload; as=script"


def _app(handler: Callable[[Request], object]) -> App:
    app = App()
    app.get("/")(handler)
    return app


async def test_hints_are_sent_at_once() -> None:
    gate = asyncio.Event()

    async def handler(request: Request) -> str:
        assert await request.early_hints([_STYLE, _SCRIPT])
        await gate.wait()
        return "hello"

    async with Client(_app(handler)) as client:
        connection = client.connect()
        await connection.send(_GET)
        hints = (
            b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n"
            b"Link: </\xe9?a=b,c>; rel=preload; as=script\r\n\r\n"
        )
        assert connection.received == hints
        gate.set()
        await connection.settle()
        assert connection.received.startswith(hints + b"HTTP/1.1 200 OK\r\n")


async def test_client_for_tests_shows_hints() -> None:
    async def handler(request: Request) -> str:
        await request.early_hints(_STYLE)
        await request.early_hints([_SCRIPT])
        return "hello"

    async with Client(_app(handler)) as client:
        response = await client.get("/")
        assert [(hint.status, hint.headers.get_list("link")) for hint in response.interim] == [
            (103, [_STYLE]),
            (103, [_SCRIPT]),
        ]
        assert "link" not in response.headers


async def test_plain_handler_sends_hints_from_its_thread() -> None:
    def handler(request: Request) -> str:
        assert request.sync.early_hints([_STYLE])
        return "hello"

    async with Client(_app(handler)) as client:
        assert [hint.headers["link"] for hint in (await client.get("/")).interim] == [_STYLE]


async def test_hints_of_pipelined_requests_precede_their_responses() -> None:
    async def handler(request: Request) -> str:
        await asyncio.sleep(0)
        await request.early_hints([f"</{request.query}>; rel=preload"])
        await asyncio.sleep(0)
        return request.query

    async with Client(_app(handler)) as client:
        exchange = await client.raw(b"".join(_GET.replace(b"/ ", b"/?%d " % number) for number in range(3)))
    assert exchange.statuses == [103, 200] * 3
    links = [response.interim[0].headers["link"] for response in exchange.responses]
    assert links == [f"</{number}>; rel=preload" for number in range(3)]


async def test_old_client_gets_no_hints() -> None:
    sent = []

    async def handler(request: Request) -> str:
        sent.append(await request.early_hints([_STYLE]))
        return "hello"

    async with Client(_app(handler)) as client:
        exchange = await client.raw(b"GET / HTTP/1.0\r\n\r\n")
    assert exchange.statuses == [200]
    assert sent == [False]


@pytest.mark.parametrize(
    ("links", "error"),
    [
        pytest.param(["</a>; rel=x\r\nX-A: b"], "contains a character that cannot be sent", id="injection"),
        pytest.param(["</\u2603>"], "contains a character that cannot be sent", id="beyond-latin-1"),
        pytest.param(["/style.css; rel=preload"], "write '</style.css>; rel=preload'", id="no-brackets"),
        pytest.param(["</a b>"], "has no angle brackets", id="space"),
        pytest.param([3], "write a str", id="type"),
    ],
)
async def test_links_are_checked(links: Iterable[str], error: str) -> None:
    async def handler(request: Request) -> str:
        await request.early_hints(links)
        return "hello"

    async with Client(_app(handler)) as client:
        with pytest.raises((ValueError, TypeError), match=re.escape(error)):
            await client.get("/")
        assert (await client.raw(_GET)).statuses == [500]


async def test_hints_after_the_head_are_an_error() -> None:
    errors = []
    requests = []

    async def note(request: Request) -> None:
        try:
            await request.early_hints([_STYLE])
        except RuntimeError as error:
            errors.append(str(error))

    async def handler(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            await note(request)
            yield b"hello"

        requests.append(request)
        return Stream(pieces())

    async with Client(_app(handler)) as client:
        for _ in range(2):
            assert (await client.get("/")).interim == ()
            # The second time, the connection has served a later request.
            await note(requests[0])
    assert errors == ["early hints precede the response, whose head was sent"] * 4


async def test_hints_are_dropped_for_a_client_that_is_gone_or_reads_nothing() -> None:
    sent = []

    async def handler(request: Request) -> str:
        for _ in range(100):
            sent.append(await request.early_hints([f"</{'a' * 10_000}>"]))
        await request.disconnected()
        sent.append(await request.early_hints([_STYLE]))
        return "hello"

    async with Client(_app(handler)) as client:
        connection = client.connect()
        connection.pause_reading()
        await connection.send(_GET)
        assert sent[0]
        assert sent.count(True) < 20
        await connection.reset()
        await connection.settle()
        assert sent[-1] is False
        assert len(sent) == 101


async def test_hints_are_dropped_after_a_deadline_has_answered() -> None:
    sent = []

    async def handler(request: Request) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            sent.append(await request.early_hints([_STYLE]))

    async with Client(_app(handler), timeouts=Timeouts(handler=1)) as client:
        connection = client.connect()
        await connection.send(_GET)
        await client.advance(2)
        await connection.settle()
        assert connection.statuses == [503]
    assert sent == [False]


async def test_access_log_has_the_response_only(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> str:
        await request.early_hints([_STYLE])
        return "hello"

    async with Client(_app(handler), settings={"log": {"access": True}}) as client:
        with caplog.at_level("INFO", "turnbuckle.access"):
            await client.get("/")
    assert [record.args for record in caplog.records if "103" in record.getMessage()] == []
    assert caplog.text.count("GET / HTTP/1.1") == 1
