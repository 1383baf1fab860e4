"""A response leaves as it was announced, or the peer can tell that it did not."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.core.server.polling import TIMEOUT
from tests.core.server.serving_in_memory import GET, post_head, serving
from tests.core.server.threaded_server import LOOPS, threaded_server
from turnbuckle.http.limits import Limits
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.streams.event_stream import SSE

_HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"


async def _pieces(*pieces: bytes | str) -> AsyncIterator[bytes | str]:
    for piece in pieces:
        yield piece


async def test_stream_is_chunked() -> None:
    async def stream(request: Request) -> Response:
        return Response(_pieces(b"abc", b"", "dé"))

    async with serving(stream) as served:
        received = await served.send(GET)
        assert b"\r\nTransfer-Encoding: chunked\r\n" in received
        assert received.endswith(b"3\r\nabc\r\n3\r\nd\xc3\xa9\r\n0\r\n\r\n")
        assert not served.is_closed


async def test_stream_to_an_old_client_ends_with_the_connection() -> None:
    async def stream(request: Request) -> Response:
        return Response(_pieces(b"abc"))

    async with serving(stream) as served:
        received = await served.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"Transfer-Encoding" not in received
        assert b"\r\nConnection: close\r\n" in received
        assert received.endswith(b"\r\n\r\nabc")
        assert served.is_closed


async def test_stream_of_announced_length_is_sent_plainly() -> None:
    async def stream(request: Request) -> Response:
        return Response(_pieces(b"abc", b"de"), headers={"Content-Length": "5"})

    async with serving(stream) as served:
        received = await served.send(GET)
        assert received.count(b"Content-Length: 5") == 1
        assert received.endswith(b"\r\n\r\nabcde")


@pytest.mark.parametrize("length", [pytest.param("4", id="too_much"), pytest.param("6", id="too_little")])
async def test_stream_that_is_not_as_long_as_announced_is_cut_off(
    length: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def stream(request: Request) -> Response:
        return Response(_pieces(b"abc", b"de"), headers={"Content-Length": length})

    async with serving(stream) as served:
        await served.send(GET)
        assert served.statuses == []
        assert served.connection.is_lost
    assert "broke off" in caplog.text


async def test_stream_that_raises_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> AsyncIterator[bytes]:
        yield b"abc"
        raise RuntimeError("no more")

    async def stream(request: Request) -> Response:
        return Response(fail())

    async with serving(stream) as served:
        received = await served.send(GET)
        assert received.startswith(b"HTTP/1.1 200 OK")
        assert not received.endswith(b"0\r\n\r\n")
        assert served.connection.is_lost
    assert "no more" in caplog.text


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"nonsense\r\n", id="broken"),
        pytest.param(b"ffff\r\n", id="too_large"),
    ],
)
async def test_stream_that_its_peer_spoils_is_cut_off_without_a_traceback(
    rest: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def mirror(request: Request) -> Response:
        return Response(request.stream())

    async with serving(mirror, limits=Limits(content=100)) as served:
        await served.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        received = await served.send(rest)
        assert b"hello" in received
        assert not received.endswith(b"0\r\n\r\n")
        assert served.connection.is_lost
    assert not caplog.records


class _Outcome(BaseException):
    """Not an Exception, like the exceptions with which a test runner ends a test."""


@pytest.mark.parametrize("kind", [SystemExit, _Outcome])
async def test_handler_that_raises_more_than_an_exception_is_an_internal_error(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async def leave(request: Request) -> Response:
        raise kind("no more")

    async with serving(leave) as served:
        await served.send(GET)
        assert served.statuses == [500]
    assert "no more" in caplog.text


@pytest.mark.parametrize("kind", [asyncio.CancelledError, SystemExit, _Outcome])
async def test_stream_that_raises_more_than_an_exception_is_cut_off(kind: type[BaseException]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        raise kind

    async def stream(request: Request) -> Response:
        return Response(pieces())

    async with serving(stream) as served:
        received = await served.send(GET)
        assert b"abc" in received
        assert served.connection.is_lost


class _FailsToClose:
    """A body of one piece that raises when it is closed."""

    def __init__(self) -> None:
        self.pieces = [b"abc"]

    def __aiter__(self) -> _FailsToClose:
        return self

    async def __anext__(self) -> bytes:
        if not self.pieces:
            raise StopAsyncIteration
        return self.pieces.pop()

    async def aclose(self) -> None:
        raise RuntimeError("cannot be closed")


@pytest.mark.parametrize("request_head", [pytest.param(GET, id="get"), pytest.param(_HEAD, id="head")])
async def test_body_that_fails_to_close_adds_nothing_to_its_response(
    request_head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def stream(request: Request) -> Response:
        return Response(_FailsToClose())

    async with serving(stream) as served:
        received = await served.send(request_head)
        assert received.count(b"HTTP/1.1") == 1
        assert not served.is_closed
    assert "cannot be closed" in caplog.text


async def test_stream_is_closed_when_its_peer_leaves() -> None:
    notes: list[str] = []
    ticks = asyncio.Event()

    async def tick() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick"
                await ticks.wait()
        finally:
            notes.append("closed")

    async def stream(request: Request) -> Response:
        return Response(tick())

    async with serving(stream) as served:
        await served.connection.send(GET)
        await served.connection.reset()
        assert notes == ["closed"]


async def test_stream_waits_for_a_slow_reader() -> None:
    produced = 0

    async def count() -> AsyncIterator[bytes]:
        nonlocal produced
        for _ in range(100):
            produced += 1
            yield b"x" * 10_000

    async def stream(request: Request) -> Response:
        return Response(count())

    async with serving(stream) as served:
        served.connection.pause_reading()
        await served.connection.send(GET)
        assert produced < 20
        await served.connection.resume_reading()
        await served.connection.settle()
        assert produced == 100
        assert len(served.connection.responses[0].content) == 1_000_000


async def test_stream_can_echo_content_as_it_comes() -> None:
    async def stream(request: Request) -> Response:
        return Response(request.stream())

    async with serving(stream) as served:
        await served.connection.send(post_head(6))
        await served.connection.send(b"abc")
        assert b"3\r\nabc\r\n" in served.connection.received
        await served.connection.send(b"def")
        assert served.connection.responses[0].content == b"abcdef"
        await served.send(GET)
        assert served.statuses == [200, 200]


async def test_stream_whose_content_comes_too_slowly_is_cut_off() -> None:
    async def stream(request: Request) -> Response:
        return Response(request.stream())

    async with serving(stream) as served:
        await served.connection.send(post_head(6) + b"abc")
        await served.advance(32)
        assert served.connection.is_lost


async def test_head_gets_no_content() -> None:
    asked: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        asked.append("for a piece")
        yield b"abc"

    async def either(request: Request) -> Response:
        return Response("hello" if request.target == "/whole" else pieces())

    async with serving(either) as served:
        whole = await served.send(b"HEAD /whole HTTP/1.1\r\nHost: a\r\n\r\n")
        assert whole.endswith(b"Content-Length: 5\r\n\r\n")
        await served.send(_HEAD)
        assert served.connection.received.endswith(b"\r\n\r\n")
        assert asked == []
        assert served.statuses == [200, 200]


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_content_get_none(status: int) -> None:
    async def none(request: Request) -> Response:
        return Response(b"ignored", status)

    async with serving(none) as served:
        received = await served.send(GET)
        assert received.endswith(b"\r\n\r\n")
        assert b"ignored" not in received
        await served.send(GET)
        assert served.statuses == [status, status]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Response("x", headers={"Transfer-Encoding": "chunked"}), id="coding"),
        pytest.param(lambda: Response("x", headers={"Content-Length": "7"}), id="length"),
        pytest.param(lambda: Response(_pieces(b"x"), headers={"Transfer-Encoding": "gzip"}), id="coding_of_a_stream"),
        pytest.param(lambda: Response(_pieces(b"x"), headers={"Content-Length": "x"}), id="length_of_a_stream"),
    ],
)
async def test_response_that_cannot_be_sent_is_replaced(make: object, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(request: Request) -> Response:
        return make()  # type: ignore[operator, no-any-return]

    async with serving(broken) as served:
        await served.send(GET)
        assert served.statuses == [500]
        assert served.is_closed
    assert "cannot be sent" in caplog.text


async def test_short_response_leaves_in_one_write() -> None:
    async def hello(request: Request) -> Response:
        return Response("hello")

    async with serving(hello) as served:
        await served.send(GET)
        assert served.connection.received.count(b"\r\n\r\n") == 1
        assert served.connection.received.endswith(b"hello")


async def test_date_is_that_of_the_clock() -> None:
    async def hello(request: Request) -> Response:
        return Response("hello")

    async with serving(hello) as served:
        assert b"\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n" in await served.send(GET)
        await served.advance(10)
        await served.send(GET)
        assert served.connection.received.count(b"\r\nDate: Thu, 01 Jan 2026 00:00:10 GMT\r\n") == 1


async def test_body_that_is_set_to_nothing_is_an_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    async def emptied(request: Request) -> Response:
        response = Response("hello")
        response.body = None  # type: ignore[assignment]  # what a careless middleware does
        return response

    async with serving(emptied) as served:
        await served.send(GET)
        assert served.statuses == [500]
    assert "was set to None, which cannot be sent" in caplog.text


async def test_generator_of_a_stream_that_breaks_off_can_clean_up() -> None:
    cleaned: list[str] = []

    async def broken(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                yield b"x"
                yield b"yz"
            finally:
                await asyncio.sleep(0)
                cleaned.append("up")

        return Response(pieces(), headers={"Content-Length": "2"})

    async with serving(broken) as served:
        await served.send(GET)
        assert served.connection.is_lost
    assert cleaned == ["up"]


async def _broken_off(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        if request.path == "/peer":
            await request.read()
        elif request.path == "/gone":
            await asyncio.get_running_loop().create_future()
        raise OSError("disk failed")

    return Response(pieces())


@pytest.mark.parametrize("path", ["/own", "/peer", "/gone"])
async def test_stream_that_breaks_off_has_a_line_in_the_access_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle.access")
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % path.encode()
    async with serving(_broken_off, access_log=True) as served:
        await served.connection.send(head + b"nonsense\r\n" * (path == "/peer"))
        await served.connection.reset()
    lines = [record.getMessage() for record in caplog.records if record.name == "turnbuckle.access"]
    outcome = "disconnected" if path == "/gone" else "broken"
    assert lines == [f'127.0.0.1:40000 "POST {path} HTTP/1.1" 200 3 0.0ms - {outcome}']


class _BodyThatClosesSlowly:
    """A body whose ``aclose`` waits, and ignores that it is cancelled."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"

        return pieces()

    async def aclose(self) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()


