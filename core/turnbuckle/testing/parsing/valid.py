"""Requests that every parser must accept, with their meaning."""

from __future__ import annotations

from typing import Final

from turnbuckle.testing.parsing.cases import NEXT_REQUEST, ValidCase
from turnbuckle.testing.parsing.outcome import ReadRequest

__all__ = ["VALID"]

_HOST: Final = (b"host", b"a")
_CHUNKED: Final = (b"transfer-encoding", b"chunked")


def _head(name: str, section: str, lines: bytes, *fields: tuple[bytes, bytes]) -> ValidCase:
    """Return a GET with these additional field lines."""
    data = b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n"
    return ValidCase(name, f"RFC {section}", data, (ReadRequest(b"GET", b"/", 1, (_HOST, *fields)),))


def _line(name: str, section: str, line: bytes) -> ValidCase:
    """Return a request with this request line."""
    method, target, version = line.split(b" ")
    read = ReadRequest(method, target, 0 if version == b"HTTP/1.0" else 1, (_HOST,))
    return ValidCase(name, f"RFC {section}", line + b"\r\nHost: a\r\n\r\n", (read,))


def _length(name: str, section: str, value: bytes, content: bytes, *, method: bytes = b"POST") -> ValidCase:
    """Return a request with a Content-Length."""
    data = method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length:" + value + b"\r\n\r\n" + content
    fields = (_HOST, (b"content-length", value.strip(b" \t")))
    return ValidCase(name, f"RFC {section}", data, (ReadRequest(method, b"/", 1, fields, content),))


def _chunks(name: str, section: str, body: bytes, content: bytes, *trailers: tuple[bytes, bytes]) -> ValidCase:
    """Return a request with chunked content."""
    data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    read = ReadRequest(b"POST", b"/", 1, (_HOST, _CHUNKED), content, trailers)
    return ValidCase(name, f"RFC {section}", data, (read,))


_UPGRADE: Final = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
_UPGRADE_FIELDS: Final = (_HOST, (b"connection", b"Upgrade"), (b"upgrade", b"websocket"))

