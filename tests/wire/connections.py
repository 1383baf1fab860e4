"""What becomes of the connection (RFC 9112, section 9; RFC 9110, sections 6.4, 7.6.1, 7.8 and 10.1.1)."""

from __future__ import annotations

from tests.wire.cases import GET, NEXT, Case, chunked, fields, head, kept, post, refused

__all__ = ["CONNECTIONS", "EXPECTATIONS", "PIPELINES", "RESPONSES", "UPGRADES"]


def _closed(data: bytes, content: bytes | None = None, status: int = 200) -> Case:
    return Case(data, (status,), content, is_closed=True)


def _old(*lines: bytes) -> bytes:
    return head(b"GET / HTTP/1.0", *lines)


CONNECTIONS = {
    "keep-alive": kept(fields(b"Connection: keep-alive")),
    "nothing": kept(fields()),
    "empty": kept(fields(b"Connection:")),
    "commas": kept(fields(b"Connection: ,,,")),
    "unknown-option": kept(fields(b"Connection: x-thing")),
    "close-look-alike": kept(fields(b"Connection: closed")),
    "close-with-parameter": kept(fields(b"Connection: close;a")),
    "close-quoted": kept(fields(b'Connection: "close"')),
    "proxy-connection-close": kept(fields(b"Proxy-Connection: close")),
    "close": _closed(fields(b"Connection: close")),
    "close-in-capitals": _closed(fields(b"CONNECTION: CLOSE")),
    "close-in-mixed-case": _closed(fields(b"Connection: Close")),
    "close-first": _closed(fields(b"Connection: close, keep-alive")),
    "close-last": _closed(fields(b"Connection: keep-alive, close")),
    "close-in-the-middle": _closed(fields(b"Connection: x,close ,\ty")),
    "close-after-commas": _closed(fields(b"Connection: , ,close")),
    "close-on-a-second-line": _closed(fields(b"Connection: keep-alive", b"Connection: close")),
    "close-on-a-first-line": _closed(fields(b"Connection: close", b"Connection: keep-alive")),
    "close-after-content": _closed(post(b"Connection: close", b"Content-Length: 5", content=b"hello"), b"hello"),
    "close-after-chunks": _closed(
        post(b"Connection: close", b"Transfer-Encoding: chunked", content=b"1\r\na\r\n0\r\n\r\n"), b"a"
    ),
    "close-where-nothing-is": _closed(head(b"BREW / HTTP/1.1", b"Connection: close"), None, 501),
    "http-1.0": _closed(_old()),
    "http-1.0-close": _closed(_old(b"Connection: close")),
    "http-1.0-keep-alive": kept(_old(b"Connection: keep-alive")),
    "http-1.0-keep-alive-in-capitals": kept(_old(b"Connection: KEEP-ALIVE")),
    "http-1.0-keep-alive-among-others": kept(_old(b"Connection: x, keep-alive")),
    "http-1.0-keep-alive-and-close": _closed(_old(b"Connection: keep-alive, close")),
    "http-1.0-keep-alive-field-alone": _closed(_old(b"Keep-Alive: timeout=5")),
    "http-1.0-content": _closed(head(b"POST / HTTP/1.0", b"Content-Length: 5") + b"hello", b"hello"),
    "http-1.0-content-and-keep-alive": kept(
        head(b"POST / HTTP/1.0", b"Content-Length: 5", b"Connection: keep-alive") + b"hello", b"hello"
    ),
    "http-1.0-post-without-length": _closed(head(b"POST / HTTP/1.0"), b""),
}

EXPECTATIONS = {
    "continue-and-content": Case(
        post(b"Expect: 100-continue", b"Content-Length: 5", content=b"hello"), (100, 200), b"hello"
    ),
    "continue-in-capitals": Case(
        post(b"Expect: 100-CONTINUE", b"Content-Length: 5", content=b"hello"), (100, 200), b"hello"
    ),
    "continue-without-content": kept(fields(b"Expect: 100-continue")),
    "continue-and-length-0": kept(post(b"Expect: 100-continue", b"Content-Length: 0"), b""),
    "continue-waiting": Case(post(b"Expect: 100-continue", b"Content-Length: 5"), (100,)),
    "continue-waiting-for-chunks": Case(post(b"Expect: 100-continue", b"Transfer-Encoding: chunked"), (100,)),
    "continue-unread": Case(
        head(b"POST /unread HTTP/1.1", b"Expect: 100-continue", b"Content-Length: 5"), is_closed=True
    ),
    "continue-and-too-much": refused(post(b"Expect: 100-continue", b"Content-Length: 99999999"), 413),
    "continue-and-malformed-length": refused(post(b"Expect: 100-continue", b"Content-Length: x")),
    "continue-in-http-1.0": Case(
        head(b"POST / HTTP/1.0", b"Expect: 100-continue", b"Content-Length: 5") + b"hello", (200,), b"hello", True
    ),
    "unknown": kept(fields(b"Expect: 200-ok")),
    "unknown-with-content": kept(post(b"Expect: x=y", b"Content-Length: 5", content=b"hello"), b"hello"),
    "empty": kept(fields(b"Expect:")),
}

_CHAT = (b"Connection: upgrade", b"Upgrade: chat")

