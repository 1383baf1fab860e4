"""Raw requests to the whole server, its answers, and the state of the connection afterwards.

Each case is sent whole, byte by byte, and with a further request behind it, which is answered on a connection that is
kept and ignored on one that is closed.

Sources: RFC 9110, sections 5, 6.5, 9.3 and 10.1.1; RFC 9112, sections 2 to 9; the RFC's sentence is named by the case.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from turnbuckle import App, Request
from turnbuckle.testing import Client, RawExchange

NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def app() -> App:
    app = App("echo")

    @app.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.get("/next")
    async def after(request: Request) -> str:
        return "next"

    @app.get("/{rest:path}")
    async def path(request: Request, rest: str) -> str:
        return rest

    return app


@pytest.fixture
async def client(app: App) -> AsyncIterator[Client]:
    async with Client(app) as client:
        yield client


class Case(NamedTuple):
    """The sent bytes, the expected statuses, the content of the first response, and whether the connection ends."""

    data: bytes
    statuses: tuple[int, ...] = (200,)
    content: bytes | None = None
    is_closed: bool = False


def head(line: bytes = b"GET / HTTP/1.1", *fields: bytes, host: bytes = b"Host: a") -> bytes:
    lines = [line, *([host] if host else []), *fields]
    return b"".join(part + b"\r\n" for part in lines) + b"\r\n"


def post(*fields: bytes, content: bytes = b"") -> bytes:
    return head(b"POST / HTTP/1.1", *fields) + content


def chunked(content: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", content=content)


def refused(data: bytes, status: int = 400) -> Case:
    return Case(data, (status,), is_closed=True)


REQUEST_LINE = {
    "get": Case(head()),
    "lower-case-method-is-another-method": Case(head(b"get / HTTP/1.1"), (501,)),
    "unknown-method": Case(head(b"BREW / HTTP/1.1"), (501,)),
    "crlf-before-it": Case(b"\r\n" + head()),
    "two-crlf-before-it": refused(b"\r\n\r\n" + head()),
    "lf-alone-ends-it": refused(b"GET / HTTP/1.1\nHost: a\n\n"),
    "cr-alone-in-it": refused(head(b"GET /\rx HTTP/1.1")),
    "two-spaces": refused(head(b"GET  / HTTP/1.1")),
    "tab-for-space": refused(head(b"GET\t/\tHTTP/1.1")),
    "space-before-it": refused(head(b" GET / HTTP/1.1")),
    "space-after-it": refused(head(b"GET / HTTP/1.1 ")),
    "space-in-target": refused(head(b"GET /a b HTTP/1.1")),
    "no-version": refused(b"GET /\r\n\r\n"),
    "no-target": refused(head(b"GET HTTP/1.1")),
    "empty-method": refused(head(b" / HTTP/1.1")),
    "method-with-brace": refused(head(b"G{T / HTTP/1.1")),
    "nul-in-target": refused(head(b"GET /\x00 HTTP/1.1")),
    "del-in-target": refused(head(b"GET /\x7f HTTP/1.1")),
    "byte-beyond-ascii-in-target": refused(head(b"GET /\xe9 HTTP/1.1")),
    "fragment-in-target": refused(head(b"GET /#a HTTP/1.1")),
    "target-without-slash": refused(head(b"GET a HTTP/1.1")),
    "percent-escapes": Case(head(b"GET /%41%2Fb HTTP/1.1"), content=b"A/b"),
    "query": Case(head(b"GET /?a=/b?c HTTP/1.1")),
    "absolute-form": Case(head(b"GET http://a/x HTTP/1.1"), content=b"x"),
    "absolute-form-without-path": Case(head(b"GET http://a HTTP/1.1")),
    "asterisk-for-options": Case(head(b"OPTIONS * HTTP/1.1"), (204,)),
    "asterisk-for-get": refused(head(b"GET * HTTP/1.1")),
    "long-target": refused(head(b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    "long-method": refused(head(b"A" * 9000 + b" / HTTP/1.1"), 400),
    "later-minor-version": Case(head(b"GET / HTTP/1.7")),
    "version-2": refused(head(b"GET / HTTP/2.0"), 505),
    "version-0.9": refused(head(b"GET / HTTP/0.9"), 505),
    "version-in-lower-case": refused(head(b"GET / http/1.1")),
    "version-with-two-digits": refused(head(b"GET / HTTP/1.10")),
    "version-of-another-protocol": refused(head(b"GET / ICY/1.1")),
    "tls-client-hello": refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "connect": Case(head(b"CONNECT a:443 HTTP/1.1"), (501,)),
    "trace": Case(head(b"TRACE / HTTP/1.1"), (405,)),
}

FIELDS = {
    "no-host": refused(head(host=b"")),
    "empty-host": refused(head(host=b"Host:")),
    "host-with-port": Case(head(host=b"Host: example.com:8080")),
    "host-ipv6": Case(head(host=b"Host: [::1]:80")),
    "host-with-user": refused(head(host=b"Host: me@example.com")),
    "host-with-space": refused(head(host=b"Host: a b")),
    "host-with-slash": refused(head(host=b"Host: a/b")),
    "host-with-letters-for-port": refused(head(host=b"Host: a:http")),
    "host-twice": refused(head(b"GET / HTTP/1.1", b"HOST: a")),
    "no-colon": refused(head(b"GET / HTTP/1.1", b"X-A")),
    "colon-first": refused(head(b"GET / HTTP/1.1", b": a")),
    "space-before-colon": refused(head(b"GET / HTTP/1.1", b"X-A : a")),
    "tab-before-colon": refused(head(b"GET / HTTP/1.1", b"X-A\t: a")),
    "space-in-name": refused(head(b"GET / HTTP/1.1", b"X A: a")),
    "name-in-parentheses": refused(head(b"GET / HTTP/1.1", b"(X): a")),
    "name-beyond-ascii": refused(head(b"GET / HTTP/1.1", b"X-\xe9: a")),
    "fold": refused(head(b"GET / HTTP/1.1", b"X-A: a", b" b")),
    "fold-on-the-first-line": refused(head(b"GET / HTTP/1.1", host=b" Host: a")),
    "cr-in-value": refused(head(b"GET / HTTP/1.1", b"X-A: a\rb")),
    "lf-in-value": refused(head(b"GET / HTTP/1.1", b"X-A: a\nX-B: b")),
    "nul-in-value": refused(head(b"GET / HTTP/1.1", b"X-A: a\x00b")),
    "control-in-value": refused(head(b"GET / HTTP/1.1", b"X-A: a\x01b")),
    "tab-in-value": Case(head(b"GET / HTTP/1.1", b"X-A: a\tb")),
    "value-beyond-ascii": Case(head(b"GET / HTTP/1.1", b"X-A: \xe9\xff")),
    "empty-value": Case(head(b"GET / HTTP/1.1", b"X-A:")),
    "whitespace-around-value": Case(head(b"GET / HTTP/1.1", b"X-A: \t a \t ")),
    "hundred-fields": Case(head(b"GET / HTTP/1.1", *(b"X-%d: a" % number for number in range(100)))),
    "two-hundred-fields": refused(head(b"GET / HTTP/1.1", *(b"X-%d: a" % number for number in range(200))), 431),
    "long-line": refused(head(b"GET / HTTP/1.1", b"X-A: " + b"a" * 20_000), 431),
    "long-section": refused(head(b"GET / HTTP/1.1", *(b"X-%d: %b" % (n, b"a" * 10_000) for n in range(8))), 431),
}

LENGTH = {
    "length": Case(post(b"Content-Length: 5", content=b"hello"), content=b"hello"),
    "length-zero": Case(post(b"Content-Length: 0"), content=b""),
    "length-with-zeros-before": Case(post(b"Content-Length: 005", content=b"hello"), content=b"hello"),
    "length-in-capitals": Case(post(b"CONTENT-LENGTH: 5", content=b"hello"), content=b"hello"),
    "length-for-get": Case(head(b"GET / HTTP/1.1", b"Content-Length: 5") + b"hello", content=b"hello"),
    "content-with-crlf": Case(post(b"Content-Length: 6", content=b"\r\n\r\n\r\n"), content=b"\r\n\r\n\r\n"),
    "content-that-looks-like-a-request": Case(post(b"Content-Length: %d" % len(NEXT), content=NEXT), content=NEXT),
    "post-without-length": Case(post(), content=b""),
    **{
        f"length-{name}": refused(post(b"Content-Length: " + value, content=b"hello"))
        for name, value in {
            "signed": b"+5",
            "negative": b"-5",
            "hexadecimal": b"0x5",
            "with-underscore": b"1_0",
            "with-space-inside": b"5 5",
            "with-letters": b"five",
            "empty": b"",
            "fraction": b"5.0",
            "exponent": b"5e0",
            "list-that-differs": b"5, 6",
            "arabic-digit": b"\xd9\xa5",
        }.items()
    },
    "lengths-that-differ": refused(post(b"Content-Length: 5", b"Content-Length: 6", content=b"hello")),
    "length-of-400-digits": refused(post(b"Content-Length: " + b"5" * 400)),
    "length-beyond-the-limit": refused(post(b"Content-Length: 99999999999"), 413),
}

CODING = {
    "chunk": Case(chunked(b"5\r\nhello\r\n0\r\n\r\n"), content=b"hello"),
    "chunks": Case(chunked(b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n"), content=b"hello"),
    "chunk-in-capitals": Case(chunked(b"A\r\n0123456789\r\n0\r\n\r\n"), content=b"0123456789"),
    "chunk-in-small-letters": Case(chunked(b"a\r\n0123456789\r\n0\r\n\r\n"), content=b"0123456789"),
    "no-chunk-but-the-last": Case(chunked(b"0\r\n\r\n"), content=b""),
    "many-zeros": Case(chunked(b"0005\r\nhello\r\n0000\r\n\r\n"), content=b"hello"),
    "extension": Case(chunked(b'5;a=b;c="d;e"\r\nhello\r\n0;f\r\n\r\n'), content=b"hello"),
    "trailers": Case(chunked(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n"), content=b"hello"),
    "chunk-with-crlf": Case(chunked(b"4\r\n\r\n\r\n\r\n0\r\n\r\n"), content=b"\r\n\r\n"),
    "coding-in-capitals": Case(post(b"Transfer-Encoding: CHUNKED", content=b"1\r\na\r\n0\r\n\r\n"), content=b"a"),
    **{
        f"chunk-size-{name}": refused(chunked(data))
        for name, data in {
            "empty": b"\r\nhello\r\n0\r\n\r\n",
            "signed": b"+5\r\nhello\r\n0\r\n\r\n",
            "negative": b"-5\r\nhello\r\n0\r\n\r\n",
            "prefixed": b"0x5\r\nhello\r\n0\r\n\r\n",
            "no-hexadecimal": b"5g\r\nhello\r\n0\r\n\r\n",
            "with-underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
            "after-space": b" 5\r\nhello\r\n0\r\n\r\n",
            "too-large": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
            "ended-by-lf": b"5\nhello\r\n0\r\n\r\n",
            "ended-by-cr": b"5\rhello\r\n0\r\n\r\n",
        }.items()
    },
    "chunk-longer-than-said": refused(chunked(b"4\r\nhello\r\n0\r\n\r\n")),
    "chunk-ended-by-lf": refused(chunked(b"5\r\nhello\n0\r\n\r\n")),
    "lf-in-extension": refused(chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n")),
    "trailer-without-colon": refused(chunked(b"0\r\nabc\r\n\r\n")),
    "trailer-with-space-before-colon": refused(chunked(b"0\r\nA : b\r\n\r\n")),
    "coding-with-length": refused(
        post(b"Transfer-Encoding: chunked", b"Content-Length: 5", content=b"5\r\nhello\r\n0\r\n\r\n")
    ),
    "length-with-coding": refused(post(b"Content-Length: 5", b"Transfer-Encoding: chunked", content=b"0\r\n\r\n")),
    "coding-gzip": refused(post(b"Transfer-Encoding: gzip")),
    "coding-gzip-and-chunked": refused(post(b"Transfer-Encoding: gzip, chunked", content=b"0\r\n\r\n"), 501),
    "coding-in-http-1.0": refused(head(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"),
}

CONNECTION = {
    "close": Case(head(b"GET / HTTP/1.1", b"Connection: close"), is_closed=True),
    "close-in-capitals": Case(head(b"GET / HTTP/1.1", b"connection: CLOSE"), is_closed=True),
    "close-among-others": Case(head(b"GET / HTTP/1.1", b"Connection: x, close ,y"), is_closed=True),
    "keep-alive": Case(head(b"GET / HTTP/1.1", b"Connection: keep-alive")),
    "close-after-content": Case(
        post(b"Connection: close", b"Content-Length: 5", content=b"hello"), content=b"hello", is_closed=True
    ),
    "http-1.0": Case(head(b"GET / HTTP/1.0"), is_closed=True),
    "http-1.0-without-host": Case(head(b"GET / HTTP/1.0", host=b""), is_closed=True),
    "http-1.0-keep-alive": Case(head(b"GET / HTTP/1.0", b"Connection: Keep-Alive")),
    "http-1.0-content": Case(
        head(b"POST / HTTP/1.0", b"Content-Length: 5") + b"hello", content=b"hello", is_closed=True
    ),
    "pipeline": Case(head() * 10, (200,) * 10),
    "pipeline-of-contents": Case(
        post(b"Content-Length: 2", content=b"ab") + chunked(b"1\r\nc\r\n0\r\n\r\n") + head(), (200, 200, 200), b"ab"
    ),
    "pipeline-that-breaks": Case(head() + head(b"nonsense"), (200, 400), is_closed=True),
    "head-then-get": Case(head(b"HEAD /next HTTP/1.1") + NEXT, (200, 200), b""),
    "upgrade-to-what-is-not-there": Case(head(b"GET / HTTP/1.1", b"Connection: upgrade", b"Upgrade: chat")),
    "expect-something-else": Case(head(b"GET / HTTP/1.1", b"Expect: the-unexpected"), (200,)),
    "not-found": Case(head(b"POST /nothing HTTP/1.1"), (405,)),
    "unread-content": Case(head(b"PUT /next HTTP/1.1", b"Content-Length: 5") + b"hello", (405,)),
}

CASES = [
    pytest.param(case, id=f"{group}-{name}")
    for group, cases in {
        "line": REQUEST_LINE,
        "field": FIELDS,
        "content": LENGTH,
        "coding": CODING,
        "connection": CONNECTION,
    }.items()
    for name, case in cases.items()
]


def check_exchange(exchange: RawExchange, case: Case) -> None:
    assert exchange.statuses == list(case.statuses)
    assert (exchange.is_closed, exchange.is_cut, exchange.was_reset) == (case.is_closed, False, False)
    if case.content is not None:
        assert exchange.responses[0].content == case.content
    announced = "close" in exchange.responses[-1].headers.get("connection", "")
    assert announced == case.is_closed


@pytest.mark.parametrize("case", CASES)
async def test_case(client: Client, case: Case) -> None:
    check_exchange(await client.raw(case.data), case)
    if len(case.data) < 3000:
        check_exchange(await client.raw(case.data, split="bytewise"), case)
    followed = await client.raw(case.data + NEXT)
    check_exchange(followed, case if case.is_closed else case._replace(statuses=(*case.statuses, 200)))
    if not case.is_closed:
        assert followed.responses[-1].content == b"next"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET", id="method"),
        pytest.param(head()[:-2], id="head"),
        pytest.param(head()[:-1], id="head-but-the-last-byte"),
        pytest.param(post(b"Content-Length: 5", content=b"hell"), id="content"),
        pytest.param(chunked(b"5\r\nhello"), id="chunk"),
        pytest.param(chunked(b"5\r\nhello\r\n0\r\n"), id="last-chunk"),
    ],
)
@pytest.mark.parametrize("split", ["whole", "bytewise"])
async def test_incomplete_request_is_waited_for(client: Client, data: bytes, split: str) -> None:
    exchange = await client.raw(data, split="bytewise" if split == "bytewise" else "whole")

    assert (exchange.received, exchange.is_closed) == (b"", False)


@pytest.mark.parametrize("name", ["Expect", "expect"])
@pytest.mark.parametrize("value", ["100-continue", "100-Continue"])
async def test_content_is_asked_for_once(client: Client, name: str, value: str) -> None:
    connection = client.connect()
    await connection.send(post(f"{name}: {value}".encode(), b"Content-Length: 10"))
    asked = connection.statuses
    await connection.send(b"hello")
    await connection.send(b"world")

    assert (asked, connection.statuses) == ([100], [100, 200])
    assert connection.responses[0].content == b"helloworld"


async def test_content_that_is_there_is_asked_for_all_the_same(client: Client) -> None:
    exchange = await client.raw(post(b"Expect: 100-continue", b"Content-Length: 5", content=b"hello"))

    assert exchange.statuses == [100, 200]


async def test_content_that_no_handler_reads_is_not_asked_for(client: Client) -> None:
    exchange = await client.raw(head(b"PUT /next HTTP/1.1", b"Expect: 100-continue", b"Content-Length: 5"))

    assert (exchange.statuses, exchange.is_closed) == ([405], True)
