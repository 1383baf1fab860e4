"""What a client makes the server hold is bounded, however much there is to send: small ``bench.robustness.memory``."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tests.core.server.serving_in_memory import GET, hello, serving
from turnbuckle.http.limits import Limits
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

_PIECE = b"x" * 65536
_MIB = 1024 * 1024


async def test_slow_reader_makes_the_server_hold_little_of_a_long_stream() -> None:
    made = 0

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal made
            for _ in range(1024):
                made += len(_PIECE)
                yield _PIECE

        return Response(pieces())

    async with serving(stream) as served:
        served.connection.pause_reading()
        await served.connection.send(GET)
        taken = 0
        for _ in range(20):
            assert made - taken < 5 * len(_PIECE)
            taken += len(await served.connection.read(100_000))
            await served.advance(1)
        assert made < 64 * _MIB
        assert not served.connection.is_lost


async def test_slow_handler_makes_the_server_hold_little_of_a_long_upload() -> None:
    async def nibble(request: Request) -> Response:
        async for _ in request.stream():
            await request.disconnected()
        return Response("done")

    async with serving(nibble, limits=Limits(content=64 * _MIB)) as served:
        await served.connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(20):
            await served.connection.send(_PIECE)
        assert served.connection.undelivered > 15 * len(_PIECE)


async def test_head_that_trickles_holds_no_more_than_its_limit() -> None:
    async with serving(hello, limits=Limits(header_section=8192)) as served:
        await served.connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        sent = 0
        while not served.is_closed:
            await served.connection.send(b"X: " + b"a" * 995 + b"\r\n")
            sent += 1000
        assert served.statuses == [431]
        assert sent < 10_000


async def test_heads_that_trickle_are_all_given_up_on_in_time() -> None:
    async with serving(hello) as served:
        connections = [served.server.connect() for _ in range(100)]
        for second in range(17):
            for connection in connections:
                if not connection.is_closed:
                    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n" if not second else b"X-A: 1\r\n")
            await served.advance(1)
        assert {tuple(connection.statuses) for connection in connections} == {(408,)}
