from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from turnbuckle.testing.client.request_encoder import OutgoingRequest, RequestOptions, encode_request


def _encode(
    method: str = "GET", url: str = "/", options: RequestOptions | None = None, base_url: str = "http://testserver"
) -> OutgoingRequest:
    return encode_request(method, url, options or {}, base_url=base_url)


def _lines(request: OutgoingRequest) -> list[str]:
    return request.head.decode("latin-1").split("\r\n")[:-2]


def test_request_without_options_is_minimal() -> None:
    assert (
        _encode().head == b"GET / HTTP/1.1\r\nHost: testserver\r\nAccept: */*\r\nUser-Agent: turnbuckle-testing\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        pytest.param("/a/b?c=d&e", "/a/b?c=d&e", "testserver", id="path"),
        pytest.param("/a#fragment", "/a", "testserver", id="fragment"),
        pytest.param("//elsewhere/a", "//elsewhere/a", "testserver", id="two-slashes-are-a-path"),
        pytest.param("/é x/%2F%zz", "/%C3%A9%20x/%2F%zz", "testserver", id="escapes"),
        pytest.param("a", "/a", "testserver", id="relative"),
        pytest.param("", "/", "testserver", id="empty"),
        pytest.param("http://other:81", "/", "other:81", id="absolute"),
        pytest.param("http://other/a?b#c", "/a?b", "other", id="absolute-with-query"),
        pytest.param("*", "*", "testserver", id="asterisk"),
    ],
)
def test_url_becomes_target_and_host(url: str, target: str, authority: str) -> None:
    lines = _lines(_encode("OPTIONS", url))

    assert lines[:2] == [f"OPTIONS {target} HTTP/1.1", f"Host: {authority}"]


@pytest.mark.parametrize(
    ("url", "params", "target"),
    [
        pytest.param("/", {"q": "a b&c", "n": 1}, "/?q=a+b%26c&n=1", id="mapping"),
        pytest.param("/", [("q", "1"), ("q", "2")], "/?q=1&q=2", id="pairs"),
        pytest.param("/", {"q": [1, 2]}, "/?q=1&q=2", id="list-repeats"),
        pytest.param("/?x=y", {"q": "é"}, "/?x=y&q=%C3%A9", id="added"),
        pytest.param("/?x=y", {}, "/?x=y", id="none"),
    ],
)
def test_params_become_the_query(url: str, params: dict[str, object], target: str) -> None:
    request = _encode("GET", url, {"params": params})

    assert _lines(request)[0] == f"GET {target} HTTP/1.1"
    assert request.url == f"http://testserver{target}"


@pytest.mark.parametrize(
    ("options", "content", "fields"),
    [
        pytest.param(
            {"json": {"é": [1]}},
            '{"é":[1]}'.encode(),
            ["Content-Type: application/json", "Content-Length: 10"],
            id="json",
        ),
        pytest.param({"json": None}, b"null", ["Content-Type: application/json", "Content-Length: 4"], id="json-null"),
        pytest.param(
            {"data": {"a": "b c", "d": ["e", "f"]}},
            b"a=b+c&d=e&d=f",
            ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 13"],
            id="form",
        ),
        pytest.param(
            {"data": [("a", "é")]},
            b"a=%C3%A9",
            ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 8"],
            id="form-pairs",
        ),
        pytest.param({"content": b"\x00\xff"}, b"\x00\xff", ["Content-Length: 2"], id="raw"),
        pytest.param(
            {"content": "é"}, b"\xc3\xa9", ["Content-Type: text/plain; charset=utf-8", "Content-Length: 2"], id="text"
        ),
        pytest.param({}, b"", ["Content-Length: 0"], id="none"),
    ],
)
def test_content_is_framed_and_labelled(options: RequestOptions, content: bytes, fields: list[str]) -> None:
    request = _encode("POST", "/", options)

    assert request.content == content
    assert _lines(request)[4:] == fields


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_no_content_is_not_framed_where_none_is_expected(method: str) -> None:
    assert len(_lines(_encode(method))) == 4


async def test_stream_is_sent_in_chunks() -> None:
    async def pieces() -> AsyncIterator[bytes | str]:
        for piece in (b"one", "é", b"", b"x" * 16):
            yield piece

    request = _encode("POST", "/", {"content": pieces()})

    assert "Transfer-Encoding: chunked" in _lines(request)
    assert [piece async for piece in request.pieces()] == [
        b"3\r\none\r\n",
        b"2\r\n\xc3\xa9\r\n",
        b"10\r\n" + b"x" * 16 + b"\r\n",
        b"0\r\n\r\n",
    ]


async def test_stream_of_known_length_is_sent_as_it_is() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"

    request = _encode("POST", "/", {"content": pieces(), "headers": {"Content-Length": "3"}})

    assert [piece async for piece in request.pieces()] == [b"one"]
    assert "Transfer-Encoding" not in request.head.decode()


async def test_bytes_are_sent_in_a_chunk_where_the_test_wants_it() -> None:
    request = _encode("POST", "/", {"content": b"one", "headers": {"Transfer-Encoding": "chunked"}})

    assert [piece async for piece in request.pieces()] == [b"3\r\none\r\n", b"0\r\n\r\n"]
    assert "Content-Length" not in request.head.decode()


def test_headers_of_the_test_win_over_those_of_the_client() -> None:
    request = encode_request(
        "POST",
        "/",
        {"headers": [("host", "other"), ("Content-Type", "text/x"), ("X-A", "1"), ("x-a", "2")], "content": "a"},
        base_url="http://testserver",
        defaults={"X-A": "0", "X-B": "1", "User-Agent": "mine"},
    )

    assert _lines(request)[1:] == [
        "Accept: */*",
        "X-B: 1",
        "User-Agent: mine",
        "host: other",
        "Content-Type: text/x",
        "X-A: 1",
        "x-a: 2",
        "Content-Length: 1",
    ]


def test_cookies_of_the_request_replace_those_of_the_jar() -> None:
    request = encode_request(
        "GET",
        "/x",
        {"cookies": {"a": "request"}},
        base_url="http://testserver",
        jar=lambda url: [("a", "jar"), ("b", url), ("b", "2")],
    )

    assert "Cookie: b=http://testserver/x; b=2; a=request" in _lines(request)


def test_content_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'data', 'json'"):
        _encode("POST", "/", {"json": 1, "data": {}})


def test_field_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="X-A"):
        _encode("GET", "/", {"headers": {"X-A": "a\r\nb"}})
