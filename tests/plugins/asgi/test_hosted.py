"""An app on an ASGI host: requests in memory, on a host that checks each message."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from turnbuckle import App, File, Request, Response, ResponseEnd, ServerFigures, SettingsSources, Setup, Stream
from turnbuckle_plugins.asgi import asgi, host_scope
from turnbuckle_plugins.asgi.hosted.response import IncompleteResponse

from .strict_host import HTTPCall, StrictHost

NO_SOURCES = SettingsSources()


def hosted(app: App, **options: Any) -> StrictHost:
    return StrictHost(asgi(app, sources=NO_SOURCES), **options)


async def settle() -> None:
    """Run all tasks until each of them waits for another side."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
def app() -> App:
    app = App("shop", settings={"routing": {"trailing_slash": "redirect"}})

    @app.get("/", name="home")
    async def home(request: Request) -> dict[str, object]:
        return {"url": request.url, "home": request.url_for("home"), "version": request.http_version}

    @app.post("/upload")
    async def upload(request: Request) -> list[int]:
        return [sum([len(piece) async for piece in request.stream()])]

    @app.get("/cookie")
    async def cookie(request: Request) -> Response:
        response = Response("cookie")
        response.set_cookie("a", "1", path=request.with_prefix("/"))
        return response

    @app.get("/items/")
    async def items(request: Request) -> str:
        return "items"

    @app.get("/broken")
    async def broken(request: Request) -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise LookupError("the other half")

        return Stream(pieces())

    @app.get("/fails")
    async def fails(request: Request) -> None:
        raise LookupError("no such thing")

    return app


async def test_request_is_answered_as_at_home(app: App) -> None:
    async with hosted(app) as host:
        call = await host.request(url="/?a=1")
    assert call.status == 200
    assert call.content == b'{"url":"http://testserver/?a=1","home":"/","version":"1.1"}'
    # Date is the host's.
    assert call.headers == {"content-type": "application/json", "content-length": "59"}


@pytest.mark.parametrize("version", ["1.0", "1.1", "2", "3"])
async def test_request_knows_the_version_of_the_client(app: App, version: str) -> None:
    async with hosted(app) as host:
        call = await host.request(http_version=version)
    assert f'"version":"{version}"' in call.content.decode()


@pytest.mark.parametrize(
    ("method", "url", "headers", "status"),
    [
        pytest.param("HEAD", "/", {}, 200, id="head"),
        pytest.param("GET", "/nowhere", {}, 404, id="not-found"),
        pytest.param("PUT", "/", {"content-length": "0"}, 405, id="method"),
        pytest.param("GET", "/items", {}, 308, id="slash"),
        pytest.param("GET", "/a b", {}, 400, id="target"),
        pytest.param("GET", "/", {"x y": "1"}, 400, id="field-name"),
        pytest.param("GET", "/", {"x": "1\r\nhost: b"}, 400, id="line-break"),
        pytest.param("GET", "/", {"x": "1" * 20000}, 431, id="field-too-large"),
        pytest.param("GET", "/", {"host": "a/b"}, 400, id="host"),
        pytest.param("POST", "/upload", {"content-length": "+1"}, 400, id="length"),
        pytest.param("POST", "/upload", {"content-length": "99999999999"}, 413, id="too-much-content"),
        pytest.param("POST", "/upload", {"content-length": "5", "transfer-encoding": "chunked"}, 400, id="framing"),
    ],
)
async def test_request_gets_its_status(app: App, method: str, url: str, headers: dict[str, str], status: int) -> None:
    async with hosted(app) as host:
        call = await host.request(method, url, headers=headers)
    assert call.status == status
    assert (call.content == b"") == (method == "HEAD")


async def test_exception_of_a_handler_is_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    async with hosted(app) as host:
        assert (await host.request(url="/fails")).content == b"Internal Server Error"
    assert "LookupError: no such thing" in caplog.text


async def test_lines_of_one_name_are_not_joined(app: App) -> None:
    async with hosted(app) as host:
        call = host.call()
        call.scope["headers"] += [(b"host", b"b")]
        assert (await host.run(call)).status == 400


