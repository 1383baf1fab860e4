"""Feed the parser requests that have broken other servers, and check the status of each response.

Each id begins with the number of its row in docs/operate/security.md. ``tests/security`` runs the whole list, with more
cases for each row, against the server with each parser.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core.http.parsing import SPLITS, parse, parse_refused

Split = Callable[[bytes], list[bytes]]
START = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"


def with_length(value: bytes) -> bytes:
    return START + b"Content-Length: " + value + b"\r\n\r\nhello"


def with_coding(value: bytes) -> bytes:
    return START + b"Transfer-Encoding: " + value + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def with_field(line: bytes) -> bytes:
    return START + line + b"\r\n\r\n"


REFUSED = [
    pytest.param(START + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello", 400, id="1-two-lengths"),
    pytest.param(START + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400, id="1-two-lengths-turned"),
    pytest.param(START + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, id="2-equal-lengths"),
    pytest.param(with_length(b"5, 5"), 400, id="2-folded-lengths"),
    pytest.param(
        START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400, id="3-length-first"
    ),
    pytest.param(
        START + b"Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n" + HIDDEN, 400, id="3-coding-first"
    ),
    pytest.param(with_length(b"+5"), 400, id="4-plus"),
    pytest.param(with_length(b"-5"), 400, id="4-minus"),
    pytest.param(with_length(b"1_0"), 400, id="4-underscore"),
    pytest.param(with_length(b"0x5"), 400, id="4-hexadecimal"),
    pytest.param(with_length("\N{ARABIC-INDIC DIGIT FIVE}".encode()), 400, id="4-other-digits"),
    pytest.param(with_length(b"\xb2"), 400, id="4-superscript"),
    pytest.param(CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400, id="5-chunk-prefix"),
    pytest.param(CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", 400, id="5-chunk-plus"),
    pytest.param(CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n", 400, id="5-chunk-underscore"),
    pytest.param(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 400, id="5-chunk-minus"),
    pytest.param(with_length(b"1 2"), 400, id="6-space-inside"),
    pytest.param(with_length(b""), 400, id="7-empty"),
    pytest.param(with_length(b"-1"), 400, id="8-minus-one"),
    pytest.param(with_length(b"18446744073709551621"), 400, id="9-beyond-64-bits"),
    pytest.param(with_length(b"9" * 5000), 400, id="9-beyond-the-digits-of-int"),
    pytest.param(CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n", 400, id="9-chunk-beyond-64-bits"),
    pytest.param(CHUNKED + b"100000005\r\nhello\r\n0\r\n\r\n", 413, id="9-chunk-beyond-32-bits"),
    pytest.param(with_coding(b"gzip, chunked"), 501, id="10-gzip-before-chunked"),
    pytest.param(with_coding(b"chunked\r\nTransfer-Encoding: identity"), 400, id="11-identity-on-a-second-line"),
    pytest.param(with_coding(b"chunked\r\nTransfer-Encoding: cow"), 400, id="11-cow-on-a-second-line"),
    pytest.param(with_coding(b"chunked123"), 400, id="12-prefix"),
    pytest.param(with_coding(b"xchunked"), 400, id="12-suffix"),
    pytest.param(with_coding(b"\x0bchunked"), 400, id="13-vertical-tab"),
    pytest.param(with_coding(b"\xa0chunked"), 400, id="13-no-break-space"),
    pytest.param(with_coding(b"chunked\x85"), 400, id="13-next-line"),
    pytest.param(with_length(b"5\xa0"), 400, id="13-no-break-space-after-a-length"),
    pytest.param(with_length(b"5\x0b"), 400, id="13-vertical-tab-after-a-length"),
    pytest.param(with_coding("chun\N{KELVIN SIGN}ed".encode()), 400, id="14-kelvin-sign"),
    pytest.param(
        b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        id="15-coding-in-http-1.0",
    ),
    pytest.param(START + b"Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello", 400, id="16-empty-coding"),
    pytest.param(CHUNKED + b"5\r\nhelloXX0\r\n\r\n", 400, id="17-any-end-of-a-chunk"),
    pytest.param(CHUNKED + b"5;a\nhello\r\n0\r\n\r\n", 400, id="18-line-feed-after-an-extension"),
    pytest.param(CHUNKED + b"5\nhello\r\n0\r\n\r\n", 400, id="18-line-feed-after-a-size"),
    pytest.param(CHUNKED + b"5\rXhello\r\n0\r\n\r\n", 400, id="19-cr-and-anything"),
    pytest.param(CHUNKED + b'5;a="b\r\nhello\r\n0\r\n\r\n', 400, id="20-quote-over-a-line-end"),
    pytest.param(CHUNKED + b"1;" + b"a" * 1000 + b"\r\nx\r\n0\r\n\r\n", 400, id="21-long-extension"),
    pytest.param(
        CHUNKED + (b"1;" + b"a" * 200 + b"\r\nx\r\n") * 25 + b"0\r\n\r\n", 400, id="21-extensions-again-and-again"
    ),
    pytest.param(CHUNKED + b"0\r\n" + HIDDEN, 400, id="22-request-in-the-trailers"),
    pytest.param(CHUNKED + b"0\r\n" + b"X-T: aaaaaaaaaaaaa\r\n" * 500 + b"\r\n", 431, id="23-many-trailers"),
    pytest.param(CHUNKED + b"0\r\nX-T: " + b"a" * 9000 + b"\r\n\r\n", 431, id="23-long-trailer"),
    pytest.param(START + b"Content-Length : 5\r\n\r\nhello", 400, id="24-space-before-the-colon"),
    pytest.param(START + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400, id="24-tab-before-the-colon"),
    pytest.param(
        b"POST / HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello", 400, id="25-space-before-the-first-field"
    ),
    pytest.param(START + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, id="26-fold"),
    pytest.param(START + b"X-A: b\r\n\tContent-Length: 50\r\n\r\n", 400, id="26-fold-that-hides-a-length"),
    pytest.param(with_field(b"X-Abc: \rxTransfer-Encoding: chunked"), 400, id="27-cr-ends-a-field"),
    pytest.param(with_field(b"X-Abc: x\nTransfer-Encoding: chunked"), 400, id="27-lf-ends-a-field"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\rX-A: 1\r\n\r\n", 400, id="28-cr-and-anything-after-the-fields"),
    pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", 400, id="29-lf-ends-every-line"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", 400, id="29-lf-ends-one-line"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\n\r\n", 400, id="29-lf-as-an-empty-line"),
    pytest.param(with_field(b"X: a\x00b"), 400, id="30-nul"),
    pytest.param(with_field(b"X: a\x01b"), 400, id="30-control"),
    pytest.param(with_field(b"X: a\x7fb"), 400, id="30-delete"),
    pytest.param(with_field(b"X\x00: a"), 400, id="30-nul-in-a-name"),
    pytest.param(with_field(b"Content\rLength: 5"), 400, id="30-cr-in-a-name"),
    pytest.param(with_field(b"(X): a"), 400, id="30-delimiters-in-a-name"),
    pytest.param(with_field(b": a"), 400, id="30-no-name"),
    pytest.param(b"GET / HTTP/1.32\r\nHost: a\r\n\r\n", 400, id="31-minor-version-of-two-digits"),
    pytest.param(b"GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400, id="31-minor-version-no-digit"),
    pytest.param(
        "GET / HTTP/1.\N{SUPERSCRIPT ONE}\r\nHost: a\r\n\r\n".encode(), 400, id="31-minor-version-superscript"
    ),
    pytest.param(b"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="31-method-is-no-token"),
    pytest.param(b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, id="31-major-version"),
    pytest.param(b"GET /\r\nHost: a\r\n\r\n" + HIDDEN, 400, id="36-good-after-bad"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, id="39-two-hosts"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: example.com/abc?x=\r\n\r\n", 400, id="40-bad-host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, id="40-user-in-host"),
    pytest.param(b"GET @google.com HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="41-target-moves-the-authority"),
    pytest.param(b"GET example.com/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="41-target-without-slash"),
    pytest.param(with_field(b"X: " + b"a" * 1_000_000), 431, id="54-large-field"),
    pytest.param(with_field(b"\r\n".join([b"X: 1"] * 10_000)), 431, id="55-many-fields"),
    pytest.param(b"G\xc9T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="63-method-beyond-ascii"),
    pytest.param(with_field(b"X\xff: a"), 400, id="63-name-beyond-ascii"),
]


@pytest.mark.parametrize(("received", "status"), REFUSED)
def test_attack_is_refused(received: bytes, status: int) -> None:
    # No head is longer than this before it is refused, and feeding a megabyte byte by byte takes long.
    received = received[:40_000]
    for split in SPLITS:
        assert parse_refused(received, split) == status, split.__name__


@pytest.mark.parametrize(("received", "status"), REFUSED)
def test_attack_hides_no_request(received: bytes, status: int) -> None:
    requests = parse([received + HIDDEN]).requests
    assert all(request.head.target != b"/hidden" for request in requests)
    assert all(request.trailers is None for request in requests)
