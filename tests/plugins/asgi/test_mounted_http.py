"""Tests of ``turnbuckle_plugins.asgi.mounted``: ASGI apps that answer HTTP requests, in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from turnbuckle import App, ClientCertificate, Mount, Peer, Request, RequestHead, Response, TLSInfo
from turnbuckle.testing import Client
from turnbuckle_plugins.asgi.mounted.scopes import scope_maker
from turnbuckle_plugins.asgi.plugin import ASGIPlugin

START: Final = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def body(data: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def hosting(app: Any, path: str = "/m", **settings: Any) -> App:
    outer = App(plugins=[(ASGIPlugin, {"lifespan": "off"})], settings=settings)
    outer.mount(path, app)
    return outer


def sending(*messages: dict[str, Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def lenient(app: App) -> Client:
    """Return a client that receives the response 500 of an exception."""
    return Client(app, raise_exceptions=False)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the scope and the messages of the content."""
    messages = []
    while True:
        message = await receive()
        messages.append((message["type"], len(message.get("body", b"")), message.get("more_body")))
        if not message.get("more_body"):
            break
    scope["extensions"] = sorted(scope["extensions"])
    await send(START)
    await send(body(repr({**scope, "headers": scope["headers"][:1], "messages": messages}).encode()))


async def scope_of(app: App, method: str, target: str, **options: Any) -> dict[str, Any]:
    async with Client(app) as client:
        response = await client.request(method, target, **options)
    found: dict[str, Any] = eval(response.text)  # made by the app above
    return found


async def test_scope_describes_the_request() -> None:
    scope = await scope_of(hosting(echo), "GET", "/m/a%2Fb/%C3%A9%FF?x=%20&y")
    assert {name: scope[name] for name in ("type", "asgi", "http_version", "method", "scheme", "root_path")} == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "root_path": "/m",
    }
    assert scope["path"] == "/m/a/b/\u00e9\ufffd"
    assert scope["raw_path"] == b"/m/a%2Fb/%C3%A9%FF"
    assert scope["query_string"] == b"x=%20&y"
    assert scope["headers"][0][0] == b"host"
    assert scope["state"] == {}
    assert scope["messages"] == [("http.request", 0, False)]
    assert "path_params" not in scope


@pytest.mark.parametrize(
    ("mounted_at", "target", "root_path", "path"),
    [
        pytest.param("/m", "/m", "/m", "/m", id="exact"),
        pytest.param("/m", "/m/", "/m", "/m/", id="slash"),
        pytest.param("/", "/", "", "/", id="root"),
        pytest.param("/a b", "/a%20b/x", "/a b", "/a b/x", id="encoded-prefix"),
        pytest.param("/m", "/%6D/x", "/m", "/m/x", id="other-spelling"),
        pytest.param("/{tenant}/m", "/ant/m/x", "/ant/m", "/ant/m/x", id="parameter"),
        pytest.param("/m", "http://example.com/m/x", "/m", "/m/x", id="absolute-form"),
    ],
)
async def test_paths(mounted_at: str, target: str, root_path: str, path: str) -> None:
    async with Client(hosting(echo, mounted_at)) as client:
        host = b"example.com" if "://" in target else b"localhost"
        request = f"GET {target} HTTP/1.1\r\nHost: ".encode() + host + b"\r\nConnection: close\r\n\r\n"
        content = (await client.raw(request)).response.content
    scope: dict[str, Any] = eval(content)  # made by the app above
    assert (scope["root_path"], scope["path"]) == (root_path, path)
    assert scope["headers"] == [(b"host", host)]
    assert scope.get("path_params") == ({"tenant": "ant"} if "{" in mounted_at else None)


async def test_prefix_of_a_proxy_is_part_of_the_root_path() -> None:
    app = hosting(echo)

    async def forward(request: Request, call_next: Callable[[Request], Any]) -> Response:
        request.take_forwarded(client=("192.0.2.1", 5), scheme="https", host="shop.example", prefix="/shop")
        response: Response = await call_next(request)
        return response

    app.add_middleware(forward, zone="edge")
    scope = await scope_of(app, "GET", "/m/x")
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/shop/m", "/shop/m/x", b"/shop/m/x")
    assert (scope["client"], scope["scheme"]) == (("192.0.2.1", 5), "https")


