"""Clocks that jump: the wall clock back and forth, and the monotonic clock ahead, as after a suspended machine."""

from __future__ import annotations

import asyncio

import pytest

from tests.core.server.serving_in_memory import GET, echo, hello, post_head, serving
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.application import Application
from turnbuckle.testing.client.memory_server import MemoryServer
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

HOUR = 3600.0


class Jumping(FakeClock):  # type: ignore[misc]  # final for users; only these tests set a wall clock
    """A clock whose wall time can be set apart from the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0.0

    def wall(self) -> float:
        return super().wall() + self.offset


@pytest.mark.parametrize(
    ("jump", "date"),
    [
        pytest.param(48 * HOUR, b"Date: Sat, 03 Jan 2026 00:00:0", id="ahead"),
        pytest.param(-48 * HOUR, b"Date: Tue, 30 Dec 2025 00:00:0", id="back"),
    ],
)
async def test_wall_clock_moves_the_date_and_nothing_else(jump: float, date: bytes) -> None:
    clock = Jumping()
    application = Application(handle=hello, parser_factory=H1ParserFactory())
    server = MemoryServer(application, clock, extra_info={}, timeout=5.0)
    await server.start()
    connection = server.connect()
    await connection.send(GET)
    assert b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" in connection.received
    clock.offset = jump
    await clock.advance(2)
    await connection.send(GET)
    assert connection.statuses == [200, 200]
    assert date in connection.received
    await server.stop()


async def test_leap_ends_open_connections_and_no_later_ones() -> None:
    async with serving(hello) as served:
        idle, half = served.server.connect(), served.server.connect()
        await idle.send(GET)
        await half.send(b"GET / HT")
        await served.advance(HOUR * 24 * 30)
        assert (idle.statuses, half.statuses) == ([200], [408])
        assert idle.is_closed
        assert half.is_closed
        for _ in range(2):
            later = served.server.connect()
            await later.send(GET)
            assert later.statuses == [200]
            await served.advance(1)
        assert not later.is_closed


async def test_bytes_that_waited_through_a_leap_are_read_before_deadlines() -> None:
    async with serving(echo) as served:
        await served.connection.send(post_head(8) + b"half")
        served.connection.post(b"half")
        await served.advance(HOUR)
        assert served.statuses == [200]


async def test_time_that_stands_still_holds_up_no_answer() -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Response:
        await gate.wait()
        return Response("done")

    async with serving(wait) as served:
        await served.send(GET * 3)
        gate.set()
        await served.connection.settle()
        assert served.statuses == [200] * 3
