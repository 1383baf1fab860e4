"""Requests just within each limit, and just beyond it (RFC 9112, sections 3 and 7.1.1; RFC 9110, section 5.4)."""

from __future__ import annotations

from typing import Final

from turnbuckle.http.limits import Limits
from turnbuckle.testing.parsing.cases import LimitCase

__all__ = ["LIMITS"]

_GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n"
_POST: Final = b"POST / HTTP/1.1\r\nHost: a\r\n"
_CHUNKED: Final = _POST + b"Transfer-Encoding: chunked\r\n\r\n"

LIMITS: Final = (
    LimitCase(
        "request-line",
        "RFC 9112, 3",
        Limits(request_line=16),
        b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /aaa HTTP/1.1\r\nHost: a\r\n\r\n",
        (414,),
    ),
    LimitCase(
        "request-line-that-never-ends",
        "RFC 9112, 3",
        Limits(request_line=64),
        _GET + b"\r\n",
        b"GET /" + b"a" * 1000,
        (414,),
    ),
    LimitCase(
        "method",
        "RFC 9112, 3",
        Limits(request_line=16),
        _GET + b"\r\n",
        b"METHODMETHODMETHODMETHOD / HTTP/1.1\r\nHost: a\r\n\r\n",
        (400, 414, 501),
    ),
    LimitCase(
        "field-line",
        "RFC 9110, 5.4",
        Limits(field_line=9),
        _GET + b"X:345678\r\n\r\n",
        _GET + b"X: 4567890\r\n\r\n",
        (431,),
    ),
    LimitCase(
        "field-line-that-never-ends",
        "RFC 9110, 5.4",
        Limits(field_line=64),
        _GET + b"\r\n",
        _GET + b"X: " + b"a" * 1000,
        (431,),
    ),
    LimitCase(
        "field-count",
        "RFC 9110, 5.4",
        Limits(field_count=2),
        _GET + b"A: 1\r\n\r\n",
        _GET + b"A: 1\r\nB: 2\r\n\r\n",
        (431,),
        guarded=True,
    ),
    LimitCase(
        "header-section",
        "RFC 9110, 5.4",
        Limits(header_section=15),
        _GET + b"A:12\r\n\r\n",
        _GET + b"A:1234\r\n\r\n",
        (431,),
        guarded=True,
    ),
    LimitCase(
        "header-section-that-never-ends",
        "RFC 9110, 5.4",
        Limits(header_section=512),
        _GET + b"\r\n",
        _GET + b"X: 1\r\n" * 200,
        (431,),
    ),
    LimitCase(
        "content",
        "RFC 9110, 15.5.14",
        Limits(content=5),
        _POST + b"Content-Length: 5\r\n\r\nhello",
        _POST + b"Content-Length: 6\r\n\r\nhello!",
        (413,),
        guarded=True,
    ),
    LimitCase(
        "content-in-chunks",
        "RFC 9110, 15.5.14",
        Limits(content=5),
        _CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        _CHUNKED + b"3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n",
        (413,),
        guarded=True,
    ),
    LimitCase(
        "chunk-line",
        "RFC 9112, 7.1.1",
        Limits(chunk_line=8),
        _CHUNKED + b"5;a=4567\r\nhello\r\n0\r\n\r\n",
        _CHUNKED + b"5;a=45678\r\nhello\r\n0\r\n\r\n",
        (400, 413),
    ),
    LimitCase(
        "chunk-line-that-never-ends",
        "RFC 9112, 7.1.1",
        Limits(chunk_line=64),
        _CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        _CHUNKED + b"5;" + b"a" * 1000,
        (400, 413),
    ),
    LimitCase(
        "chunk-extensions",
        "RFC 9112, 7.1.1",
        Limits(chunk_extensions=8),
        _CHUNKED + b"1;a=b\r\nx\r\n1;a=b\r\ny\r\n0\r\n\r\n",
        _CHUNKED + b"1;a=b\r\nx\r\n1;a=b\r\ny\r\n0;c\r\n\r\n",
        (400, 413),
    ),
    LimitCase(
        "trailer-section",
        "RFC 9112, 7.1.2",
        Limits(trailer_section=12),
        _CHUNKED + b"0\r\nA:1\r\nB:2\r\n\r\n",
        _CHUNKED + b"0\r\nA:1\r\nB:1234\r\n\r\n",
        (431,),
        guarded=True,
    ),
    LimitCase(
        "trailer-count",
        "RFC 9112, 7.1.2",
        Limits(trailer_count=2),
        _CHUNKED + b"0\r\nA: 1\r\nB: 2\r\n\r\n",
        _CHUNKED + b"0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n",
        (431,),
        guarded=True,
    ),
    LimitCase(
        "trailer-section-that-never-ends",
        "RFC 9112, 7.1.2",
        Limits(trailer_section=512),
        _CHUNKED + b"0\r\n\r\n",
        _CHUNKED + b"0\r\n" + b"X: 1\r\n" * 200,
        (431,),
    ),
)
"""Each limit, with a request within it and a request beyond it."""
