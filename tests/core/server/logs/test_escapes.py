"""No text in a log can end a line or a field, or control a terminal."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from turnbuckle.server.logs.escapes import escape_field, escape_message, escape_quoted, truncate


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("GET /ü", "GET /ü", id="plain"),
        pytest.param("GET /\r\nforged", "GET /\\x0d\\x0aforged", id="line-break"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="terminal"),
        pytest.param("\x7f\x85\x9b\u2028", "\\x7f\\x85\\x9b\\u2028", id="c1"),
        pytest.param("a\u202eb\u200bc\ufeff", "a\\u202eb\\u200bc\\ufeff", id="direction"),
        pytest.param("\ud800\U000e0001", "\\ud800\\U000e0001", id="surrogate"),
        pytest.param("\t\xa0", "\\x09\\xa0", id="space"),
    ],
)
def test_message_keeps_printable_characters(text: str, line: str) -> None:
    assert escape_message(text) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("", '"-"', id="none"),
        pytest.param('a"b\\c', '"a\\"b\\\\c"', id="quotes"),
        pytest.param("a b", '"a b"', id="space"),
        pytest.param("é\u202e", '"\\xe9\\u202e"', id="beyond-ascii"),
    ],
)
def test_quoted_text_ends_where_its_quotes_do(text: str, line: str) -> None:
    assert escape_quoted(text) == line


def test_field_has_no_white_space() -> None:
    assert (escape_field(""), escape_field('a b\t"')) == ("-", 'a\\x20b\\x09\\"')


def test_clipped_text_has_a_mark() -> None:
    assert (truncate("12345", 5), truncate("123456", 5)) == ("12345", "12...")


@given(st.text(st.characters()))
def test_message_is_one_line_of_printable_characters(text: str) -> None:
    line = escape_message(text)
    assert line.isprintable()
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in line)


@given(st.text(st.characters()))
def test_quoted_text_can_be_read_back(text: str) -> None:
    line = escape_quoted(text)
    assert line.isascii()
    assert line.isprintable()
    if text:
        inside = line[1:-1].replace('\\"', "\\x22")
        assert '"' not in inside
        assert inside.encode("ascii").decode("unicode_escape") == text
