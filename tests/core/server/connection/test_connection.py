"""One client and its connection: order, persistence, closing, and what each state makes of what happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from tests.core.server.serving_in_memory import GET, echo, hello, post, post_head, serving
from turnbuckle.errors import ConnectionLost, ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, RequestHead
from turnbuckle.http.limits import Limits
from turnbuckle.server.connection.connection import _REACTIONS
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response


def test_table_has_a_row_for_every_state() -> None:
    assert set(_REACTIONS) == set(ConnectionState)


async def test_connection_answers_one_request() -> None:
    async with serving(hello) as served:
        received = await served.send(GET)
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert received.endswith(b"\r\n\r\nhello")
        assert not served.is_closed


async def test_connection_serves_request_after_request() -> None:
    async with serving(echo) as served:
        for content in (b"one", b"", b"three"):
            await served.send(post(content))
        assert [response.content for response in served.connection.responses] == [b"one", b"", b"three"]


async def test_connection_answers_a_pipeline_in_order() -> None:
    gate = asyncio.Event()

    async def slow_first(request: Request) -> Response:
        if request.path == "/slow":
            await gate.wait()
        return Response(request.path)

    async with serving(slow_first) as served:
        paths = (b"/slow", b"/2", b"/3")
        await served.send(b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths))
        assert served.connection.received == b""
        gate.set()
        await served.connection.settle()
        assert [response.text for response in served.connection.responses] == ["/slow", "/2", "/3"]


async def test_connection_begins_each_request_of_a_pipeline_in_a_fresh_context() -> None:
    seen: ContextVar[str] = ContextVar("seen", default="nothing")

    async def look(request: Request) -> Response:
        before = seen.get()
        seen.set(request.path)
        return Response(before)

    async with serving(look) as served:
        await served.send(GET * 3)
        await served.send(GET)
        assert [response.text for response in served.connection.responses] == ["nothing"] * 4


async def test_connection_stops_reading_a_pipeline_while_a_handler_waits() -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Response:
        await gate.wait()
        return Response("done")

    large = b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 8000)
    async with serving(wait) as served:
        for _ in range(6):
            await served.connection.send(large * 5)
        assert served.connection.undelivered > 0
        gate.set()
        await served.connection.settle()
        assert served.connection.undelivered == 0
        assert served.statuses == [200] * 30


@pytest.mark.parametrize(
    "request_head",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", id="asked_for"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n", id="in_a_list"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="http_1_0"),
    ],
)
async def test_connection_announces_that_it_closes(request_head: bytes) -> None:
    async with serving(hello) as served:
        received = await served.send(request_head)
        assert b"\r\nConnection: close\r\n" in received
        assert served.is_closed


async def test_connection_serves_nothing_after_the_last_request() -> None:
    async with serving(hello) as served:
        await served.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET)
        assert served.statuses == [200]
        assert served.is_closed


async def test_connection_announces_keep_alive_to_an_old_client() -> None:
    async with serving(hello) as served:
        received = await served.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"\r\nConnection: keep-alive\r\n" in received
        assert not served.is_closed


async def test_connection_closes_when_the_application_asks() -> None:
    async def last(request: Request) -> Response:
        return Response("bye", headers={"Connection": "close"})

    async with serving(last) as served:
        received = await served.send(GET)
        assert received.count(b"Connection: close") == 1
        assert served.is_closed


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET /\r\n\r\n", 400, id="request_line"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no_host"),
        pytest.param(b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, id="version"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, id="coding"),
        pytest.param(b"GET /%b HTTP/1.1\r\n" % (b"x" * 9000), 414, id="request_line_too_long"),
        pytest.param(b"GET / HTTP/1.1\r\nX: %b\r\n" % (b"x" * 20000), 431, id="field_line_too_long"),
        pytest.param(post_head(1_000_000_000), 413, id="content_too_long"),
    ],
)
async def test_connection_refuses_what_is_no_request(data: bytes, status: int) -> None:
    async with serving(hello) as served:
        received = await served.send(data + GET)
        assert served.statuses == [status]
        assert b"\r\nConnection: close\r\n" in received
        assert b"\r\nDate: " in received
        assert served.is_closed


async def test_connection_answers_what_came_before_a_malformed_request() -> None:
    async with serving(hello) as served:
        await served.send(GET + b"nonsense\r\n\r\n" + GET)
        assert served.statuses == [200, 400]
        assert served.is_closed


# -- the end of input in each state -----------------------------------------------------------------------------------


async def test_end_of_input_before_a_request_closes() -> None:
    async with serving(hello) as served:
        await served.connection.half_close()
        assert served.connection.received == b""
        assert served.is_closed


async def test_end_of_input_within_a_head_is_a_bad_request() -> None:
    async with serving(hello) as served:
        await served.connection.send(b"GET / HT")
        await served.connection.half_close()
        assert served.statuses == [400]
        assert served.is_closed


async def test_end_of_input_after_requests_lets_them_be_answered() -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Response:
        await gate.wait()
        return Response("done")

    async with serving(wait) as served:
        await served.connection.send(GET * 3)
        await served.connection.half_close()
        assert not served.is_closed
        gate.set()
        await served.connection.settle()
        assert served.statuses == [200, 200, 200]
        assert served.is_closed


async def test_end_of_input_within_content_is_a_bad_request() -> None:
    async with serving(echo) as served:
        await served.connection.send(post_head(10) + b"half")
        await served.connection.half_close()
        assert served.statuses == [400]
        assert served.is_closed


async def test_end_of_input_between_requests_closes() -> None:
    async with serving(hello) as served:
        await served.send(GET)
        await served.connection.half_close()
        assert served.statuses == [200]
        assert served.is_closed


async def test_end_of_input_while_content_is_dropped_closes() -> None:
    async with serving(hello) as served:
        await served.connection.send(post_head(10) + b"half")
        assert served.statuses == [200]
        assert not served.is_closed
        await served.connection.half_close()
        assert served.is_closed


@pytest.mark.parametrize(
    ("request_head", "lingers"),
    [
        pytest.param(GET, True, id="peer-that-may-send-more"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", False, id="peer-that-asked-for-it"),
    ],
)
async def test_close_that_the_peer_did_not_ask_for_lingers(request_head: bytes, lingers: bool) -> None:
    async def close(request: Request) -> Response:
        return Response("bye", headers={"Connection": "close"})

    async with serving(close) as served:
        await served.connection.send(request_head)
        assert served.connection.is_lost is not lingers
        if lingers:
            await served.connection.send(GET)
            assert served.statuses == [200]
            await served.connection.half_close()
        assert served.connection.is_lost


async def test_end_of_input_ends_lingering() -> None:
    async with serving(hello) as served:
        await served.connection.send(b"nonsense\r\n\r\n")
        assert not served.connection.is_lost
        await served.connection.half_close()
        assert served.connection.is_lost


# -- a peer that is gone -----------------------------------------------------------------------------------------------


def _note_disconnect(notes: list[object], started: asyncio.Event) -> Callable[[Request], object]:
    async def handler(request: Request) -> Response:
        notes.append(request.is_disconnected)
        started.set()
        await request.disconnected()
        notes.append(request.is_disconnected)
        return Response("too late")

    return handler


async def test_handler_can_see_that_the_peer_is_gone() -> None:
    notes: list[object] = []
    started = asyncio.Event()
    async with serving(_note_disconnect(notes, started)) as served:  # type: ignore[arg-type]
        await served.connection.send(GET)
        assert notes == [False]
        await served.connection.reset()
        assert notes == [False, True]


async def test_handler_is_cancelled_on_disconnect_when_that_is_set() -> None:
    notes: list[str] = []

    async def wait(request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            notes.append("cancelled")
            raise
        return Response("never")

    async with serving(wait, cancel_on_disconnect=True) as served:
        await served.connection.send(GET)
        await served.connection.reset()
        assert notes == ["cancelled"]


async def test_reading_content_of_a_lost_connection_raises() -> None:
    errors: list[Exception] = []

    async def read(request: Request) -> Response:
        try:
            await request.read()
        except ConnectionLost as error:
            errors.append(error)
        return Response("never seen")

    async with serving(read) as served:
        await served.connection.send(post_head(10) + b"half")
        await served.connection.reset()
        assert len(errors) == 1


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / H", id="half_a_head"),
        pytest.param(GET, id="a_request"),
        pytest.param(post_head(99), id="content_due"),
        pytest.param(b"nonsense\r\n\r\n", id="lingering"),
    ],
)
async def test_reset_in_any_state_leaves_nothing_open(sent: bytes) -> None:
    async with serving(echo) as served:
        await served.connection.send(sent)
        await served.connection.reset()
        assert served.connection.is_lost
        other = served.server.connect()
        await other.send(GET)
        assert other.statuses == [200]


# -- a handler that misbehaves -----------------------------------------------------------------------------------------


async def test_handler_that_cancels_itself_is_an_internal_error() -> None:
    async def cancel(request: Request) -> Response:
        raise asyncio.CancelledError

    async with serving(cancel) as served:
        await served.send(GET)
        assert served.statuses == [500]
        assert served.is_closed


async def test_application_that_raises_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: Request) -> Response:
        raise RuntimeError("must not happen")

    async with serving(fail) as served:
        await served.send(GET)
        assert served.statuses == [500]
        assert b"must not happen" not in served.connection.received
        assert served.is_closed
    assert "must not happen" in caplog.text


# -- parsers that break their contract ---------------------------------------------------------------------------------


class _Scripted:
    """A parser that returns prepared events and ignores its input."""

    def __init__(self, *events: object) -> None:
        self._events = list(events)

    def feed(self, data: bytes, /) -> None:
        pass

    def feed_eof(self) -> None:
        pass

    def next_event(self) -> object:
        event = self._events.pop(0) if self._events else NEED_DATA
        if isinstance(event, ProtocolError):
            raise event
        return event

    def trailing_data(self) -> bytes:
        return b""


_HEAD = RequestHead(b"GET", b"/", 1, [(b"host", b"a")])
_LONG = RequestHead(b"POST", b"/", 1, [(b"host", b"a")], content_length=5)


@pytest.mark.parametrize(
    ("events", "statuses"),
    [
        pytest.param((Data(b"x"),), [400], id="content_first"),
        pytest.param((EndOfMessage(),), [400], id="end_first"),
        pytest.param((_HEAD, _HEAD), [200, 400], id="head_after_head"),
        pytest.param((_HEAD, EndOfMessage(), EndOfMessage()), [200, 400], id="two_ends"),
        pytest.param((_HEAD, Data(b"x")), [200, 400], id="content_of_a_request_without"),
        pytest.param((_LONG, Data(b"x"), ProtocolError("broken")), [200], id="error_in_content_that_is_dropped"),
    ],
)
async def test_parser_that_breaks_its_contract_is_refused(events: tuple[object, ...], statuses: list[int]) -> None:
    def factory(limits: Limits) -> _Scripted:
        return _Scripted(*events)

    async with serving(hello, parser_factory=factory) as served:  # type: ignore[arg-type]
        await served.send(b"anything")
        assert served.statuses == statuses
        assert served.is_closed


# -- stopping ----------------------------------------------------------------------------------------------------------


async def test_drain_closes_an_idle_connection() -> None:
    async with serving(hello) as served:
        await served.send(GET)
        served.server.begin_drain()
        await served.connection.settle()
        assert served.is_closed


async def test_drain_gives_a_head_that_has_begun_a_moment_to_be_completed() -> None:
    async with serving(hello) as served:
        await served.send(GET + GET[:9])
        served.server.begin_drain()
        await served.connection.settle()
        assert not served.is_closed
        await served.send(GET[9:])
        assert served.statuses == [200, 200]
        assert served.is_closed


async def test_drain_gives_an_idle_connection_a_moment_for_a_last_request() -> None:
    async with serving(hello) as served:
        await served.send(GET)
        served.server.begin_drain(last_request=1.0)
        await served.advance(0.9)
        assert not served.is_closed
        received = await served.send(GET)
        assert received.count(b"\r\nConnection: close\r\n") == 1
        assert served.statuses == [200, 200]
        assert served.is_closed


async def test_drain_closes_an_idle_connection_that_sends_no_last_request() -> None:
    async with serving(hello) as served:
        await served.send(GET)
        served.server.begin_drain(last_request=1.0)
        await served.advance(1.0)
        assert served.is_closed


async def test_drain_lets_a_running_request_finish_and_announces_the_end() -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Response:
        await gate.wait()
        return Response("done")

    async with serving(wait) as served:
        await served.connection.send(GET)
        served.server.begin_drain()
        gate.set()
        await served.connection.settle()
        assert b"\r\nConnection: close\r\n" in served.connection.received
        assert served.connection.received.endswith(b"done")
        assert served.is_closed


async def test_drain_gives_a_new_connection_a_moment_for_its_request() -> None:
    async with serving(hello) as served:
        await served.connection.send(b"GET / HTTP/1.1\r\n")
        served.server.begin_drain()
        received = await served.send(b"Host: a\r\n\r\n")
        assert b"\r\nConnection: close\r\n" in received
        assert served.statuses == [200]


async def test_drain_does_not_wait_for_a_connection_that_says_nothing() -> None:
    async with serving(hello) as served:
        await served.connection.settle()
        served.server.begin_drain()
        await served.advance(3)
        assert served.is_closed
