"""What once broke in the framework that this one was taught by; each lesson is a test that bears its name."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import AsyncIterator

import pytest

from turnbuckle import App, Request, Response
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.testing import Client

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
STATUSES = {201: "Created", 405: "Method Not Allowed", 418: "I'm a teapot"}


def make_app() -> App:
    app = App("lessons")

    @app.route("/", methods=["GET", "POST"])
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.get("/host")
    async def host(request: Request) -> dict[str, str]:
        return {"host": request.host, "url": request.url}

    @app.get("/files/{name}")
    async def file(request: Request, name: str) -> dict[str, str]:
        return {"name": name, "raw_path": request.raw_path}

    @app.post("/json")
    async def json(request: Request) -> dict[str, object]:
        return {"got": await request.json()}

    @app.post("/form")
    async def form(request: Request) -> dict[str, object]:
        return dict((await request.form()).items())

    @app.get("/text")
    async def text(request: Request) -> str:
        return "smörgåsbord ☕"

    @app.get("/status/{status:int}")
    async def status(request: Request, status: int) -> Response:
        return Response("", status=status)

    @app.get("/typed")
    async def typed(request: Request) -> Response:
        return Response("{}", headers={"content-type": "application/json"})

    @app.get("/slow")
    async def slow(request: Request) -> AsyncIterator[bytes]:
        return _pieces()

    @app.route("/unread", methods=["POST"])
    async def unread(request: Request) -> str:
        return "not read"

    return app


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(40):
        yield b"x" * 10_000


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(make_app()) as client:
        yield client


# -- what a request may look like


async def test_lesson_port_in_host(client: Client) -> None:
    response = await client.get("/host", headers={"Host": "example.com:8080"})

    assert response.json() == {"host": "example.com:8080", "url": "http://example.com:8080/host"}


@pytest.mark.parametrize(
    ("target", "name"),
    [
        pytest.param("/files/a%20b", "a b", id="space"),
        pytest.param("/files/50%25", "50%", id="percent"),
        pytest.param("/files/%C3%A9", "é", id="utf-8"),
        pytest.param("/files/~me", "~me", id="tilde"),
        pytest.param("/files/%7Eme", "~me", id="tilde-escaped"),
        pytest.param("/files/a%2Fb", "a/b", id="slash-escaped"),
    ],
)
async def test_lesson_percent_and_tilde_in_target(client: Client, target: str, name: str) -> None:
    assert (await client.get(target)).json() == {"name": name, "raw_path": target}


@pytest.mark.parametrize(
    ("fields", "is_closed"),
    [
        pytest.param(b"", True, id="closes"),
        pytest.param(b"Connection: keep-alive\r\n", False, id="keeps-if-asked"),
    ],
)
async def test_lesson_http_1_0(client: Client, fields: bytes, is_closed: bool) -> None:
    exchange = await client.raw(b"GET /text HTTP/1.0\r\n" + fields + b"\r\n")

    assert (exchange.statuses, exchange.is_closed) == ([200], is_closed)
    assert exchange.response.headers["connection"] == ("close" if is_closed else "keep-alive")


async def test_lesson_http_1_0_gets_no_chunks(client: Client) -> None:
    exchange = await client.raw(b"GET /slow HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert "transfer-encoding" not in exchange.response.headers
    assert (len(exchange.response.content), exchange.is_closed) == (400_000, True)


async def test_lesson_json_content(client: Client) -> None:
    assert (await client.post("/json", json={"é": [1, None]})).json() == {"got": {"é": [1, None]}}
    assert (await client.post("/json", content=b"{")).status == 400


@pytest.mark.parametrize(
    ("path", "content_type", "content", "expected"),
    [
        pytest.param("/json", "application/json; charset=utf-8", b"[1]", {"got": [1]}, id="json"),
        pytest.param("/json", "Application/JSON;charset=UTF-8", b"[1]", {"got": [1]}, id="json-in-capitals"),
        pytest.param("/form", "application/x-www-form-urlencoded; charset=utf-8", b"a=%C3%A9", {"a": "é"}, id="form"),
    ],
)
async def test_lesson_charset_in_content_type(
    client: Client, path: str, content_type: str, content: bytes, expected: object
) -> None:
    response = await client.post(path, content=content, headers={"Content-Type": content_type})

    assert (response.status, response.json()) == (200, expected)


@pytest.mark.parametrize("split", ["whole", "bytewise"])
async def test_lesson_pipelined_bytes_after_content_length(client: Client, split: str) -> None:
    first = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    exchange = await client.raw(first + GET + first, split="bytewise" if split == "bytewise" else "whole")

    assert [response.content for response in exchange.responses] == [b"hello", b"", b"hello"]


@pytest.mark.parametrize("value", [b"five", b"", b"5x", b"-5", b"+5", b"0x5", b"5,5,", b"\xb5"])
async def test_lesson_content_length_that_is_no_number(client: Client, value: bytes) -> None:
    exchange = await client.raw(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + value + b"\r\n\r\nhello" + GET)

    assert (exchange.statuses, exchange.is_closed) == ([400], True)


async def test_lesson_chunked_content(client: Client) -> None:
    async def pieces() -> AsyncIterator[str]:
        for piece in ("smör", "gås", "bord"):
            yield piece

    assert (await client.post("/", content=pieces())).text == "smörgåsbord"


@pytest.mark.parametrize("at", range(1, len(b"GET /files/a HTTP/1.1\r\nHost: a\r\n\r\n")))
async def test_lesson_request_line_split_anywhere(client: Client, at: int) -> None:
    data = b"GET /files/a HTTP/1.1\r\nHost: a\r\n\r\n"
    connection = client.connect()
    await connection.send(data[:at])
    before = connection.received
    await connection.send(data[at:])

    assert (before, connection.statuses) == (b"", [200])


# -- what a response must look like


async def test_lesson_text_is_measured_in_bytes(client: Client) -> None:
    response = await client.get("/text")

    assert response.text == "smörgåsbord ☕"
    assert int(response.headers["content-length"]) == len("smörgåsbord ☕".encode()) > len("smörgåsbord ☕")


@pytest.mark.parametrize(("status", "reason_phrase"), STATUSES.items())
async def test_lesson_statuses_beyond_200_and_404(client: Client, status: int, reason_phrase: str) -> None:
    response = await client.get(f"/status/{status}")

    assert (response.status, response.reason_phrase) == (status, reason_phrase)


async def test_lesson_method_that_is_not_allowed(client: Client) -> None:
    response = await client.delete("/")

    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


async def test_lesson_content_type_set_by_hand_is_sent_once(client: Client) -> None:
    response = await client.get("/typed")

    assert response.headers.get_list("content-type") == ["application/json"]


async def test_lesson_headers_of_the_caller_stay_as_they_are() -> None:
    headers = {"X-A": "1"}
    app = App()

    @app.get("/")
    async def answer(request: Request) -> Response:
        response = Response("text", headers=headers)
        response.headers["X-B"] = "2"
        response.set_cookie("a", "b")
        return response

    async with Client(app) as client:
        responses = [await client.get("/"), await client.get("/")]

    assert headers == {"X-A": "1"}
    assert [response.headers.get_list("x-b") for response in responses] == [["2"], ["2"]]


# -- what a connection may do


async def test_lesson_connection_that_never_sends_a_byte(client: Client) -> None:
    connection = client.connect()
    await client.advance(14)
    before = connection.is_closed
    await client.advance(2)

    assert (before, connection.statuses, connection.is_closed) == (False, [408], True)


async def test_lesson_connection_that_trickles_its_head(client: Client) -> None:
    connection = client.connect()
    await connection.send_slowly(GET[:20], seconds=1.0)

    assert (connection.statuses, connection.is_closed) == ([408], True)


async def test_lesson_connection_that_trickles_its_content(client: Client) -> None:
    connection = client.connect()
    await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
    await connection.send_slowly(b"x" * 40, seconds=1.0)

    assert (connection.statuses, connection.is_closed) == ([408], True)


async def test_lesson_connection_that_idles_between_requests(client: Client) -> None:
    connection = client.connect()
    await connection.send(GET)
    await client.advance(29)
    before = connection.is_closed
    await client.advance(2)

    assert (before, connection.statuses, connection.is_closed, connection.was_reset) == (False, [200], True, False)


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        pytest.param(b"", [], id="before-anything"),
        pytest.param(b"\r\n", [], id="after-an-empty-line"),
        pytest.param(b"GET / HT", [400], id="within-the-request-line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n", [400], id="within-the-fields"),
        pytest.param(GET, [200], id="between-requests"),
        pytest.param(GET + b"GE", [200, 400], id="within-the-second-request"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", [400], id="within-content"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", [400], id="within-a-chunk"
        ),
        pytest.param(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhe", [200], id="while-dropping"),
        pytest.param(b"nonsense\r\n\r\n", [400], id="while-lingering"),
    ],
)
@pytest.mark.parametrize("is_apart", [True, False], ids=["apart", "at-once"])
async def test_lesson_eof_in_each_state(client: Client, data: bytes, statuses: list[int], is_apart: bool) -> None:
    connection = client.connect()
    if is_apart:
        await connection.send(data)
    else:
        connection.post(data)
    await connection.half_close()

    assert (connection.statuses, connection.is_closed, connection.is_lost) == (statuses, True, True)
    assert not connection.exchange().is_cut


async def test_lesson_eof_while_a_response_is_sent(client: Client) -> None:
    connection = client.connect()
    connection.pause_reading()
    await connection.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    await connection.half_close()
    before = connection.is_closed
    await connection.resume_reading()

    assert (before, connection.is_closed) == (False, True)
    assert len(connection.responses[0].content) == 400_000


async def test_lesson_eof_while_a_handler_runs() -> None:
    app, go = App(), asyncio.Event()

    @app.get("/")
    async def wait(request: Request) -> str:
        await go.wait()
        return "done"

    async with Client(app) as client:
        connection = client.connect()
        await connection.send(GET)
        await connection.half_close()
        before = connection.received
        go.set()
        await connection.settle()

    assert (before, connection.statuses, connection.is_closed) == (b"", [200], True)


class _CountingSelector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]  # the system decides which it is
    """Counts how often the loop looks for something to do."""

    looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.looks += 1
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        return found


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GET, id="handler-waits"),
        pytest.param(b"nonsense\r\n\r\n", id="lingering"),
        pytest.param(b"", id="nothing-sent"),
    ],
)
def test_lesson_empty_read_does_not_spin(data: bytes) -> None:
    app, selector = App(), _CountingSelector()

    @app.get("/")
    async def wait(request: Request) -> str:
        # Real time must pass here: the test counts the turns of the idle loop.
        await asyncio.sleep(0.1)
        return "done"

    async def serve() -> int:
        loop = asyncio.get_running_loop()
        async with HTTPServer(app.compile(), port=0) as server:
            address = server.addresses[0]
            with socket.create_connection((address.host, address.port)) as sock:
                sock.setblocking(False)
                await loop.sock_sendall(sock, data)
                sock.shutdown(socket.SHUT_WR)
                before = selector.looks
                while await loop.sock_recv(sock, 65536):
                    pass
                return selector.looks - before

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        assert runner.run(serve()) < 30
