"""Tests of ``turnbuckle.web.content.ndjson``, and of ``request.ndjson()``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings, strategies as st

from tests.core.web.requests import ListSource, make_request
from turnbuckle import App, BadRequest, ContentTooLarge, Request, UnsupportedMediaType
from turnbuckle.testing import Client
from turnbuckle.web.content.ndjson import decode_lines

NDJSON = "application/x-ndjson"


async def _pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def _read(content: bytes, size: int = 3, limit: int = 100) -> list[object]:
    return [value async for value in decode_lines(_pieces(content, size), json.loads, limit)]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    ("content", "values"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b'{"a":1}\n[2]\n3\n', [{"a": 1}, [2], 3], id="lines"),
        pytest.param(b"1\n2", [1, 2], id="no-line-break-at-the-end"),
        pytest.param(b"1\r\n2\r\n", [1, 2], id="crlf"),
        pytest.param(b"\n1\n\n \t\r\n2\n\n", [1, 2], id="empty-lines"),
        pytest.param(b"null\nfalse\n", [None, False], id="falsy"),
        pytest.param(' "é\u2028" \n'.encode(), ["é\u2028"], id="other-line-breaks-are-text"),
    ],
)
async def test_decode_lines(content: bytes, values: list[object], size: int) -> None:
    assert await _read(content, size) == values


@settings(max_examples=30)
@given(st.lists(st.none() | st.integers() | st.text() | st.lists(st.text())), st.integers(1, 50))
async def test_decode_lines_at_any_split(values: list[object], size: int) -> None:
    assert await _read("".join(json.dumps(value) + "\n" for value in values).encode(), size, 10_000) == values


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        pytest.param(b"1\n\n{2\n", BadRequest, "line 3 is not JSON", id="malformed"),
        pytest.param(b"1\n{", BadRequest, "line 2 is not JSON", id="cut-off"),
        pytest.param(b"1\n" + b"2" * 101 + b"\n", ContentTooLarge, "line 2 exceeds 100 bytes", id="long"),
        pytest.param(b"1\n" + b"2" * 101, ContentTooLarge, "line 2 exceeds 100 bytes", id="long-without-end"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
async def test_decode_lines_names_the_line(content: bytes, error: type[Exception], message: str, size: int) -> None:
    with pytest.raises(error, match=message):
        await _read(content, size)


async def test_decode_lines_stops_reading_a_line_without_end() -> None:
    source = ListSource(*[b"1" * 60] * 10)
    request = make_request("/", method="POST", content=source)
    request.json_limit = 100
    with pytest.raises(ContentTooLarge):
        await anext(request.ndjson())
    assert source.calls == 2


async def test_ndjson_yields_a_line_before_the_next_one_arrives() -> None:
    received: list[object] = []
    first = asyncio.Event()
    app = App()

    @app.post("/")
    async def read(request: Request) -> str:
        async for item in request.ndjson():
            received.append(item)
            first.set()
        return str(len(received))

    async with Client(app) as client:
        connection = client.connect()
        head = f"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {NDJSON}\r\nContent-Length: 8\r\n\r\n"
        connection.post(head.encode() + b"[1]\n[")
        await asyncio.wait_for(first.wait(), 2)
        assert received == [[1]]
        await connection.send(b"2]\n")
        assert connection.responses[0].text == "2"


async def test_ndjson_over_http() -> None:
    app = App(settings={"limits": {"json": 20}})

    @app.post("/async")
    async def read(request: Request) -> list[object]:
        return [item async for item in request.ndjson()]

    @app.post("/sync")
    def read_in_thread(request: Request) -> list[object]:
        return list(request.sync.ndjson())

    async with Client(app) as client:
        for path in ("/async", "/sync"):
            assert (await client.post(path, content=b'{"a":1}\nnull\n[]')).json() == [{"a": 1}, None, []]
            malformed = await client.post(path, content=b"1\n2\nthree\n")
            assert (malformed.status, malformed.text) == (400, "line 3 is not JSON")
            long = await client.post(path, content=b"1\n" + b"2" * 21)
            assert (long.status, long.text) == (413, "line 2 exceeds 20 bytes")


async def test_ndjson_from_a_page_needs_its_type() -> None:
    def request_of(content_type: str) -> Request:
        headers = [("Origin", "https://a.example"), ("Content-Type", content_type)]
        return make_request("/", method="POST", headers=headers, content=b"1\n")

    with pytest.raises(UnsupportedMediaType, match="send lines of JSON as application/x-ndjson") as caught:
        request_of("text/plain").ndjson()
    assert caught.value.headers["Accept"].startswith("application/x-ndjson, ")
    assert [item async for item in request_of(NDJSON).ndjson()] == [1]