async def test_connection_that_is_lost_while_a_body_closes_awaits_no_request(caplog: pytest.LogCaptureFixture) -> None:
    async def stream(request: Request) -> Response:
        return Response(_BodyThatClosesSlowly())

    async with serving(stream) as served:
        assert (await served.send(GET)).endswith(b"0\r\n\r\n")
        await served.connection.reset()
        assert served.connection.is_lost
    assert caplog.messages == []


@pytest.mark.parametrize("loop", LOOPS)
def test_stream_waits_for_a_client_that_reads_nothing(loop: str) -> None:
    made = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal made
        # 125 MiB, if nothing stops it.
        for made in range(1, 2001):  # noqa: B007  # the test reads it
            yield b"x" * 65536

    async def stream(request: Request) -> Response:
        return Response(pieces())

    with threaded_server(stream, loop=loop, timeouts=Timeouts(write=0.3)) as server, server.connect() as client:
        client.sendall(GET)
        assert server.has_no_connections()
    # The rest is in the buffers of the kernel.
    assert 0 < made < 400


@pytest.mark.parametrize("how", ["close", "shutdown", "reset"])
@pytest.mark.parametrize("loop", LOOPS)
def test_event_stream_ends_when_its_client_leaves(loop: str, how: str) -> None:
    closed = threading.Event()

    async def events() -> AsyncIterator[str]:
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def stream(request: Request) -> Response:
        return SSE(events())

    with threaded_server(stream, loop=loop) as server, server.connect() as client:
        client.sendall(GET)
        received = b""
        while b"data: first\n\n" not in received:
            received += client.recv(4096)
        if how == "shutdown":
            client.shutdown(socket.SHUT_WR)
        else:
            if how == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        assert closed.wait(TIMEOUT)
        assert server.has_no_connections()


@pytest.mark.parametrize("loop", LOOPS)
def test_event_streams_end_properly_when_the_server_stops(loop: str) -> None:
    async def stream(request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            yield "first"
            await asyncio.Event().wait()

        return SSE(events())

    with threaded_server(stream, loop=loop, timeouts=Timeouts(last_request=0)) as server:
        clients = [server.connect() for _ in range(20)]
        for client in clients:
            client.sendall(GET)
        received = [client.recv(4096) for client in clients]
    for number, client in enumerate(clients):
        with client:
            while data := client.recv(4096):
                received[number] += data
    assert all(data.endswith(b"\r\ndata: first\n\n\r\n0\r\n\r\n") for data in received)