async def test_content_of_unknown_length_is_read(app: App) -> None:
    async with hosted(app) as host:
        chunked = await host.request(
            "POST", "/upload", headers={"transfer-encoding": "chunked"}, content=[b"abc", b"", b"de"]
        )
        # Over HTTP/2, and of an adapter, which passes the content as one message.
        plain = await host.request("POST", "/upload", content=[b"abcde"], http_version="2")
        call = host.call("POST", "/upload", content=None)
        call._incoming.put_nowait({"type": "http.request", "body": b"abc"})
        adapted = await host.run(call)
    assert [chunked.content, plain.content, adapted.content] == [b"[5]", b"[5]", b"[3]"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 is the first with eager tasks")
async def test_content_is_read_on_an_eager_loop(app: App) -> None:
    async with hosted(app) as host:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        call = await host.request("POST", "/upload", headers={"content-length": "3"}, content=[b"abc"])
    assert call.content == b"[3]"


async def test_host_may_leave_optional_parts_out(app: App) -> None:
    scope = {"type": "http", "asgi": {"version": "3.0"}, "method": "GET", "path": "/", "headers": [(b"host", b"a")]}
    async with hosted(app) as host:
        call = await host.run(HTTPCall(scope, (), (), 1))
    assert call.content == b'{"url":"http://a/","home":"/","version":"1.1"}'


async def test_host_sends_no_more_content_than_the_handler_reads() -> None:
    app, may_read = App(), asyncio.Event()

    @app.post("/")
    async def read(request: Request) -> str:
        await may_read.wait()
        return str(len(await request.read()))

    async with hosted(app) as host:
        call = host.call("POST", headers={"content-length": "640000"}, content=[bytes(16000)] * 40)
        task = asyncio.create_task(host.run(call))
        await settle()
        assert 0 < call.received <= 96000
        may_read.set()
        await task
    assert call.content == b"640000"


async def test_handler_makes_no_more_than_the_client_reads() -> None:
    app, made = App(), 0

    @app.get("/")
    async def stream(request: Request) -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal made
            for _ in range(100):
                made += 1
                yield bytes(16000)

        return Stream(pieces())

    async with hosted(app, buffer=20000) as host:
        call = host.call()
        call.is_reading.clear()
        task = asyncio.create_task(host.run(call))
        await settle()
        assert made <= 10
        call.is_reading.set()
        await task
    assert len(call.content) == 1_600_000


async def test_client_that_waits_for_100_gets_it_when_the_handler_reads(app: App) -> None:
    expects = {"expect": "100-continue", "content-length": "3"}
    async with hosted(app) as host:
        call = await host.request("POST", "/upload", headers=expects, content=[b"abc"])
        refused = host.call("POST", "/nowhere", headers=expects, content=[b"abc"])
        await host.run(refused)
    assert (call.content, call.received) == (b"[3]", 3)
    assert (refused.status, refused.received) == (404, 0)


async def test_disconnect_ends_a_stream_and_its_generator() -> None:
    app, closed = App(), asyncio.Event()

    @app.get("/")
    async def stream(request: Request) -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                yield b"first"
                await asyncio.Event().wait()
            finally:
                closed.set()

        return Stream(pieces())

    async with hosted(app) as host:
        call = host.call()
        task = asyncio.create_task(host.run(call))
        await settle()
        assert call.content == b"first"
        call.disconnect()
        await task
        await asyncio.wait_for(closed.wait(), 5)


@pytest.mark.parametrize("cancels", [True, False])
async def test_disconnect_cancels_a_handler_if_the_app_says_so(cancels: bool) -> None:
    app, ends = App(settings={"server": {"cancel_on_disconnect": cancels}}), []

    @app.get("/")
    async def wait(request: Request) -> str:
        try:
            await request.disconnected()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        ends.append("done")
        return "done"

    async with hosted(app) as host:
        call = host.call()
        task = asyncio.create_task(host.run(call))
        await settle()
        call.disconnect()
        await task
        await settle()
    assert ends == ["cancelled" if cancels else "done"]


async def test_host_that_cancels_the_request_has_disconnected(app: App) -> None:
    lost = asyncio.Event()

    @app.get("/wait")
    async def wait(request: Request) -> None:
        await request.disconnected()
        lost.set()

    async with hosted(app) as host:
        task = asyncio.create_task(host.run(host.call(url="/wait")))
        await settle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(lost.wait(), 5)


async def test_response_that_breaks_off_makes_the_host_cut(app: App, caplog: pytest.LogCaptureFixture) -> None:
    async with hosted(app) as host:
        with pytest.raises(IncompleteResponse):
            await host.request(url="/broken")
    assert "LookupError: the other half" in caplog.text


async def test_file_is_sent_in_part_and_not_again(app: App, tmp_path: Any) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(range(200)) * 2000)

    @app.get("/file")
    async def file(request: Request) -> File:
        return File(tmp_path / "a.txt")

    async with hosted(app) as host:
        whole = await host.request(url="/file")
        part = await host.request(url="/file", headers={"range": "bytes=200-399"})
        again = await host.request(url="/file", headers={"if-none-match": whole.headers["etag"]})
    assert whole.content == bytes(range(200)) * 2000
    assert (part.status, part.content) == (206, bytes(range(200)))
    assert (again.status, again.content) == (304, b"")


