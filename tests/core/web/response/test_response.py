"""Tests of ``turnbuckle.web.response.response``."""

import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.response.response import HTML, JSON, Redirect, Response, Stream, Text

TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"


async def numbers() -> AsyncIterator[bytes | str]:
    yield b"1"
    yield "2"


async def collect(body: AsyncIterable[bytes | str]) -> list[bytes | str]:
    return [piece async for piece in body]


class Name(str):
    pass


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        pytest.param("Hello", b"Hello", TEXT, id="text"),
        pytest.param("é", b"\xc3\xa9", TEXT, id="length is in bytes"),
        pytest.param(Name("a"), b"a", TEXT, id="a kind of text"),
        pytest.param(b"a", b"a", BINARY, id="bytes"),
        pytest.param(bytearray(b"a"), b"a", BINARY, id="bytearray"),
        pytest.param(memoryview(b"a"), b"a", BINARY, id="memoryview"),
        pytest.param("", b"", None, id="no text"),
        pytest.param(Name(""), b"", None, id="none of a kind of text"),
        pytest.param(b"", b"", None, id="no bytes"),
        pytest.param("\ud800", b"?", TEXT, id="lone surrogate"),
    ],
)
def test_response_encodes_its_body(body: object, sent: bytes, content_type: str | None) -> None:
    response = Response(body)
    assert response.body == sent
    assert type(response.body) is bytes
    assert response.content_type == content_type
    assert response.status == 200


async def test_response_keeps_an_async_iterable() -> None:
    response = Response(numbers())
    assert response.content_type == BINARY
    assert await collect(response.body) == [b"1", "2"]


@pytest.mark.parametrize("body", [None, 1, ["a"], {"a": 1}, iter("a")])
def test_response_refuses_body(body: object) -> None:
    with pytest.raises(TypeError, match="a body must be str, bytes or an async iterable"):
        Response(body)


@pytest.mark.parametrize("status", [100, 101, 201, 204, 405, 418, 599])
def test_response_takes_status(status: int) -> None:
    assert Response(status=status).status == status


@pytest.mark.parametrize("status", [0, 99, 600, -200, True, 200.5, "404", None])
def test_response_refuses_status(status: object) -> None:
    with pytest.raises(ValueError, match="status must be a whole number from 100 to 599"):
        Response(status=status)


def test_response_fields_without_headers() -> None:
    assert Response("a").fields() == [("Content-Type", TEXT)]
    assert Response().fields() == []


def test_response_fields_put_the_default_type_first() -> None:
    response = Response("a", headers={"X-A": "1"})
    response.headers.add("x-a", "2")
    assert response.fields() == [("Content-Type", TEXT), ("X-A", "1"), ("x-a", "2")]


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "a/b"}, {"content-type": "a/b"}, [("CONTENT-TYPE", "a/b")], (("Content-type", "a/b"),)]
)
def test_response_content_type_by_hand_is_one_field(
    headers: Mapping[str, str] | Sequence[tuple[str, str]],
) -> None:
    response = Response("a", headers=headers)
    assert [value for name, value in response.fields() if name.lower() == "content-type"] == ["a/b"]
    assert response.content_type == "a/b"


def test_response_content_type_set_later_is_one_field() -> None:
    response = Response("a")
    response.headers["content-type"] = "a/b"
    assert response.fields() == [("content-type", "a/b")]
    response.content_type = "c/d"
    assert response.fields() == [("Content-Type", "c/d")]
    response.content_type = None
    assert response.fields() == []


def test_response_content_type_given() -> None:
    assert Response("a", content_type="text/css").fields() == [("Content-Type", "text/css")]
    assert Response("", content_type="text/css").content_type == "text/css"
    response = Response("a")
    response.content_type = "text/css"
    assert response.fields() == [("Content-Type", "text/css")]


