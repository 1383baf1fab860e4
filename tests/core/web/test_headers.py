"""Tests of ``turnbuckle.web.headers``."""

import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.headers import FixedHeaders, Headers, MutableHeaders

RAW = [(b"host", b"a.example"), (b"accept", b"text/html"), (b"accept", b"*/*"), (b"x-name", b"caf\xe9")]
TOKENS = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1)
VALUES = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]))


def test_headers_find_names_in_any_case() -> None:
    headers = Headers(RAW)
    assert headers["Host"] == headers["HOST"] == headers.get("host") == "a.example"
    assert "hOST" in headers


def test_headers_keep_every_value() -> None:
    headers = Headers(RAW)
    assert headers["accept"] == "text/html"
    assert headers.get_list("Accept") == ["text/html", "*/*"]
    assert list(headers.items())[1:3] == [("accept", "text/html"), ("accept", "*/*")]


def test_headers_see_each_name_once() -> None:
    headers = Headers(RAW)
    assert list(headers) == list(headers.keys()) == ["host", "accept", "x-name"]
    assert len(headers) == 3
    assert dict(headers)["accept"] == "text/html"


def test_headers_decode_latin_1() -> None:
    assert Headers(RAW)["x-name"] == "café"


@pytest.mark.parametrize("name", ["missing", "naïve", "\u212a", ""])
def test_headers_without_a_name(name: str) -> None:
    headers = Headers(RAW)
    assert name not in headers
    assert headers.get(name) is None
    assert headers.get(name, "default") == "default"
    assert headers.get_list(name) == []
    with pytest.raises(KeyError, match=repr(name)):
        headers[name]


def test_headers_contain_only_text() -> None:
    assert b"host" not in Headers(RAW)
    assert b"a" not in MutableHeaders({"a": "1"})


def test_headers_show_themselves() -> None:
    assert repr(Headers(RAW[:1])) == "Headers([('host', 'a.example')])"
    assert repr(MutableHeaders({"A": "1"})) == "MutableHeaders([('A', '1')])"


def test_mutable_headers_set_replaces_all_values() -> None:
    headers = MutableHeaders([("a", "1"), ("A", "2"), ("b", "3")])
    headers["a"] = "4"
    assert headers.items() == [("b", "3"), ("a", "4")]


def test_mutable_headers_add_keeps_other_values() -> None:
    headers = MutableHeaders({"Set-Cookie": "a=1"})
    headers.add("set-cookie", "b=2")
    assert headers.get_list("SET-COOKIE") == ["a=1", "b=2"]
    assert headers["set-cookie"] == "a=1"
    assert list(headers) == list(headers.keys()) == ["Set-Cookie"]
    assert len(headers) == 1


def test_mutable_headers_setdefault() -> None:
    headers = MutableHeaders({"A": "1"})
    assert headers.setdefault("a", "2") == "1"
    assert headers.setdefault("b", "2") == "2"
    assert headers.items() == [("A", "1"), ("b", "2")]


def test_mutable_headers_delete() -> None:
    headers = MutableHeaders([("a", "1"), ("A", "2")])
    del headers["A"]
    assert headers.items() == []
    with pytest.raises(KeyError, match="a"):
        headers.delete("a")
    with pytest.raises(KeyError, match="a"):
        headers["a"]
    assert headers.get("a") is None
    assert headers.get("a", "x") == "x"
    headers.discard("a")


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        pytest.param([], "Accept", ["Accept"], id="first"),
        pytest.param(["Origin"], "Accept", ["Origin, Accept"], id="second"),
        pytest.param(["Origin", "Cookie"], "Accept", ["Origin, Cookie, Accept"], id="joined"),
        pytest.param(["accept , Origin"], "Accept", ["accept , Origin"], id="there already"),
        pytest.param(["*"], "Accept", ["*"], id="depends on everything"),
    ],
)
def test_mutable_headers_add_vary(before: list[str], name: str, after: list[str]) -> None:
    headers = MutableHeaders([("vary", value) for value in before])
    headers.add_vary(name)
    assert headers.get_list("Vary") == after


@pytest.mark.parametrize("name", ["", " a", "a b", "a:", "a\r\n", "é", "a\x00", "(a)", "a\n"])
def test_mutable_headers_refuse_name(name: str) -> None:
    headers = MutableHeaders()
    with pytest.raises(ValueError, match="is not a token"):
        headers[name] = "x"
    with pytest.raises(ValueError, match="is not a token"):
        headers.add(name, "x")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\rb", "\x00", "a\x7f", "snow \u2603", "a\n"])
