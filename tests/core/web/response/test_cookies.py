"""Tests of ``turnbuckle.web.response.cookies``."""

import datetime as dt
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import BadRequest
from turnbuckle.web.response.cookies import SetCookie, parse_cookies

EXPIRES = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("line", "cookies"),
    [
        pytest.param("a=1", {"a": "1"}, id="one"),
        pytest.param("a=1; b=2", {"a": "1", "b": "2"}, id="two"),
        pytest.param("a=1;b=2;", {"a": "1", "b": "2"}, id="no space, trailing separator"),
        pytest.param("\ta = 1 ;  b=2", {"a": "1", "b": "2"}, id="whitespace around"),
        pytest.param("a=1; a=2", {"a": "1"}, id="first of one name"),
        pytest.param("a=", {"a": ""}, id="empty value"),
        pytest.param("a=b=c", {"a": "b=c"}, id="equals sign in value"),
        pytest.param("", {}, id="nothing"),
        pytest.param(";;; ;", {}, id="separators"),
        pytest.param("alone; b=2", {"b": "2"}, id="no equals sign"),
        pytest.param("=__Host-x=1; b=2", {"b": "2"}, id="nameless that pretends"),
        pytest.param(" =1", {}, id="nameless"),
        pytest.param('a="1 2"', {"a": "1 2"}, id="quoted"),
        pytest.param('a="x\\"y\\\\z"', {"a": 'x"y\\z'}, id="escaped"),
        pytest.param('a="\\303\\251\\073"', {"a": "é;"}, id="octal"),
        pytest.param('a="\\400\\9"', {"a": "4009"}, id="no octal"),
        pytest.param('a="', {"a": '"'}, id="lone quote"),
        pytest.param('a="b', {"a": '"b'}, id="quote that is not closed"),
        pytest.param("a=\xc3\xa9", {"a": "é"}, id="utf-8"),
        pytest.param("a=\xff", {"a": "\ufffd"}, id="not utf-8"),
        pytest.param("$Version=1; __proto__=x", {"$Version": "1", "__proto__": "x"}, id="no special names"),
    ],
)
def test_parse_cookies(line: str, cookies: dict[str, str]) -> None:
    assert parse_cookies([line]) == cookies


def test_parse_cookies_of_several_fields() -> None:
    assert parse_cookies(["a=1; b=2", "a=3; c=4"]) == {"a": "1", "b": "2", "c": "4"}


def test_parse_cookies_bounds_their_number() -> None:
    assert len(parse_cookies(["; ".join(f"c{n}=1" for n in range(1000))])) == 1000
    with pytest.raises(BadRequest, match="1001 cookies exceed 1000"):
        parse_cookies(["; ".join(f"c{n}=1" for n in range(1000)), "x=1"])


def test_parse_cookies_takes_backslashes_in_one_pass() -> None:
    assert parse_cookies(['a="' + "\\" * 10_000 + '"']) == {"a": "\\" * 5000}


@given(st.text(st.characters(max_codepoint=255)))
def test_parse_cookies_never_fails(line: str) -> None:
    assert all(name and ";" not in name for name in parse_cookies([line]))