async def test_middleware_and_context_of_the_host_reach_the_handler() -> None:
    app, outer = App(), contextvars.ContextVar("outer", default="")

    @app.middleware
    async def stamp(request: Request, call_next: Any) -> Response:
        response = await call_next(request)
        response.headers.set("X-Stamp", outer.get())
        return response

    @app.get("/")
    async def path(request: Request) -> str:
        return str(host_scope()["path"])

    async with hosted(app) as host:
        outer.set("from the host")
        call = await host.request()
    assert (call.content, call.headers["x-stamp"]) == (b"/", "from the host")
    with pytest.raises(LookupError, match="no request of an ASGI host"):
        host_scope()


@pytest.mark.parametrize("path", ["/api/v1/", "/"])
async def test_urls_honour_the_root_path(app: App, path: str) -> None:
    async with hosted(app) as host:
        call = await host.request(url=path, root_path="/api/v1")
        redirect = await host.request(url=f"{path}items", root_path="/api/v1")
        cookie = await host.request(url=f"{path}cookie", root_path="/api/v1")
    assert b'"url":"http://testserver/api/v1/","home":"/api/v1/"' in call.content
    assert "Path=/api/v1/;" in cookie.headers["set-cookie"]
    assert redirect.headers["location"] == "/api/v1/items/"


@pytest.mark.parametrize("extensions", [(), ("http.response.early_hint",)])
async def test_early_hints_are_sent_if_the_host_can(extensions: tuple[str, ...]) -> None:
    app = App()

    @app.get("/")
    async def hint(request: Request) -> str:
        return str(await request.early_hints(["</a.css>; rel=preload"]))

    async with hosted(app, extensions=extensions) as host:
        call = await host.request()
    assert call.hints == ([b"</a.css>; rel=preload"] if extensions else [])
    assert call.content.decode() == str(bool(extensions))


@pytest.mark.parametrize("extensions", [(), ("http.response.trailers",)])
async def test_trailers_are_sent_if_the_host_can(extensions: tuple[str, ...]) -> None:
    app, size = App(), 0

    @app.get("/stream")
    async def stream(request: Request) -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal size
            yield b"abc"
            size = 3

        response = Stream(pieces())
        response.trailers = lambda: {"X-Size": str(size)} if size else {}
        return response

    @app.get("/whole")
    async def whole(request: Request) -> Response:
        return Response("abc", trailers={"X-Size": "3"})

    @app.get("/none")
    async def none(request: Request) -> Response:
        return Response("abc")

    async with hosted(app, extensions=extensions) as host:
        calls = [await host.request(url=url) for url in ("/stream", "/whole", "/none")]
    assert [call.content for call in calls] == [b"abc"] * 3
    sent = [(b"x-size", b"3")]
    assert [call.trailers for call in calls] == ([sent, sent, None] if extensions else [None] * 3)


async def test_call_ends_after_the_functions_after_the_response() -> None:
    app, events = App(), []

    async def work() -> None:
        await asyncio.sleep(0)
        events.append("work")

    @app.get("/")
    async def home(request: Request) -> str:
        request.after_response(work)
        return "home"

    async with hosted(app) as host:
        call = await host.request()
        assert call.content == b"home"
        assert events == ["work"]


async def test_deadline_of_a_handler_holds() -> None:
    app = App(settings={"timeouts": {"handler": 0.05}})

    @app.get("/")
    async def wait(request: Request) -> None:
        await asyncio.Event().wait()

    async with hosted(app) as host:
        assert (await host.request()).status == 503


async def test_deadline_of_content_holds() -> None:
    app = App(settings={"timeouts": {"content": 0.05}})

    @app.post("/")
    async def read(request: Request) -> bytes:
        return await request.read()

    async with hosted(app) as host:
        call = await host.request("POST", headers={"content-length": "3"}, content=None)
    assert call.status == 408


async def test_response_to_a_client_that_does_not_read_is_cut() -> None:
    app, closed = App(settings={"timeouts": {"write": 0.05}}), asyncio.Event()

    @app.get("/")
    async def endless(request: Request) -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield bytes(16000)
            finally:
                closed.set()

        return Stream(pieces())

    async with hosted(app, buffer=20000) as host:
        call = host.call()
        call.is_reading.clear()
        with pytest.raises(IncompleteResponse, match="the peer reads too slowly"):
            await host.run(call)
        await asyncio.wait_for(closed.wait(), 5)


# -- lifespans ---------------------------------------------------------------------------------------------------------


