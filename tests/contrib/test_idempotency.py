"""Idempotency keys: the handler runs once, and no client gets the response of another one."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import pytest

from tests.contrib.conftest import RedisServer
from turnbuckle import (
    App,
    Forbidden,
    Handler,
    Plugin,
    Request,
    Response,
    Scope,
    ServiceUnavailable,
    Session,
    StartupError,
    Upload,
    UploadedFile,
)
from turnbuckle.testing import Client, FakeClock
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.idempotency import IdempotencyPlugin

_KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
MakeApp: TypeAlias = Callable[..., App]


class TestIdempotencyPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return IdempotencyPlugin()


class TestIdempotencyMiddleware(MiddlewareConformance):
    plugin: ClassVar[type[Plugin] | None] = IdempotencyPlugin


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_app(clock: FakeClock) -> MakeApp:
    def make(*plugins: object, **settings: object) -> App:
        app = App(plugins=[(IdempotencyPlugin(clock.wall), settings), *plugins])  # type: ignore[list-item]
        _add_routes(app)
        return app

    return make


@pytest.fixture(params=["memory", "sqlite", "redis"])
def any_app(request: pytest.FixtureRequest, make_app: MakeApp, tmp_path: Path) -> App:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return make_app(store="redis", url=server.url)
    return make_app(store=request.param, file=str(tmp_path / "store.sqlite3"))


def _add_routes(app: App | Scope) -> None:
    count = 0

    def counted() -> str:
        nonlocal count
        count += 1
        return str(count)

    @app.post("/orders")
    async def order(request: Request) -> Response:
        content = await request.read()
        response = Response(f"order {counted()} of {len(content)} bytes", 201, {"Location": "/orders/1", "X-Kind": "a"})
        response.headers.add("X-Kind", "b")
        response.set_cookie("seen", "1")
        return response

    @app.patch("/orders")
    async def change() -> str:
        return counted()

    @app.put("/orders")
    async def replace() -> str:
        return counted()

    @app.post("/other")
    async def other() -> str:
        return counted()

    @app.post("/status/{status:int}")
    async def answer(status: int) -> Response:
        return Response(counted(), status)

    @app.post("/required", options={"idempotency": "required"})
    async def required() -> str:
        return counted()

    @app.post("/without", options={"idempotency": False})
    async def without() -> str:
        return counted()


async def test_repeated_request_gets_the_stored_response(any_app: App) -> None:
    async with Client(any_app) as client:
        first = await client.post("/orders", content=b"tea", headers=_KEY)
        again = await client.post("/orders", content=b"tea", headers=_KEY)
        assert first.text == again.text == "order 1 of 3 bytes"
        assert (first.status, again.status) == (201, 201)
        assert again.headers.get_list("x-kind") == ["a", "b"]
        assert (again.headers["location"], again.headers["content-type"]) == (
            "/orders/1",
            first.headers["content-type"],
        )
        assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
        assert "set-cookie" not in again.headers


async def test_another_key_is_another_operation(any_app: App) -> None:
    async with Client(any_app) as client:
        texts = [(await client.post("/other", headers={"Idempotency-Key": key})).text for key in ('"a"', '"b"', '"a"')]
    assert texts == ["1", "2", "1"]


async def test_requests_without_a_key_run_each_time(make_app: MakeApp) -> None:
    async with Client(make_app()) as client:
        assert [(await client.post("/other")).text for _ in range(2)] == ["1", "2"]


async def test_only_post_and_patch_have_keys(make_app: MakeApp) -> None:
    async with Client(make_app()) as client:
        assert [(await client.patch("/orders", headers=_KEY)).text for _ in range(2)] == ["1", "1"]
        assert [(await client.put("/orders", headers=_KEY)).text for _ in range(2)] == ["2", "3"]
        assert (await client.post("/nowhere", headers=_KEY)).status == 404
        assert (await client.post("/nowhere", headers=_KEY)).status == 404


@pytest.mark.parametrize(
    ("method", "url", "options"),
    [
        pytest.param("POST", "/orders", {"content": b"coffee"}, id="content"),
        pytest.param("POST", "/orders", {"content": b""}, id="no-content"),
        pytest.param("POST", "/orders?x=1", {"content": b"tea"}, id="query"),
        pytest.param("POST", "/other", {"content": b"tea"}, id="path"),
        pytest.param("PATCH", "/orders", {"content": b"tea"}, id="method"),
        pytest.param("POST", "/orders", {"json": "tea"}, id="type"),
    ],
)
async def test_key_of_another_request_is_422(any_app: App, method: str, url: str, options: dict[str, Any]) -> None:
    async with Client(any_app) as client:
        await client.post("/orders", content=b"tea", headers=_KEY)
        response = await client.request(method, url, headers=_KEY, **options)
        assert (response.status, response.headers["content-type"]) == (422, "application/problem+json")
        assert "used for a request with other content" in response.json()["detail"]


async def test_request_in_progress_is_409(any_app: App) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    @any_app.post("/slow")
    async def slow() -> str:
        started.set()
        await finish.wait()
        return "done"

    async with Client(any_app) as client:
        first = asyncio.create_task(client.post("/slow", headers=_KEY))
        await started.wait()
        response = await client.post("/slow", headers=_KEY)
        assert (response.status, response.headers["retry-after"]) == (409, "1")
        assert (await client.post("/slow", content=b"x", headers=_KEY)).status == 422
        finish.set()
        assert (await first).text == "done"
        assert (await client.post("/slow", headers=_KEY)).text == "done"


async def test_handler_runs_once_for_many_requests_at_once(any_app: App) -> None:
    async with Client(any_app) as client:
        responses = await asyncio.gather(*(client.post("/other", headers=_KEY) for _ in range(10)))
        assert {response.text for response in responses if response.status == 200} == {"1"}
        assert {response.status for response in responses} <= {200, 409}
        assert (await client.post("/other")).text == "2"


@pytest.mark.parametrize("status", [200, 400, 404, 409, 422, 500])
async def test_responses_and_errors_are_stored(make_app: MakeApp, status: int) -> None:
    async with Client(make_app()) as client:
        responses = [await client.post(f"/status/{status}", headers=_KEY) for _ in range(2)]
    assert [(response.status, response.text) for response in responses] == [(status, "1")] * 2


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 503])
async def test_request_that_was_not_performed_can_be_repeated(make_app: MakeApp, status: int) -> None:
    async with Client(make_app()) as client:
        responses = [await client.post(f"/status/{status}", headers=_KEY) for _ in range(2)]
    assert [(response.status, response.text) for response in responses] == [(status, "1"), (status, "2")]


async def test_exception_is_an_error_like_any_other(make_app: MakeApp) -> None:
    app = make_app()
    calls: list[str] = []

    @app.post("/raises/{kind}")
    async def fail(kind: str) -> str:
        calls.append(kind)
        raise {"forbidden": Forbidden, "unavailable": ServiceUnavailable, "broken": ZeroDivisionError}[kind]

    async with Client(app, raise_exceptions=False) as client:
        for kind in ("forbidden", "unavailable", "broken"):
            for _ in range(2):
                await client.post(f"/raises/{kind}", headers={"Idempotency-Key": kind})
    assert calls == ["forbidden", "forbidden", "unavailable", "unavailable", "broken"]


async def test_request_that_did_not_end_can_be_repeated(make_app: MakeApp) -> None:
    app = make_app()
    failures: list[BaseException] = [asyncio.CancelledError(), ZeroDivisionError()]

    @app.middleware
    async def fail(request: Request, call_next: Handler) -> Response:
        if failures:
            raise failures.pop()
        return await call_next(request)

    async with Client(app, raise_exceptions=False) as client:
        for _ in range(2):
            await client.post("/other", headers=_KEY)
        assert [(await client.post("/other", headers=_KEY)).text for _ in range(2)] == ["1", "1"]


@pytest.mark.parametrize(
    ("values", "is_valid"),
    [
        pytest.param(['"a b"'], True, id="quoted"),
        pytest.param(['"a\\"b"'], True, id="escaped"),
        pytest.param(["8e03978e-40d5-43dd-bc93-6894a57f9324"], True, id="bare-uuid"),
        pytest.param(["a" * 255], True, id="long"),
        pytest.param(["a" * 256], False, id="too-long"),
        pytest.param([""], False, id="empty"),
        pytest.param(['""'], False, id="empty-text"),
        pytest.param(['"a'], False, id="open-quote"),
        pytest.param(["a b"], False, id="bare-space"),
        pytest.param(['"a", "b"'], False, id="list"),
        pytest.param(['"a"', '"b"'], False, id="two-lines"),
        pytest.param(['"é"'], False, id="latin"),
        pytest.param(['"a\\b"'], False, id="bad-escape"),
        pytest.param([":YQ==:;x"], False, id="parameters"),
    ],
)
async def test_key_is_a_text(make_app: MakeApp, values: list[str], is_valid: bool) -> None:
    async with Client(make_app()) as client:
        headers = [("Idempotency-Key", value) for value in values]
        texts = [(await client.post("/other", headers=headers)).text for _ in range(2)]
        if is_valid:
            assert texts == ["1", "1"]
        else:
            assert (await client.post("/other", headers=headers)).status == 400


async def test_quoted_and_bare_keys_are_the_same(make_app: MakeApp) -> None:
    async with Client(make_app()) as client:
        assert [(await client.post("/other", headers={"Idempotency-Key": key})).text for key in ("a", '"a"')] == [
            "1",
            "1",
        ]


async def test_routes_decide_by_their_option(make_app: MakeApp) -> None:
    async with Client(make_app()) as client:
        response = await client.post("/required")
        assert (response.status, response.headers["content-type"]) == (400, "application/problem+json")
        assert [(await client.post("/required", headers=_KEY)).text for _ in range(2)] == ["1", "1"]
        assert [(await client.post("/without", headers=_KEY)).text for _ in range(2)] == ["2", "3"]
    async with Client(make_app(required=True)) as client:
        assert (await client.post("/other")).status == 400
        assert (await client.post("/without")).status == 200
        assert (await client.put("/orders")).status == 200


def test_wrong_option_is_a_problem() -> None:
    app = App(plugins=["idempotency"])

    @app.post("/", options={"idempotency": "require"})
    async def order() -> str:
        return ""

    with pytest.raises(StartupError) as caught:
        app.compile()
    assert 'write True, False, or "required"' in str(caught.value.exceptions[0])


async def test_keys_expire(make_app: MakeApp, clock: FakeClock) -> None:
    async with Client(make_app(keep=600.0), clock=clock) as client:
        assert (await client.post("/other", headers=_KEY)).text == "1"
        await clock.advance(599)
        assert (await client.post("/other", headers=_KEY)).text == "1"
        await clock.advance(2)
        assert (await client.post("/other", headers=_KEY)).text == "2"


async def test_request_whose_process_died_can_be_repeated_later(make_app: MakeApp, clock: FakeClock) -> None:
    app = make_app(in_progress=60.0)
    never, calls = asyncio.Event(), 0

    @app.post("/lost")
    async def lost() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await never.wait()
        return "done"

    async with Client(app, clock=clock) as client:
        task = asyncio.create_task(client.post("/lost", headers=_KEY))
        await asyncio.sleep(0.01)
        assert (await client.post("/lost", headers=_KEY)).status == 409
        await clock.advance(61)
        assert (await client.post("/lost", headers=_KEY)).text == "done"
        task.cancel()


# -- content that is not compared or stored


async def test_stream_is_not_stored_and_not_performed_again(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(max_response=10)
    calls: list[str] = []

    @app.post("/stream")
    async def stream() -> AsyncIterator[str]:
        calls.append("stream")
        yield "a"

    @app.post("/large")
    async def large() -> str:
        calls.append("large")
        return "x" * 11

    async with Client(app) as client:
        for path in ("/stream", "/large"):
            assert (await client.post(path, headers={"Idempotency-Key": path})).status == 200
            again = await client.post(path, headers={"Idempotency-Key": path})
            assert (again.status, "is not stored" in again.json()["detail"]) == (409, True)
    assert calls == ["stream", "large"]
    assert "is a stream or too large" in caplog.text


async def test_route_that_streams_its_content_is_left_alone(make_app: MakeApp) -> None:
    app = make_app()

    @app.post("/upload", streams_body=True)
    async def upload(request: Request) -> str:
        return str(sum([len(piece) async for piece in request.stream()]))

    async with Client(app) as client:
        assert [(await client.post("/upload", content=b"x" * n, headers=_KEY)).text for n in (1, 2)] == ["1", "2"]


async def test_forms_with_files_are_not_read_into_memory(make_app: MakeApp) -> None:
    app = make_app()
    received: list[object] = []

    @app.post("/files")
    async def files(request: Request, file: Upload[UploadedFile]) -> str:
        received.append(file.size)
        return str(len(received))

    async with Client(app) as client:
        for size in (5, 5):
            assert (await client.post("/files", files={"file": b"x" * size}, headers=_KEY)).text == "1"
    assert received == [5]


async def test_content_is_read_once_and_stays_readable(make_app: MakeApp) -> None:
    app = make_app()

    @app.post("/pieces")
    async def pieces(request: Request) -> str:
        return str([piece async for piece in request.stream()])

    @app.post("/json")
    async def read(request: Request) -> str:
        return str(await request.json())

    @app.post("/form")
    async def form(request: Request) -> str:
        return str((await request.form())["a"])

    async def chunks() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"c"

    async with Client(app) as client:
        assert (await client.post("/pieces", content=b"abc", headers=_KEY)).text == "[b'abc']"
        assert (await client.post("/json", json=[1], headers={"Idempotency-Key": "j"})).text == "[1]"
        assert (await client.post("/form", data={"a": "1"}, headers={"Idempotency-Key": "f"})).text == "1"
        for _ in range(2):
            answer = await client.post("/orders", content=chunks(), headers={"Idempotency-Key": "c"})
            assert answer.text == "order 1 of 3 bytes"


async def test_compressed_content_and_responses(make_app: MakeApp) -> None:
    app = make_app("compress", "decompress")

    @app.post("/large")
    async def large(request: Request) -> str:
        return f"{len(await request.read())} " * 500

    async with Client(app) as client:
        content = gzip.compress(b"x" * 1000)
        fields = {**_KEY, "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
        first = await client.post("/large", content=content, headers=fields)
        plain = await client.post("/large", content=content, headers={**fields, "Accept-Encoding": "identity"})
    assert first.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.text == "1000 " * 500


# -- clients


async def test_clients_do_not_share_keys(make_app: MakeApp) -> None:
    app = make_app()
    async with Client(app, client=("10.0.0.1", 1)) as client:
        assert (await client.post("/other", headers=_KEY)).text == "1"
        for value in ("Bearer a", "Bearer b"):
            await client.post("/other", headers={**_KEY, "Authorization": value})
        assert (await client.post("/other", headers={**_KEY, "Authorization": "Bearer a"})).text == "2"
        assert (await client.post("/other", headers={**_KEY, "Host": "other.example"})).text == "4"


async def test_addresses_do_not_share_keys(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app("proxy_headers", store="sqlite", file=str(tmp_path / "store.sqlite3"))
    async with Client(app) as client:
        for number, address in enumerate(["1.2.3.4", "5.6.7.8", "1.2.3.4"]):
            text = (await client.post("/other", headers={**_KEY, "X-Forwarded-For": address})).text
            assert text == ["1", "2", "1"][number]


async def test_sessions_do_not_share_keys(make_app: MakeApp) -> None:
    app = make_app(("sessions", {"store": "memory"}))

    @app.post("/start")
    async def start(session: Session) -> str:
        session["a"] = 1
        return "started"

    async with Client(app) as client:
        await client.post("/start")
        assert [(await client.post("/other", headers=_KEY)).text for _ in range(2)] == ["1", "1"]
        client.cookies.clear()
        await client.post("/start")
        replayed = await client.post("/other", headers=_KEY)
        assert replayed.text == "2"
        assert replayed.headers["vary"] == "Cookie"


async def test_users_do_not_share_keys_and_keep_them_in_all_sessions(make_app: MakeApp) -> None:
    from turnbuckle_contrib.auth import AuthPlugin, User, UserSource, login

    def get_user(request: Request, user_id: str) -> User:
        return User(id=user_id, name=user_id)

    app = make_app(("sessions", {"store": "memory"}), AuthPlugin(users=UserSource(get_user=get_user)))

    @app.post("/login/{name}")
    async def log_in(request: Request, name: str) -> str:
        login(request, User(id=name, name=name))
        return "welcome"

    async with Client(app) as client:
        for name, expected in (("ada", "1"), ("bob", "2"), ("ada", "1")):
            client.cookies.clear()
            await client.post(f"/login/{name}")
            assert (await client.post("/other", headers=_KEY)).text == expected


async def test_plugin_in_a_scope_has_its_own_store() -> None:
    app = App()
    for path in ("/a", "/b"):
        _add_routes(app.scope(path, plugins=["idempotency"]))
    async with Client(app) as client:
        assert [(await client.post("/a/other", headers=_KEY)).text for _ in range(2)] == ["1", "1"]
        assert (await client.post("/b/other", content=b"x", headers=_KEY)).text == "1"


# -- stores that fail


async def test_failing_store_refuses_before_the_handler_runs(make_app: MakeApp, redis_server: RedisServer) -> None:
    async with Client(make_app("health", store="redis", url=redis_server.url, timeout=1.0)) as client:
        assert (await client.get("/-/health/ready")).status == 200
        redis_server.stop()
        assert (await client.post("/other", headers=_KEY)).status == 503
        assert (await client.get("/-/health/ready")).status == 503
        assert (await client.post("/other")).text == "1"


async def test_store_that_fails_after_the_handler_loses_no_response(
    make_app: MakeApp, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(store="redis", url=redis_server.url, timeout=1.0)

    @app.post("/stop")
    async def stop() -> str:
        redis_server.stop()
        return "done"

    async with Client(app) as client:
        assert (await client.post("/stop", headers=_KEY)).text == "done"
    assert "was not stored for its key" in caplog.text
