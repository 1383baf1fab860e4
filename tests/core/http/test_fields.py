"""Tests of ``turnbuckle.http.fields``."""

import contextlib

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.fields import FieldLines, Heads, RequestLine, RequestLines, parse_field_line, parse_request_line


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        pytest.param(b"GET / HTTP/1.1", RequestLine(b"GET", b"/", 1), id="1.1"),
        pytest.param(b"GET / HTTP/1.0", RequestLine(b"GET", b"/", 0), id="1.0"),
        pytest.param(b"GET / HTTP/1.9", RequestLine(b"GET", b"/", 1), id="later-minor-version"),
        pytest.param(b"get /a?b=%20~ HTTP/1.1", RequestLine(b"get", b"/a?b=%20~", 1), id="as-received"),
        pytest.param(b"OPTIONS * HTTP/1.1", RequestLine(b"OPTIONS", b"*", 1), id="asterisk"),
        pytest.param(b"BREW http://a/ HTTP/1.1", RequestLine(b"BREW", b"http://a/", 1), id="absolute"),
    ],
)
def test_parse_request_line(line: bytes, parsed: RequestLine) -> None:
    assert parse_request_line(line) == parsed


@pytest.mark.parametrize(
    ("line", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"     ", 400, id="spaces"),
        pytest.param(b"GET /", 400, id="no-version"),
        pytest.param(b"GET / ", 400, id="nothing-after-the-target"),
        pytest.param(b"GE(T / HTTP/1.1", 400, id="31-method-is-no-token"),
        pytest.param(b"G\xc9T / HTTP/1.1", 400, id="eighth-bit-in-method"),
        pytest.param(b" GET / HTTP/1.1", 400, id="space-before"),
        pytest.param(b"GET / HTTP/1.32", 400, id="31-two-digit-minor-version"),
        pytest.param(b"GET / HTTP/01.1", 400, id="two-digit-major-version"),
        pytest.param(b"GET / HTTP/1.1\x00", 400, id="nul-after"),
        pytest.param(b"GET index.html HTTP/1.1", 400, id="relative-target"),
        pytest.param(b"GET * HTTP/1.1", 400, id="asterisk-for-get"),
        pytest.param(b"GET / HTTP/2.0", 505, id="version-2"),
        pytest.param(b"GET / HTTP/0.9", 505, id="version-0.9"),
        pytest.param(b"PRI * HTTP/2.0", 505, id="preface-of-http-2"),
    ],
)
def test_parse_request_line_refuses(line: bytes, status: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_request_line(line)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("line", "field"),
    [
        pytest.param(b"Accept: */*", (b"accept", b"*/*"), id="plain"),
        pytest.param(b"X-A:1", (b"x-a", b"1"), id="no-whitespace"),
        pytest.param(b"X-A: \t 1 2\t ", (b"x-a", b"1 2"), id="whitespace-around"),
        pytest.param(b"X-A:", (b"x-a", b""), id="empty"),
        pytest.param(b"X-A: \t", (b"x-a", b""), id="whitespace-alone"),
        pytest.param(b"X-A: b: c", (b"x-a", b"b: c"), id="colon-in-the-value"),
        pytest.param(b"X-A: \xa0caf\xe9\x85", (b"x-a", b"\xa0caf\xe9\x85"), id="13-obs-text-is-not-whitespace"),
        pytest.param(b"Content_Length: 5", (b"content_length", b"5"), id="underscore-is-no-alias"),
        pytest.param(b"HOST: a:80", (b"host", b"a:80"), id="host"),
    ],
)
def test_parse_field_line(line: bytes, field: tuple[bytes, bytes]) -> None:
    assert parse_field_line(line) == field


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"GET / HTTP/1.1", id="request-line"),
        pytest.param(b": x", id="empty-name"),
        pytest.param(b"X A: 1", id="space-in-name"),
        pytest.param(b"X-A : 1", id="24-space-before-the-colon"),
        pytest.param(b"X-A\x0b: 1", id="vertical-tab-before-the-colon"),
        pytest.param(b" X-A: 1", id="25-space-first"),
        pytest.param(b"\tfolded", id="26-fold"),
        pytest.param(b"\rX-A: 1", id="28-cr-first"),
        pytest.param(b"X-A: a\rb", id="27-cr-in-value"),
        pytest.param(b"X-A: a\nb", id="29-lf-in-value"),
        pytest.param(b"X-A: a\r", id="cr-at-the-end"),
        pytest.param(b"X-A: a\x00b", id="30-nul"),
        pytest.param(b"X-A: a\x0b", id="13-vertical-tab-is-not-whitespace"),
        pytest.param(b"X-A: \x0ca", id="form-feed-is-not-whitespace"),
        pytest.param(b"X-A: \x7f", id="delete"),
        pytest.param(b"X\xc3\xa9: 1", id="eighth-bit-in-name"),
        pytest.param(b"Host: example.com/x", id="40-host-with-path"),
        pytest.param(b"Host: a.example, b.example", id="host-list"),
    ],
)
def test_parse_field_line_refuses(line: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_field_line(line)
    assert caught.value.status == 400


def test_request_lines_remember() -> None:
    lines = RequestLines()
    assert lines[b"GET / HTTP/1.1"] is lines[b"GET / HTTP/1.1"]
    assert list(lines) == [b"GET / HTTP/1.1"]


def test_request_lines_forget_long_ones() -> None:
    lines = RequestLines()
    assert lines[b"GET /%b HTTP/1.1" % (b"a" * 300)].method == b"GET"
    assert not lines


def test_field_lines_remember() -> None:
    lines = FieldLines()
    assert lines[b"Accept: */*"] is lines[b"Accept: */*"]
    assert list(lines) == [b"Accept: */*"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"Cookie: a=b", id="cookie"),
        pytest.param(b"AUTHORIZATION: Basic eA==", id="authorization"),
        pytest.param(b"Proxy-Authorization: Basic eA==", id="proxy-authorization"),
        pytest.param(b"X-A: " + b"a" * 300, id="long"),
    ],
)
def test_field_lines_forget(line: bytes) -> None:
    lines = FieldLines()
    assert lines[line] == parse_field_line(line)
    assert not lines


