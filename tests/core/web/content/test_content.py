"""Tests of ``turnbuckle.web.content.content``."""

import contextlib
import json

import pytest
from hypothesis import given, strategies as st

from tests.core.web.requests import ListSource
from turnbuckle.errors import BadRequest, ContentTooLarge
from turnbuckle.web.content.charsets import decode_text, is_charset
from turnbuckle.web.content.content import ContentReader, decode_json


async def test_read_joins_the_pieces_and_keeps_them() -> None:
    source = ListSource(b"ab", b"c")
    reader = ContentReader(source)
    assert await reader.read() == b"abc"
    assert await reader.read() == b"abc"
    assert source.calls == 3


async def test_stream_yields_pieces_as_they_come() -> None:
    source = ListSource(b"ab", b"c")
    stream = ContentReader(source).stream()
    assert await anext(stream) == b"ab"
    assert source.calls == 1
    assert [piece async for piece in stream] == [b"c"]


async def test_stream_after_read_comes_from_memory() -> None:
    reader = ContentReader(ListSource(b"ab", b"c"))
    await reader.read()
    assert [piece async for piece in reader.stream()] == [b"abc"]
    assert [piece async for piece in reader.stream()] == [b"abc"]


async def test_stream_after_reading_nothing_yields_nothing() -> None:
    reader = ContentReader(ListSource())
    assert await reader.read() == b""
    assert [piece async for piece in reader.stream()] == []


async def test_content_is_streamed_once() -> None:
    reader = ContentReader(ListSource(b"ab", b"c"))
    await anext(reader.stream())
    with pytest.raises(RuntimeError, match="can be read only once"):
        await anext(reader.stream())
    with pytest.raises(RuntimeError, match="can be read only once"):
        await reader.read()


async def test_read_passes_on_the_limit() -> None:
    with pytest.raises(ContentTooLarge):
        await ContentReader(ListSource(b"abc", b"def", limit=5)).read()


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        pytest.param("é".encode(), "utf-8", "é", id="utf-8"),
        pytest.param(b"\xe9", "ISO-8859-1", "é", id="latin-1"),
        pytest.param(b"\xe9", "Windows_1252", "é", id="underscore"),
        pytest.param("é".encode("utf-16"), "utf-16", "é", id="utf-16"),
    ],
)
def test_decode_text(content: bytes, charset: str, text: str) -> None:
    assert decode_text(content, charset) == text


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        pytest.param(b"\xff", "utf-8", id="not utf-8"),
        pytest.param(b"abc", "klingon", id="unknown"),
        pytest.param(b"x\x9cK\x04\x00\x00b\x00b", "zlib", id="no charset but a codec"),
        pytest.param(b"abc", "rot13", id="no bytes"),
        pytest.param(b"abc", "unicode_escape", id="python alone"),
        pytest.param(b"abc", "utf\x00-8", id="NUL"),
        pytest.param(b"abc", "utf-8\n", id="newline"),
        pytest.param(b"abc", "", id="empty"),
    ],
)
def test_decode_text_refuses(content: bytes, charset: str) -> None:
    with pytest.raises(BadRequest, match="400"):
        decode_text(content, charset)


CHARSETS = """
    utf-8 utf8 UTF-16LE utf-32 ascii us-ascii latin1 latin-1 iso-8859-15 windows-1250 cp1252 koi8-r koi8_u euc-jp
    euc-kr shift_jis iso-2022-jp iso-2022-kr gb2312 gbk gb18030 big5
"""


@pytest.mark.parametrize("name", CHARSETS.split())
def test_charsets_are_known_to_python(name: str) -> None:
    assert is_charset(name)
    assert decode_text(b"", name) == ""


@pytest.mark.parametrize(
    ("content", "value"),
    [
        pytest.param(b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}, id="object"),
        pytest.param('"é"'.encode(), "é", id="utf-8"),
        pytest.param(b"\xef\xbb\xbf1", 1, id="byte order mark"),
        pytest.param(b' "a" \r\n', "a", id="whitespace"),
    ],
)
def test_decode_json(content: bytes, value: dict[str, list[bool | float | int | None]] | int | str) -> None:
    assert decode_json(content) == value


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="open"),
        pytest.param(b"{'a': 1}", id="quotes"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"[-Infinity]", id="infinity"),
        pytest.param(b'"\xff"', id="not utf-8"),
        pytest.param('"a"'.encode("utf-16"), id="utf-16"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b"1" * 5_000, id="thousands of digits"),
        pytest.param(b"1 2", id="two values"),
    ],
)
def test_decode_json_refuses(content: bytes) -> None:
    with pytest.raises(BadRequest, match="the content is not JSON"):
        decode_json(content)


@given(st.binary())
def test_decode_json_refuses_or_decodes(content: bytes) -> None:
    with contextlib.suppress(BadRequest):
        value = decode_json(content)
        assert decode_json(json.dumps(value).encode()) == value