def test_response_leaves_the_headers_it_was_given() -> None:
    headers = {"X-A": "1"}
    response = Response("a", headers=headers)
    response.headers["X-B"] = "2"
    response.set_cookie("a", "1")
    assert headers == {"X-A": "1"}


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=1", "a\n", "\x00"])
def test_response_refuses_injection(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        Response(headers={"X-A": value})
    with pytest.raises(ValueError, match="cannot be sent"):
        Response(content_type=value)
    with pytest.raises(ValueError, match="cannot be sent"):
        Response().content_type = value
    with pytest.raises(ValueError, match="not a token"):
        Response(headers={value: "a"})
    with pytest.raises(ValueError, match="control character"):
        Response().set_cookie("a", value)


def test_response_cookies() -> None:
    response = Response()
    response.set_cookie("a", "1", max_age=5, same_site="Strict", secure=True)
    response.set_cookie("b", "2", http_only=False)
    response.delete_cookie("c", path="/x")
    assert response.headers.get_list("set-cookie") == [
        "a=1; Max-Age=5; Path=/; SameSite=Strict; Secure; HttpOnly",
        "b=2; Path=/; SameSite=Lax",
        "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x; SameSite=Lax; HttpOnly",
    ]


def test_response_deletes_a_cookie_with_a_prefix() -> None:
    response = Response()
    response.delete_cookie("__Host-a", secure=True, partitioned=True)
    assert "__Host-a=; " in response.headers["set-cookie"]


def test_response_shows_itself() -> None:
    assert repr(Response("a", 201)) == f"<Response 201 {TEXT}>"
    assert repr(JSON(1)) == "<JSON 200 application/json>"


def test_text_and_html() -> None:
    assert Text("a", 201, {"X-A": "1"}).fields() == [("Content-Type", TEXT), ("X-A", "1")]
    assert HTML("<p>").fields() == [("Content-Type", "text/html; charset=utf-8")]
    assert HTML("").content_type == "text/html; charset=utf-8"


def test_json() -> None:
    response = JSON({"a": ["é", 1]}, 201)
    assert response.body == '{"a":["é",1]}'.encode()
    assert response.fields() == [("Content-Type", "application/json")]
    assert JSON({}, headers={"Content-Type": "application/problem+json"}).content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("location", "encoded"),
    [
        pytest.param("/a?b=c#d", "/a?b=c#d", id="as it is"),
        pytest.param("https://a.example/b", "https://a.example/b", id="another host by name"),
        pytest.param("/a b/é", "/a%20b/%C3%A9", id="encoded"),
        pytest.param("/a%20b", "/a%20b", id="not encoded twice"),
        pytest.param("next", "next", id="relative"),
        pytest.param("//evil.example/%2f..", "/evil.example/%2f..", id="two slashes"),
        pytest.param("///evil.example", "/evil.example", id="three slashes"),
        pytest.param("/\\evil.example", "/evil.example", id="slash and backslash"),
        pytest.param("\\\\evil.example", "/evil.example", id="backslashes"),
        pytest.param("\\evil.example", "%5Cevil.example", id="one backslash"),
        pytest.param("/login?next=https://a.example/x", "/login?next=https://a.example/x", id="URL in the query"),
        pytest.param("/p//x/end", "/p//x/end", id="empty segment"),
        pytest.param("//p//x?a=//b#//c", "/p//x?a=//b#//c", id="only the slashes at the start"),
        pytest.param("?next=//a", "?next=//a", id="query only"),
        pytest.param("https://a.example//x", "https://a.example//x", id="URL"),
        pytest.param(" //evil.example", "%20//evil.example", id="space before"),
        pytest.param('/"><script>', "/%22%3E%3Cscript%3E", id="markup"),
        pytest.param("/a\r\nSet-Cookie: b=1", "/a%0D%0ASet-Cookie:%20b=1", id="line break"),
        pytest.param("/\n", "/%0A", id="line feed"),
        pytest.param("/\x00\x1f\x7f\x85", "/%00%1F%7F%C2%85", id="controls"),
        pytest.param("/\t/evil.example", "/%09/evil.example", id="tab between slashes"),
        pytest.param("\t//evil.example", "%09//evil.example", id="tab before slashes"),
        pytest.param("/\ud800", "/%EF%BF%BD", id="lone surrogate"),
    ],
)
def test_redirect_location(location: str, encoded: str) -> None:
    response = Redirect(location)
    assert response.status == 302
    assert response.headers["location"] == encoded
    assert response.body == f"See {encoded}".encode()
    assert response.content_type == TEXT


def test_redirect_refuses_empty_location() -> None:
    with pytest.raises(ValueError, match="location of a redirect is empty; write for example"):
        Redirect("")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirect_status(status: int) -> None:
    assert Redirect("/", status, {"X-A": "1"}).fields()[1:] == [("X-A", "1"), ("Location", "/")]
    assert Redirect("/", status).status == status


@pytest.mark.parametrize("status", [200, 304, 305, 404])
def test_redirect_refuses_status(status: int) -> None:
    with pytest.raises(ValueError, match="status of a redirect must be one of"):
        Redirect("/", status)


