"""Tests of ``turnbuckle.web.request.request``."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterable

import pytest

from tests.core.web.requests import ListSource, make_request
from turnbuckle.errors import BadRequest, ContentTooLarge, HTTPError, UnsupportedMediaType
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.context import AppContext
from turnbuckle.web.request.request import Request
from turnbuckle.web.resources import Resources


async def collect(stream: AsyncIterable[bytes]) -> list[bytes]:
    return [piece async for piece in stream]


def test_request_line() -> None:
    request = make_request("/a%20b?c=d&c=e", method="POST")
    assert request.method == "POST"
    assert request.target == "/a%20b?c=d&c=e"
    assert request.raw_path == "/a%20b"
    assert request.path == "/a b"
    assert request.query == "c=d&c=e"
    assert request.query_params.get_list("c") == ["d", "e"]
    assert repr(request) == "<Request POST /a%20b?c=d&c=e>"


@pytest.mark.parametrize("method", ["GET", "get", "BREW", "M-SEARCH"])
def test_request_method_is_as_received(method: str) -> None:
    assert make_request(method=method).method == method


def test_request_parts_are_computed_once() -> None:
    request = make_request("/?a=1", headers=[("cookie", "a=1"), ("content-type", "a/b")])
    for part in ("query_params", "headers", "cookies", "state", "media_type"):
        assert getattr(request, part) is getattr(request, part)
    assert request.raw_path is request.raw_path


@pytest.mark.parametrize(
    ("target", "headers", "host", "url"),
    [
        pytest.param("/a?b", [("host", "a.example:8000")], "a.example:8000", "http://a.example:8000/a?b", id="port"),
        pytest.param("http://b.example/a", [("host", "c")], "b.example", "http://b.example/a", id="absolute-form wins"),
        pytest.param("/", [], "", "http:///", id="none"),
        pytest.param("*", [("host", "a")], "a", "http://a", id="whole server"),
        pytest.param("/~%7E", [("host", "[::1]:80")], "[::1]:80", "http://[::1]:80/~%7E", id="as received"),
    ],
)
def test_request_host_and_url(target: str, headers: list[tuple[str, str]], host: str, url: str) -> None:
    request = make_request(target, headers=headers)
    assert request.host == host
    assert request.url == url


def test_request_cookies_come_from_every_field() -> None:
    request = make_request(headers=[("cookie", "a=1; b=2"), ("cookie", "a=3; c=4")])
    assert dict(request.cookies) == {"a": "1", "b": "2", "c": "4"}


def test_request_bounds_query_and_cookies() -> None:
    request = make_request("/?" + "&" * 1000, headers=[("cookie", ";" * 1000)])
    with pytest.raises(BadRequest, match="1001 fields exceed 1000"):
        _ = request.query_params
    with pytest.raises(BadRequest, match="1001 cookies exceed 1000"):
        _ = request.cookies


def test_request_connection() -> None:
    request = make_request(peer=Peer(("192.0.2.7", 9), "/run/app.sock", scheme="https"))
    assert request.client == ("192.0.2.7", 9)
    assert request.server == "/run/app.sock"
    assert request.scheme == "https"


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        pytest.param("Text/HTML; charset=utf-8", "text/html", id="parameter and case"),
        pytest.param(None, "", id="none"),
    ],
)
def test_request_content_type(value: str | None, content_type: str) -> None:
    headers = [("content-type", value)] if value is not None else []
    assert make_request(headers=headers).content_type == content_type


def test_request_content_length() -> None:
    assert make_request().content_length == 0
    assert make_request(content=b"abc").content_length == 3
    assert make_request(content=ListSource(b"abc")).content_length is None


async def test_request_without_content() -> None:
    request = make_request()
    request.content_limit = 5
    assert request.content_limit == 0
    assert await request.read() == b""
    assert await collect(request.stream()) == []
    assert await request.text() == ""
    assert len(request.trailers) == 0


async def test_request_reads_content_once() -> None:
    source = ListSource(b"ab", b"c")
    request = make_request(content=source)
    assert await request.read() == await request.read() == b"abc"
    assert await request.text() == "abc"
    assert source.calls == 3


async def test_request_streams_content() -> None:
    request = make_request(content=ListSource(b"ab", b"c"))
    assert await collect(request.stream()) == [b"ab", b"c"]
    with pytest.raises(RuntimeError, match="streamed"):
        await request.read()


async def test_request_trailers_follow_content() -> None:
    request = make_request(content=ListSource(b"ab", trailers=[(b"x-sum", b"5")]))
    assert "x-sum" not in request.trailers
    await request.read()
    assert request.trailers["X-Sum"] == "5"


def test_request_content_limit_reaches_the_source() -> None:
    source = ListSource(b"ab", limit=100)
    request = make_request(content=source)
    assert request.content_limit == 100
    request.content_limit = 7
    assert source.limit == 7


async def test_request_text_in_its_charset() -> None:
    headers = [("content-type", "text/plain; charset=ISO-8859-1")]
    assert await make_request(content=b"\xe9", headers=headers).text() == "é"
    with pytest.raises(BadRequest, match="not valid in its charset"):
        await make_request(content=b"\xe9").text()


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_request_json_from_a_page_requires_a_json_type(content_type: str) -> None:
    headers = [("origin", "https://evil.example"), *([("content-type", content_type)] if content_type else [])]
    with pytest.raises(UnsupportedMediaType):
        await make_request(content=b'{"a":1}', headers=headers).json()


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "application/ld+json"])
async def test_request_json_from_a_page_with_a_json_type(content_type: str) -> None:
    headers = [("origin", "https://evil.example"), ("content-type", content_type)]
    assert await make_request(content=b'{"a":1}', headers=headers).json() == {"a": 1}


async def test_request_json_without_an_origin_may_have_any_type() -> None:
    headers = [("content-type", "application/json; charset=utf-8")]
    assert await make_request(content=b'{"a":1}', headers=headers).json() == {"a": 1}
    assert await make_request(content=b'{"a":1}').json() == {"a": 1}


async def test_request_form_is_kept() -> None:
    request = make_request(content=b"a=1", headers=[("content-type", "application/x-www-form-urlencoded")])
    form = await request.form()
    assert form["a"] == "1"
    assert await request.form() is form


async def test_request_sees_the_client_go() -> None:
    lost = asyncio.Event()
    request = make_request(peer=Peer(lost=lost))
    waiting = asyncio.create_task(request.disconnected())
    assert not request.is_disconnected
    lost.set()
    await waiting
    assert request.is_disconnected


async def test_request_by_hand_stays_connected() -> None:
    request = make_request()
    assert not request.is_disconnected
    waiting = asyncio.create_task(request.disconnected())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


def test_request_url_for() -> None:
    request = make_request()
    with pytest.raises(LookupError, match="no app to look up the route 'user' in"):
        request.url_for("user", id=1)
    context = AppContext(Resources(), url_builder=lambda name, /, **params: f"/{name}/{params['name']}")
    request = Request(request.head, None, request.peer, context)
    assert request.url_for("user", name="x") == "/user/x"


def test_request_starts_without_route_and_exception() -> None:
    request = make_request()
    assert request.route is None
    assert request.exception is None
    assert dict(request.path_params) == {}


def test_request_takes_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        make_request().user = "x"


def test_request_is_freed_without_the_collector() -> None:
    gc.disable()
    try:
        request = make_request(content=b"a")
        request.state.x = 1
        gone = weakref.ref(request)
        del request
        assert gone() is None
    finally:
        gc.enable()


def test_request_class_is_final() -> None:
    assert Request.__final__


@pytest.mark.parametrize("part", ["raw_path", "path", "query", "host", "url"])
@pytest.mark.parametrize("target", ["https://a.example/x", "HTTPS://a.example/x"])
def test_request_for_https_is_misdirected_without_tls(target: str, part: str) -> None:
    with pytest.raises(HTTPError) as caught:
        getattr(make_request(target), part)
    assert caught.value.status == 421
    secure = make_request(target, peer=Peer(("192.0.2.1", 5000), ("192.0.2.9", 443), scheme="https"))
    assert secure.url == "https://a.example/x"


@pytest.mark.parametrize(("limit", "is_too_large"), [(4, False), (3, True)])
async def test_json_has_a_limit(limit: int, is_too_large: bool) -> None:
    source = ListSource(b"[1", b"2]")
    request = make_request("/", method="POST", content=source)
    request.json_limit = limit
    if is_too_large:
        with pytest.raises(ContentTooLarge):
            await request.json()
    else:
        assert await request.json() == [12]
        assert source.limit >= 0


async def test_json_has_a_limit_after_the_content_was_read() -> None:
    request = make_request("/", method="POST", content=ListSource(b"[12]"))
    assert request.json_limit == 4 * 1024 * 1024
    request.json_limit = 3
    assert await request.read() == b"[12]"
    with pytest.raises(ContentTooLarge, match="JSON of 4 bytes exceeds 3"):
        await request.json()


@pytest.mark.parametrize(
    ("target", "method", "host"),
    [
        pytest.param("http://a.example:81/x", "GET", "a.example:81", id="absolute-form"),
        pytest.param("a.example:443", "CONNECT", "a.example:443", id="authority-form"),
        pytest.param("/x", "GET", "b.example", id="origin-form"),
        pytest.param("*", "OPTIONS", "b.example", id="asterisk-form"),
    ],
)
def test_host_field_is_the_host_of_the_request(target: str, method: str, host: str) -> None:
    request = make_request(target, method=method, headers=[("Host", "b.example"), ("X", "y")])
    assert request.headers["host"] == request.host == host
    assert request.headers.get_list("host") == [host]
    assert request.headers["x"] == "y"


def test_host_field_is_added_from_the_target() -> None:
    assert make_request("http://a.example/").headers["host"] == "a.example"


def test_header_is_replaced() -> None:
    request = make_request("/", headers=[("Cookie", "a=b"), ("X-A", "1"), ("x-a", "2"), ("Content-Type", "text/html")])
    assert (request.cookies, request.content_type) == ({"a": "b"}, "text/html")
    request.replace_header("X-A", "3")
    request.replace_header("Cookie", "c=d")
    request.replace_header("Content-Type", None)
    assert dict(request.headers.items()) == {"x-a": "3", "cookie": "c=d"}
    assert (request.cookies, request.content_type) == ({"c": "d"}, "")


@pytest.mark.parametrize(("name", "value"), [("X A", "1"), ("X-A", "1\r\nX-B: 2"), ("X-A", "\u20ac")])
def test_header_is_not_replaced_by_one_that_cannot_be_received(name: str, value: str) -> None:
    request = make_request("/")
    with pytest.raises(ValueError, match=r"token|cannot be sent"):
        request.replace_header(name, value)
