"""Compressed content of requests: real bytes of each coding, bombs, and content that is cut off."""

from __future__ import annotations

import gzip
import importlib
import os
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec

import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle import App, Plugin, Request, StartupError
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.content_codings import make_decoder
from turnbuckle_contrib.decompress import DecompressPlugin

HAS_BROTLI = find_spec("brotli") is not None
HAS_ZSTD = find_spec("backports.zstd") is not None
TEXT = b"to be or not to be, " * 1000
NOISE = os.urandom(50_000)


def _brotli(content: bytes) -> bytes:
    compressed: bytes = importlib.import_module("brotli").compress(content, quality=5)
    return compressed


def _zstd(content: bytes) -> bytes:
    compressed: bytes = importlib.import_module("backports.zstd").compress(content)
    return compressed


def _raw_deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": _brotli,
    "zstd": _zstd,
}
ALL = [
    "gzip",
    "deflate",
    pytest.param("br", marks=pytest.mark.skipif(not HAS_BROTLI, reason="the extra 'brotli' is missing")),
    pytest.param("zstd", marks=pytest.mark.skipif(not HAS_ZSTD, reason="the extra 'zstd' is missing")),
]


class TestDecompressPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return DecompressPlugin()


class TestDecompressMiddleware(MiddlewareConformance):
    plugin = DecompressPlugin


def _app(*, limit: int = 2**20, **config: object) -> App:
    app = App(plugins=[("decompress", config)], settings={"limits": {"content": limit}})

    @app.post("/")
    async def length(request: Request) -> dict[str, object]:
        content = await request.read()
        fields = [name for name in request.headers if name.startswith("content-")]
        return {"size": len(content), "start": content[:5].decode("latin-1"), "fields": fields}

    @app.post("/json")
    async def read_json(request: Request) -> dict[str, object]:
        return {"got": await request.json(), "length": request.content_length}

    @app.post("/form")
    async def form(request: Request) -> dict[str, object]:
        return dict((await request.form()).items())

    @app.post("/typed")
    async def typed(numbers: dict[str, int]) -> dict[str, int]:
        return numbers

    return app


@cache
def _plain_app() -> App:
    return _app()


async def _post(
    content: bytes | AsyncIterator[bytes], coding: str, path: str = "/", app: App | None = None, **headers: str
) -> ClientResponse:
    async with Client(app or _plain_app()) as client:
        return await client.post(path, content=content, headers={"Content-Encoding": coding, **headers})


@pytest.mark.parametrize("coding", ALL)
@pytest.mark.parametrize("content", [b"", b"a", TEXT, NOISE], ids=["empty", "a byte", "text", "noise"])
async def test_content_is_decompressed(coding: str, content: bytes) -> None:
    response = await _post(COMPRESSORS[coding](content), coding)
    assert response.json() == {"size": len(content), "start": content[:5].decode("latin-1"), "fields": []}


@pytest.mark.parametrize("coding", ALL)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_decoder_takes_any_split(coding: str, size: int) -> None:
    compressed, decoder = COMPRESSORS[coding](TEXT * 20), make_decoder(coding)
    pieces = [
        piece for start in range(0, len(compressed), size) for piece in decoder.decode(compressed[start : start + size])
    ]
    decoder.finish()
    assert b"".join(pieces) == TEXT * 20
    assert max(map(len, pieces)) < 100_000


@pytest.mark.parametrize("coding", ALL)
@settings(max_examples=30)
@given(st.binary(max_size=200), st.integers(0, 60), st.booleans())
def test_decoder_of_any_bytes_only_raises_value_error(coding: str, noise: bytes, cut: int, is_begun: bool) -> None:
    decoder = make_decoder(coding)
    start = COMPRESSORS[coding](b"to be or not to be")[:cut] if is_begun else b""
    with suppress(ValueError):
        size = sum(len(piece) for data in (start, noise) for piece in decoder.decode(data))
        assert size < 10_000_000
        decoder.finish()


async def test_content_is_decompressed_as_it_arrives() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        compressed = gzip.compress(NOISE)
        for start in range(0, len(compressed), 3333):
            yield compressed[start : start + 3333]

    assert (await _post(pieces(), "gzip")).json()["size"] == len(NOISE)


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        pytest.param("x-gzip", gzip.compress(TEXT), id="x-gzip"),
        pytest.param("GZip", gzip.compress(TEXT), id="case"),
        pytest.param("identity", TEXT, id="identity"),
        pytest.param("identity, gzip", gzip.compress(TEXT), id="identity and gzip"),
        pytest.param("deflate", _raw_deflate(TEXT), id="raw deflate"),
        pytest.param("deflate, gzip", gzip.compress(zlib.compress(TEXT)), id="nested"),
        pytest.param("gzip", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:]), id="two members"),
    ],
)
async def test_content_coding_field(coding: str, content: bytes) -> None:
    assert (await _post(content, coding)).json()["size"] == len(TEXT)