async def test_content_arrives_in_pieces_with_its_end() -> None:
    scope = await scope_of(hosting(echo), "POST", "/m", content=b"x" * 10)
    assert scope["messages"] == [("http.request", 10, False)]
    scope = await scope_of(hosting(echo), "POST", "/m", content=b"x" * 300_000)
    assert sum(size for _, size, _ in scope["messages"]) == 300_000
    assert [more for _, _, more in scope["messages"]][-2:] == [True, False]

    async def pieces() -> Any:
        for _ in range(3):
            yield b"abc"

    scope = await scope_of(hosting(echo), "POST", "/m", content=pieces())
    assert sum(size for _, size, _ in scope["messages"]) == 9


@pytest.mark.parametrize(
    ("messages", "status", "content"),
    [
        pytest.param([START, body(b"hi")], 200, b"hi", id="whole"),
        pytest.param([START, body(b"a", True), body(b"b", True), body()], 200, b"ab", id="pieces"),
        pytest.param([{**START, "status": 404}, body()], 404, b"", id="status"),
        pytest.param([START, {"type": "http.response.body"}], 200, b"", id="defaults"),
        pytest.param([START, {**body(), "body": bytearray(b"x")}], 200, b"x", id="bytearray"),
        pytest.param([{**START, "status": 204, "headers": []}, body(b"x")], 204, b"", id="no-content"),
        pytest.param(
            [{**START, "headers": [(b"transfer-encoding", b"chunked"), (b"content-length", b"2")]}, body(b"hi")],
            200,
            b"hi",
            id="framing-of-the-app",
        ),
    ],
)
async def test_response(messages: list[dict[str, Any]], status: int, content: bytes) -> None:
    async with Client(hosting(sending(*messages))) as client:
        response = await client.get("/m")
        assert (response.status, response.content) == (status, content)
        head = await client.head("/m")
        assert (head.status, head.content) == (status, b"")


async def test_fields_are_sent_as_the_app_sends_them() -> None:
    fields = [(b"x-a", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-l", "é".encode("latin-1"))]
    async with Client(hosting(sending({**START, "headers": fields}, body(b"hi")))) as client:
        response = await client.get("/m")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.headers["x-l"] == "é"
    assert "content-type" not in response.headers


def hint(*links: object) -> dict[str, Any]:
    return {"type": "http.response.early_hint", "links": links}


_FAULTS: Final = [
    pytest.param([{"type": "http.nonsense"}], "sent 'http.nonsense' before 'http.response.start'", id="unknown"),
    pytest.param([body(b"x")], "sent 'http.response.body' before 'http.response.start'", id="body-first"),
    pytest.param([START, START], "sent 'http.response.start' after 'http.response.start'", id="two-starts"),
    pytest.param([{}], "sent {}, which has no type", id="no-type"),
    pytest.param([{**START, "status": "200"}], "with the status '200'", id="status-text"),
    pytest.param([{**START, "status": 101}], "with the status 101", id="informational"),
    pytest.param([{**START, "headers": [("a", "b")]}], "headers are pairs of bytes", id="text-headers"),
    pytest.param([START, {**body(), "body": "x"}], "with a body of type str", id="text-body"),
    pytest.param([START], "returned after 'http.response.start'", id="only-start"),
    pytest.param([], "returned before 'http.response.start'", id="nothing"),
    pytest.param([{**START, "headers": [(b"a", b"x\r\ny")]}, body()], "cannot be sent", id="injection"),
    pytest.param([hint("</a>")], "sent 'http.response.early_hint' with a fault: links are a list of", id="text-link"),
    pytest.param([{**hint(), "links": b"</a>"}], "'http.response.early_hint' with a fault: links", id="one-link"),
    pytest.param([{**hint(), "links": None}], "'http.response.early_hint' with a fault: links", id="no-links"),
    pytest.param([hint(b"</a>\r\nX: y")], "sent 'http.response.early_hint' with a fault: ", id="link-injection"),
    pytest.param([hint(b"/a.css")], "'http.response.early_hint' with a fault: link '/a.css' has no", id="bare-link"),
]


@pytest.mark.parametrize(("messages", "named"), _FAULTS)
async def test_app_that_breaks_the_rules_is_answered_500_and_named(
    messages: list[dict[str, Any]], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with lenient(hosting(sending(*messages))) as client:
        assert (await client.get("/m")).status == 500
    assert named in caplog.text
    assert "test_mounted_http.sending" in caplog.text or named == "cannot be sent"


async def test_length_that_is_wrong_is_an_error_of_the_app(caplog: pytest.LogCaptureFixture) -> None:
    short = {**START, "headers": [(b"content-length", b"5")]}
    async with lenient(hosting(sending(short, body(b"hi")))) as client:
        assert (await client.get("/m")).status == 500
        assert (await client.head("/m")).status == 500
    async with lenient(hosting(sending(short, body(b"", False)))) as client:
        assert (await client.head("/m")).headers["content-length"] == "5"


@pytest.mark.parametrize("before", [[], [START]], ids=["before-start", "after-start"])
async def test_exception_of_the_app_is_an_exception_of_the_handler(
    before: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in before:
            await send(message)
        raise ValueError("broken")

    outer = hosting(app)

    @outer.error_handler(ValueError)
    async def answer(request: Request, error: ValueError) -> Response:
        return Response(f"handled {error}", 502)

    async with Client(outer) as client:
        response = await client.get("/m")
    assert (response.status, response.text) == (502, "handled broken")


async def test_exception_in_the_middle_cuts_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"part", True))
        raise ValueError("broken")

    async with lenient(hosting(app)) as client:
        exchange = await client.raw(b"GET /m HTTP/1.1\r\nHost: x\r\n\r\n")
    assert exchange.received.startswith(b"HTTP/1.1 200 OK")
    assert exchange.is_cut
    assert "ValueError: broken" in caplog.text


async def test_exception_and_message_after_the_response_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"done"))
        await send(body(b"more"))

    async with Client(hosting(app)) as client:
        assert (await client.get("/m")).text == "done"
    assert "failed after its response to GET /m" in caplog.text
    assert "sent 'http.response.body' after its response" in caplog.text