def test_mutable_headers_refuse_value(value: str) -> None:
    with pytest.raises(ValueError, match="of field 'X-A' contains a character that cannot be sent"):
        MutableHeaders({"X-A": value})
    with pytest.raises(ValueError, match="of field 'X-A'"):
        MutableHeaders().setdefault("X-A", value)


def test_mutable_headers_refused_value_leaves_the_old_one() -> None:
    headers = MutableHeaders({"A": "1"})
    with pytest.raises(ValueError, match="'A'"):
        headers["A"] = "\n"
    assert headers.items() == [("A", "1")]


def test_mutable_headers_refuse_second_content_type() -> None:
    with pytest.raises(ValueError, match="one Content-Type: either 'a/b' or 'c/d'"):
        MutableHeaders([("Content-Type", "a/b"), ("content-type", "c/d")])


def test_mutable_headers_strip_whitespace_around_values() -> None:
    assert MutableHeaders({"A": " \tb c\t "})["a"] == "b c"


def test_mutable_headers_copy_what_they_are_given() -> None:
    given_headers = {"A": "1"}
    first = MutableHeaders(given_headers)
    second = MutableHeaders(first)
    second["B"] = "2"
    assert given_headers == {"A": "1"}
    assert first.items() == [("A", "1")]


@given(st.lists(st.tuples(TOKENS.filter(lambda name: name.lower() != "content-type"), VALUES)))
def test_mutable_headers_hold_what_was_added(pairs: list[tuple[str, str]]) -> None:
    headers = MutableHeaders(pairs)
    assert headers.items() == [(name, value.strip(" \t")) for name, value in pairs]
    assert set(headers.keys()) <= {name for name, _ in pairs}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        pytest.param({"X": 5}, "value 5 of field 'X' is of type int; write a str", id="number"),
        pytest.param({"X": None}, "value None of field 'X' is of type NoneType", id="none"),
        pytest.param({"X": b"5"}, "value b'5' of field 'X' is of type bytes", id="bytes"),
        pytest.param({"X": ["a", "b"]}, r"value \['a', 'b'\] of field 'X' is of type list", id="list"),
        pytest.param({5: "X"}, "name 5 is of type int", id="number-as-name"),
        pytest.param({b"X": "5"}, "name b'X' is of type bytes", id="bytes-as-name"),
        pytest.param([("X", "1", "2")], "headers are a mapping, or pairs of name and value", id="triple"),
        pytest.param("X: 5", "headers are a mapping, or pairs of name and value", id="text"),
    ],
)
def test_mutable_headers_name_what_is_no_text(headers: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        MutableHeaders(headers)


def test_missing_header_of_a_request_is_an_error_of_the_client() -> None:
    with pytest.raises(KeyError, match="400 header 'x-key' is missing"):
        Headers()["x-key"]


def test_fixed_headers_are_added_unless_they_are_there() -> None:
    fixed = FixedHeaders([("X-One", "1"), ("Link", "<a>"), ("Link", "<b>")])
    empty, some = MutableHeaders(), MutableHeaders({"x-one": "other", "X-Two": "2"})
    for headers in (empty, some, some):
        headers.add_missing(fixed)
    assert empty.items() == [("X-One", "1"), ("Link", "<a>"), ("Link", "<b>")]
    assert some.items() == [("x-one", "other"), ("X-Two", "2"), ("Link", "<a>"), ("Link", "<b>")]
    empty.add("X-Three", "3")
    assert len(FixedHeaders([("X-One", "1")]).filled("")) == 1
    assert len(fixed.filled("")) == 3


def test_fixed_headers_fill_a_placeholder() -> None:
    fixed = FixedHeaders({"X-One": "{n}-{n}", "X-Two": "2"}, placeholder="{n}")
    headers = MutableHeaders()
    headers.add_missing(fixed, "a_B-1")
    assert headers.items() == [("X-Two", "2"), ("X-One", "a_B-1-a_B-1")]
    assert fixed.names == {"x-one", "x-two"}
    for text in ("", "a b", "a\r\nX: y", "a;b", "é"):
        with pytest.raises(ValueError, match="other characters"):
            MutableHeaders().add_missing(fixed, text)


def test_fixed_headers_refuse_fields_that_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        FixedHeaders({"X": "a\r\nb"})
