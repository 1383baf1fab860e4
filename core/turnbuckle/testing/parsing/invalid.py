"""Bytes that must be rejected, with the allowed statuses."""

from __future__ import annotations

from typing import Final

from turnbuckle.testing.parsing.cases import InvalidCase

__all__ = ["INVALID"]

_BAD: Final = (400,)
_TOO_LARGE: Final = (400, 413)
_NOT_IMPLEMENTED: Final = (400, 501)
_VERSION: Final = (400, 505)


def _line(name: str, section: str, line: bytes, *statuses: int, guarded: bool = False, by: str = "") -> InvalidCase:
    """Return a case with this request line."""
    data = line + b"\r\nHost: a\r\n\r\n"
    return InvalidCase(name, f"RFC {section}", data, statuses or _BAD, guarded=guarded, leniencies=tuple(by.split()))


def _head(name: str, section: str, lines: bytes, *statuses: int, guarded: bool = False, by: str = "") -> InvalidCase:
    """Return a case with these field lines; content may follow."""
    data = b"POST / HTTP/1.1\r\nHost: a\r\n" + lines
    return InvalidCase(name, f"RFC {section}", data, statuses or _BAD, guarded=guarded, leniencies=tuple(by.split()))


def _length(name: str, section: str, value: bytes, *statuses: int, by: str = "") -> InvalidCase:
    """Return a case with this Content-Length."""
    return _head(name, section, b"Content-Length: " + value + b"\r\n\r\nhello", *statuses, guarded=not by, by=by)


def _coding(name: str, section: str, value: bytes, *statuses: int) -> InvalidCase:
    """Return a chunked case with this transfer coding."""
    lines = b"Transfer-Encoding: " + value + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    return _head(name, section, lines, *(statuses or _NOT_IMPLEMENTED), guarded=True)


def _chunks(name: str, section: str, body: bytes, *statuses: int, by: str = "") -> InvalidCase:
    """Return a case with this chunked content."""
    return _head(name, section, b"Transfer-Encoding: chunked\r\n\r\n" + body, *statuses, by=by)