def test_lines_that_are_refused_are_not_remembered() -> None:
    request_lines, field_lines = RequestLines(), FieldLines()
    with pytest.raises(ProtocolError):
        request_lines[b"GET"]
    with pytest.raises(ProtocolError):
        field_lines[b"X"]
    assert not request_lines
    assert not field_lines


def test_tables_stay_bounded() -> None:
    request_lines, field_lines = RequestLines(), FieldLines()
    for number in range(3000):
        assert request_lines[b"GET /%d HTTP/1.1" % number].target == b"/%d" % number
        assert field_lines[b"X-A: %d" % number] == (b"x-a", b"%d" % number)
        assert field_lines[b"X-%d: 1" % number] == (b"x-%d" % number, b"1")
    assert len(request_lines) <= 1024
    assert len(field_lines) <= 1024


def test_known_names_change_nothing() -> None:
    lines = FieldLines()
    assert lines[b"X-A: 1"] == (b"x-a", b"1")
    assert lines[b"X-A: 2"] == (b"x-a", b"2")
    assert lines[b"x-a: 2"] == (b"x-a", b"2")
    for line in (b"X-A", b"X-A : 1", b"X-A: \n", b"x-A\n: 1"):
        with pytest.raises(ProtocolError):
            lines[line]


@given(st.binary(max_size=30))
def test_lines_raise_nothing_but_protocol_errors(line: bytes) -> None:
    for parse in (parse_request_line, parse_field_line):
        with contextlib.suppress(ProtocolError):
            assert parse(line)


def test_full_tables_are_cleared_after_many_misses() -> None:
    request_lines, field_lines = RequestLines(), FieldLines()
    for number in range(1024 + 16 * 1024 + 1):
        request_lines[b"GET /%d HTTP/1.1" % number]
        field_lines[b"X-A: %d" % number]
    assert not request_lines
    assert not field_lines
    assert field_lines[b"X-A: new"] is field_lines[b"X-A: new"]
    assert request_lines[b"GET /new HTTP/1.1"] is request_lines[b"GET /new HTTP/1.1"]


def head(number: int) -> RequestHead:
    return RequestHead(b"GET", b"/%d" % number, 1, ((b"host", b"a"),))


def test_heads_remember() -> None:
    heads, known = Heads(), head(1)
    heads.remember(b"head", known)
    assert heads == {b"head": known}


def test_heads_forget_long_ones() -> None:
    heads = Heads()
    heads.remember(b"a" * 2000, head(1))
    assert not heads


def test_full_table_of_heads_is_cleared_after_many_misses() -> None:
    heads = Heads()
    for number in range(1024 + 16 * 1024):
        heads.remember(b"%d" % number, head(number))
    assert len(heads) == 1024
    heads.remember(b"one more", head(0))
    assert not heads
    heads.remember(b"new", head(0))
    assert list(heads) == [b"new"]