def app_with_lifespan(events: list[str]) -> App:
    app = App()

    @app.lifespan
    async def shelf(setup: Any) -> AsyncIterator[None]:
        events.append(f"enter {asyncio.current_task() is not None}")
        yield
        events.append("leave")

    @app.get("/")
    async def home(request: Request) -> str:
        events.append("request")
        return "home"

    return app


async def test_lifespan_of_the_host_is_that_of_the_app(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle")
    events: list[str] = []
    app = app_with_lifespan(events)
    sources = SettingsSources(environ={"TURNBUCKLE_SERVER_PORT": "9000"})
    async with StrictHost(asgi(app, sources=sources)) as host:
        await host.request()
        assert events == ["enter True", "request"]
    assert events[2:] == ["leave"]
    assert "on an ASGI host: the host reads and writes HTTP" in caplog.text
    assert "without effect here: server.port ($TURNBUCKLE_SERVER_PORT)" in caplog.text


async def test_host_without_lifespan_starts_the_app_once_at_its_first_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle")
    events: list[str] = []
    async with hosted(app_with_lifespan(events), lifespan=False) as host:
        await asyncio.gather(host.request(), host.request())
        await host.request()
    assert events == ["enter True", "request", "request", "request"]
    assert caplog.text.count("the host sent no lifespan") == 1


def test_host_without_lifespan_stops_the_app_with_its_loop(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle")
    events: list[str] = []
    application = asgi(app_with_lifespan(events), sources=NO_SOURCES)

    async def serve() -> None:
        await StrictHost(application, lifespan=False).request()

    asyncio.run(serve())
    asyncio.run(serve())
    assert events == ["enter True", "request", "leave"] * 2
    assert caplog.text.count("serving app") == 1


async def test_background_task_that_fails_is_reported_and_the_app_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.lifespan
    async def poll(setup: Any) -> AsyncIterator[None]:
        async def fetch() -> None:
            raise OSError("no more prices")

        setup.background(fetch, on_failure="stop")
        yield

    @app.get("/")
    async def home(request: Request) -> str:
        return "home"

    async with hosted(app) as host:
        await settle()
        assert (await host.request()).status == 200
    assert "the app goes on without it, because it cannot stop its host" in caplog.text


@pytest.mark.parametrize("is_started_by_host", [True, False])
async def test_start_that_fails_is_reported_to_the_host(is_started_by_host: bool) -> None:
    app, attempts = App(), []

    @app.lifespan
    async def database(setup: Any) -> AsyncIterator[None]:
        attempts.append(1)
        raise OSError("no route to the database")
        yield

    @app.get("/")
    async def home(request: Request) -> str:
        return "home"

    host = hosted(app, lifespan=is_started_by_host)
    if is_started_by_host:
        async with host:
            assert host.sent[-1]["type"] == "lifespan.startup.failed"
            assert "OSError: no route to the database" in host.sent[-1]["message"]
        return
    for _ in range(2):
        with pytest.raises(Exception, match="no route to the database"):
            await host.request()
    assert len(attempts) == 2


async def test_problems_of_the_app_are_reported_to_the_host() -> None:
    host = hosted(App(plugins=["helth"]))
    async with host:
        assert host.sent[-1]["type"] == "lifespan.startup.failed"
    assert "1 problem stops the start" in host.sent[-1]["message"]
    assert "TB101 unknown plugin 'helth'; did you mean 'health'?" in host.sent[-1]["message"]


async def test_app_itself_is_an_application(app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    async with StrictHost(app) as host:
        assert (await host.request()).status == 200


async def test_unknown_scope_is_refused(app: App) -> None:
    with pytest.raises(RuntimeError, match="'webtransport'"):
        await asgi(app)({"type": "webtransport"}, asyncio.Event().wait, asyncio.sleep)  # type: ignore[arg-type]


async def test_monitor_sees_the_requests_of_a_host() -> None:
    app = App()
    ends: list[ResponseEnd] = []
    figures: list[Callable[[], ServerFigures]] = []
    seen: list[int] = []

    @app.lifespan
    async def watch(setup: Setup) -> AsyncIterator[None]:
        figures.append(setup.monitor(ends.append))
        yield

    @app.get("/")
    async def home(request: Request) -> str:
        seen.append(figures[0]().requests)
        return "hello"

    async with StrictHost(asgi(app, sources=NO_SOURCES)) as host:
        assert (await host.request()).status == 200
    assert [(end.status, end.outcome, end.sent_bytes) for end in ends] == [(200, "complete", 5)]
    assert seen == [1]
    assert (figures[0]().connections, figures[0]().requests) == (0, 0)
