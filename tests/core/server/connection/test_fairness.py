"""One connection does not occupy the loop: the limits of one turn, in requests, in time, and in dropped content.

Since Python 3.12 a handler that never waits is answered within the call that received its request. These tests pass
with 3.11 as well, where each request takes a separate turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.core.server.serving_in_memory import GET, ServedConnection, hello, post, serving
from turnbuckle.http.events import ParserFactory
from turnbuckle.http.guard import guarded
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler
from turnbuckle_plugins.h11_parser import h11_parser
from turnbuckle_plugins.httptools_parser import httptools_parser

_OTHER = GET.replace(b"/", b"/other", 1)

_PARSERS = {
    "core": H1ParserFactory(),
    "guarded": guarded(h11_parser),
    "httptools": guarded(httptools_parser),
}


def _busy(clock: Callable[[], FakeClock], seconds: float, order: list[str]) -> Handler:
    """Return a handler that never waits and takes some seconds."""

    async def handle(request: Request) -> Response:
        order.append(request.path)
        clock()._elapsed += seconds
        return Response("done")

    return handle


async def _order(data: bytes, seconds: float, parser: ParserFactory, capacity: Capacity | None = None) -> list[str]:
    """Return the order in which two connections are served, the first of which sends ``data`` first."""
    order: list[str] = []
    found: list[ServedConnection] = []
    handle = _busy(lambda: found[0].clock, seconds, order)
    async with serving(handle, parser_factory=parser, capacity=capacity) as served:
        found.append(served)
        quick = served.server.connect()
        await quick.settle()
        served.connection.post(data)
        quick.post(_OTHER)
        await quick.until(1)
        before = list(order)
        await served.connection.settle()
        assert set(served.statuses) == {200}
        assert len(served.statuses) == order.count("/")
    return before


@pytest.mark.parametrize("parser", _PARSERS.values(), ids=_PARSERS)
@pytest.mark.parametrize(("seconds", "most"), [pytest.param(0.0, 32, id="requests"), pytest.param(0.002, 2, id="time")])
async def test_pipeline_leaves_room_for_others(parser: ParserFactory, seconds: float, most: int) -> None:
    order = await _order(GET * 500, seconds, parser)
    assert order.index("/other") <= most


async def test_pipeline_with_content_leaves_room_for_others() -> None:
    order = await _order(post(b"content that is not read") * 500, 0.002, H1ParserFactory())
    assert order.index("/other") <= 2


async def test_pipeline_is_answered_in_order_and_whole() -> None:
    async def number(request: Request) -> Response:
        return Response(request.path)

    async with serving(number) as served:
        await served.send(b"".join(GET.replace(b"/", b"/%d" % index, 1) for index in range(300)))
        assert [response.text for response in served.connection.responses] == [f"/{index}" for index in range(300)]
        await served.send(GET)
        assert served.statuses == [200] * 301


async def test_pipeline_that_is_too_much_for_the_server_leaves_room_for_others() -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Response:
        await gate.wait()
        return Response("done")

    async with serving(wait, capacity=Capacity(concurrent_requests=1)) as served:
        await served.send(GET)
        other, quick = served.server.connect(), served.server.connect()
        await quick.settle()
        other.post(GET * 500)
        quick.post(GET)
        await quick.until(1)
        assert len(other.statuses) <= 64
        gate.set()


async def test_pipeline_ends_with_the_input_after_its_last_response() -> None:
    async with serving(hello) as served:
        served.connection.post(GET * 100)
        await served.connection.half_close()
        assert served.statuses == [200] * 100
        assert served.is_closed


async def test_connection_between_two_turns_is_drained() -> None:
    async with serving(hello) as served:
        served.connection.post(GET * 32)
        await served.server.stop()
        assert served.statuses.count(200) == len(served.statuses)
        assert served.is_closed


async def test_pipeline_is_cut_between_two_turns() -> None:
    async with serving(hello) as served:
        served.connection.post(GET * 1_000)
        await asyncio.sleep(0)
        await served.connection.reset()
        await served.connection.settle()
        assert served.connection.is_lost
        other = served.server.connect()
        await other.send(GET)
        assert other.statuses == [200]


async def test_dropped_chunks_leave_room_for_others() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    order: list[str] = []

    async def handle(request: Request) -> Response:
        order.append(request.path)
        return Response("done")

    async with serving(handle) as served:
        quick = served.server.connect()
        await quick.settle()
        await served.send(head)
        served.connection.post(b"1\r\nx\r\n" * 20_000)
        quick.post(_OTHER)
        await quick.until(1)
        assert order == ["/", "/other"]