_REQUEST_LINES: Final = (
    _line("version-missing", "9112, 3", b"GET /", *_VERSION),
    _line("version-empty", "9112, 3", b"GET / ", *_VERSION),
    _line("version-in-lower-case", "9112, 2.3", b"GET / http/1.1", *_VERSION),
    _line("version-without-minor", "9112, 2.3", b"GET / HTTP/1", *_VERSION),
    _line("version-of-two-digits", "9112, 2.3", b"GET / HTTP/1.10", *_VERSION),
    _line("version-with-a-zero-before", "9112, 2.3", b"GET / HTTP/01.1", *_VERSION),
    _line("version-no-digit", "9112, 2.3", b"GET / HTTP/1.x", *_VERSION),
    _line("version-0.9", "9112, 2.3", b"GET / HTTP/0.9", *_VERSION),
    _line("version-2", "9110, 15.6.6", b"GET / HTTP/2.0", *_VERSION),
    _line("version-9", "9110, 15.6.6", b"GET / HTTP/9.9", *_VERSION),
    _line("version-of-another-protocol", "9112, 2.3", b"GET / RTSP/1.0", *_VERSION),
    _line("words-after-the-version", "9112, 3", b"GET / HTTP/1.1 x", *_VERSION),
    _line("whitespace-after-the-version", "9112, 3", b"GET / HTTP/1.1 ", *_VERSION, by="request-line-whitespace"),
    _line("two-spaces", "9112, 3", b"GET  / HTTP/1.1", *_BAD, by="request-line-whitespace"),
    _line("tabs", "9112, 3", b"GET\t/\tHTTP/1.1", *_NOT_IMPLEMENTED, by="request-line-whitespace"),
    _line("space-before-the-method", "9112, 3", b" GET / HTTP/1.1", *_BAD, by="request-line-whitespace"),
    _line("space-in-the-target", "9112, 3.2", b"GET /a b HTTP/1.1", *_VERSION),
    _line("method-is-no-token", "9110, 9.1", b"GE(T / HTTP/1.1", *_NOT_IMPLEMENTED, guarded=True),
    _line("method-beyond-ascii", "9110, 9.1", b"G\xc9T / HTTP/1.1", *_NOT_IMPLEMENTED, guarded=True),
    _line("target-beyond-ascii", "9112, 3.2", b"GET /\xc3\xa9 HTTP/1.1", guarded=True),
    _line("target-with-a-control", "9112, 3.2", b"GET /\x7f HTTP/1.1", guarded=True),
    _line("target-without-a-slash", "9112, 3.2.1", b"GET a HTTP/1.1", guarded=True),
    _line("target-that-moves-the-authority", "9112, 3.2.1", b"GET @evil.example HTTP/1.1", guarded=True),
    _line("target-with-a-fragment", "9112, 3.2.1", b"GET /#a HTTP/1.1", guarded=True),
    _line("absolute-form-without-authority", "9110, 4.2.1", b"GET http:///x HTTP/1.1", guarded=True),
    _line("asterisk-form-of-a-get", "9112, 3.2.4", b"GET * HTTP/1.1", guarded=True),
    _line("connect-to-a-path", "9112, 3.2.3", b"CONNECT /x HTTP/1.1", guarded=True),
    _line("connect-without-a-port", "9112, 3.2.3", b"CONNECT a HTTP/1.1", guarded=True),
    InvalidCase("spaces", "RFC 9112, 3", b"     \r\n\r\n"),
    InvalidCase("garbage", "RFC 9112, 3", b"\x80\x00\x01\x02\xff\xfe\r\n\r\n"),
    InvalidCase("tls-hello", "RFC 9112, 3", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    InvalidCase("preface-of-http-2", "RFC 9113, 3.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", _VERSION),
    InvalidCase(
        "two-empty-lines-before",
        "RFC 9112, 2.2",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        leniencies=("empty-lines",),
    ),
)

_LINE_ENDS: Final = (
    InvalidCase(
        "line-feed-before",
        "RFC 9112, 2.2",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        leniencies=("empty-lines", "line-feed"),
    ),
    InvalidCase("line-feeds", "RFC 9112, 2.2", b"GET / HTTP/1.1\nHost: a\n\n", leniencies=("line-feed",)),
    _head("line-feed-after-a-field", "9112, 2.2", b"X: 1\nY: 2\r\n\r\n", by="line-feed"),
    _head("line-feed-as-an-empty-line", "9112, 2.2", b"\n\r\n", by="line-feed"),
    _head("cr-after-a-field", "9112, 2.2", b"X: \rTransfer-Encoding: chunked\r\n\r\n", by="bare-cr"),
    _head("cr-after-the-fields", "9112, 2.2", b"\rX: 1\r\n\r\n"),
    _head("cr-before-a-line-end", "9112, 2.2", b"X: 1\r\r\n\r\n", by="line-feed"),
    _head("cr-in-a-name", "9112, 2.2", b"X\rY: 1\r\n\r\n"),
    InvalidCase(
        "whitespace-before-the-fields",
        "RFC 9112, 2.2",
        b"POST / HTTP/1.1\r\n X: 1\r\nHost: a\r\n\r\n",
        leniencies=("whitespace-lines",),
    ),
    _head("fold", "9112, 5.2", b"X: a\r\n b\r\n\r\n", by="obs-fold"),
    _head("fold-with-a-tab", "9112, 5.2", b"X: a\r\n\tb\r\n\r\n", by="obs-fold"),
    _head("fold-that-hides-a-length", "9112, 5.2", b"X: a\r\n Content-Length: 50\r\n\r\n", by="obs-fold"),
    _head("fold-in-a-coding", "9112, 5.2", b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", by="obs-fold"),
)

_FIELDS: Final = (
    _head("space-before-a-colon", "9112, 5.1", b"X : 1\r\n\r\n"),
    _head("space-before-the-colon-of-a-length", "9112, 5.1", b"Content-Length : 5\r\n\r\nhello"),
    _head("tab-before-the-colon-of-a-coding", "9112, 5.1", b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    _head("no-colon", "9112, 5", b"X\r\n\r\n"),
    _head("no-colon-after-a-name-that-came-before", "9112, 5", b"X: 1\r\nX\r\n\r\n"),
    _head("no-name", "9112, 5", b": 1\r\n\r\n", guarded=True),
    _head("name-is-no-token", "9110, 5.1", b"(X): 1\r\n\r\n", guarded=True),
    _head("name-beyond-ascii", "9110, 5.1", b"X\xff: 1\r\n\r\n", guarded=True),
    _head("nul-in-a-name", "9110, 5.1", b"X\x00: 1\r\n\r\n", guarded=True),
    _head("nul-in-a-value", "9110, 5.5", b"X: a\x00b\r\n\r\n", guarded=True),
    _head("control-in-a-value", "9110, 5.5", b"X: a\x01b\r\n\r\n", guarded=True),
    _head("delete-in-a-value", "9110, 5.5", b"X: a\x7fb\r\n\r\n", guarded=True),
    _head("vertical-tab-around-a-value", "9110, 5.6.3", b"X:\x0ba\x0b\r\n\r\n", guarded=True),
    InvalidCase("no-host", "RFC 9112, 3.2", b"GET / HTTP/1.1\r\n\r\n", guarded=True),
    InvalidCase("no-host-but-absolute", "RFC 9112, 3.2", b"GET http://a/ HTTP/1.1\r\n\r\n", guarded=True),
    _head("two-hosts", "9112, 3.2", b"hOST: a\r\n\r\n", guarded=True),
    InvalidCase("host-with-a-path", "RFC 9110, 7.2", b"GET / HTTP/1.1\r\nHost: a/b?x=\r\n\r\n", guarded=True),
    InvalidCase("host-with-a-user", "RFC 9110, 7.2", b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", guarded=True),
    InvalidCase("host-with-a-space", "RFC 9110, 7.2", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", guarded=True),
)

_FRAMING: Final = (
    _head("two-lengths", "9112, 6.3", b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello", guarded=True),
    _head("equal-lengths", "9112, 6.3", b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", by="equal-lengths"),
    _length("list-of-lengths", "9110, 8.6", b"5, 6"),
    _length("list-of-equal-lengths", "9110, 8.6", b"5, 5", by="equal-lengths"),
    _length("length-empty", "9110, 8.6", b""),
    _length("length-with-a-plus", "9110, 8.6", b"+5"),
    _length("length-with-a-minus", "9110, 8.6", b"-5"),
    _length("length-with-an-underscore", "9110, 8.6", b"1_0"),
    _length("length-in-hexadecimal", "9110, 8.6", b"0x5"),
    _length("length-with-a-space", "9110, 8.6", b"1 2"),
    _length("length-with-a-point", "9110, 8.6", b"5.0"),
    _length("length-in-other-digits", "9110, 8.6", b"\xd9\xa5"),
    _length("length-before-a-vertical-tab", "9110, 5.6.3", b"5\x0b"),
    _length("length-before-a-no-break-space", "9110, 5.6.3", b"5\xa0"),
    _length("length-beyond-64-bits", "9110, 8.6", b"18446744073709551621", *_TOO_LARGE),
    _length("length-beyond-the-digits-of-int", "9110, 8.6", b"9" * 5000, *_TOO_LARGE),
    _head(
        "length-before-coding",
        "9112, 6.3",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        guarded=True,
    ),
    _head(
        "coding-before-length",
        "9112, 6.3",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        guarded=True,
    ),
    _head(
        "empty-coding-and-length",
        "9112, 6.3",
        b"Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello",
        *_NOT_IMPLEMENTED,
        guarded=True,
    ),
    _coding("coding-empty", "9112, 6.1", b""),
    _coding("coding-not-implemented", "9112, 6.1", b"gzip"),
    _coding("coding-not-implemented-before-chunked", "9112, 6.1", b"gzip, chunked"),
    _coding("coding-after-chunked", "9112, 6.3", b"chunked, gzip"),
    _coding("coding-on-two-lines", "9112, 6.3", b"chunked\r\nTransfer-Encoding: identity"),
    _coding("coding-twice", "9112, 7", b"chunked, chunked"),
    _coding("coding-with-a-prefix", "9112, 7", b"xchunked"),
    _coding("coding-with-a-suffix", "9112, 7", b"chunked123"),
    _coding("coding-with-parameters", "9112, 7", b"chunked;a=b"),
    _coding("coding-after-a-vertical-tab", "9110, 5.6.3", b"\x0bchunked"),
    _coding("coding-before-a-next-line", "9110, 5.6.3", b"chunked\x85"),
    _coding("coding-with-a-kelvin-sign", "9112, 7", b"chun\xe2\x84\xaaed"),
    InvalidCase(
        "coding-in-http-1.0",
        "RFC 9112, 6.1",
        b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        _NOT_IMPLEMENTED,
        guarded=True,
    ),
)

_CHUNKED: Final = (
    _chunks("chunk-size-missing", "9112, 7.1", b"\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-size-no-number", "9112, 7.1", b"x\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-size-with-a-plus", "9112, 7.1", b"+5\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-size-with-a-minus", "9112, 7.1", b"-5\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-size-with-an-underscore", "9112, 7.1", b"0_5\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-size-with-a-prefix", "9112, 7.1", b"0x5\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-size-after-a-space", "9112, 7.1", b" 5\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-size-beyond-64-bits", "9112, 7.1", b"10000000000000005\r\nhello\r\n0\r\n\r\n", *_TOO_LARGE),
    _chunks("chunk-size-beyond-32-bits", "9112, 7.1", b"100000005\r\nhello\r\n0\r\n\r\n", *_TOO_LARGE),
    _chunks("chunk-longer-than-its-size", "9112, 7.1", b"4\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-shorter-than-its-size", "9112, 7.1", b"6\r\nhello\r\n0\r\n\r\n"),
    _chunks("chunk-with-any-end", "9112, 7.1", b"5\r\nhelloXX0\r\n\r\n"),
    _chunks("chunk-that-ends-in-a-line-feed", "9112, 7.1", b"5\r\nhello\n0\r\n\r\n"),
    _chunks("line-feed-after-a-chunk-size", "9112, 7.1", b"5\nhello\r\n0\r\n\r\n"),
    _chunks("line-feed-after-an-extension", "9112, 7.1.1", b"5;a\nhello\r\n0\r\n\r\n"),
    _chunks("cr-after-a-chunk-size", "9112, 2.2", b"5\rXhello\r\n0\r\n\r\n"),
    _chunks("quote-across-a-line-end", "9112, 7.1.1", b'5;a="b\r\nhello\r\n0\r\n\r\n'),
    _chunks("line-feed-in-the-trailers", "9112, 2.2", b"0\r\nX: 1\n\r\n", by="line-feed"),
    _chunks("request-in-the-trailers", "9112, 7.1.2", b"0\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    _chunks("fold-in-the-trailers", "9112, 5.2", b"0\r\nX: a\r\n b\r\n\r\n", by="obs-fold"),
    _chunks("space-before-the-colon-of-a-trailer", "9112, 5.1", b"0\r\nX : 1\r\n\r\n"),
)

INVALID: Final = (*_REQUEST_LINES, *_LINE_ENDS, *_FIELDS, *_FRAMING, *_CHUNKED)
"""All invalid cases."""
