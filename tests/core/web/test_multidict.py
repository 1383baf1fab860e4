"""Tests of ``turnbuckle.web.multidict``."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, strategies as st

from turnbuckle import App, BadRequest, FormData, MissingKey
from turnbuckle.testing import Client
from turnbuckle.web.multidict import MultiMapping, QueryParams, parse_urlencoded
from turnbuckle.web.request.request import Request

PAIRS = [("a", "1"), ("b", "2"), ("a", "3")]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_multi_mapping_gives_first_and_all_values() -> None:
    multi = MultiMapping(PAIRS)
    assert multi["a"] == multi.get("a") == "1"
    assert multi.get_list("a") == ["1", "3"]
    assert multi.items() == tuple(PAIRS)


def test_multi_mapping_sees_each_name_once() -> None:
    multi = MultiMapping(PAIRS)
    assert list(multi) == list(multi.keys()) == ["a", "b"]
    assert len(multi) == 2
    assert "a" in multi
    assert dict(multi) == {"a": "1", "b": "2"}


def test_multi_mapping_without_a_name() -> None:
    multi = MultiMapping(PAIRS)
    assert "c" not in multi
    assert multi.get("c") is None
    assert multi.get("c", 5) == 5
    assert multi.get_list("c") == []
    with pytest.raises(KeyError, match="c"):
        multi["c"]


def test_multi_mapping_cannot_be_changed_through_its_lists() -> None:
    multi = MultiMapping(PAIRS)
    multi.get_list("a").append("4")
    assert multi.get_list("a") == ["1", "3"]


def test_multi_mapping_compares_pairs() -> None:
    assert MultiMapping(PAIRS) == MultiMapping(iter(PAIRS))
    assert MultiMapping(PAIRS) != MultiMapping(PAIRS[:2])
    assert MultiMapping(PAIRS) != PAIRS
    assert len({MultiMapping(PAIRS), MultiMapping(PAIRS)}) == 1


def test_multi_mapping_shows_itself() -> None:
    assert repr(QueryParams([("a", "1")])) == "QueryParams([('a', '1')])"


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
def test_parse_urlencoded(text: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_urlencoded(text) == pairs


def test_parse_urlencoded_in_another_charset() -> None:
    assert parse_urlencoded("a=%E9", charset="latin-1") == [("a", "é")]


def test_parse_urlencoded_bounds_the_fields() -> None:
    assert len(parse_urlencoded("&".join(["a=1"] * 1000))) == 1000
    with pytest.raises(BadRequest, match="1001 fields exceed 1000"):
        parse_urlencoded("&".join(["a=1"] * 1001))
    with pytest.raises(BadRequest, match="3 fields exceed 2"):
        parse_urlencoded("&&", limit=2)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=10))
def test_query_round_trips(pairs: list[tuple[str, str]]) -> None:
    text = urlencode(pairs, quote_via=quote)
    parsed = [pair for pair in parse_urlencoded(text) if pair != ("", "")]
    assert parsed == [pair for pair in pairs if pair != ("", "")]


@given(st.text(st.characters(max_codepoint=255)))
def test_parse_urlencoded_never_fails(text: str) -> None:
    assert len(parse_urlencoded(text)) <= text.count("&") + 1


def test_query_params_print_as_a_query() -> None:
    assert str(QueryParams([("a b", "é"), ("a b", "2")])) == "a+b=%C3%A9&a+b=2"


def test_missing_key_is_an_error_of_the_client_that_names_it() -> None:
    with pytest.raises(MissingKey, match="400 query parameter 'q' is missing") as raised:
        QueryParams([("a", "b")])["q"]
    assert isinstance(raised.value, BadRequest | KeyError)
    assert (raised.value.key, raised.value.status) == ("q", 400)
    with pytest.raises(KeyError, match="form field 'title' is missing"):
        FormData()["title"]
    with pytest.raises(KeyError, match="file 'photo' is missing"):
        FormData().files["photo"]


async def test_missing_parts_of_a_request_are_answered_with_400() -> None:
    app = App()

    @app.get("/{part}")
    async def handler(request: Request, part: str) -> str:
        return getattr(request, part)["x"]

    @app.post("/")
    async def form(request: Request) -> str:
        return (await request.form())["x"]

    async with Client(app) as client:
        for part, kind in (("query_params", "query parameter"), ("cookies", "cookie"), ("headers", "header")):
            response = await client.get(f"/{part}")
            assert (response.status, response.text) == (400, f"{kind} 'x' is missing")
        response = await client.post("/", data={"y": "1"})
        assert (response.status, response.text) == (400, "form field 'x' is missing")