UPGRADES = {
    "to-what-is-not-there": kept(fields(*_CHAT)),
    "to-http-2": kept(fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")),
    "to-websocket": kept(
        fields(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: eHh4")
    ),
    "to-websocket-by-post": kept(
        post(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: eHh4")
    ),
    "to-nothing": kept(fields(b"Connection: upgrade")),
    "without-the-option": kept(fields(b"Upgrade: chat")),
    "in-http-1.0": Case(head(b"GET / HTTP/1.0", *_CHAT), is_closed=True),
    "malformed": kept(fields(b"Connection: upgrade", b"Upgrade: ,,/;")),
    "with-content": kept(post(*_CHAT, b"Content-Length: 5", content=b"hello"), b"hello"),
    "with-chunks": kept(post(*_CHAT, b"Transfer-Encoding: chunked", content=b"1\r\na\r\n0\r\n\r\n"), b"a"),
    "with-content-that-is-a-request": kept(post(*_CHAT, b"Content-Length: %d" % len(NEXT), content=NEXT), NEXT),
    "and-a-request-behind": Case(fields(*_CHAT) + NEXT, (200, 200)),
    "and-close": Case(fields(b"Connection: upgrade, close", b"Upgrade: chat"), is_closed=True),
}

PIPELINES = {
    "of-20": Case(head() * 20, (200,) * 20),
    "of-contents": Case(
        post(b"Content-Length: 2", content=b"ab") + chunked(b"1\r\nc\r\n0\r\n\r\n") + head(), (200,) * 3, b"ab"
    ),
    "head-then-get": Case(head(b"HEAD /next HTTP/1.1") + NEXT, (200, 200), b""),
    "no-content-then-get": Case(head(b"GET /none HTTP/1.1") + NEXT, (204, 200), b""),
    "not-modified-then-get": Case(head(b"GET /same HTTP/1.1") + NEXT, (304, 200), b""),
    "stream-then-get": Case(head(b"GET /stream HTTP/1.1") + NEXT, (200, 200), b"onetwo"),
    "unknown-method-then-get": Case(head(b"BREW / HTTP/1.1") + NEXT, (501, 200)),
    "connect-then-get": Case(head(b"CONNECT a:443 HTTP/1.1") + NEXT, (501, 200)),
    "crlf-between": Case(head() + b"\r\n" + NEXT, (200, 200)),
    "unread-content-then-get": Case(
        head(b"POST /unread HTTP/1.1", b"Content-Length: 5") + b"hello" + NEXT, (200, 200), b"unread"
    ),
    "http-1.0-kept-then-get": Case(head(b"GET / HTTP/1.0", b"Connection: keep-alive") + NEXT, (200, 200)),
    "close-then-get": Case(fields(b"Connection: close") + NEXT, is_closed=True),
    "http-1.0-then-get": Case(head(b"GET / HTTP/1.0") + NEXT, is_closed=True),
    "two-crlf-between": Case(head() + b"\r\n\r\n" + NEXT, (200, 400), is_closed=True),
    "byte-between": Case(head() + b"\0" + NEXT, (200, 400), is_closed=True),
    "good-then-bad": Case(head() + head(b"nonsense"), (200, 400), is_closed=True),
    "good-then-bad-then-good": Case(head() + head(b"nonsense") + NEXT, (200, 400), is_closed=True),
    "bad-then-good": refused(head(GET, b"X : 1") + NEXT),
    "bad-host-then-good": refused(head(host=b"Host: a/b") + NEXT),
    "bad-length-then-good": refused(post(b"Content-Length: +5", content=b"hello") + NEXT),
    "bad-chunk-then-good": refused(chunked(b"5\r\nhelloXX0\r\n\r\n") + NEXT),
    "bad-version-then-good": refused(head(b"GET / HTTP/2.0") + NEXT, 505),
    "coding-and-length-then-good": refused(
        post(b"Content-Length: 6", b"Transfer-Encoding: chunked", content=b"0\r\n\r\nX") + NEXT
    ),
    "half-then-nothing": Case(head() + NEXT[:-2], (200,)),
    "content-longer-than-said": Case(
        post(b"Content-Length: 5", content=b"hello/") + NEXT, (200, 400), b"hello", is_closed=True
    ),
    "content-longer-by-a-letter": Case(post(b"Content-Length: 4", content=b"hello") + NEXT, (200, 501), b"hell"),
}

RESPONSES = {
    "no-content": kept(head(b"GET /none HTTP/1.1"), b"", 204),
    "no-content-in-http-1.0": Case(head(b"GET /none HTTP/1.0"), (204,), b"", True),
    "not-modified": kept(head(b"GET /same HTTP/1.1"), b"", 304),
    "reset-content": kept(head(b"GET /reset HTTP/1.1"), b"", 205),
    "stream": kept(head(b"GET /stream HTTP/1.1"), b"onetwo"),
    "stream-to-head": kept(head(b"HEAD /stream HTTP/1.1"), b""),
    "stream-in-http-1.0": Case(head(b"GET /stream HTTP/1.0"), (200,), b"onetwo", True),
    "stream-in-http-1.0-kept": Case(head(b"GET /stream HTTP/1.0", b"Connection: keep-alive"), (200,), b"onetwo", True),
    "failure": kept(head(b"GET /failure HTTP/1.1"), None, 500),
    "not-found": kept(head(b"POST /nothing/here HTTP/1.1"), None, 405),
}