@pytest.mark.parametrize("before", [[], [START], [START, body(b"part", True)]], ids=["nothing", "start", "part"])
async def test_task_that_sends_after_its_app_has_ended_learns_why(before: list[dict[str, Any]]) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def send_late() -> None:
            await ended.wait()
            await send(body(b"late"))

        for message in before:
            await send(message)
        tasks.append(asyncio.create_task(send_late()))

    ended = asyncio.Event()
    async with lenient(hosting(app)) as client:
        await client.raw(b"GET /m HTTP/1.1\r\nHost: x\r\n\r\n")
        ended.set()
        await asyncio.wait(tasks)
    error = tasks[0].exception()
    assert isinstance(error, RuntimeError)
    assert "at /m has ended, so that its tasks cannot send any more" in str(error)


async def test_receive_reports_the_end_of_the_response() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        waiting = asyncio.create_task(receive())
        await send(START)
        await asyncio.sleep(0)
        assert not waiting.done()
        await send(body(b"x"))
        seen.extend([(await waiting)["type"], (await receive())["type"]])

    async with Client(hosting(app)) as client:
        assert (await client.get("/m")).text == "x"
    assert seen == ["http.request", "http.disconnect", "http.disconnect"]


async def test_cancelled_receive_loses_nothing() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        size = 0
        while True:
            waiting = asyncio.create_task(receive())
            await asyncio.sleep(0)
            waiting.cancel()
            message = await receive() if not waiting.done() or waiting.cancelled() else waiting.result()
            size += len(message["body"])
            if not message["more_body"]:
                break
        await send(START)
        await send(body(str(size).encode()))

    async with Client(hosting(app)) as client:
        assert (await client.post("/m", content=b"x" * 500_000)).text == "500000"


async def test_client_that_goes_away_is_reported_and_send_raises() -> None:
    seen: list[object] = []
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        try:
            await send(START)
            while True:
                await send(body(b"x" * 100_000, True))
        except OSError as error:
            seen.extend([type(error).__name__, (await receive())["type"]])
            raise
        finally:
            ended.set()

    async with lenient(hosting(app)) as client:
        connection = client.connect()
        connection.pause_reading()
        await connection.send(b"GET /m HTTP/1.1\r\nHost: x\r\n\r\n")
        await connection.reset()
        await ended.wait()
    assert seen == ["ClientGone", "http.disconnect"]


async def test_app_that_ignores_the_disconnect_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"x", True))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    outer = App(plugins=[(ASGIPlugin, {"lifespan": "off", "disconnect_timeout": 0.01})])
    outer.mount("/m", app)
    async with Client(outer) as client:
        connection = client.connect()
        await connection.send(b"GET /m HTTP/1.1\r\nHost: x\r\n\r\n")
        await connection.reset()
        await asyncio.wait_for(cancelled.wait(), 5)
    assert cancelled.is_set()


