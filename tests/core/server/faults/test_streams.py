"""Streams that fail, and streams whose client leaves: the peer can tell, and the generator is closed in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.core.server.serving_in_memory import GET, serving
from turnbuckle.http.limits import Limits
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

from .leak_check import checking_for_leaks


class Source:
    """Makes streams, and notes how each comes to its end; cleaning up takes a while."""

    def __init__(self, *, fails: BaseException | None = None, says: int = 3) -> None:
        self.fails = fails
        self.says = says
        self.ends: list[str] = []

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(self.says):
                yield b"x" * 1000
            if self.fails is not None:
                raise self.fails
            await asyncio.get_running_loop().create_future()
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.ends.append("closed")

    async def serve(self, request: Request) -> Response:
        if request.path == "/fine":
            return Response("fine")
        length = {"Content-Length": "99000"} if request.path == "/length" else None
        return Response(self.pieces(), headers=length)


FAILURES = [
    RuntimeError("no more"),
    MemoryError(),
    RecursionError("too deep"),
    OSError(28, "No space left on device"),
    SystemExit(1),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("path", [b"/chunked", b"/length"])
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_stream_that_fails_is_seen_to_be_incomplete(failure: BaseException, path: bytes) -> None:
    source = Source(fails=failure)
    async with serving(source.serve) as served, checking_for_leaks(served, "/fine"):
        received = await served.send(GET.replace(b"GET / ", b"GET %b " % path))
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert received.count(b"x" * 1000) == 3
        assert b"\r\n0\r\n" not in received
        assert served.statuses == []
        assert served.connection.is_lost
    assert source.ends == [type(failure).__name__, "closed"]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_stream_that_fails_before_it_begins_is_incomplete_too(failure: BaseException) -> None:
    source = Source(fails=failure, says=0)
    async with serving(source.serve) as served, checking_for_leaks(served, "/fine"):
        assert b"\r\n0\r\n" not in await served.send(GET)
        assert served.connection.is_lost
    assert source.ends == [type(failure).__name__, "closed"]


@pytest.mark.parametrize("cancels", [True, False], ids=["cancels", "lets_finish"])
@pytest.mark.parametrize("says", [3, 300], ids=["waiting_for_the_source", "waiting_for_the_peer"])
async def test_stream_is_closed_when_its_client_is_gone(says: int, cancels: bool) -> None:
    source = Source(says=says)
    async with serving(source.serve, cancel_on_disconnect=cancels) as served, checking_for_leaks(served, "/fine"):
        served.connection.pause_reading()
        await served.send(GET)
        await served.connection.reset()
        assert source.ends == [{3: "CancelledError", 300: "GeneratorExit"}[says], "closed"]


async def test_stream_of_a_client_that_left_before_it_began_is_closed() -> None:
    gate, closed = asyncio.Event(), []

    class Body:
        def __aiter__(self) -> AsyncIterator[bytes]:
            raise RuntimeError("no reader")

        async def aclose(self) -> None:
            closed.append("closed")

    async def wait(request: Request) -> Response:
        if request.path == "/fine":
            return Response("fine")
        await gate.wait()
        return Response(Body())

    async with serving(wait) as served, checking_for_leaks(served, "/fine"):
        await served.send(GET)
        await served.connection.reset()
        gate.set()
        await served.connection.settle()
        assert closed == ["closed"]


async def test_stream_that_ignores_its_end_gets_no_further() -> None:
    ends = []

    async def stubborn() -> AsyncIterator[bytes]:
        for _ in range(3):
            try:
                yield b"piece"
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                ends.append("ignored")

    async def serve(request: Request) -> Response:
        return Response("fine" if request.path == "/fine" else stubborn())

    async with serving(serve) as served, checking_for_leaks(served, "/fine"):
        await served.send(GET)
        await served.connection.reset()
    assert ends == ["ignored"]


@pytest.mark.parametrize("chunk", [b"nonsense\r\n", b"ffff\r\n" + b"x" * 0xFFFF])
async def test_stream_is_cut_when_the_content_that_it_answers_breaks(chunk: bytes) -> None:
    async def echo(request: Request) -> Response:
        return Response("fine" if request.path == "/fine" else request.stream())

    async with serving(echo, limits=Limits(content=1000)) as served, checking_for_leaks(served, "/fine"):
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        received = await served.send(head + b"4\r\nhalf\r\n")
        assert b"half" in received
        assert b"\r\n0\r\n" not in await served.send(chunk)
        assert served.connection.is_lost
