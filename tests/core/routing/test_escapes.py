"""Percent-encoding of paths."""

import pytest
from hypothesis import given, strategies as st

from turnbuckle.routing.escapes import (
    decode_path,
    decode_segment,
    encode_segment,
    encode_segments,
    find_bad_escape,
    normalize_path,
)

CHARACTERS = st.characters(exclude_categories=("Cs",))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/", [""], id="root"),
        pytest.param("/a/b", ["a", "b"], id="plain"),
        pytest.param("/a/", ["a", ""], id="slash-at-end"),
        pytest.param("//a", ["", "a"], id="empty-segment"),
        pytest.param("/a%2Fb/c", ["a/b", "c"], id="encoded-slash-stays"),
        pytest.param("/%2e%2E/x", ["..", "x"], id="dots"),
        pytest.param("/%c3%A9", ["\u00e9"], id="utf-8-either-case"),
        pytest.param("/a+b", ["a+b"], id="plus-is-plus"),
        pytest.param("/%2525", ["%25"], id="decoded-once"),
        pytest.param("/%00", ["\0"], id="nul"),
        pytest.param("/\u00e9", ["\u00e9"], id="raw-non-ascii"),
        pytest.param("", None, id="empty"),
        pytest.param("*", None, id="asterisk"),
        pytest.param("a/b", None, id="no-slash"),
        pytest.param("/%zz", None, id="not-hexadecimal"),
        pytest.param("/a%", None, id="lone-percent"),
        pytest.param("/%4", None, id="half-escape"),
        pytest.param("/ok/%ff", None, id="not-utf-8"),
        pytest.param("/%c0%af", None, id="overlong-slash"),
        pytest.param("/%ed%a0%80", None, id="encoded-surrogate"),
        pytest.param("/\ud800", None, id="raw-surrogate"),
        pytest.param("/%41\ud800", None, id="escape-and-surrogate"),
    ],
)
def test_decode_path_table(path: str, expected: list[str] | None) -> None:
    assert decode_path(path) == expected


@given(st.text(CHARACTERS))
def test_segment_round_trip(text: str) -> None:
    encoded = encode_segment(text)
    assert encoded.isascii()
    assert "/" not in encoded
    assert decode_segment(encoded) == text


@given(st.text(CHARACTERS))
def test_segments_round_trip(text: str) -> None:
    encoded = encode_segments(text)
    assert not encoded.startswith("/")
    assert "/".join(decode_path("/" + encoded)) == text


def test_encode_leaves_what_a_segment_may_hold() -> None:
    text = "azAZ09-._~!$&'()*+,;=:@"
    assert encode_segment(text) == text
    assert encode_segment('/?#[]% "<>\\^`{|}') == "%2F%3F%23%5B%5D%25%20%22%3C%3E%5C%5E%60%7B%7C%7D"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/a/", "/a/", id="as-it-is"),
        pytest.param("//evil.example/", "/evil.example/", id="two-slashes"),
        pytest.param("////x", "/x", id="many-slashes"),
        pytest.param("/\\evil.example/", "/%5Cevil.example/", id="backslash"),
        pytest.param("/\t/evil.example", "/%09/evil.example", id="tab"),
        pytest.param("/a\r\nSet-Cookie: x", "/a%0D%0ASet-Cookie:%20x", id="line-break"),
        pytest.param("/%2F%41", "/%2F%41", id="escapes-stay"),
        pytest.param("/\u00e9", "/%C3%A9", id="non-ascii"),
        pytest.param("/?x#y", "/%3Fx%23y", id="no-query"),
    ],
)
def test_normalize_path_table(path: str, expected: str) -> None:
    assert normalize_path(path) == expected


@given(st.text())
def test_normalized_path_never_leads_away(text: str) -> None:
    path = normalize_path("/" + text)
    assert path.isascii()
    assert path.isprintable()
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))


@pytest.mark.parametrize(("text", "expected"), [("", None), ("%41", None), ("a%4", 1), ("%41%", 3), ("%g0", 0)])
def test_find_bad_escape_table(text: str, expected: int | None) -> None:
    assert find_bad_escape(text) == expected