@given(st.text(min_size=1))
def test_redirect_sends_nothing_strange(location: str) -> None:
    sent = Redirect(location).headers["location"]
    assert sent.isascii()
    assert sent.isprintable()
    assert " " not in sent
    assert not sent.startswith(("//", "/\\", "\\"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(numbers, id="async"),
        pytest.param(lambda: [b"1", "2"], id="list"),
        pytest.param(lambda: (piece for piece in (b"1", "2")), id="generator"),
    ],
)
async def test_stream(content: Callable[[], AsyncIterable[bytes | str] | Iterable[bytes | str]]) -> None:
    response = Stream(content(), 201, {"X-A": "1"}, "text/csv")
    assert response.fields() == [("Content-Type", "text/csv"), ("X-A", "1")]
    assert await collect(response.body) == [b"1", "2"]


@pytest.mark.parametrize(
    ("value", "weak", "field"),
    [
        pytest.param("v1", False, '"v1"', id="text"),
        pytest.param(7, True, 'W/"7"', id="weak-number"),
        pytest.param('W/"7"', False, 'W/"7"', id="complete"),
        pytest.param('a "b" %\u00e9\ud800', False, '"a%20%22b%22%20%25%C3%A9?"', id="encoded"),
        pytest.param(None, False, '"c681ff421fbd7af6dc373a7ced20fbeb"', id="hash"),
    ],
)
def test_etag(value: str | int | None, weak: bool, field: str) -> None:
    response = Response("content", headers={"ETag": '"old"'}).etag(value, weak=weak)
    assert response.headers.get_list("etag") == [field]


@pytest.mark.parametrize("value", [pytest.param(1.5, id="float"), pytest.param(True, id="bool")])
def test_etag_is_made_of_texts_and_numbers(value: object) -> None:
    with pytest.raises(TypeError, match=f"a str or an int, and not {value}"):
        Response().etag(value)


def test_stream_has_no_etag_of_its_own() -> None:
    with pytest.raises(TypeError, match="pass a value"):
        Stream([b"1"]).etag()
    assert Stream([b"1"]).etag("1").headers["etag"] == '"1"'


def test_last_modified() -> None:
    response = Response()
    assert response.last_modified is None
    response.last_modified = datetime(2026, 1, 2, 3, 4, 5, 999_999, UTC)
    assert response.headers["last-modified"] == "Fri, 02 Jan 2026 03:04:05 GMT"
    assert response.last_modified == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    response.last_modified = None
    assert "last-modified" not in response.headers
    with pytest.raises(ValueError, match="has no time zone"):
        response.last_modified = datetime(2026, 1, 2)
    with pytest.raises(TypeError, match="is a datetime, and not 5"):
        response.last_modified = 5


async def test_stream_of_a_generator_ends_it_when_no_more_is_asked_for() -> None:
    ended = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"1"
            yield b"2"
        finally:
            ended.append(threading.get_ident())

    body = Stream(pieces()).body
    assert await anext(body) == b"1"
    await body.aclose()
    assert len(ended) == 1
    assert threading.get_ident() not in ended


async def test_copy_has_its_own_fields_and_the_same_content() -> None:
    response = HTML("<p>", 201, {"X-A": "1"})
    response.trailers = {"X-Sum": "2"}
    made = response.copy()
    made.headers.set("X-A", "2")
    made.set_cookie("a", "b")
    made.status = 202
    assert type(made) is HTML
    assert (made.body, made.content_type, made.trailers) == (response.body, response.content_type, response.trailers)
    assert (response.headers["x-a"], response.status, "set-cookie" in response.headers) == ("1", 201, False)


async def test_copy_of_a_response_without_fields() -> None:
    response = Response("a")
    response.copy().headers.set("X-A", "1")
    assert "x-a" not in response.headers


class _Tagged(Text):
    """A response with its own attribute."""

    tag = ""


@pytest.mark.parametrize("kind", [Text, HTML, JSON, _Tagged])
def test_copy_has_everything_and_its_own_fields(kind: type[Response]) -> None:
    original = kind("é", status=202, headers={"X": "1"})  # type: ignore[call-arg,arg-type]  # not of every Response
    original.trailers = {"T": "2"}
    if isinstance(original, _Tagged):
        original.tag = "own"
    made = original.copy()
    assert type(made) is kind
    assert (made.body, made.status, made.content_type) == (original.body, 202, original.content_type)
    assert made.trailers is original.trailers
    assert getattr(made, "tag", "") == getattr(original, "tag", "")
    made.headers.set("X", "3")
    assert original.headers["X"] == "1"
