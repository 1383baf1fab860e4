"""Tests of ``turnbuckle.http.fields``."""

import contextlib

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import ProtocolError
from turnbuckle.http.fields import FieldSection, RequestLine, parse_field_line, parse_request_line


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


LINES = b"\r\nHost: a\r\nX-A:1 \t\r\nx-a: \t two\xff\r\nEmpty:\r\nX-B: x-a: 3\r\n"
FIELDS = ((b"host", b"a"), (b"x-a", b"1"), (b"x-a", b"two\xff"), (b"empty", b""), (b"x-b", b"x-a: 3"))


def test_field_section_is_a_sequence_of_fields() -> None:
    section = FieldSection(LINES)
    assert tuple(section) == FIELDS
    assert section == FIELDS
    assert section == list(FIELDS)
    assert section != FIELDS[1:]
    assert section != 5
    assert hash(section) == hash(FIELDS)
    assert repr(section) == repr(FIELDS)
    assert len(section) == len(FIELDS)
    assert section[0] == FIELDS[0]
    assert section[1:3] == FIELDS[1:3]
    assert FIELDS[0] in section
    assert not FieldSection(b"\r\n")


@pytest.mark.parametrize("cut_before", [False, True])
def test_field_section_finds_values(cut_before: bool) -> None:
    section = FieldSection(LINES)
    assert not cut_before or len(section)
    for name in (b"host", b"x-a", b"empty", b"x-b", b"none", b"a", b"", b"x-b: x-a", b"ost", b"host: a\r\nx-a"):
        values = [value for field_name, value in FIELDS if field_name == name]
        assert list(section.values(name)) == values, name
        assert section.first(name) == next(iter(values), None), name


@given(st.binary(max_size=30))
def test_lines_raise_nothing_but_protocol_errors(line: bytes) -> None:
    for parse in (parse_request_line, parse_field_line):
        with contextlib.suppress(ProtocolError):
            assert parse(line)