VALID: Final = (
    _line("get", "9112, 3", b"GET / HTTP/1.1"),
    _line("head", "9110, 9.3.2", b"HEAD / HTTP/1.1"),
    _line("query", "9112, 3.2.1", b"GET /a%20b~?c=%7E&d HTTP/1.1"),
    _line("two-slashes", "9112, 3.2.1", b"GET //evil.example/%2f.. HTTP/1.1"),
    _line("absolute-form", "9112, 3.2.2", b"GET http://a/x?y HTTP/1.1"),
    _line("authority-form", "9112, 3.2.3", b"CONNECT a:443 HTTP/1.1"),
    _line("asterisk-form", "9112, 3.2.4", b"OPTIONS * HTTP/1.1"),
    _line("unknown-method", "9110, 9.1", b"BREW /pot HTTP/1.1"),
    _line("method-in-lower-case", "9110, 9.1", b"get / HTTP/1.1"),
    _line("method-of-unusual-characters", "9110, 5.6.2", b"!#$%&'*+-.^_`|~09 / HTTP/1.1"),
    _line("method-of-another-protocol", "9110, 9.1", b"DESCRIBE / HTTP/1.1"),
    _line("higher-minor-version", "9110, 2.5", b"GET / HTTP/1.2"),
    _line("http-1.0", "9112, 2.3", b"GET / HTTP/1.0"),
    ValidCase(
        "http-1.0-without-host",
        "RFC 9112, 3.2",
        b"GET / HTTP/1.0\r\nX: 1\r\n\r\n",
        (ReadRequest(b"GET", b"/", 0, ((b"x", b"1"),)),),
    ),
    ValidCase("no-field", "RFC 9112, 2.1", b"GET / HTTP/1.0\r\n\r\n", (ReadRequest(b"GET", b"/", 0),)),
    ValidCase(
        "empty-line-before",
        "RFC 9112, 2.2",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        (ReadRequest(b"GET", b"/", 1, (_HOST,)),),
    ),
    _head("whitespace-around-values", "9112, 5.1", b"X:\t a b \t\r\nY:c\r\n", (b"x", b"a b"), (b"y", b"c")),
    _head("empty-value", "9110, 5.5", b"X:\r\nY: \r\n", (b"x", b""), (b"y", b"")),
    _head("tab-in-value", "9110, 5.5", b"X: a\tb\r\n", (b"x", b"a\tb")),
    _head("eighth-bit-in-value", "9110, 5.5", b"X: caf\xc3\xa9 \xff\r\n", (b"x", b"caf\xc3\xa9 \xff")),
    _head("colons-in-value", "9112, 5", b"X: a:b:\r\n", (b"x", b"a:b:")),
    _head("unusual-characters-in-name", "9110, 5.6.2", b"!#$%&'*+-.^_`|~09Az: 1\r\n", (b"!#$%&'*+-.^_`|~09az", b"1")),
    _head("fields-in-order", "9110, 5.3", b"A: 1\r\nB: 2\r\nA: 3\r\n", (b"a", b"1"), (b"b", b"2"), (b"a", b"3")),
    _head("underscore-is-no-hyphen", "9110, 5.1", b"Content_Length: 5\r\n", (b"content_length", b"5")),
    _head("close", "9112, 9.6", b"Connection: keep-alive, close\r\n", (b"connection", b"keep-alive, close")),
    _head("te", "9110, 10.1.4", b"Connection: TE\r\nTE: trailers\r\n", (b"connection", b"TE"), (b"te", b"trailers")),
    _head(
        "upgrade",
        "9110, 7.8",
        b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c, websocket\r\n",
        (b"connection", b"keep-alive, Upgrade"),
        (b"upgrade", b"h2c, websocket"),
    ),
    _head("upgrade-without-the-option", "9110, 7.8", b"Upgrade: websocket\r\n", (b"upgrade", b"websocket")),
    ValidCase(
        "many-fields",
        "RFC 9110, 5.4",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: v\r\n" % i for i in range(99)) + b"\r\n",
        (ReadRequest(b"GET", b"/", 1, (_HOST, *((b"x-%d" % i, b"v") for i in range(99)))),),
    ),
    _length("length", "9112, 6.2", b" 5", b"hello"),
    _length("length-without-whitespace", "9112, 5.1", b"5", b"hello"),
    _length("length-between-whitespace", "9112, 5.1", b" \t5\t ", b"hello"),
    _length("length-with-zeros", "9110, 8.6", b" 0005", b"hello"),
    _length("length-0", "9110, 8.6", b" 0", b""),
    _length("length-of-a-get", "9110, 9.3.1", b" 5", b"hello", method=b"GET"),
    _length("length-of-a-head", "9110, 9.3.2", b" 5", b"hello", method=b"HEAD"),
    _length("length-of-an-unknown-method", "9112, 6.3", b" 5", b"hello", method=b"BREW"),
    _length("length-of-a-connect-look-alike", "9112, 6.3", b" 5", b"hello", method=b"CONNECTED"),
    _length("any-byte-in-content", "9112, 6", b" 258", bytes(range(256)) + b"\r\n"),
    _length("request-as-content", "9112, 6.2", b" 28", b"GET /x HTTP/1.1\r\nHost: b\r\n\r\n"),
    ValidCase(
        "post-without-content",
        "RFC 9112, 6.3",
        b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        (ReadRequest(b"POST", b"/", 1, (_HOST,)),),
    ),
    ValidCase(
        "content-before-upgrade",
        "RFC 9110, 7.8",
        _UPGRADE + b"Content-Length: 5\r\n\r\nhello",
        (ReadRequest(b"POST", b"/", 1, (*_UPGRADE_FIELDS, (b"content-length", b"5")), b"hello"),),
    ),
    ValidCase(
        "chunks-before-upgrade",
        "RFC 9110, 7.8",
        _UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        (ReadRequest(b"POST", b"/", 1, (*_UPGRADE_FIELDS, _CHUNKED), b"hello"),),
    ),
    ValidCase(
        "expect",
        "RFC 9110, 10.1.1",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        (ReadRequest(b"POST", b"/", 1, (_HOST, (b"expect", b"100-continue"), (b"content-length", b"5")), b"hello"),),
    ),
    ValidCase(
        "coding-in-upper-case",
        "RFC 9112, 7",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
        (ReadRequest(b"POST", b"/", 1, (_HOST, (b"transfer-encoding", b"CHUNKED"))),),
    ),
    _chunks("chunks", "9112, 7.1", b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello"),
    _chunks("no-chunk", "9112, 7.1", b"0\r\n\r\n", b""),
    _chunks("many-zeros", "9112, 7.1", b"0005\r\nhello\r\n0000\r\n\r\n", b"hello"),
    _chunks("hexadecimal", "9112, 7.1", b"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", b"01234567890123456789a"),
    _chunks("line-ends-in-chunks", "9112, 7.1", b"6\r\n\r\n0\r\n\r\r\n0\r\n\r\n", b"\r\n0\r\n\r"),
    _chunks("extensions", "9112, 7.1.1", b"5;a=b;c\r\nhello\r\n0;d\r\n\r\n", b"hello"),
    _chunks("extension-with-whitespace", "9112, 7.1.1", b"5 ; a = b\r\nhello\r\n0\r\n\r\n", b"hello"),
    _chunks("quoted-extension", "9112, 7.1.1", b'5;a="b\\";c "\r\nhello\r\n0\r\n\r\n', b"hello"),
    _chunks("trailers", "9112, 7.1.2", b"0\r\nX-A: 1 \r\nx-b:\r\n\r\n", b"", (b"x-a", b"1"), (b"x-b", b"")),
    _chunks(
        "trailers-too-late",
        "9110, 6.5.1",
        b"5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: b\r\nX: 1\r\n\r\n",
        b"hello",
        (b"x", b"1"),
    ),
    ValidCase(
        "pipeline",
        "RFC 9112, 9.3.2",
        b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
        b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n"
        b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n",
        (
            ReadRequest(b"POST", b"/1", 1, (_HOST, (b"content-length", b"2")), b"hi"),
            ReadRequest(b"POST", b"/2", 1, (_HOST, _CHUNKED), b"ho"),
            NEXT_REQUEST,
        ),
    ),
    ValidCase(
        "empty-line-after-content",
        "RFC 9112, 2.2",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\nGET /next HTTP/1.1\r\nHost: next\r\n\r\n",
        (ReadRequest(b"POST", b"/", 1, (_HOST, (b"content-length", b"2")), b"hi"), NEXT_REQUEST),
    ),
)
"""All valid cases."""
