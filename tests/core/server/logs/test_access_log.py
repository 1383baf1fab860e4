"""Each response and each refusal has one line in the access log, with all known facts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from tests.core.server.serving_in_memory import GET, echo, hello, post_head, serving
from turnbuckle.server.logs.records import AccessEntry
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.upgrade import SwitchProtocols


@pytest.fixture(autouse=True)
def _access(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle.access")


def _entries(caplog: pytest.LogCaptureFixture) -> list[AccessEntry]:
    return [record.__dict__["access"] for record in caplog.records if record.name == "turnbuckle.access"]


def _entry(caplog: pytest.LogCaptureFixture) -> AccessEntry:
    (entry,) = _entries(caplog)
    return entry


async def _stream(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        if request.path == "/broken":
            raise ValueError("no more")
        if request.path == "/endless":
            await asyncio.Event().wait()

    return Response(pieces())


async def _never(request: Request) -> Response:
    return await asyncio.get_running_loop().create_future()


def test_line_of_a_complete_response() -> None:
    entry = AccessEntry(
        client="[::1]:4000",
        method="GET",
        target='/a"b?c=d',
        version="HTTP/1.1",
        status=200,
        content_bytes=5,
        seconds=0.00123,
        request_id="7f",
        outcome="complete",
        time=0.0,
    )
    assert str(entry) == '[::1]:4000 "GET /a\\"b?c=d HTTP/1.1" 200 5 1.2ms 7f complete'


def test_line_of_a_refusal() -> None:
    entry = AccessEntry(
        client="unix", status=400, content_bytes=12, outcome="refused", reason="bad\r\n\x1b[2J", time=0.0
    )
    assert str(entry) == 'unix "-" 400 12 - - refused "bad\\x0d\\x0a\\x1b[2J"'


async def test_complete_response_is_logged_with_all_fields(caplog: pytest.LogCaptureFixture) -> None:
    async def named(request: Request) -> Response:
        request.id = "abc-1"
        return Response("hello")

    fields = b"User-Agent: c/8\r\nReferer: http://b/?x=1\r\nCookie: secret=1\r\nAuthorization: Basic c2VjcmV0"
    async with serving(named, access_log=True) as served:
        await served.send(b"GET /a?b=%0a HTTP/1.1\r\nHost: a.example\r\n" + fields + b"\r\n\r\n")
        wall = served.clock.wall()
    entry = _entry(caplog)
    assert (entry.client, entry.method, entry.target, entry.version) == (
        "127.0.0.1:40000",
        "GET",
        "/a?b=%0a",
        "HTTP/1.1",
    )
    assert (entry.status, entry.content_bytes, entry.seconds, entry.outcome, entry.reason) == (
        200,
        5,
        0.0,
        "complete",
        "",
    )
    assert (entry.user_agent, entry.referer, entry.host) == ("c/8", "http://b/?x=1", "a.example")
    assert (entry.request_id, entry.time, entry.route) == ("abc-1", wall, "")
    assert not any("secret" in str(getattr(entry, name)) for name in entry.__slots__ if not name.startswith("_"))


async def test_queries_may_be_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello, access_log=True, log_queries=False) as served:
        await served.send(b"GET /a?token=1 HTTP/1.1\r\nHost: a\r\nReferer: http://b/c?token=2#d\r\n\r\n")
    entry = _entry(caplog)
    assert (entry.target, entry.referer) == ("/a", "http://b/c")


async def test_seconds_are_those_from_head_to_end(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(echo, access_log=True) as served:
        await served.send(post_head(1))
        await served.advance(2)
        await served.send(b"x")
    assert _entry(caplog).seconds == pytest.approx(2)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_content_bytes_are_the_bytes_that_were_sent(method: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello, access_log=True) as served:
        await served.send(GET.replace(b"GET", method))
    assert _entry(caplog).content_bytes == (5 if method == b"GET" else 0)


async def test_requests_of_one_connection_have_a_line_each(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello, access_log=True) as served:
        await served.send(GET.replace(b"/", b"/1", 1) + GET.replace(b"/", b"/2", 1))
        await served.send(b"GET /3 HTTP/1.0\r\n\r\n")
    entries = _entries(caplog)
    assert [(entry.target, entry.version) for entry in entries] == [
        ("/1", "HTTP/1.1"),
        ("/2", "HTTP/1.1"),
        ("/3", "HTTP/1.0"),
    ]


async def test_unsendable_response_is_logged_with_the_sent_status(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def impossible(request: Request) -> Response:
        return Response(b"abc", headers={"Content-Length": "5"})

    async with serving(impossible, access_log=True) as served:
        await served.send(GET)
    entry = _entry(caplog)
    assert (entry.status, entry.content_bytes, entry.outcome) == (500, 22, "complete")


async def test_unstartable_stream_is_logged_with_the_sent_status(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def impossible(request: Request) -> Response:
        response = await _stream(request)
        response.headers.add("Content-Length", "x")
        return response

    async with serving(impossible, access_log=True) as served:
        await served.send(GET)
        assert served.statuses == [500]
    entry = _entry(caplog)
    assert (entry.status, entry.content_bytes, entry.outcome) == (500, 22, "complete")


# -- streams -----------------------------------------------------------------------------------------------------------


async def test_stream_is_logged_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(_stream, access_log=True) as served:
        await served.send(GET)
    entry = _entry(caplog)
    assert (entry.status, entry.content_bytes, entry.outcome) == (200, 3, "complete")


async def test_stream_that_breaks_off_is_logged_as_broken(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(_stream, access_log=True) as served:
        await served.send(GET.replace(b"/", b"/broken", 1))
    entry = _entry(caplog)
    assert (entry.target, entry.status, entry.content_bytes, entry.outcome) == ("/broken", 200, 3, "broken")


async def test_stream_whose_client_leaves_is_logged_as_disconnected(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(_stream, access_log=True) as served:
        await served.send(GET.replace(b"/", b"/endless", 1))
        await served.connection.reset()
    entry = _entry(caplog)
    assert (entry.status, entry.content_bytes, entry.outcome) == (200, 3, "disconnected")


async def test_stream_that_the_server_cuts_off_is_logged_as_broken(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(_stream, access_log=True) as served:
        await served.send(GET.replace(b"/", b"/endless", 1))
    entry = _entry(caplog)
    assert (entry.status, entry.content_bytes, entry.outcome) == (200, 3, "broken")


# -- requests without the response of the application ------------------------------------------------------------------


async def test_invalid_request_is_logged_with_its_status_and_reason(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello, access_log=True) as served:
        await served.send(b"nonsense\r\n\r\n")
    entry = _entry(caplog)
    assert (entry.client, entry.method, entry.target, entry.seconds) == ("127.0.0.1:40000", "", "", None)
    assert (entry.status, entry.content_bytes, entry.outcome) == (400, 12, "refused")
    assert entry.reason == "b'nonsense' is not a request line"


async def test_second_request_that_is_none_is_not_taken_for_the_first(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello, access_log=True) as served:
        await served.send(GET + b"nonsense\r\n\r\n")
    first, second = _entries(caplog)
    assert (first.target, first.status, second.target, second.status) == ("/", 200, "", 400)


async def test_head_that_takes_too_long_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello, access_log=True, timeouts=Timeouts(head=1)) as served:
        await served.send(b"GET / HTTP/1.1\r\nHo")
        await served.advance(2)
    entry = _entry(caplog)
    assert (entry.status, entry.outcome, entry.reason) == (408, "refused", "the head took too long")


async def test_handler_that_takes_too_long_is_logged_once_with_its_request(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(_never, access_log=True, timeouts=Timeouts(handler=1)) as served:
        await served.send(GET)
        await served.advance(2)
        assert served.statuses == [503]
    entry = _entry(caplog)
    assert (entry.target, entry.status, entry.outcome, entry.reason) == (
        "/",
        503,
        "refused",
        "the handler took too long",
    )
    assert entry.seconds is not None
    assert entry.seconds >= 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, id="malformed"),
        pytest.param(post_head(5).replace(b"/", b"/up", 1), 408, id="slow"),
    ],
)
async def test_content_that_is_refused_is_logged_with_its_request(
    sent: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(echo, access_log=True, timeouts=Timeouts(content=1)) as served:
        await served.send(sent)
        await served.advance(2)
        assert served.statuses == [status]
    entry = _entry(caplog)
    assert (entry.method, entry.target, entry.status, entry.outcome) == ("POST", "/up", status, "refused")
    assert entry.reason


async def test_client_that_leaves_before_the_response_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    async def late(request: Request) -> Response:
        await release.wait()
        return Response("hello")

    async with serving(late, access_log=True) as served:
        await served.send(GET)
        await served.connection.reset()
        release.set()
        await served.connection.settle()
    entry = _entry(caplog)
    assert (entry.status, entry.content_bytes, entry.outcome) == (0, 0, "disconnected")


async def test_handler_that_is_cut_off_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(_never, access_log=True) as served:
        await served.send(GET)
    entry = _entry(caplog)
    assert (entry.target, entry.status, entry.outcome) == ("/", 0, "broken")


async def test_handler_that_cancels_itself_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def cancelled(request: Request) -> Response:
        raise asyncio.CancelledError

    async with serving(cancelled, access_log=True) as served:
        await served.send(GET)
        assert served.statuses == [500]
    entry = _entry(caplog)
    assert (entry.target, entry.status, entry.outcome) == ("/", 500, "refused")


# -- switching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("upgrade", "status"), [(b"other", 101), (b"unknown", 500)])
async def test_switch_is_logged(upgrade: bytes, status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def switch(request: Request) -> Response:
        return SwitchProtocols("other", asyncio.Protocol)

    async with serving(switch, access_log=True) as served:
        await served.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n")
    assert _entry(caplog).status == status


# -- what a log must not do --------------------------------------------------------------------------------------------


async def test_access_log_is_silent_when_off(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello) as served:
        await served.send(GET)
        await served.send(b"nonsense\r\n\r\n")
    assert _entries(caplog) == []


async def test_handler_of_the_log_that_raises_changes_nothing() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("disk full")

    handler, logger = Broken(), logging.getLogger("turnbuckle.access")
    logger.addHandler(handler)
    try:
        async with serving(hello, access_log=True) as served:
            await served.send(GET)
            await served.send(GET)
            await served.send(b"nonsense\r\n\r\n")
            assert served.statuses == [200, 200, 400]
    finally:
        logger.removeHandler(handler)


async def test_fields_of_a_client_are_truncated(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(hello, access_log=True) as served:
        await served.send(b"GET /%b HTTP/1.1\r\nHost: a\r\nUser-Agent: %b\r\n\r\n" % (b"a" * 5000, b"b" * 5000))
    entry = _entry(caplog)
    assert (len(entry.target), len(entry.user_agent)) == (2048, 2048)
    assert entry.target.endswith("a...")
