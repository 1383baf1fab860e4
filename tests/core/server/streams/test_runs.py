"""A request on a stream has the content, the limits, the deadlines and the end of a request of HTTP/1.1."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.core.server.streams.hosting import hosting
from tests.core.server.streams.recording_channel import RecordingChannel, head
from turnbuckle import App, HTTPError, Peer, ProtocolError, Request, Response, Stream, SwitchProtocols
from turnbuckle.http.limits import Limits
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.response.file import File

_DATE = (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


async def _hello(request: Request) -> Response:
    return Response("hello")


async def _echo(request: Request) -> Response:
    return Response(await request.read(), content_type="text/plain")


def _stream(*pieces: bytes, **options: object) -> Callable[[Request], Awaitable[Response]]:
    async def content() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def handle(request: Request) -> Response:
        return Stream(content(), content_type="text/plain", **options)  # type: ignore[arg-type]

    return handle


# -- responses


async def test_complete_response_has_date_and_length() -> None:
    async with hosting(_hello) as hosted:
        run, channel = await hosted.begin()
        head = ("head", 200, [_TEXT, _DATE, (b"content-length", b"5")], False)
        assert channel.events == [head, ("data", b"hello", True)]
        assert run.is_done


async def test_host_may_send_its_own_date() -> None:
    async with hosting(_hello, sends_date=False) as hosted:
        _, channel = await hosted.begin()
        assert b"date" not in channel.fields


async def test_empty_response_ends_with_its_head() -> None:
    async def handle(request: Request) -> Response:
        return Response(b"", 204)

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin()
        assert channel.events == [("head", 204, [_DATE], True)]


@pytest.mark.parametrize("handle", [_hello, _stream(b"hel", b"lo", headers={"Content-Length": "5"})])
async def test_head_has_the_fields_of_get(handle: Callable[[Request], Awaitable[Response]]) -> None:
    async with hosting(handle) as hosted:
        _, channel = await hosted.begin("HEAD")
        assert channel.fields[b"content-length"] == b"5"
        assert channel.content == b""
        assert channel.has_ended


async def test_stream_ends_with_an_empty_piece() -> None:
    async with hosting(_stream(b"a", b"b")) as hosted:
        _, channel = await hosted.begin()
        assert [event[1:] for event in channel.events[1:]] == [(b"a", False), (b"b", False), (b"", True)]
        assert b"content-length" not in channel.fields


async def test_trailers_end_a_stream() -> None:
    async with hosting(_stream(b"a", trailers=lambda: {"X-Sum": "1"})) as hosted:
        _, channel = await hosted.begin()
        assert channel.events[1:] == [("data", b"a", False), ("trailers", [(b"x-sum", b"1")])]


async def test_trailers_follow_complete_content() -> None:
    async def handle(request: Request) -> Response:
        return Response("a", trailers={"X-Sum": "1"})

    async with hosting(handle) as hosted:
        run, channel = await hosted.begin()
        assert channel.fields[b"trailer"] == b"X-Sum"
        assert channel.events[1:] == [("data", b"a", False), ("trailers", [(b"x-sum", b"1")])]
        assert run.is_done


async def test_fields_of_a_connection_are_not_sent() -> None:
    async def handle(request: Request) -> Response:
        fields = {"Connection": "close, X-A", "Upgrade": "h2c", "Server": "mine", "Date": "today", "X-A": "1"}
        return Response("", headers=fields)

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin()
        assert channel.fields == {b"server": b"mine", b"date": b"today", b"x-a": b"1", b"content-length": b"0"}


@pytest.mark.parametrize("name", ["Transfer-Encoding", "Keep-Alive"])
async def test_field_that_the_server_sets_is_an_error_of_the_app(name: str) -> None:
    async def handle(request: Request) -> Response:
        return Response("a", headers={name: "chunked"})

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin()
        assert (channel.status, channel.content) == (500, b"Internal Server Error\n")


async def test_content_that_differs_from_its_length_resets_the_stream() -> None:
    async with hosting(_stream(b"abc", headers={"Content-Length": "5"})) as hosted:
        run, channel = await hosted.begin()
        assert channel.events[-1] == ("reset", "the response broke off", True)
        assert run.is_done


async def test_preconditions_and_ranges() -> None:
    async def handle(request: Request) -> Response:
        return Response("hello", headers={"ETag": '"1"', "Accept-Ranges": "bytes"})

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin("GET", "/", (b"if-none-match", b'"1"'))
        assert (channel.status, channel.content) == (304, b"")
        _, channel = await hosted.begin("GET", "/", (b"range", b"bytes=1-2"))
        assert (channel.status, channel.content, channel.fields[b"content-length"]) == (206, b"el", b"2")
        _, channel = await hosted.begin("GET", "/", (b"if-match", b'"2"'))
        assert channel.status == 412


async def test_file_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 100_000)

    async def handle(request: Request) -> Response:
        return File(path)

    async with hosting(handle) as hosted:
        run, channel = await hosted.begin()
        await hosted.until_done(run)
        assert channel.content == b"x" * 100_000
        assert channel.fields[b"content-length"] == b"100000"
        run, channel = await hosted.begin("GET", "/", (b"range", b"bytes=-3"))
        await hosted.until_done(run)
        assert (channel.status, channel.content) == (206, b"xxx")


# -- back-pressure and slow peers


async def test_stream_waits_for_the_peer() -> None:
    async with hosting(_stream(b"aaaa", b"bbbb", b"cccc")) as hosted:
        run, channel = await hosted.begin(window=5)
        assert channel.content == b"aaaabbbb"
        channel.window = None
        channel.take(3, run)
        await hosted.settle()
        assert channel.has_ended
        assert run.is_done


async def test_peer_that_reads_nothing_is_cut_off() -> None:
    async with hosting(_stream(b"aaaa", b"bbbb"), timeouts=Timeouts(write=10)) as hosted:
        run, channel = await hosted.begin(window=0)
        await hosted.advance(9)
        assert not run.is_done
        await hosted.advance(3)
        assert channel.events[-1] == ("reset", "the peer reads too slowly", False)
        assert run.is_done


async def test_peer_that_reads_slowly_but_steadily_gets_it_all() -> None:
    async with hosting(_stream(b"a" * 4000, b"b"), timeouts=Timeouts(write=10, write_rate=100)) as hosted:
        run, channel = await hosted.begin(window=0)
        for _ in range(3):
            channel.unsent_size -= 1000
            await hosted.advance(10)
        channel.window = None
        channel.take(4000, run)
        await hosted.settle()
        assert channel.has_ended


@pytest.mark.parametrize("reads", [True, False])
async def test_complete_response_has_to_be_read_in_time(reads: bool) -> None:
    async with hosting(_hello, timeouts=Timeouts(write=10)) as hosted:
        run, channel = await hosted.begin(window=0)
        assert run.is_done
        if reads:
            channel.take(5, run)
        await hosted.advance(12)
        assert (channel.events[-1][0] == "reset") is not reads


# -- content


async def test_content_is_read_and_consumed() -> None:
    async with hosting(_echo) as hosted:
        run, channel = await hosted.begin("POST", "/", has_content=True)
        run.content_received(b"hel")
        run.content_received(b"")
        run.content_received(b"lo")
        run.content_ended([(b"x-sum", b"1")])
        await hosted.settle()
        assert (channel.content, channel.consumed) == (b"hello", 5)


async def test_trailers_of_a_request() -> None:
    async def handle(request: Request) -> Response:
        await request.read()
        return Response(request.trailers["x-sum"])

    async with hosting(handle) as hosted:
        run, channel = await hosted.begin("POST", "/", has_content=True)
        run.content_received(b"hello")
        run.content_ended([(b"x-sum", b"1")])
        await hosted.settle()
        assert channel.content == b"1"


async def test_unread_content_is_dropped_and_consumed() -> None:
    async with hosting(_hello) as hosted:
        run, channel = await hosted.begin("POST", "/", has_content=True)
        assert run.is_done
        run.content_received(b"hello")
        run.content_ended()
        assert channel.consumed == 5


@pytest.mark.parametrize(
    ("length", "content", "status"),
    [
        pytest.param(b"5", b"hello", 200, id="as announced"),
        pytest.param(b"5", b"hell", 400, id="shorter"),
        pytest.param(b"4", b"hello", 400, id="longer"),
        pytest.param(b"11", b"", 413, id="announced beyond the limit"),
        pytest.param(b"", b"hello world", 413, id="beyond the limit"),
        pytest.param(b"+5", b"hello", 400, id="malformed"),
    ],
)
async def test_length_of_content(length: bytes, content: bytes, status: int) -> None:
    fields = [(b"content-length", length)] if length else []
    async with hosting(_answering_errors(_echo), content_limit=10) as hosted:
        _, channel = await hosted.post(content, *fields)
        assert channel.status == status
        assert channel.has_ended


def _answering_errors(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answering(request: Request) -> Response:
        try:
            return await handle(request)
        except HTTPError as error:
            return Response("", error.status)

    return answering


async def test_content_that_comes_too_slowly_is_timed_out() -> None:
    async with hosting(_echo, timeouts=Timeouts(content=10, content_rate=1)) as hosted:
        run, channel = await hosted.begin("POST", "/", has_content=True)
        run.content_received(b"12345")
        await hosted.advance(12)
        assert channel.status == 0
        await hosted.advance(5)
        assert channel.status == 408
        assert run.is_done


async def test_failed_content_is_answered_with_its_status() -> None:
    async with hosting(_echo) as hosted:
        run, channel = await hosted.begin("POST", "/", has_content=True)
        run.content_failed(ProtocolError("trailers are malformed", status=431))
        await hosted.settle()
        assert channel.status == 431


async def test_continue_is_sent_when_the_content_is_read() -> None:
    async with hosting(_echo) as hosted:
        fields = [(b"expect", b"100-continue"), (b"content-length", b"1")]
        _, channel = await hosted.begin("POST", "/", *fields, has_content=True, expects_continue=True)
        assert channel.events == [("interim", 100, [])]
    async with hosting(_hello) as hosted:
        _, channel = await hosted.begin("POST", "/", *fields, has_content=True, expects_continue=True)
        assert channel.events[0][:2] == ("head", 200)


async def test_content_is_gone_after_the_response() -> None:
    seen: list[BaseException] = []

    async def read_late(request: Request) -> None:
        try:
            await request.read()
        except RuntimeError as error:
            seen.append(error)

    async def handle(request: Request) -> Response:
        request.state.task = asyncio.create_task(read_late(request))
        await asyncio.sleep(0)
        return Response("early")

    async with hosting(handle) as hosted:
        await hosted.begin("POST", "/", has_content=True)
        assert len(seen) == 1


# -- heads


@pytest.mark.parametrize(
    ("target", "fields", "status"),
    [
        pytest.param("/", [(b"host", b"b.example")], 400, id="second host"),
        pytest.param("/", [(b"Upper", b"1")], 400, id="name in upper case"),
        pytest.param("/", [(b"a b", b"1")], 400, id="malformed name"),
        pytest.param("/", [(b"a", b"1\r\nb: 2")], 400, id="value with a line end"),
        pytest.param("/", [(b"a", b"1\0")], 400, id="value with NUL"),
        pytest.param("/", [(b"a", b" 1")], 400, id="value with whitespace around"),
        pytest.param("/", [(b"connection", b"close")], 400, id="field of a connection"),
        pytest.param("/", [(b"transfer-encoding", b"chunked")], 400, id="transfer coding"),
        pytest.param("/", [(b"content-length", b"3")], 400, id="length without content"),
        pytest.param("x", [], 400, id="malformed target"),
        pytest.param("/" + "a" * 100, [], 414, id="long target"),
        pytest.param("/", [(b"a", b"1" * 100)], 431, id="long field"),
        pytest.param("/", [(b"a", b"1" * 40)] * 3, 431, id="long section"),
        pytest.param("/", [(b"a", b"1")] * 9, 431, id="many fields"),
    ],
)
async def test_head_is_checked(target: str, fields: list[tuple[bytes, bytes]], status: int) -> None:
    limits = Limits(request_line=100, field_line=100, header_section=120, field_count=8)
    async with hosting(_hello, limits=limits) as hosted:
        run, channel = await hosted.begin("GET", target, *fields)
        assert channel.status == status
        assert channel.has_ended
        assert run.is_done


# -- deadlines


async def _wait_for_ever(request: Request) -> Response:
    await asyncio.Event().wait()
    return Response("never")


async def test_handler_that_takes_too_long_is_answered_for() -> None:
    async with hosting(_wait_for_ever, timeouts=Timeouts(handler=5), capacity=Capacity(retry_after=7)) as hosted:
        run, channel = await hosted.begin()
        task = run.task
        await hosted.advance(6)
        assert (channel.status, channel.fields[b"retry-after"]) == (503, b"7")
        assert run.is_done
        assert task is not None
        assert task.cancelled()


async def test_request_has_so_much_time_in_all() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    async def handle(request: Request) -> Response:
        return Stream(endless())

    async with hosting(handle, timeouts=Timeouts(total=5)) as hosted:
        run, channel = await hosted.begin()
        await hosted.advance(4)
        assert not run.is_done
        await hosted.advance(2)
        assert channel.events[-1][0] == "reset"
        assert run.is_done


async def test_route_overrides_deadlines_and_limits() -> None:
    app = App()
    app.get("/slow", timeouts={"handler": 5.0})(_wait_for_ever)
    app.post("/", limits={"content": 3})(_echo)
    application = app.compile()
    async with hosting(application.handle, own_timeouts=application.own_timeouts) as hosted:
        _, slow = await hosted.begin("GET", "/slow")
        await hosted.advance(6)
        assert slow.status == 503
        _, large = await hosted.post(b"hello")
        assert large.status == 413


async def test_requests_at_a_time_are_bounded() -> None:
    async with hosting(_wait_for_ever, capacity=Capacity(concurrent_requests=1)) as hosted:
        first, _ = await hosted.begin()
        _, second = await hosted.begin()
        assert second.status == 503
        first.abort()
        await hosted.settle()
        _, third = await hosted.begin()
        assert third.status == 0


# -- the peer goes away


@pytest.mark.parametrize("cancels", [True, False])
async def test_disconnect_before_the_response(cancels: bool) -> None:
    seen: list[str] = []

    async def handle(request: Request) -> Response:
        try:
            await request.disconnected()
            seen.append("lost")
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return Response("nobody reads this")

    async with hosting(handle, cancel_on_disconnect=cancels) as hosted:
        run, channel = await hosted.begin()
        run.disconnect()
        await hosted.settle()
        assert seen == ["cancelled" if cancels else "lost"]
        assert channel.events == []
        assert run.is_done


async def test_disconnect_ends_a_stream() -> None:
    seen: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            seen.append("closed")

    async def handle(request: Request) -> Response:
        return Stream(pieces())

    async with hosting(handle) as hosted:
        run, channel = await hosted.begin()
        run.disconnect()
        run.disconnect()
        run.content_received(b"late")
        run.resume_writing()
        await hosted.settle()
        assert seen == ["closed"]
        assert channel.events[-1] == ("data", b"a", False)


async def test_disconnect_wakes_the_reader_of_content() -> None:
    seen: list[BaseException] = []

    async def handle(request: Request) -> Response:
        try:
            return Response(await request.read())
        except ConnectionError as error:
            seen.append(error)
            raise

    async with hosting(handle) as hosted:
        run, _ = await hosted.begin("POST", "/", has_content=True)
        run.disconnect()
        await hosted.settle()
        assert len(seen) == 1


async def test_handler_without_a_peer_still_has_a_deadline() -> None:
    async with hosting(_wait_for_ever, timeouts=Timeouts(handler=5)) as hosted:
        run, _ = await hosted.begin()
        task = run.task
        run.disconnect()
        await hosted.advance(6)
        assert task is not None
        assert task.cancelled()


# -- failures


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), asyncio.CancelledError(), ValueError("x")])
async def test_failure_is_answered_with_500(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    async def handle(request: Request) -> Response:
        raise error

    async with hosting(handle) as hosted:
        run, channel = await hosted.begin()
        assert (channel.status, channel.has_ended, run.is_done) == (500, True, True)


@pytest.mark.parametrize("error", [SystemExit(3), ValueError("x")])
async def test_failure_within_a_stream_resets_it(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        raise error

    async def handle(request: Request) -> Response:
        return Stream(pieces())

    async with hosting(handle) as hosted:
        run, channel = await hosted.begin()
        assert channel.events[-1][0] == "reset"
        assert channel.events[-1][2] is True
        assert run.is_done
        assert any(record.exc_info for record in caplog.records)


# -- calls of the application


async def test_early_hints_precede_the_response() -> None:
    async def handle(request: Request) -> Response:
        sent = await request.early_hints(["</a.css>; rel=preload; as=style"])
        return Response(str(sent))

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin()
        assert channel.events[0] == ("interim", 103, [(b"link", b"</a.css>; rel=preload; as=style")])
        assert channel.content == b"True"


async def test_functions_run_after_the_response() -> None:
    seen: list[str] = []

    async def work(text: str) -> None:
        seen.append(text)

    async def handle(request: Request) -> Response:
        request.after_response(work, "immediately")
        await asyncio.sleep(0)
        request.after_response(work, "later")
        return Response("done")

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin()
        await hosted.settle()
        assert channel.content == b"done"
        assert seen == ["immediately", "later"]


@pytest.mark.parametrize("waits", [True, False])
async def test_host_can_wait_for_the_functions_after_a_response(waits: bool) -> None:
    seen: list[str] = []
    may_end = asyncio.Event()

    async def work() -> None:
        await may_end.wait()
        seen.append("done")

    async def handle(request: Request) -> Response:
        request.after_response(work)
        if waits:
            await asyncio.sleep(0)
        return Response("")

    async with hosting(handle) as hosted:
        run = hosted.host.run(head(), Peer(), RecordingChannel(), has_content=False)
        waiting = asyncio.create_task(run.finished())
        await hosted.settle()
        assert run.is_done
        assert not waiting.done()
        may_end.set()
        await waiting
        assert seen == ["done"]
        await run.finished()


async def test_request_knows_its_protocol() -> None:
    async def handle(request: Request) -> Response:
        return Response(f"{request.http_version} {request.peer.protocol} {request.host} {request.url}")

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin("GET", "/a?b=c")
        assert channel.content == b"2 HTTP/2 a.example http://a.example/a?b=c"


class _Session:
    """A value that a function supplies."""


@pytest.mark.parametrize(("path", "disconnects"), [("/whole", False), ("/stream", False), ("/stream", True)])
async def test_contexts_of_suppliers_are_left_after_the_response(path: str, disconnects: bool) -> None:
    app, seen = App(), list[str]()

    @app.supply
    async def session() -> AsyncIterator[_Session]:
        yield _Session()
        seen.append("left")

    @app.get("/whole")
    async def whole(session: _Session) -> str:
        return "whole"

    @app.get("/stream")
    async def stream(session: _Session) -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            seen.append("streamed")
            if disconnects:
                await asyncio.Event().wait()

        return Stream(pieces())

    async with hosting(app.compile().handle) as hosted:
        run, _ = await hosted.begin("GET", path)
        if disconnects:
            run.disconnect()
            await hosted.settle()
        assert seen == ["left"] if path == "/whole" else ["streamed", "left"]


async def test_channel_that_fails_does_not_keep_the_run(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(RecordingChannel):
        def send_head(self, status: int, fields: object, *, ends: bool) -> None:
            raise LookupError("a bug of the carrier")

    async with hosting(_hello) as hosted:
        run = hosted.host.run(head(), Peer(), Broken(), has_content=False)
        await hosted.settle()
        assert run.is_done
        await hosted.host.stop()


# -- tunnels


async def _switch(request: Request) -> Response:
    return SwitchProtocols("shout", asyncio.Protocol)


async def test_switch_is_passed_to_the_carrier() -> None:
    async with hosting(_switch) as hosted:
        run, channel = await hosted.begin(upgrade=b"shout")
        assert channel.status == 500
        assert run.is_done
    async with hosting(_switch) as hosted:
        run, channel = await hosted.begin(upgrade=b"other")
        assert channel.status == 500


async def test_tunnel_is_open_until_the_carrier_ends_it() -> None:
    async with hosting(_switch) as hosted:
        run, channel = await hosted.begin(has_tunnels=True, upgrade=b"shout")
        assert channel.switched is not None
        assert not run.is_done
        run.disconnect()
        assert run.is_done
        assert run.peer.lost.is_set()


async def test_run_leaves_no_cycle_of_references() -> None:
    async with hosting(_echo) as hosted:
        await hosted.post(b"a")
        gc.collect()
        gc.disable()
        try:
            run, channel = await hosted.post(b"hello")
            reference, peer = weakref.ref(channel), weakref.ref(run.peer)
            del run, channel
            assert (reference(), peer()) == (None, None)
        finally:
            gc.enable()


# -- the log


async def test_access_log_names_the_protocol(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle.access")
    async with hosting(_stream(b"abc"), access_log=True) as hosted:
        await hosted.begin("GET", "/a")
        run, _ = await hosted.begin("GET", "/b", window=0)
        run.disconnect()
        await hosted.settle()
        await hosted.begin("GET", "/c", (b"connection", b"close"))
    lines = [record.getMessage() for record in caplog.records if record.name == "turnbuckle.access"]
    assert [line.partition(" ")[2] for line in lines] == [
        '"GET /a HTTP/2" 200 3 0.0ms - complete',
        '"GET /b HTTP/2" 200 3 0.0ms - disconnected',
        '"GET /c HTTP/2" 400 12 0.0ms - refused "field b\'connection\' belongs to a connection of HTTP/1.1"',
    ]


async def test_request_that_is_cancelled_before_it_begins_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle.access")
    async with hosting(_wait_for_ever, access_log=True, cancel_on_disconnect=True) as hosted:
        run = hosted.host.run(head(), Peer(), RecordingChannel(), has_content=False)
        run.disconnect()
        await hosted.settle()
    lines = [record.getMessage() for record in caplog.records if record.name == "turnbuckle.access"]
    assert lines == ['unix "GET / HTTP/1.1" - 0 0.0ms - disconnected']


# -- the end of the host


async def test_stop_waits_for_requests_and_ends_endless_streams() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    async def handle(request: Request) -> Response:
        if request.path == "/stream":
            return Stream(pieces())
        await request.stopping()
        return Response("bye")

    async with hosting(handle, timeouts=Timeouts(stream_shutdown=2)) as hosted:
        _, stream = await hosted.begin("GET", "/stream")
        _, last = await hosted.begin("GET", "/last")
        stopping = asyncio.create_task(hosted.host.stop())
        await hosted.settle()
        assert last.content == b"bye"
        assert not stopping.done()
        await hosted.advance(3)
        assert stream.events[-1][0] == "reset"
        await stopping


async def test_stop_aborts_late_requests_and_names_them(caplog: pytest.LogCaptureFixture) -> None:
    async with hosting(_wait_for_ever, timeouts=Timeouts(shutdown=5)) as hosted:
        run, channel = await hosted.begin("GET", "/slow")
        stopping = asyncio.create_task(hosted.host.stop())
        await hosted.advance(6)
        await stopping
        assert channel.events[-1][0] == "reset"
        assert run.is_done
    assert any("GET /slow, waiting at" in record.getMessage() for record in caplog.records)


async def test_hosted_application_has_to_be_started_once() -> None:
    async with hosting(_hello) as hosted:
        with pytest.raises(RuntimeError, match="only once"):
            await hosted.host.start()
