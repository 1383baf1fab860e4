"""Section C of the bug classes: what an app cannot put into a response, and a client cannot put into a log."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.security.serving import Target
from turnbuckle import (
    HTML,
    JSON,
    App,
    File,
    HTTPError,
    MethodNotAllowed,
    MutableHeaders,
    Redirect,
    Request,
    Response,
    Stream,
    SwitchProtocols,
    Text,
    middleware,
)
from turnbuckle.server.logs.formats import render_text
from turnbuckle.server.logs.records import log_line_of
from turnbuckle.testing import Client

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
INJECTED = "a\r\nX-Injected: yes"


async def _pieces() -> AsyncIterator[bytes]:
    yield b"hello"


def _with_cookie(**attributes: object) -> Response:
    response = Response()
    response.set_cookie(**{"name": "a", "value": "b", **attributes})  # type: ignore[arg-type]  # that is the point
    return response


def _deleting(**attributes: object) -> Response:
    response = Response()
    response.delete_cookie(**{"name": "a", **attributes})  # type: ignore[arg-type]  # likewise
    return response


def _with(change: Callable[[MutableHeaders], object]) -> Response:
    response = Response()
    change(response.headers)
    return response


def _typed(text: str) -> Response:
    response = Response("x")
    response.content_type = text
    return response


WAYS_IN: dict[str, Callable[[str], object]] = {
    "header-of-a-response": lambda text: Response("", headers={"X": text}),
    "pair-of-a-response": lambda text: Response("", headers=[("X", text)]),
    "name-of-a-header": lambda text: Response("", headers={text: "x"}),
    "content-type": lambda text: Response("", content_type=text),
    "content-type-set-later": _typed,
    "content-type-of-a-stream": lambda text: Stream(_pieces(), content_type=text),
    "header-of-text": lambda text: Text("", headers={"X": text}),
    "header-of-html": lambda text: HTML("", headers={"X": text}),
    "header-of-json": lambda text: JSON({}, headers={"X": text}),
    "set": lambda text: _with(lambda headers: headers.set("X", text)),
    "set-name": lambda text: _with(lambda headers: headers.set(text, "x")),
    "add": lambda text: _with(lambda headers: headers.add("X", text)),
    "item": lambda text: _with(lambda headers: headers.__setitem__("X", text)),
    "setdefault": lambda text: _with(lambda headers: headers.setdefault("X", text)),
    "vary": lambda text: _with(lambda headers: headers.add_vary(text)),
    "headers-of-their-own": lambda text: MutableHeaders({"X": text}),
    "header-of-a-redirect": lambda text: Redirect("/", headers={"X": text}),
    "cookie-name": lambda text: _with_cookie(name=text),
    "cookie-value": lambda text: _with_cookie(value=text),
    "cookie-path": lambda text: _with_cookie(path=text),
    "cookie-domain": lambda text: _with_cookie(domain=text),
    "cookie-same-site": lambda text: _with_cookie(same_site=text),
    "deleted-cookie-name": lambda text: _deleting(name=text),
    "deleted-cookie-path": lambda text: _deleting(path=text),
    "deleted-cookie-domain": lambda text: _deleting(domain=text),
    "name-of-a-file": lambda text: File(__file__, download_as=text),
    "type-of-a-file": lambda text: File(__file__, content_type=text),
    "protocol": lambda text: SwitchProtocols(text, lambda: None),  # type: ignore[arg-type, return-value]  # not called
    "header-of-a-switch": lambda text: SwitchProtocols("x", lambda: None, {"X": text}),  # type: ignore[arg-type, return-value]
}


@pytest.mark.parametrize("way", WAYS_IN.values(), ids=WAYS_IN)
@pytest.mark.parametrize("text", [INJECTED, "a\nb", "a\rb", "a\x00b", "\x1b[2J", "a\x7f"], ids=repr)
def test_row_48_control_in_a_response_raises_where_it_is_written(way: Callable[[str], object], text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        way(text)


@pytest.mark.parametrize("text", [INJECTED, "a\nb", "a\rb", "a\x00b", "\x1b[2J", "a\x7f"], ids=repr)
def test_row_48_control_in_a_redirect_is_percent_encoded(text: str) -> None:
    location = Redirect(text).headers["location"]
    assert location.isascii()
    assert location.isprintable()
    assert "%" in location


@pytest.mark.parametrize("status", ["200 OK\r\nX-Injected: yes", 200.5, True, 99, 600, 1000, None])
def test_row_48_status_is_a_number_and_nothing_else(status: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Response("", status=status)  # type: ignore[arg-type]  # that is the point


class _Unchecked(Response):
    """A response that passes by all checks, as a plugin could write one."""

    def fields(self) -> list[tuple[str, str]]:
        return [self.unchecked]

    unchecked = ("X", INJECTED)


def _unchecked(name: str, value: object) -> Response:
    kind = type("Unchecked", (_Unchecked,), {"unchecked": (name, value)})
    response: Response = kind("hello")
    return response


def _unchecked_stream(name: str, value: object) -> Response:
    kind = type("Unchecked", (_Unchecked,), {"unchecked": (name, value)})
    response: Response = kind(_pieces())
    return response


ANSWERS: dict[str, Callable[[], object]] = {
    "way-in": lambda: Response("", headers={"X": INJECTED}),
    "value": lambda: _unchecked("X", INJECTED),
    "name": lambda: _unchecked("X: a\r\nY", "b"),
    "space-in-a-name": lambda: _unchecked("X Y", "b"),
    "empty-name": lambda: _unchecked("", "b"),
    "beyond-latin-1": lambda: _unchecked("X", "☕"),
    "no-text": lambda: _unchecked("X", 5),
    "coding": lambda: _unchecked("Transfer-Encoding", "gzip"),
    "length-that-is-wrong": lambda: _unchecked("Content-Length", "500"),
    "length-that-is-none": lambda: _unchecked("Content-Length", "+5"),
    "value-of-a-stream": lambda: _unchecked_stream("X", INJECTED),
    "name-of-a-stream": lambda: _unchecked_stream("X Y", "b"),
    "coding-of-a-stream": lambda: _unchecked_stream("Transfer-Encoding", "identity"),
    "length-of-a-stream-that-is-none": lambda: _unchecked_stream("Content-Length", "x"),
}


def _raising(error: Callable[[], Exception]) -> Callable[[], object]:
    def answer() -> object:
        raise error()

    return answer


ANSWERS["headers-of-an-error"] = _raising(lambda: HTTPError(400, headers={"X": INJECTED}))
ANSWERS["allowed-methods"] = _raising(lambda: MethodNotAllowed(["GET", INJECTED]))


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_row_49_response_that_cannot_be_sent_is_500_and_the_server_lives(answer: Callable[[], object]) -> None:
    app = App()

    @app.get("/bad")
    async def bad(request: Request) -> object:
        return answer()

    @app.get("/")
    async def good(request: Request) -> str:
        return "good"

    async with Client(app, raise_exceptions=False) as client:
        exchange = await client.raw(b"GET /bad HTTP/1.1\r\nHost: a\r\n\r\n")
        again = await client.raw(GET)
    assert (exchange.statuses, exchange.is_cut) == ([500], False)
    assert b"Injected" not in exchange.received
    assert again.response.text == "good"


async def test_row_49_middleware_cannot_send_it_either() -> None:
    @middleware
    async def spoil(request: Request, call_next: Callable[[Request], object]) -> Response:
        await call_next(request)  # type: ignore[misc]  # the next handler is async
        return _unchecked("X", INJECTED)

    async with Client(App(middleware=[spoil]), raise_exceptions=False) as client:
        exchange = await client.raw(GET)
    assert exchange.statuses == [500]
    assert b"Injected" not in exchange.received


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the server makes of the records, line by line."""
    texts = [render_text(record.__dict__.get("access") or log_line_of(record)) for record in caplog.records]
    return [line for text in texts for line in text.removesuffix("\n").split("\n")]