@given(st.dictionaries(st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1), PRINTABLE, max_size=5))
def test_cookies_round_trip(values: dict[str, str]) -> None:
    pairs = [
        SetCookie(name=name, value=value, secure=True).serialize().partition(";")[0] for name, value in values.items()
    ]
    assert parse_cookies(["; ".join(pairs)]) == values


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        pytest.param({}, "a=1; Path=/; SameSite=Lax; HttpOnly", id="defaults"),
        pytest.param({"http_only": False, "same_site": None, "path": None}, "a=1", id="bare"),
        pytest.param({"max_age": 60}, "a=1; Max-Age=60; Path=/; SameSite=Lax; HttpOnly", id="max age"),
        pytest.param({"max_age": timedelta(hours=1)}, "a=1; Max-Age=3600; Path=/; SameSite=Lax; HttpOnly", id="delta"),
        pytest.param(
            {"expires": EXPIRES},
            "a=1; Expires=Fri, 02 Jan 2026 03:04:05 GMT; Path=/; SameSite=Lax; HttpOnly",
            id="expires",
        ),
        pytest.param(
            {"expires": EXPIRES.astimezone(timezone(timedelta(hours=5)))},
            "a=1; Expires=Fri, 02 Jan 2026 03:04:05 GMT; Path=/; SameSite=Lax; HttpOnly",
            id="expires elsewhere",
        ),
        pytest.param(
            {"domain": "a.example", "path": "/x y", "secure": True, "same_site": "strict", "partitioned": True},
            "a=1; Domain=a.example; Path=/x y; SameSite=Strict; Secure; HttpOnly; Partitioned",
            id="everything else",
        ),
        pytest.param(
            {"secure": True, "same_site": "None"}, "a=1; Path=/; SameSite=None; Secure; HttpOnly", id="cross-site"
        ),
    ],
)
def test_cookie_serialize(attributes: dict[str, object], text: str) -> None:
    assert SetCookie(name="a", value="1", **attributes).serialize() == text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("John Doe", '"John Doe"', id="space"),
        pytest.param('a"b\\c', '"a\\"b\\\\c"', id="quote and backslash"),
        pytest.param("a;b,c", '"a\\073b\\054c"', id="separators"),
        pytest.param("é", '"\\303\\251"', id="utf-8"),
    ],
)
def test_cookie_quotes_value(value: str, written: str) -> None:
    assert SetCookie(name="a", value=value, path=None, same_site=None, http_only=False).serialize() == f"a={written}"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        pytest.param({"name": "a b"}, "field name 'a b' is not a token", id="name"),
        pytest.param({"name": ""}, "field name '' is not a token", id="no name"),
        pytest.param({"path": "x"}, "path 'x' of cookie 'a' is malformed", id="relative path"),
        pytest.param({"path": "/;Domain=b"}, "path .* is malformed", id="attribute in path"),
        pytest.param({"path": "/\n"}, "path .* is malformed", id="control in path"),
        pytest.param({"domain": "a b"}, "domain 'a b' of cookie 'a' is malformed", id="domain"),
        pytest.param({"domain": "a;Secure"}, "domain .* is malformed", id="attribute in domain"),
        pytest.param({"domain": "a\n"}, "domain .* is malformed", id="control in domain"),
        pytest.param({"same_site": "Sometimes"}, "same_site must be .*, not 'Sometimes'", id="same_site"),
        pytest.param({"same_site": "None"}, "has same_site='None', so it needs secure=True", id="None is not secure"),
        pytest.param({"partitioned": True}, "has partitioned=True, so it needs secure=True", id="partitioned"),
        pytest.param({"name": "__Secure-a"}, "has the prefix __Secure-, so it needs secure=True", id="secure prefix"),
        pytest.param({"name": "__HOST-a"}, "has the prefix __Host-, so it needs secure=True", id="host prefix"),
        pytest.param({"name": "__Host-a", "secure": True, "path": "/x"}, "its path must be '/'", id="host path"),
        pytest.param({"name": "__Host-a", "secure": True, "domain": "b"}, "its domain None", id="host domain"),
        pytest.param({"expires": datetime(2026, 1, 1)}, "expires of cookie 'a' has no time zone", id="naive"),
    ],
)
def test_cookie_refuses_attributes(attributes: dict[str, bool | dt.datetime | str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SetCookie(**{"name": "a", **attributes})


@pytest.mark.parametrize("value", ["\n", "a\r\nb", "\x00", "\x7f"])
def test_cookie_refuses_control_characters(value: str) -> None:
    with pytest.raises(ValueError, match="of cookie 'a' contains a control character"):
        SetCookie(name="a", value=value).serialize()


def test_cookie_refuses_attributes_that_browsers_ignore() -> None:
    with pytest.raises(ValueError, match="cookie 'a' of 4097 bytes exceeds 4096"):
        SetCookie(name="a", value="x" * 4095).serialize()


def test_cookie_prefixes_are_met() -> None:
    text = SetCookie(name="__Host-a", value="1", secure=True).serialize()
    assert text == "__Host-a=1; Path=/; SameSite=Lax; Secure; HttpOnly"


def test_cookie_deleted() -> None:
    text = SetCookie(name="a", value="1", max_age=9).deleted().serialize()
    assert text == "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax; HttpOnly"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        pytest.param({"value": 5}, "value 5 of cookie 'a' is of type int; write a str", id="value"),
        pytest.param({"value": None}, "value None of cookie 'a' is of type NoneType", id="no value"),
        pytest.param({"max_age": "60"}, "max_age is a whole number of seconds or a timedelta, and not '60'", id="age"),
        pytest.param({"max_age": 1.5}, "max_age is a whole number of seconds or a timedelta, and not 1.5", id="float"),
        pytest.param({"expires": "tomorrow"}, "expires of cookie 'a' is a datetime or None", id="expires"),
        pytest.param({"path": 1}, "path of cookie 'a' is a str or None, and not 1", id="path"),
        pytest.param({"domain": b"a.example"}, "domain of cookie 'a' is a str or None", id="domain"),
        pytest.param({"name": 5}, "name 5 is of type int", id="name"),
    ],
)
def test_cookie_names_an_attribute_of_the_wrong_type(attributes: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        SetCookie(**{"name": "a", **attributes}).serialize()


def test_missing_cookie_is_an_error_of_the_client() -> None:
    with pytest.raises(KeyError, match="400 cookie 'b' is missing"):
        parse_cookies(["a=1"])["b"]
