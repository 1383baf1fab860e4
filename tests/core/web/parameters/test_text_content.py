"""Parameters from content that is bytes, plain text, or lines of JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import attrs
import pytest

from turnbuckle import App, Body, SettingsSources, StartupError
from turnbuckle.testing import Client


@attrs.frozen
class Item:
    id: int


app = App(settings={"limits": {"content": 1000, "json": 20}})


@app.post("/bytes")
async def octets(data: Body[bytes]) -> str:
    return f"{len(data)} {type(data).__name__}"


@app.post("/bytes-or-none")
async def octets_or_none(data: Body[bytes | None] = None) -> str:
    return repr(data)


@app.post("/text")
async def text(data: Annotated[str, Body(max_length=3)]) -> str:
    return data


@app.post("/default")
async def default(data: Body[str] = "none") -> str:
    return data


@app.post("/lines")
async def lines(items: AsyncIterator[Item]) -> list[int]:
    return [item.id async for item in items]


@app.post("/marked")
async def marked(items: Body[AsyncIterator[int]]) -> str:
    return str(sum([item async for item in items]))


LINES = {"Content-Type": "application/x-ndjson"}


@pytest.mark.parametrize(
    ("path", "content_type", "content", "status", "answer"),
    [
        pytest.param("/bytes", "image/png", b"\x00\xff", 200, "2 bytes", id="bytes"),
        pytest.param("/bytes", "application/json", b"{}", 200, "2 bytes", id="bytes-of-json"),
        pytest.param("/bytes", "", b"", 200, "0 bytes", id="no-bytes"),
        pytest.param("/bytes", "", b"x" * 1001, 413, "Content Too Large", id="too-many-bytes"),
        pytest.param("/bytes-or-none", "", b"", 200, "None", id="default-for-bytes"),
        pytest.param("/text", "text/plain; charset=latin-1", b"\xfcb", 200, "üb", id="text-in-a-charset"),
        pytest.param("/text", "text/plain", "üb".encode(), 200, "üb", id="text-in-utf-8"),
        pytest.param("/text", "", b"ab", 200, "ab", id="text-without-a-type"),
        pytest.param("/text", "text/plain", b"\xfc", 400, "not valid in its charset", id="not-in-its-charset"),
        pytest.param("/text", "text/plain; charset=rot13", b"a", 400, "unknown charset", id="unknown-charset"),
        pytest.param("/text", "text/plain", b"abcd", 422, "3", id="constraint"),
        pytest.param("/text", "application/json", b'"a"', 415, "not of the type text/plain", id="no-text"),
        pytest.param("/text", "text/plain", b"", 200, "", id="empty-text"),
        pytest.param("/default", "", b"", 200, "none", id="default-for-text"),
        pytest.param("/lines", LINES["Content-Type"], b'{"id":1}\n\n{"id":2}', 200, "[1,2]", id="lines"),
        pytest.param("/lines", "", b"", 200, "[]", id="no-lines"),
        pytest.param("/lines", "", b'{"id":1}\n{"id":"x"}\n', 422, '"line 2: expected int', id="wrong-line"),
        pytest.param("/lines", "", b"\n{\n", 400, '"line 2: not JSON"', id="not-json"),
        pytest.param("/lines", "", b'{"id":%d}\n' % 10**20, 413, "line 1 exceeds 20 bytes", id="long-line"),
        pytest.param("/lines", "application/json", b"[]", 415, "application/jsonl", id="no-lines-of-json"),
        pytest.param("/marked", "", b"1\n2\n", 200, "3", id="marked"),
    ],
)
async def test_content(path: str, content_type: str, content: bytes, status: int, answer: str) -> None:
    async with Client(app) as client:
        headers = {"Content-Type": content_type} if content_type else {}
        response = await client.post(path, content=content, headers=headers)
    assert response.status == status
    assert answer in response.text
    if status == 415:
        assert response.headers["accept"].split(", ")[0] in {"text/plain", "application/x-ndjson"}


async def test_text_with_a_content_coding() -> None:
    async with Client(app) as client:
        response = await client.post("/text", content=b"x", headers={"Content-Encoding": "gzip"})
    assert (response.status, response.headers["accept-encoding"]) == (415, "identity")


async def test_lines_from_a_page_need_their_type() -> None:
    async with Client(app) as client:
        assert (await client.post("/lines", content=b"", headers={"Origin": "https://a.example"})).status == 415


def _plain(items: AsyncIterator[Item]) -> str:
    return ""


async def _with_default(items: AsyncIterator[Item] | None = None) -> str:
    return ""


async def _default(items: AsyncIterator[Item] = ()) -> str:  # type: ignore[assignment]  # the mistake
    return ""


async def _limited_bytes(data: Annotated[bytes, Body(max_length=3)]) -> str:
    return ""


async def _unknown(items: AsyncIterator[Client]) -> str:
    return ""


@pytest.mark.parametrize(
    ("handler", "code", "words"),
    [
        pytest.param(_plain, "TB614", "request.sync.ndjson()", id="plain"),
        pytest.param(_default, "TB614", "'items: AsyncIterator[Item]'", id="default"),
        pytest.param(_limited_bytes, "TB614", 'limits={"content"', id="limited-bytes"),
        pytest.param(_unknown, "TB611", "nothing supplies", id="unknown"),
        pytest.param(_with_default, "TB611", "AsyncIterator[Item]", id="or-none"),
    ],
)
def test_mistakes(handler: object, code: str, words: str) -> None:
    app = App()
    app.post("/")(handler)  # type: ignore[type-var]  # a handler
    with pytest.raises(StartupError) as caught:
        app.resolve(SettingsSources())
    [problem] = caught.value.problems
    assert problem.diagnostic.code == code
    assert words in str(problem)