@pytest.mark.parametrize("debug", [False, True])
async def test_row_50_log_lines_hold_no_control_of_the_client(caplog: pytest.LogCaptureFixture, debug: bool) -> None:
    app = App(debug=debug, settings={"log": {"access": True}})

    @app.get("/{text}")
    async def fails(request: Request, text: str) -> str:
        request.query_params.get("q")
        raise RuntimeError(f"cannot read {text}")

    caplog.set_level(logging.DEBUG, "turnbuckle")
    forged = "%1b[2J%0d%0a2026-01-01%20INFO%20turnbuckle.access:%20forged%e2%80%a8%c2%9b%00"
    odd = "\x85\x9b\xa0\xff".encode("latin-1")
    fields = b"User-Agent: " + odd + b"\r\nReferer: " + odd + b"\r\nX-Request-ID: " + odd + b"\r\nHost: a\r\n\r\n"
    async with Client(app) as client:
        await client.raw(f"GET /{forged}?q={forged} HTTP/1.1\r\n".encode() + fields)
        await client.raw(b"GET /\x1b[2J HTTP/1.1\r\n" + fields)
        await client.raw(b"\x1b]0;title\x07 / HTTP/1.1\r\n" + fields)
    lines = _lines(caplog)
    assert any("forged" in line for line in lines)
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.startswith("2026-01-01 INFO turnbuckle.access: forged")] == []


