"""The raw side of the client, against the real server."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest

from turnbuckle.http.limits import Limits
from turnbuckle.server.model.application import Application
from turnbuckle.testing import Client
from turnbuckle.testing.client.raw_exchange import methods_of
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response, Stream

MakeApplication = Callable[..., Application]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


async def _long(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    return Stream(pieces())


@pytest.mark.parametrize("split", ["whole", "bytewise"])
async def test_raw_sends_anything_and_returns_all_that_comes(make_application: MakeApplication, split: str) -> None:
    async with Client(make_application()) as client:
        exchange = await client.raw(POST + GET, split="bytewise" if split == "bytewise" else "whole")

    assert [(response.status, response.content) for response in exchange.responses] == [(200, b"hello"), (200, b"")]
    assert exchange.received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (exchange.sent, exchange.is_closed, exchange.was_reset) == (POST + GET, False, False)


async def test_raw_distinguishes_one_response_from_several(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client:
        one, two = await client.raw(GET), await client.raw(GET + GET)

    assert one.response.status == 200
    with pytest.raises(ValueError, match="too many"):
        _ = two.response


async def test_raw_knows_that_head_has_no_content(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        return Response(b"content")

    async with Client(make_application(answer)) as client:
        with_methods = await client.raw(HEAD + GET)
        said = await client.raw(HEAD + GET, methods=["HEAD", "GET"])

    assert [response.content for response in with_methods.responses] == [b"", b"content"]
    assert [response.content for response in said.responses] == [b"", b"content"]
    assert with_methods.methods == ("HEAD", "GET")


async def test_raw_sees_errors_and_the_end(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client:
        exchange = await client.raw(b"nonsense\r\n\r\n")

    assert (exchange.statuses, exchange.is_closed, exchange.is_cut) == ([400], True, False)


async def test_raw_sees_interim_responses_in_their_place(make_application: MakeApplication) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    async with Client(make_application()) as client:
        connection = client.connect()
        await connection.send(head)
        before = connection.statuses, [response.status for response in connection.exchange().interim]
        await connection.send(b"hello")

    assert before == ([100], [100])
    assert (connection.statuses, connection.exchange().interim) == ([100, 200], ())
    assert connection.responses[0].interim[0].reason_phrase == "Continue"


async def test_raw_waits_for_handlers_in_threads(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        return Response(await asyncio.to_thread(lambda: b"from a thread"))

    async with Client(make_application(answer)) as client:
        exchange = await client.raw(GET)

    assert exchange.response.content == b"from a thread"


async def test_raw_waits_for_the_given_number_of_responses(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(0.005)
        return Response(b"later")

    async with Client(make_application(answer)) as client:
        exchange = await client.raw(GET + GET, until=2)

    assert [response.content for response in exchange.responses] == [b"later", b"later"]


async def test_raw_can_end_its_side(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client:
        complete = await client.raw(GET, half_close=True)
        broken = await client.raw(POST[:-1], half_close=True)

    assert (complete.statuses, complete.is_closed) == ([200], True)
    assert (broken.statuses, broken.is_closed) == ([400], True)


async def test_connection_reads_at_its_own_pace(make_application: MakeApplication) -> None:
    async with Client(make_application(_long)) as client:
        connection = client.connect()
        connection.pause_reading()
        await connection.send(GET)
        waiting = connection.unread
        taken = await connection.read(1000)
        still_waiting = connection.unread
        await connection.resume_reading()

    assert 64 * 1024 < waiting < 256 * 1024
    assert (len(taken), still_waiting, connection.received[:1000]) == (1000, waiting - 1000, taken)
    assert len(connection.responses[0].content) == 1_000_000


async def test_connection_that_takes_all_lets_the_server_write_on(make_application: MakeApplication) -> None:
    async with Client(make_application(_long)) as client:
        connection = client.connect()
        connection.pause_reading()
        await connection.send(GET)
        first = await connection.read()
        second = await connection.read()

        assert min(len(first), len(second)) > 64 * 1024
        assert connection.exchange().partial is not None


async def test_connection_shows_what_the_server_does_not_read(make_application: MakeApplication) -> None:
    go = asyncio.Event()

    async def answer(request: Request) -> Response:
        await go.wait()
        return Response(await request.read())

    size = 500_000
    async with Client(make_application(answer)) as client:
        connection = client.connect()
        await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 50_000):
            await connection.send(b"x" * 50_000)
        before = connection.undelivered
        go.set()
        await connection.settle()

    assert before > 300_000
    assert (connection.undelivered, len(connection.responses[0].content)) == (0, size)


async def test_connection_that_is_reset_is_lost(make_application: MakeApplication) -> None:
    seen = list[bool]()

    async def answer(request: Request) -> Response:
        await request.disconnected()
        seen.append(request.is_disconnected)
        return Response()

    async with Client(make_application(answer)) as client:
        connection = client.connect()
        await connection.send(GET)
        before = connection.is_lost
        await connection.reset()

    assert (before, connection.is_lost, connection.was_reset, seen) == (False, True, True, [True])
    assert connection.responses == ()


async def test_connection_sends_slowly(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client:
        connection = client.connect()
        await connection.send_slowly(GET, seconds=0.1)
        fast = connection.statuses
        other = client.connect()
        await other.send_slowly(GET)

    assert (fast, other.statuses, other.is_closed) == ([200], [408], True)
    assert client.clock.monotonic() == pytest.approx(len(GET) * 1.1)


async def test_connection_waits_for_a_condition(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(0.005)
        return Response(b"later")

    async with Client(make_application(answer)) as client:
        connection = client.connect()
        await connection.send(GET, settle=False)
        before = connection.received
        await connection.until(lambda: bool(connection.received))

    assert (before, connection.statuses) == (b"", [200])


async def test_connection_that_waits_in_vain_says_so(make_application: MakeApplication) -> None:
    async with Client(make_application(), timeout=0.01) as client:
        with pytest.raises(TimeoutError, match="2 responses"):
            await client.raw(GET, until=2)


async def test_response_that_is_cut_is_seen_in_part(make_application: MakeApplication) -> None:
    async def answer(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            raise RuntimeError("broken")

        return Stream(pieces())

    async with Client(make_application(answer)) as client:
        exchange = await client.raw(GET)

    assert (exchange.responses, exchange.is_closed, exchange.is_cut) == ((), True, True)
    assert exchange.partial
    assert (exchange.partial.status, exchange.partial.content) == (200, b"one")


async def test_response_that_switches_shows_what_follows(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client:
        exchange = await client.raw(GET)

    assert exchange.switched == b""


@pytest.mark.parametrize(
    ("sent", "methods"),
    [
        pytest.param(b"", (), id="nothing"),
        pytest.param(GET + POST + HEAD, ("GET", "POST", "HEAD"), id="three"),
        pytest.param(GET + b"nonsense\r\n\r\n" + HEAD, ("GET",), id="until-broken"),
        pytest.param(GET + HEAD[:-1], ("GET",), id="until-incomplete"),
    ],
)
def test_methods_are_found_in_the_sent_bytes(sent: bytes, methods: tuple[str, ...]) -> None:
    assert methods_of(sent, Limits()) == methods


async def test_connections_that_are_gone_leave_nothing_behind(make_application: MakeApplication) -> None:
    async with Client(make_application()) as client:

        async def peers_after(count: int) -> int:
            for _ in range(count):
                await client.raw(GET)
            gc.collect()
            return sum(type(found) is Peer for found in gc.get_objects())

        assert await peers_after(10) == await peers_after(10)
