"""Every wait has an end, and a byte now and then does not move it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from tests.core.server.serving_in_memory import GET, echo, hello, post_head, serving
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler


async def test_head_is_due_from_accept_though_nothing_comes() -> None:
    async with serving(hello) as served:
        await served.advance(14)
        assert not served.is_closed
        await served.advance(2)
        assert served.statuses == [408]
        assert b"\r\nConnection: close\r\n" in served.connection.received
        assert served.is_closed


async def test_head_that_trickles_is_due_all_the_same() -> None:
    async with serving(hello) as served:
        for byte in (b"GET / HTTP/1.1\r\nHost: a.example.with.a.long.name\r\n\r\n")[:18]:
            await served.send(bytes([byte]))
            await served.advance(1)
        assert served.statuses == [408]
        assert served.is_closed


async def test_head_of_a_later_request_is_due_from_its_first_byte() -> None:
    async with serving(hello) as served:
        await served.send(GET)
        await served.advance(20)
        await served.send(b"GET / HTTP/1.1\r\n")
        await served.advance(14)
        assert not served.is_closed
        await served.advance(2)
        assert served.statuses == [200, 408]


@pytest.mark.parametrize(
    ("timeouts", "due"),
    [
        pytest.param(Timeouts(), 15, id="before_idle"),
        pytest.param(Timeouts(idle=5), 15, id="after_idle"),
        pytest.param(Timeouts(idle=0), 15, id="never_idle"),
        pytest.param(Timeouts(head=8, handler=20), 8, id="noted"),
    ],
)
@pytest.mark.parametrize("pieces", [(GET + b"G",), (GET[:-1], GET[-1:] + GET[:-1])], ids=["one_read", "two_reads"])
async def test_head_that_came_with_the_request_before_it_is_due(
    timeouts: Timeouts, due: int, pieces: tuple[bytes, ...]
) -> None:
    async with serving(hello, timeouts=timeouts) as served:
        for piece in pieces:
            await served.send(piece)
        await served.advance(due - 1)
        assert served.statuses == [200]
        assert not served.is_closed
        await served.advance(2)
        assert served.statuses == [200, 408]
        assert served.is_closed


async def test_head_that_came_with_the_request_before_it_goes_on() -> None:
    async with serving(hello, timeouts=Timeouts(idle=5)) as served:
        await served.send(GET + GET[:9])
        await served.advance(10)
        await served.send(GET[9:])
        assert served.statuses == [200, 200]
        await served.advance(6)
        assert served.is_closed


async def test_empty_line_after_a_request_begins_no_head() -> None:
    async with serving(hello) as served:
        await served.send(GET + b"\r\n")
        await served.advance(29)
        assert not served.is_closed
        await served.advance(2)
        assert served.statuses == [200]
        assert served.is_closed


async def test_parser_that_fails_when_asked_what_is_left_harms_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        def __init__(self, limits: Limits) -> None:
            self._parser = H1Parser(limits)

        def __getattr__(self, name: str) -> object:
            if name == "trailing_data":
                raise ZeroDivisionError
            return getattr(self._parser, name)

    async with serving(hello, parser_factory=Failing) as served:  # type: ignore[arg-type]
        await served.send(GET)
        await served.advance(31)
        assert served.is_closed
        other = served.server.connect()
        await other.settle()
        await served.advance(16)
        assert other.is_closed
    assert "the parser failed" in caplog.messages


async def test_idle_connection_is_closed_without_a_word() -> None:
    async with serving(hello) as served:
        await served.send(GET)
        await served.advance(29)
        assert not served.is_closed
        await served.advance(2)
        assert served.statuses == [200]
        assert served.is_closed


async def test_idle_time_begins_anew_with_each_response() -> None:
    async with serving(hello) as served:
        for _ in range(4):
            await served.send(GET)
            await served.advance(25)
        assert served.statuses == [200] * 4
        assert not served.is_closed


async def test_content_that_does_not_come_is_timed_out() -> None:
    async with serving(echo) as served:
        await served.connection.send(post_head(100) + b"some")
        await served.advance(29)
        assert served.statuses == []
        await served.advance(3)
        assert served.statuses == [408]
        assert served.is_closed


async def test_content_that_trickles_is_timed_out() -> None:
    async with serving(echo) as served:
        await served.connection.send(post_head(1000))
        for _ in range(33):
            await served.send(b"x")
            await served.advance(1)
        assert served.statuses == [408]
        assert served.is_closed


async def test_content_at_the_lowest_rate_is_let_through() -> None:
    async with serving(echo) as served:
        await served.connection.send(post_head(50_000))
        for _ in range(100):
            await served.send(b"x" * 500)
            await served.advance(1)
        assert served.statuses == [200]


async def test_content_is_not_late_while_the_handler_is_busy() -> None:
    gate = asyncio.Event()

    async def slow(request: Request) -> Response:
        await gate.wait()
        return Response(await request.read())

    async with serving(slow) as served:
        await served.connection.send(post_head(4))
        await served.advance(300)
        gate.set()
        await served.connection.settle()
        await served.send(b"late")
        assert served.statuses == [200]


async def test_content_that_is_dropped_is_timed_out() -> None:
    async with serving(hello) as served:
        await served.connection.send(post_head(100) + b"some")
        assert served.statuses == [200]
        await served.advance(32)
        assert served.is_closed


async def test_handler_has_all_the_time_by_default() -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Response:
        await gate.wait()
        return Response("at last")

    async with serving(wait) as served:
        await served.connection.send(GET)
        await served.advance(10_000)
        gate.set()
        await served.connection.settle()
        assert served.statuses == [200]


@pytest.mark.parametrize("stubborn", [pytest.param(False, id="cancellable"), pytest.param(True, id="stubborn")])
async def test_handler_that_takes_too_long_is_answered_for(stubborn: bool) -> None:
    release = asyncio.Event()
    notes: list[str] = []

    async def wait(request: Request) -> Response:
        try:
            await release.wait()
        except asyncio.CancelledError:
            notes.append("cancelled")
            if not stubborn:
                raise
            await release.wait()
        return Response("too late")

    async with serving(wait, timeouts=Timeouts(handler=5)) as served:
        await served.connection.send(GET + GET)
        await served.advance(7)
        assert served.statuses == [503]
        assert notes == ["cancelled"]
        release.set()
        await served.connection.settle()
        assert served.statuses == [503]
        assert served.is_closed


async def test_handler_deadline_holds_while_content_is_awaited() -> None:
    async with serving(echo, timeouts=Timeouts(handler=5)) as served:
        await served.connection.send(post_head(10))
        await served.advance(7)
        assert served.statuses == [503]


async def test_response_that_is_not_taken_is_cut_off() -> None:
    closed: list[bool] = []

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 10_000
            finally:
                closed.append(True)

        return Response(pieces())

    async with serving(stream) as served:
        served.connection.pause_reading()
        await served.connection.send(GET)
        await served.advance(29)
        assert not served.connection.is_lost
        await served.advance(3)
        assert served.connection.is_lost
        assert closed == [True]


async def test_whole_response_that_is_not_taken_is_cut_off() -> None:
    async def large(request: Request) -> Response:
        return Response(b"x" * 1_000_000)

    async with serving(large) as served:
        served.connection.pause_reading()
        await served.connection.send(GET + GET)
        await served.advance(32)
        assert served.connection.is_lost


async def test_small_response_that_is_not_taken_is_cut_off_in_the_end() -> None:
    async with serving(hello) as served:
        served.connection.pause_reading()
        await served.connection.send(GET)
        await served.advance(32)
        await served.advance(32)
        assert served.connection.is_lost


async def test_peer_that_reads_slowly_but_steadily_gets_it_all() -> None:
    async def large(request: Request) -> Response:
        return Response(b"x" * 300_000)

    async with serving(large) as served:
        served.connection.pause_reading()
        await served.connection.send(GET + GET)
        for _ in range(100):
            await served.connection.read(10_000)
            await served.advance(20)
        assert [len(response.content) for response in served.connection.responses] == [300_000, 300_000]


async def test_lingering_has_an_end() -> None:
    async with serving(hello) as served:
        await served.connection.send(b"nonsense\r\n\r\n")
        assert not served.connection.is_lost
        await served.advance(3)
        assert served.connection.is_lost


async def test_lingering_drops_only_so_much() -> None:
    async with serving(hello) as served:
        await served.connection.send(b"nonsense\r\n\r\n")
        # The bound is 64 MiB, as a browser reads the response only when it has sent its whole upload.
        for _ in range(64):
            await served.connection.send(bytes(1024 * 1024))
        assert not served.connection.is_lost
        await served.connection.send(b"x")
        assert served.connection.is_lost


async def test_deadlines_can_be_turned_off() -> None:
    none = Timeouts(head=0, content=0, write=0, idle=0)
    async with serving(echo, timeouts=none) as served:
        await served.advance(1000)
        await served.connection.send(post_head(4))
        await served.advance(1000)
        await served.send(b"here")
        await served.advance(1000)
        assert served.statuses == [200]
        assert not served.is_closed


async def test_short_deadlines_are_kept_closely() -> None:
    async with serving(hello, timeouts=Timeouts(head=0.2)) as served:
        await served.advance(0.3)
        assert served.statuses == [408]


@pytest.mark.parametrize(
    "value", [pytest.param(-1, id="negative"), pytest.param(float("nan"), id="nan"), pytest.param(True, id="bool")]
)
def test_timeouts_refuse_what_is_no_duration(value: float) -> None:
    with pytest.raises(ValueError, match="idle must be a number"):
        Timeouts(idle=value)


async def test_answer_to_head_has_no_content_when_a_deadline_gives_it() -> None:
    async def never(request: Request) -> Response:
        return await asyncio.get_running_loop().create_future()

    async with serving(never, timeouts=Timeouts(handler=1)) as served:
        await served.send(GET.replace(b"GET", b"HEAD"))
        await served.advance(2)
        assert served.connection.received.startswith(b"HTTP/1.1 503 ")
        assert served.connection.received.endswith(b"\r\n\r\n")


# -- connections and whole requests --------------------------------------------------------------------------------


async def test_connection_that_says_nothing_is_closed() -> None:
    async with serving(hello, timeouts=Timeouts(first_byte=3)) as served:
        await served.advance(2)
        assert not served.is_closed
        await served.advance(2)
        assert served.is_closed
        assert served.connection.received == b""


async def test_head_is_due_from_its_first_byte_where_that_has_a_deadline() -> None:
    async with serving(hello, timeouts=Timeouts(first_byte=3, head=10)) as served:
        await served.advance(2)
        await served.send(b"G")
        await served.advance(9)
        assert not served.is_closed
        await served.advance(2)
        assert served.statuses == [408]


async def test_drain_gives_a_connection_that_says_nothing_a_moment() -> None:
    async with serving(hello, timeouts=Timeouts(first_byte=3)) as served:
        served.server.begin_drain()
        await served.send(GET)
        assert served.statuses == [200]
        assert served.is_closed


async def test_request_has_so_much_time_in_all() -> None:
    async def slow(request: Request) -> Response:
        return await asyncio.get_running_loop().create_future()

    async with serving(slow, timeouts=Timeouts(total=5)) as served:
        await served.send(GET)
        await served.advance(4)
        assert served.statuses == []
        await served.advance(2)
        assert served.statuses == [503]
        assert served.is_closed


async def test_content_and_response_share_the_time_of_a_request() -> None:
    async with serving(echo, timeouts=Timeouts(total=5)) as served:
        await served.connection.send(post_head(10))
        for _ in range(6):
            await served.connection.send(b"x")
            await served.advance(1)
        assert served.statuses == [503]


@pytest.mark.parametrize("taken", [pytest.param(0, id="nothing"), pytest.param(20_000, id="much")])
async def test_stream_that_takes_too_long_in_all_is_cut_off(taken: int) -> None:
    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 10_000

        return Response(pieces())

    async with serving(stream, timeouts=Timeouts(total=5, write=2)) as served:
        served.connection.pause_reading()
        await served.connection.send(GET)
        for _ in range(6):
            await served.connection.read(taken)
            await served.advance(1)
        assert served.connection.is_lost


async def test_stream_of_a_request_that_waits_for_nothing_is_cut_off_in_the_end() -> None:
    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.get_running_loop().create_future()

        return Response(pieces())

    async with serving(stream, timeouts=Timeouts(total=5)) as served:
        await served.connection.send(GET)
        await served.advance(4)
        assert not served.connection.is_lost
        await served.advance(2)
        assert served.connection.is_lost


async def test_time_of_a_request_is_not_that_of_the_next() -> None:
    async with serving(hello, timeouts=Timeouts(total=5, idle=60)) as served:
        for _ in range(3):
            await served.send(GET)
            await served.advance(20)
        assert served.statuses == [200] * 3


async def test_connection_that_is_too_old_ends_with_the_next_response() -> None:
    async with serving(hello, timeouts=Timeouts(lifetime=60)) as served:
        for _ in range(3):
            await served.send(GET)
            await served.advance(25)
        assert b"Connection: close" not in served.connection.received
        await served.send(GET)
        assert served.connection.received.count(b"\r\nConnection: close\r\n") == 1
        assert served.is_closed


async def test_many_deadlines_at_a_time_leave_the_loop_to_others() -> None:
    async with serving(hello, timeouts=Timeouts(head=5)) as served:
        late = [served.server.connect() for _ in range(100)]
        await served.connection.settle()
        turns: set[int] = set()
        turn = 0

        def count() -> None:
            nonlocal turn
            turn += 1
            turns.add(sum(connection.is_closed for connection in late))
            if turn < 12:
                asyncio.get_running_loop().call_soon(count)

        served.clock.call_later(5, count)
        await served.advance(7)
        await served.connection.settle()
        assert {tuple(connection.statuses) for connection in late} == {(408,)}
        assert max(b - a for a, b in pairwise(sorted(turns))) <= 64


async def _ticks() -> AsyncIterator[str]:
    while True:
        yield "tick"
        await asyncio.Event().wait()


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_endless_stream_has_a_moment_to_end_when_the_server_stops(when: str) -> None:
    async with serving(_streaming(_ticks)) as served:
        if when == "meanwhile":
            served.server.begin_drain(last_request=1.0)
        await served.send(GET)
        if when == "before":
            served.server.begin_drain()
        await served.advance(4)
        assert not served.connection.is_lost
        await served.advance(2)
        assert served.connection.is_lost


async def test_stream_of_known_length_has_the_whole_time_to_end() -> None:
    async with serving(_streaming(_ticks, length=1_000_000)) as served:
        await served.send(GET)
        served.server.begin_drain()
        await served.advance(20)
        assert not served.connection.is_lost


async def test_endless_stream_may_have_no_limit_of_its_own() -> None:
    async with serving(_streaming(_ticks), timeouts=Timeouts(stream_shutdown=0)) as served:
        await served.send(GET)
        served.server.begin_drain()
        await served.advance(20)
        assert not served.connection.is_lost


async def test_stream_that_waits_for_the_stop_ends_at_once() -> None:
    async def handle(request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            assert not request.is_stopping
            yield "first"
            await request.stopping()
            yield "last" if request.is_stopping else "never"

        return Response(events())

    async with serving(handle) as served:
        await served.send(GET)
        served.server.begin_drain()
        await served.connection.settle()
        assert served.connection.received.endswith(b"4\r\nlast\r\n0\r\n\r\n")
        await served.advance(2)
        assert served.is_closed


def _streaming(pieces: Callable[[], AsyncIterator[str]], length: int | None = None) -> Handler:
    async def handle(request: Request) -> Response:
        return Response(pieces(), headers={} if length is None else {"Content-Length": str(length)})

    return handle
