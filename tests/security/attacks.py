"""Bytes that once broke other servers, by the row of the list of bug classes, each with the right statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import pytest

__all__ = ["CHUNKED", "HIDDEN", "START", "Attack", "attacks"]

START: Final = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED: Final = START + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN: Final = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"


_BAD: Final = (400,)
_BAD_OR_LARGE: Final = (400, 413)
_BAD_OR_UNKNOWN: Final = (400, 501)


class Attack(NamedTuple):
    """The sent bytes and the accepted statuses: two where the RFC leaves a choice."""

    raw: bytes
    statuses: tuple[int, ...] = _BAD


def _length(value: bytes, statuses: tuple[int, ...] = _BAD) -> Attack:
    return Attack(START + b"Content-Length: " + value + b"\r\n\r\nhello", statuses)


def _coding(value: bytes, statuses: tuple[int, ...] = _BAD_OR_UNKNOWN) -> Attack:
    return Attack(START + b"Transfer-Encoding: " + value + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n", statuses)


def _field(line: bytes, statuses: tuple[int, ...] = _BAD) -> Attack:
    return Attack(START + line + b"\r\n\r\n", statuses)


def _chunks(body: bytes, statuses: tuple[int, ...] = _BAD) -> Attack:
    return Attack(CHUNKED + body, statuses)


def _chunk_size(size: bytes, statuses: tuple[int, ...] = _BAD) -> Attack:
    return _chunks(size + b"\r\nhello\r\n0\r\n\r\n", statuses)


def _target(target: bytes, method: bytes = b"GET") -> Attack:
    return Attack(method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")


def _host(*lines: bytes) -> Attack:
    return Attack(b"GET / HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n")


def _both(*lines: bytes) -> Attack:
    return Attack(START + b"".join(line + b"\r\n" for line in lines) + b"\r\n0\r\n\r\n")


_FRAMING: Final[Mapping[int, Mapping[str, Attack]]] = {
    1: {
        "second-smaller": Attack(START + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello"),
        "second-larger": Attack(START + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello"),
        "apart": Attack(START + b"Content-Length: 5\r\nX-A: b\r\nContent-Length: 6\r\n\r\nhello"),
        "names-in-other-case": Attack(START + b"Content-Length: 5\r\ncontent-LENGTH: 0\r\n\r\nhello"),
        "three": Attack(START + b"Content-Length: 5\r\n" * 2 + b"Content-Length: 6\r\n\r\nhello"),
        "list": _length(b"5, 0"),
        "for-a-get": Attack(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello"),
    },
    2: {
        "two-lines": Attack(START + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        "list": _length(b"5, 5"),
        "list-without-space": _length(b"5,5"),
        "list-with-empty-member": _length(b"5,"),
        "same-number-written-otherwise": Attack(START + b"Content-Length: 5\r\nContent-Length: 05\r\n\r\nhello"),
        "two-zeros": Attack(START + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    },
    3: {
        "length-first": _both(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        "coding-first": _both(b"Transfer-Encoding: chunked", b"Content-Length: 60"),
        "length-zero": _both(b"Transfer-Encoding: chunked", b"Content-Length: 0"),
        "apart": _both(b"Transfer-Encoding: chunked", b"X: y", b"content-length: 3"),
        "bad-length": _both(b"Transfer-Encoding: chunked", b"Content-Length: x"),
        "other-coding": _both(b"Transfer-Encoding: gzip", b"Content-Length: 5"),
        "keep-alive": _both(b"Connection: keep-alive", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    },
    4: {
        "plus": _length(b"+5"),
        "minus": _length(b"-5"),
        "underscore": _length(b"1_0"),
        "plus-and-underscore": _length(b"+1_0"),
        "hexadecimal": _length(b"0x5"),
        "octal": _length(b"0o5"),
        "exponent": _length(b"5e0"),
        "fraction": _length(b"5.0"),
        "quoted": _length(b'"5"'),
        "arabic-digit": _length("\N{ARABIC-INDIC DIGIT FIVE}".encode()),
        "wide-digit": _length("\N{FULLWIDTH DIGIT FIVE}".encode()),
        "superscript": _length(b"\xb2"),
        "letter-behind": _length(b"5L"),
        "nul-behind": _length(b"5\x00"),
    },
    5: {
        "prefix": _chunk_size(b"0x5"),
        "plus": _chunk_size(b"+5"),
        "minus": _chunk_size(b"-5"),
        "underscore": _chunk_size(b"0_5"),
        "letter-behind": _chunk_size(b"5h"),
        "no-digit": _chunk_size(b"g"),
        "empty": _chunk_size(b""),
        "extension-alone": _chunk_size(b";a=b"),
        "space-before": _chunk_size(b" 5"),
        "arabic-digit": _chunk_size("\N{ARABIC-INDIC DIGIT FIVE}".encode()),
        "vertical-tab-behind": _chunk_size(b"5\x0b"),
        "nul-behind": _chunk_size(b"5\x00"),
    },
    6: {
        "space": _length(b"1 2"),
        "spaces": _length(b"0   5"),
        "tab": _length(b"1\t2"),
        "chunk-size": _chunk_size(b"0 5"),
    },
    7: {
        "nothing": Attack(START + b"Content-Length:\r\n\r\nhello"),
        "whitespace": _length(b" \t "),
        "with-another": Attack(START + b"Content-Length:\r\nContent-Length: 5\r\n\r\nhello"),
        "comma": _length(b","),
    },
    8: {
        "minus-one": _length(b"-1"),
        "minus-zero": _length(b"-0"),
        "far-below-zero": _length(b"-18446744073709551615"),
        "chunk-size": _chunk_size(b"-1"),
    },
    9: {
        "beyond-64-bits": _length(b"18446744073709551621", _BAD_OR_LARGE),
        "63-bits": _length(b"9223372036854775808", _BAD_OR_LARGE),
        "beyond-the-digits-of-int": _length(b"9" * 5000, _BAD_OR_LARGE),
        "chunk-beyond-64-bits": _chunk_size(b"10000000000000005"),
        "chunk-of-64-bits": _chunk_size(b"fffffffffffffffb", _BAD_OR_LARGE),
        "chunk-beyond-32-bits": _chunk_size(b"100000005", _BAD_OR_LARGE),
        "chunk-of-5000-digits": _chunk_size(b"0" * 5000 + b"5"),
        "chunks-that-add-up": _chunks(b"5\r\nhello\r\nffffffff\r\nhello", _BAD_OR_LARGE),
    },
    10: {
        "gzip-before-chunked": _coding(b"gzip, chunked"),
        "deflate-before-chunked": _coding(b"deflate,chunked"),
        "gzip-alone": _coding(b"gzip"),
        "chunked-before-gzip": _coding(b"chunked, gzip"),
        "on-two-lines": _coding(b"gzip\r\nTransfer-Encoding: chunked"),
    },
    11: {
        "identity-on-a-second-line": _coding(b"chunked\r\nTransfer-Encoding: identity"),
        "cow-on-a-second-line": _coding(b"chunked\r\nTransfer-Encoding: cow"),
        "cow-on-the-first-line": _coding(b"cow\r\nTransfer-Encoding: chunked"),
        "identity-alone": _coding(b"identity"),
        "chunked-twice": _coding(b"chunked, chunked"),
        "chunked-on-two-lines": _coding(b"chunked\r\ntransfer-encoding: chunked"),
    },
    12: {
        "letters-behind": _coding(b"chunked123"),
        "letter-before": _coding(b"xchunked"),
        "letter-missing": _coding(b"chunke"),
        "parameter": _coding(b"chunked;q=1"),
        "quoted": _coding(b'"chunked"'),
        "word-behind": _coding(b"chunked foo"),
        "semicolon": _coding(b"chunked;"),
    },
    13: {
        "vertical-tab-before": _coding(b"\x0bchunked"),
        "form-feed-behind": _coding(b"chunked\x0c"),
        "no-break-space-before": _coding(b"\xa0chunked"),
        "next-line-behind": _coding(b"chunked\x85"),
        "no-break-space-in-utf-8": _coding("\N{NO-BREAK SPACE}chunked".encode()),
        "no-break-space-after-a-length": _length(b"5\xa0"),
        "vertical-tab-after-a-length": _length(b"5\x0b"),
        "separator-before-a-length": _length(b"\x1c5"),
        "no-break-space-before-a-colon": _field(b"Content-Length\xa0: 5"),
    },
    14: {
        "kelvin-sign": _coding("chun\N{KELVIN SIGN}ed".encode()),
        "wide-letters": _coding("\N{FULLWIDTH LATIN SMALL LETTER C}hunked".encode()),
        "dotless-i-in-a-name": _field("Tran\N{LATIN SMALL LETTER LONG S}fer-Encoding: chunked".encode()),
    },
    15: {
        "keep-alive": Attack(
            b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        "close": Attack(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "with-a-length": Attack(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        "identity": Attack(b"POST / HTTP/1.0\r\nTransfer-Encoding: identity\r\n\r\n", _BAD_OR_UNKNOWN),
    },
    16: {
        "before-a-length": Attack(START + b"Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello"),
        "after-a-length": Attack(START + b"Content-Length: 5\r\nTransfer-Encoding: \r\n\r\nhello"),
        "alone": _coding(b""),
        "comma": _coding(b","),
        "empty-member-before": _coding(b", chunked"),
        "empty-member-behind": _coding(b"chunked,"),
        "empty-line-and-chunked": _coding(b"\r\nTransfer-Encoding: chunked"),
    },
    17: {
        "letters": _chunks(b"5\r\nhelloXX0\r\n\r\n"),
        "no-end": _chunks(b"5\r\nhello0\r\n\r\n"),
        "lf-cr": _chunks(b"5\r\nhello\n\r0\r\n\r\n"),
        "lf": _chunks(b"5\r\nhello\n0\r\n\r\n"),
        "cr": _chunks(b"5\r\nhello\r0\r\n\r\n"),
        "one-byte-more": _chunks(b"4\r\nhello\r\n0\r\n\r\n"),
        "one-byte-less": _chunks(b"6\r\nhello\r\n0\r\n\r\n"),
        "last-chunk": _chunks(b"0\r\nXX\r\n\r\n"),
    },
    18: {
        "after-an-extension": _chunks(b"5;a\nhello\r\n0\r\n\r\n"),
        "after-a-size": _chunks(b"5\nhello\r\n0\r\n\r\n"),
        "within-an-extension": _chunks(b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
        "in-a-quoted-value": _chunks(b'5;a="\n"\r\nhello\r\n0\r\n\r\n'),
        "after-the-last-chunk": _chunks(b"0\n\r\n"),
        "instead-of-the-last-crlf": _chunks(b"0\r\n\n"),
        "everywhere": _chunks(b"5\nhello\n0\n\n"),
    },
    19: {
        "and-a-letter": _chunks(b"5\rXhello\r\n0\r\n\r\n"),
        "and-a-digit": _chunks(b"5\r5hello\r\n0\r\n\r\n"),
        "alone": _chunks(b"5\rhello\r\n0\r\n\r\n"),
        "twice": _chunks(b"5\r\r\nhello\r\n0\r\n\r\n"),
        "in-an-extension": _chunks(b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    },
    20: {
        "over-a-line-end": _chunks(b'5;a="b\r\nhello\r\n0\r\n\r\n'),
        "with-the-end-in-the-content": _chunks(b'5;a="\r\nx"lo\r\n\r\n0\r\n\r\n'),
        "escaped-line-end": _chunks(b'5;a="b\\\r\nhello\r\n0\r\n\r\n'),
        "never-closed": _chunks(b'5;a="' + b"b" * 20 + b"\r\nhello\r\n0\r\n\r\n"),
    },
    21: {
        "long": _chunks(b"1;" + b"a" * 1000 + b"\r\nx\r\n0\r\n\r\n"),
        "never-ending": _chunks(b"1;" + b"a" * 100_000),
        "again-and-again": _chunks((b"1;" + b"a" * 200 + b"\r\nx\r\n") * 25 + b"0\r\n\r\n"),
        "on-the-last-chunk": _chunks(b"0;" + b"a" * 1000 + b"\r\n\r\n"),
        "many-short": _chunks(b"1" + b";a" * 500 + b"\r\nx\r\n0\r\n\r\n"),
    },
    22: {
        "request": _chunks(b"0\r\n" + HIDDEN),
        "line-without-colon": _chunks(b"0\r\nabc\r\n\r\n"),
        "space-before-colon": _chunks(b"0\r\nX-A : b\r\n\r\n"),
        "fold": _chunks(b"0\r\nX-A: b\r\n c\r\n\r\n"),
        "lf-ends-a-line": _chunks(b"0\r\nX-A: b\nX-B: c\r\n\r\n"),
        "nul": _chunks(b"0\r\nX-A: \x00\r\n\r\n"),
        "name-beyond-ascii": _chunks(b"0\r\nX-\xe9: b\r\n\r\n"),
    },
    23: {
        "many": _chunks(b"0\r\n" + b"X-T: aaaaaaaaaaaaa\r\n" * 500 + b"\r\n", (431,)),
        "long": _chunks(b"0\r\nX-T: " + b"a" * 9000 + b"\r\n\r\n", (431,)),
        "without-end": _chunks(b"0\r\n" + b"X-T: a\r\n" * 30_000, (431,)),
    },
    24: {
        "length": Attack(START + b"Content-Length : 5\r\n\r\nhello"),
        "coding-after-tab": Attack(START + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
        "host": _host(b"Host : a"),
        "some-field": _field(b"X-A : b"),
        "no-break-space": _field(b"X-A\xa0: b"),
        "inside-the-name": _field(b"Content Length: 5"),
    },
    25: {
        "length": Attack(b"POST / HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello"),
        "host": Attack(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        "tab": Attack(b"POST / HTTP/1.1\r\n\tTransfer-Encoding: chunked\r\nHost: a\r\n\r\n0\r\n\r\n"),
        "whitespace-alone": Attack(b"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"),
    },
    26: {
        "coding": Attack(START + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        "coding-after-tab": Attack(START + b"Transfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n"),
        "length": Attack(START + b"Content-Length:\r\n 5\r\n\r\nhello"),
        "hides-a-length": Attack(START + b"X-A: b\r\n\tContent-Length: 50\r\n\r\n"),
        "second-coding": Attack(START + b"Transfer-Encoding: chunked,\r\n identity\r\n\r\n0\r\n\r\n"),
        "host": _host(b"Host: a", b" b"),
    },
    27: {
        "cr": _field(b"X-Abc: \rxTransfer-Encoding: chunked"),
        "cr-cr-lf": _field(b"X-Abc: x\r\r\nTransfer-Encoding: chunked"),
        "lf": _field(b"X-Abc: x\nTransfer-Encoding: chunked"),
        "lf-cr": _field(b"X-Abc: x\n\rTransfer-Encoding: chunked"),
        "cr-in-the-request-line": Attack(b"GET / HTTP/1.1\rX: y\r\nHost: a\r\n\r\n"),
        "cr-in-a-name": _field(b"X\r: a"),
    },
    28: {
        "letter": Attack(b"GET / HTTP/1.1\r\nHost: a\r\n\rX-A: 1\r\n\r\n"),
        "request": Attack(b"GET / HTTP/1.1\r\nHost: a\r\n\r" + HIDDEN),
        "second-cr": Attack(b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"),
        "lf-cr": Attack(b"GET / HTTP/1.1\r\nHost: a\n\r\n\r\n"),
    },
    29: {
        "every-line": Attack(b"GET / HTTP/1.1\nHost: a\n\n"),
        "one-line": Attack(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n"),
        "request-line": Attack(b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
        "empty-line": Attack(b"GET / HTTP/1.1\r\nHost: a\r\n\n\r\n"),
        "second-lf": Attack(b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
        "before-a-length": Attack(START + b"X: y\nContent-Length: 5\r\n\r\nhello"),
    },
    30: {
        "nul": _field(b"X: a\x00b"),
        "control": _field(b"X: a\x01b"),
        "delete": _field(b"X: a\x7fb"),
        "escape": _field(b"X: \x1b[2J"),
        "nul-at-the-end": _field(b"X: a\x00"),
        "nul-in-a-name": _field(b"X\x00: a"),
        "cr-in-a-name": _field(b"Content\rLength: 5"),
        "delimiters-in-a-name": _field(b"(X): a"),
        "quotes-in-a-name": _field(b'"X": a'),
        "slash-in-a-name": _field(b"X/Y: a"),
        "at-in-a-name": _field(b"X@Y: a"),
        "no-name": _field(b": a"),
        "no-colon": _field(b"X"),
        "colon-alone": _field(b":"),
    },
    31: {
        "minor-of-two-digits": Attack(b"GET / HTTP/1.32\r\nHost: a\r\n\r\n"),
        "minor-no-digit": Attack(b"GET / HTTP/1.x\r\nHost: a\r\n\r\n"),
        "minor-missing": Attack(b"GET / HTTP/1.\r\nHost: a\r\n\r\n"),
        "minor-signed": Attack(b"GET / HTTP/1.+1\r\nHost: a\r\n\r\n"),
        "minor-superscript": Attack("GET / HTTP/1.\N{SUPERSCRIPT ONE}\r\nHost: a\r\n\r\n".encode()),
        "major-of-two-digits": Attack(b"GET / HTTP/11.1\r\nHost: a\r\n\r\n"),
        "major-with-zero": Attack(b"GET / HTTP/01.1\r\nHost: a\r\n\r\n"),
        "other-major": Attack(b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", (505,)),
        "name-in-lower-case": Attack(b"GET / http/1.1\r\nHost: a\r\n\r\n"),
        "name-with-more": Attack(b"GET / XHTTP/1.1\r\nHost: a\r\n\r\n"),
        "method-is-no-token": Attack(b"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        "method-quoted": Attack(b'"GET" / HTTP/1.1\r\nHost: a\r\n\r\n'),
        "method-missing": Attack(b" / HTTP/1.1\r\nHost: a\r\n\r\n"),
        "word-behind": Attack(b"GET / HTTP/1.1 x\r\nHost: a\r\n\r\n"),
    },
    36: {
        "no-version": Attack(b"GET /\r\nHost: a\r\n\r\n"),
        "no-host": Attack(b"GET / HTTP/1.1\r\n\r\n"),
        "bad-length": Attack(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"),
        "bad-chunk": _chunks(b"x\r\n"),
        "other-version": Attack(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", (505,)),
        "binary": Attack(b"\x16\x03\x01\x02\x00\x01\r\n\r\n"),
    },
}

_HOST_AND_TARGET: Final[Mapping[int, Mapping[str, Attack]]] = {
    39: {
        "different": _host(b"Host: a", b"Host: b"),
        "the-same": _host(b"Host: a", b"Host: a"),
        "apart-and-in-other-case": _host(b"Host: a", b"X: y", b"HOST: b"),
        "with-absolute-form": Attack(b"GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        "http-1.0": Attack(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
        "list": _host(b"Host: a, b"),
        "none": _host(b"X: y"),
    },
    40: {
        "path-and-query": _host(b"Host: example.com/abc?x="),
        "path": _host(b"Host: example.com/x"),
        "query": _host(b"Host: a?x"),
        "fragment": _host(b"Host: a#x"),
        "user": _host(b"Host: a@b"),
        "letters-for-a-port": _host(b"Host: a:port"),
        "large-port": _host(b"Host: a:65536"),
        "signed-port": _host(b"Host: a:+80"),
        "second-port": _host(b"Host: a:80:80"),
        "space": _host(b"Host: a b"),
        "backslash": _host(b"Host: a\\b"),
        "angle-brackets": _host(b"Host: <a>"),
        "open-bracket": _host(b"Host: [::1"),
        "no-address-in-brackets": _host(b"Host: [a.b]"),
        "zone": _host(b"Host: [fe80::1%25eth0]"),
        "scheme": _host(b"Host: http://a"),
        "beyond-ascii": _host("Host: ä".encode()),
        "bad-escape": _host(b"Host: a%2"),
        "http-1.0": Attack(b"GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"),
        "with-absolute-form": Attack(b"GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    },
    41: {
        "at": _target(b"@google.com"),
        "colon-and-at": _target(b":80@google.com"),
        "no-slash": _target(b"example.com/"),
        "dot": _target(b".evil.example/"),
        "query-alone": _target(b"?x=y"),
        "backslash": _target(b"\\evil.example"),
        "other-scheme": _target(b"ftp://a/"),
        "script": _target(b"javascript:alert(1)"),
        "empty-authority": _target(b"http:///x"),
        "user-in-authority": _target(b"http://a@evil.example/"),
        "port-in-authority": _target(b"http://a:x/"),
        "fragment": _target(b"/a#b"),
        "asterisk": _target(b"*"),
        "connect-without-port": _target(b"a", b"CONNECT"),
        "connect-to-a-path": _target(b"/", b"CONNECT"),
    },
}

_LARGE: Final[Mapping[int, Mapping[str, Attack]]] = {
    54: {
        "line": _field(b"X: " + b"a" * 1_000_000, (431,)),
        "line-without-end": Attack(START + b"X: " + b"a" * 200_000, (431,)),
        "name": _field(b"a" * 100_000 + b": b", (431,)),
        "lines": _field(b"\r\n".join([b"X: " + b"a" * 1000] * 100), (431,)),
        "request-line": Attack(b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", (414,)),
        "request-line-without-end": Attack(b"GET /" + b"a" * 100_000, (414,)),
        "method": Attack(b"A" * 100_000, _BAD_OR_UNKNOWN),
    },
    55: {
        "many-fields": _field(b"\r\n".join([b"X: 1"] * 10_000), (431,)),
        "many-empty-fields": _field(b"\r\n".join([b"X:"] * 129), (431,)),
        "many-hosts": _host(*[b"Host: a"] * 10_000)._replace(statuses=(431,)),
    },
    63: {
        "method": Attack(b"G\xc9T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        "target": Attack(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
        "version": Attack(b"GET / HTTP/1.\xff\r\nHost: a\r\n\r\n"),
        "name": _field(b"X\xff: a"),
        "length": _length(b"\xff"),
        "host": _host(b"Host: \xff"),
    },
}

_ROWS: Final = {**_FRAMING, **_HOST_AND_TARGET, **_LARGE}


def attacks(row: int) -> list[object]:
    """Return the attacks of a row, for ``pytest.mark.parametrize("attack", ...)``."""
    return [pytest.param(attack, id=name) for name, attack in _ROWS[row].items()]
