"""A client that ends, resets or abandons its connection, in each state of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs
import pytest

from tests.core.server.serving_in_memory import GET, ServedConnection, post_head, serving
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.upgrade import SwitchProtocols

from .leak_check import checking_for_leaks

LARGE = b"x" * 300_000


def get(path: bytes, *fields: bytes) -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (path, b"".join(field + b"\r\n" for field in fields))


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1000
        await asyncio.sleep(0)


async def without_end() -> AsyncIterator[bytes]:
    yield b"begun"
    await asyncio.get_running_loop().create_future()


class Silent(asyncio.Protocol):
    """Another protocol, to which the connection was handed over; it ends with its peer."""


async def serve(request: Request) -> Response:
    match request.path:
        case "/wait":
            await asyncio.get_running_loop().create_future()
        case "/read":
            return Response(await request.read())
        case "/large":
            return Response(LARGE)
        case "/stream":
            return Response(pieces(300))
        case "/silence":
            return Response(without_end())
        case "/switch":
            return SwitchProtocols("other", Silent)
    return Response("hello")


@attrs.frozen(kw_only=True)
class Case:
    """The bytes that lead to a state, sent by a client that reads or does not."""

    state: ConnectionState
    sent: bytes
    then: bytes = b""
    reads: bool = True


CASES = {
    "nothing_sent": Case(state=ConnectionState.HEAD, sent=b""),
    "half_a_head": Case(state=ConnectionState.HEAD, sent=b"GET / HT"),
    "idle": Case(state=ConnectionState.IDLE, sent=GET),
    "half_the_next_head": Case(state=ConnectionState.HEAD, sent=GET, then=b"GET"),
    "handling": Case(state=ConnectionState.HANDLING, sent=get(b"/wait")),
    "handling_a_pipeline": Case(state=ConnectionState.HANDLING, sent=get(b"/wait") + GET * 3),
    "content_awaited": Case(state=ConnectionState.HANDLING, sent=post_head(9).replace(b"/ ", b"/read ", 1) + b"half"),
    "sending": Case(state=ConnectionState.SENDING, sent=get(b"/silence")),
    "sending_to_a_full_peer": Case(state=ConnectionState.SENDING, sent=get(b"/stream"), reads=False),
    "flushing": Case(state=ConnectionState.FLUSHING, sent=get(b"/large"), reads=False),
    "flushing_with_another_at_hand": Case(state=ConnectionState.FLUSHING, sent=get(b"/large") + GET, reads=False),
    "dropping": Case(state=ConnectionState.DROPPING, sent=post_head(9) + b"half"),
    "lingering": Case(state=ConnectionState.LINGERING, sent=b"nonsense\r\n\r\n"),
    "closing": Case(state=ConnectionState.CLOSING, sent=get(b"/large", b"Connection: close"), reads=False),
}

EVENTS: dict[str, Callable[[ServedConnection], Awaitable[None]]] = {
    "end": lambda served: served.connection.half_close(),
    "reset": lambda served: served.connection.reset(),
    "close": lambda served: served.connection.close(),
}


def _state(served: ServedConnection) -> ConnectionState:
    (connection,) = served.server._state.connections.open
    return connection.state  # type: ignore[attr-defined,no-any-return]  # it is no more than swept to its server


async def _bring_about(served: ServedConnection, case: Case) -> None:
    if not case.reads:
        served.connection.pause_reading()
    await served.connection.send(case.sent)
    if case.then:
        await served.connection.send(case.then)
    assert _state(served) is case.state


def _has_no_deadline(name: str, event: str, cancels: bool) -> bool:
    # A stream with nothing to say learns of a client that may still be reading when it says something.
    return name == "sending" and event != "reset" and not cancels


def test_cases_cover_every_state() -> None:
    # A connection yields for one turn of the loop, too short for a client to go; test_fairness.py has that state.
    assert {case.state for case in CASES.values()} == set(ConnectionState) - {
        ConnectionState.CLOSED,
        ConnectionState.SWITCHED,
        ConnectionState.YIELDING,
    }


@pytest.mark.parametrize("cancels", [True, False], ids=["cancels", "lets_finish"])
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", CASES)
async def test_client_goes(name: str, event: str, cancels: bool) -> None:
    timeouts = Timeouts(handler=20, write=20, content=20)
    async with serving(serve, cancel_on_disconnect=cancels, timeouts=timeouts) as served, checking_for_leaks(served):
        await _bring_about(served, CASES[name])
        await EVENTS[event](served)
        for _ in range(3):
            # What lingers, hangs or waits for the peer has a deadline.
            await served.advance(21)
        left = list(served.server._state.connections.open)
        assert len(left) == _has_no_deadline(name, event, cancels)
        for connection in left:
            connection.abort()


@pytest.mark.parametrize("name", ["sending_to_a_full_peer", "flushing", "closing"])
async def test_server_cuts_off_a_client_while_writing_is_paused(name: str) -> None:
    async with serving(serve) as served, checking_for_leaks(served):
        await _bring_about(served, CASES[name])
        served.server._state.connections.abort_all()
        await served.connection.settle()
        assert served.connection.was_reset


@pytest.mark.parametrize("event", EVENTS)
async def test_client_goes_after_another_protocol_took_over(event: str) -> None:
    async with serving(serve) as served, checking_for_leaks(served):
        await served.send(get(b"/switch", b"Connection: Upgrade", b"Upgrade: other"))
        assert served.statuses == [101]
        await EVENTS[event](served)
        assert served.connection.is_lost


async def test_end_of_input_is_no_disconnect_unless_that_is_set() -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Response:
        await gate.wait()
        return Response("answered")

    async with serving(wait) as served:
        await served.send(GET)
        await served.connection.half_close()
        gate.set()
        await served.connection.settle()
        assert served.statuses == [200]


async def test_end_of_input_cancels_a_handler_when_that_is_set() -> None:
    ended: list[str] = []

    async def wait(request: Request) -> Response:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled" if request.is_disconnected else "not notified")
        return Response("never")

    async with serving(wait, cancel_on_disconnect=True) as served:
        await served.send(GET)
        await served.connection.half_close()
        assert ended == ["cancelled"]


async def test_cleanup_of_a_handler_that_was_cancelled_is_not_cancelled_again() -> None:
    gate, ended = asyncio.Event(), []

    async def slow_to_end(request: Request) -> Response:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await gate.wait()
            ended.append("cleaned up")
        return Response("never")

    async with serving(slow_to_end, cancel_on_disconnect=True, timeouts=Timeouts(handler=5)) as served:
        await served.send(GET)
        await served.advance(6)
        assert served.statuses == [503]
        await served.connection.reset()
        gate.set()
        await served.connection.settle()
        assert ended == ["cleaned up"]