async def test_slow_reader_holds_the_app_up() -> None:
    sent = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for _ in range(100):
            await send(body(b"x" * 65536, True))
            sent.append(1)
        await send(body())

    async with Client(hosting(app)) as client:
        connection = client.connect()
        connection.pause_reading()
        await connection.send(b"GET /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(sent) < 20
        await connection.resume_reading()
        await connection.settle()
        data = connection.received
    assert data.count(b"x" * 65536) == 100


async def test_handler_deadline_cancels_the_app() -> None:
    cancelled = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with Client(hosting(app, timeouts={"handler": 5.0})) as client:
        waiting = asyncio.create_task(client.get("/m"))
        await asyncio.sleep(0)
        await client.advance(6)
        assert (await waiting).status == 503
        await cancelled.wait()


async def test_content_limit_that_is_set_is_answered_with_413() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request":
            seen.append(len(message["body"]))
        seen.append(message["type"])

    async def pieces() -> Any:
        for _ in range(3):
            yield b"x" * 60

    async with Client(hosting(app, limits={"content": 100})) as client:
        assert (await client.post("/m", content=pieces())).status == 413
        assert (await client.post("/m", content=b"x" * 101)).status == 413
    assert seen[-1] == "http.disconnect"


@pytest.mark.parametrize("pieces", [[body(b"ok")], [body(b"o", True), body(b"k")]], ids=["whole", "streamed"])
async def test_background_work_runs_after_the_response(pieces: list[dict[str, Any]]) -> None:
    done = []
    may_go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for piece in pieces:
            await send(piece)
        await may_go_on.wait()
        done.append(1)

    async with Client(hosting(app)) as client:
        assert (await client.get("/m")).text == "ok"
        assert not done
        may_go_on.set()
        await client.settle()
    assert done


async def test_expectation_is_met_when_the_app_reads() -> None:
    async with Client(hosting(echo)) as client:
        connection = client.connect()
        await connection.send(b"POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert connection.received.startswith(b"HTTP/1.1 100 ")
    refusing = hosting(sending({**START, "status": 403}, body(b"no")))
    async with Client(refusing) as client:
        connection = client.connect()
        await connection.send(b"POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert connection.received.startswith(b"HTTP/1.1 403 ")


async def test_extensions(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"content of a file")
    hint = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}
    app = sending(hint, START, {"type": "http.response.pathsend", "path": str(path)})
    async with Client(hosting(app)) as client:
        connection = client.connect()
        await connection.send(b"GET /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = connection.received
    assert data.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert data.endswith(b"content of a file")
    assert b"content-length: 17\r\n" in data.lower()


async def test_background_work_has_a_deadline(caplog: pytest.LogCaptureFixture) -> None:
    cancelled = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"o", True))
        await send(body(b"k"))
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with Client(hosting(app, timeouts={"after_response": 5.0})) as client:
        assert (await client.get("/m")).text == "ok"
        await client.advance(6)
        await cancelled.wait()
    assert "in the background after the response to GET /m" in caplog.text


def test_tls_extension_describes_the_connection() -> None:
    certificate = ClientCertificate(
        subject=(("countryName", "DE"), ("commonName", 'Ada, "x"')),
        issuer=(),
        serial_number="1",
        not_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_after=datetime(2027, 1, 1, tzinfo=UTC),
        der=b"der",
    )
    tls = TLSInfo(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", client_certificate=certificate)
    request = Request(RequestHead(b"GET", b"/m", 1, [(b"host", b"x")]), None, Peer(scheme="https", tls=tls))
    scope = scope_maker(Mount(path="/m", app=None), {})(request)
    assert scope["scheme"] == "https"
    assert scope["extensions"]["tls"] == {
        "server_cert": None,
        "client_cert_chain": [certificate.pem],
        "client_cert_name": 'CN=Ada\\, \\"x\\",C=DE',
        "client_cert_error": None,
        "tls_version": 0x0304,
        "cipher_suite": None,
    }


async def test_trailers() -> None:
    start = {**START, "trailers": True}
    first = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True}
    last = {"type": "http.response.trailers", "headers": [(b"x-more", b"2")]}
    async with Client(hosting(sending(start, body(b"content"), first, last))) as client:
        request = b"GET /m HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\n\r\n"
        exchange = await client.raw(request)
        assert (await client.get("/m")).text == "content"
    assert exchange.received.endswith(b"7\r\ncontent\r\n0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n")


async def test_messages_from_other_tasks_of_the_app() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def stream() -> None:
            await send(START)
            for _ in range(3):
                await asyncio.sleep(0)
                await send(body(b"x", True))
            await send(body())

        async with asyncio.TaskGroup() as group:
            group.create_task(stream())
            listening = group.create_task(receive())
            await asyncio.sleep(0)
            listening.cancel()

    async with Client(hosting(app)) as client:
        assert (await client.get("/m")).text == "xxx"


async def test_sys_exit_in_an_app_does_not_stop_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise SystemExit(3)

    caplog.set_level(logging.CRITICAL)
    async with lenient(hosting(app)) as client:
        assert (await client.get("/m")).status == 500
        assert (await client.get("/m")).status == 500
