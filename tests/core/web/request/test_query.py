"""Tests of ``turnbuckle.web.request.query``."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import BadRequest
from turnbuckle.web.request.query import QueryParams, parse_urlencoded

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a=1&b=2", [("a", "1"), ("b", "2")], id="two"),
        pytest.param("a=1&a=2", [("a", "1"), ("a", "2")], id="twice"),
        pytest.param("a", [("a", "")], id="no value"),
        pytest.param("a=", [("a", "")], id="empty value"),
        pytest.param("=1", [("", "1")], id="no name"),
        pytest.param("&&a=1&", [("a", "1")], id="empty fields"),
        pytest.param("a=b=c", [("a", "b=c")], id="equals sign"),
        pytest.param("a=1;b=2", [("a", "1;b=2")], id="semicolon separates nothing"),
        pytest.param("a+b=c+d%2B", [("a b", "c d+")], id="plus"),
        pytest.param("%61=%C3%A9", [("a", "é")], id="percent"),
        pytest.param("a=%zz%4", [("a", "%zz%4")], id="bad escapes stay"),
        pytest.param("a=%ff%00", [("a", "\ufffd\x00")], id="not utf-8"),
        pytest.param("a=\xc3\xa9", [("a", "é")], id="raw utf-8"),
        pytest.param("a=\u2603", [("a", "?")], id="beyond latin-1"),
    ],
)
def test_parse_urlencoded(text, pairs):
    assert parse_urlencoded(text) == pairs


def test_parse_urlencoded_in_another_charset():
    assert parse_urlencoded("a=%E9", charset="latin-1") == [("a", "é")]


def test_parse_urlencoded_bounds_the_fields():
    assert len(parse_urlencoded("&".join(["a=1"] * 1000))) == 1000
    with pytest.raises(BadRequest, match="1001 fields exceed 1000"):
        parse_urlencoded("&".join(["a=1"] * 1001))
    with pytest.raises(BadRequest, match="3 fields exceed 2"):
        parse_urlencoded("&&", limit=2)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=10))
def test_query_round_trips(pairs):
    text = urlencode(pairs, quote_via=quote)
    parsed = [pair for pair in parse_urlencoded(text) if pair != ("", "")]
    assert parsed == [pair for pair in pairs if pair != ("", "")]


@given(st.text(st.characters(max_codepoint=255)))
def test_parse_urlencoded_never_fails(text):
    assert len(parse_urlencoded(text)) <= text.count("&") + 1


def test_query_params_print_as_a_query():
    assert str(QueryParams([("a b", "é"), ("a b", "2")])) == "a+b=%C3%A9&a+b=2"