_PARTS = b"--b\r\nbad\r\n\r\n\r\n" * 10_000 + b"--b--\r\n"
_FORM = b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
_FLOODS = {
    "cookies": b"GET /cookies HTTP/1.1\r\nHost: a\r\nCookie: " + b"=;" * 5000 + b"\r\n\r\n",
    "cookie-fields": b"GET /cookies HTTP/1.1\r\nHost: a\r\n" + b"Cookie: ,\xff=\x85\r\n" * 120 + b"\r\n",
    "query": b"GET /query?" + b"%&" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "parts": _FORM + b"Content-Length: %d\r\n\r\n" % len(_PARTS) + _PARTS,
    "bad-chunk": _FORM + b"Transfer-Encoding: chunked\r\n\r\n" + b"x\r\n" * 10_000,
    "no-request": b"GET /\x00 HTTP/1.1\r\n" * 10_000,
}


@pytest.mark.parametrize("raw", _FLOODS.values(), ids=_FLOODS)
async def test_row_51_one_line_for_a_request(caplog: pytest.LogCaptureFixture, raw: bytes) -> None:
    app = App(settings={"log": {"access": True}})

    @app.get("/cookies")
    async def cookies(request: Request) -> Response:
        return JSON(len(request.cookies))

    @app.get("/query")
    async def query(request: Request) -> Response:
        return JSON(len(request.query_params))

    @app.post("/form")
    async def form(request: Request) -> Response:
        return JSON(len(await request.form()))

    caplog.set_level(logging.DEBUG, "turnbuckle")
    async with Client(app) as client:
        exchange = await client.raw(raw)
    assert exchange.response.status in {200, 400, 431}
    assert len(_lines(caplog)) == 1


async def test_row_51_failing_handler_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.get("/")
    async def fails(request: Request) -> None:
        raise RuntimeError("no")

    caplog.set_level(logging.DEBUG, "turnbuckle")
    async with Client(app) as client:
        await client.raw(GET)
    assert len(caplog.records) == 1


_NO_CONTENT = {
    "head": (b"HEAD", 200, True),
    "no-content": (b"GET", 204, False),
    "reset-content": (b"GET", 205, True),
    "not-modified": (b"GET", 304, False),
    "head-of-no-content": (b"HEAD", 204, False),
    "head-of-an-error": (b"HEAD", 404, True),
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("method", "status", "may_tell"), _NO_CONTENT.values(), ids=_NO_CONTENT)
async def test_row_52_no_content_where_there_must_be_none(
    method: bytes, status: int, may_tell: bool, streams: bool
) -> None:
    app = App()

    @app.get("/")
    async def answer(request: Request) -> Response:
        return Stream(_pieces(), status=status) if streams else Response("hello", status=status)

    async with Client(app) as client:
        exchange = await client.raw(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
    first, rest = exchange.received.split(b"\r\n\r\n", 1)
    assert first.startswith(b"HTTP/1.1 %d " % status)
    assert rest.startswith(b"HTTP/1.1 %d " % status)
    names = [line.partition(b":")[0].lower() for line in first.split(b"\r\n")[1:]]
    assert not (b"content-length" in names and b"transfer-encoding" in names)
    if status == 204:
        assert {b"content-length", b"transfer-encoding"}.isdisjoint(names)
    assert may_tell or b"transfer-encoding" not in names


@pytest.mark.parametrize("framing", [{}, {"Content-Length": "5"}], ids=["chunked", "with-length"])
async def test_row_52_length_and_coding_are_never_both_sent(framing: dict[str, str]) -> None:
    app = App()

    @app.get("/")
    async def answer(request: Request) -> Response:
        return Stream(_pieces(), headers=framing)

    async with Client(app) as client:
        for version in (b"1.0", b"1.1"):
            exchange = await client.raw(b"GET / HTTP/" + version + b"\r\nHost: a\r\n\r\n")
            names = list(exchange.response.headers)
            assert len({"content-length", "transfer-encoding"} & {name.lower() for name in names}) <= 1
            assert exchange.response.content == b"hello"


async def test_errors_say_nothing_of_their_cause(target: Target) -> None:
    for exchange in await target.exchanges(b"GET / HTTP/1.1\r\nHost: a\r\nX-Secret\x00: hunter2\r\n\r\n"):
        assert exchange.response.text == "Bad Request\n"


async def test_failing_handler_says_nothing_of_its_cause(tmp_path: Path) -> None:
    app = App()

    @app.get("/")
    async def fails(request: Request) -> Path:
        return tmp_path / "missing-hunter2"

    async with Client(app, raise_exceptions=False) as client:
        exchange = await client.raw(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n")
    assert exchange.response.status == 500
    assert b"hunter2" not in exchange.received