@pytest.mark.skipif(not HAS_ZSTD, reason="the extra 'zstd' is missing")
async def test_frames_of_zstd_that_are_skipped_or_follow_each_other() -> None:
    skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    assert (await _post(skipped + _zstd(b"ab") + skipped + _zstd(b"c"), "zstd")).json()["size"] == 3


async def test_json_and_forms_are_read_from_compressed_content() -> None:
    assert (await _post(gzip.compress(b'{"a":1}'), "gzip", "/json")).json() == {"got": {"a": 1}, "length": None}
    form = await _post(
        gzip.compress(b"a=1&b=2"), "gzip", "/form", **{"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert form.json() == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("content", "status", "answer"),
    [
        (gzip.compress(b'{"a": 1}'), 200, '{"a":1}'),
        (b"{}", 400, '"detail":"the content is not valid gzip"'),
        (gzip.compress(b" " * 2_000_000), 413, '"detail":"the content expands to more than 100 times its size"'),
    ],
    ids=["good", "malformed", "bomb"],
)
async def test_typed_parameters_are_read_from_compressed_content(content: bytes, status: int, answer: str) -> None:
    response = await _post(content, "gzip", "/typed", app=_app(limit=2**22), **{"Content-Type": "application/json"})
    assert response.status == status
    assert answer in response.text


@pytest.mark.parametrize("coding", ALL)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-1], id="cut off"),
        pytest.param(lambda content: content[: len(content) // 2], id="half"),
        pytest.param(lambda content: b"\xff" + content, id="another start"),
        pytest.param(lambda content: content + b"garbage", id="more behind the end"),
        pytest.param(lambda content: TEXT, id="not compressed"),
    ],
)
async def test_malformed_content_is_answered_400(coding: str, damage: Callable[[bytes], bytes]) -> None:
    response = await _post(damage(COMPRESSORS[coding](NOISE)), coding)
    assert (response.status, response.text) == (400, f"the content is not valid {coding}")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_checksum_is_compared(coding: str) -> None:
    compressed = COMPRESSORS[coding](NOISE)
    response = await _post(compressed[:100] + b"other" + compressed[105:], coding)
    assert response.status == 400


@pytest.mark.parametrize(
    ("coding", "message"),
    [
        ("compress", "content coding 'compress' is not accepted"),
        ("gzip, nonsense", "content coding 'nonsense' is not accepted"),
        ("gzip, gzip, gzip", "more than 2 content codings"),
    ],
)
async def test_unknown_coding_is_answered_415_with_the_codings(coding: str, message: str) -> None:
    response = await _post(b"abc", coding, app=_app(codings=["gzip", "deflate"]))
    assert (response.status, response.text) == (415, message)
    assert response.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("coding", ALL)
async def test_bomb_is_cut_off_by_its_ratio(coding: str) -> None:
    response = await _post(COMPRESSORS[coding](bytes(5_000_000)), coding, app=_app(limit=2**26))
    assert (response.status, response.text) == (413, "the content expands to more than 100 times its size")


@pytest.mark.parametrize("coding", ALL)
async def test_decompressed_content_has_the_limit_of_content(coding: str) -> None:
    compress = COMPRESSORS[coding]
    app = _app(limit=100_000)
    assert (await _post(compress(bytes(100_000)), coding, app=app)).json()["size"] == 100_000
    assert (await _post(compress(bytes(100_001)), coding, app=app)).status == 413


async def test_ratio_may_be_higher_for_small_content_and_by_its_setting() -> None:
    assert (await _post(gzip.compress(bytes(2**20)), "gzip")).json()["size"] == 2**20
    app = _app(limit=2**22, max_ratio=2000)
    assert (await _post(gzip.compress(bytes(2**22)), "gzip", app=app)).json()["size"] == 2**22


async def test_empty_members_are_bounded() -> None:
    response = await _post(gzip.compress(b"") * 1001, "gzip")
    assert (response.status, response.text) == (400, "the content is not valid gzip")
    assert (await _post(gzip.compress(b"") * 1000, "gzip")).json()["size"] == 0


@pytest.mark.skipif(not HAS_ZSTD, reason="the extra 'zstd' is missing")
async def test_window_of_zstd_is_bounded() -> None:
    zstd = importlib.import_module("backports.zstd")
    content = zstd.compress(bytes(2**25), options={zstd.CompressionParameter.window_log: 25})
    # RFC 9659: 8 MiB.
    assert (await _post(content, "zstd", app=_app(limit=2**26))).status == 400


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"codings": ["gzip", "lzma"]}, "'lzma' is none of the codings gzip, deflate, br, zstd"),
        ({"max_ratio": 0}, "max_ratio must be at least 1, not 0"),
        ({"max_codings": -1}, "max_codings must be at least 1, not -1"),
    ],
)
def test_settings_are_checked(config: dict[str, object], message: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**config).resolve()
    assert message in str(caught.value.problems[0])


def test_coding_without_its_package_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnbuckle_contrib.content_codings.coding_package", lambda coding: None)
    with pytest.raises(StartupError) as caught:
        _app(codings=["br"]).resolve()
    assert "'br' needs pip install 'turnbuckle[brotli]'" in str(caught.value.problems[0])
