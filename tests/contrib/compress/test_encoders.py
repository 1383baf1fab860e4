"""Encoders: their output is decoded by the libraries and by our own decoders, at any cut."""

from __future__ import annotations

import gzip
import importlib
import zlib
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle_contrib.compress.encoders import EncoderOptions, make_encoder
from turnbuckle_contrib.content_codings import make_decoder

CODINGS = [
    "gzip",
    pytest.param("br", marks=pytest.mark.skipif(find_spec("brotli") is None, reason="needs 'brotli'")),
    pytest.param("zstd", marks=pytest.mark.skipif(find_spec("backports.zstd") is None, reason="needs 'zstd'")),
]
INSTALLED = [getattr(coding, "values", [coding])[0] for coding in CODINGS]


def _decode(coding: str, content: bytes) -> bytes:
    decoder = make_decoder(coding)
    decoded = b"".join(decoder.decode(content))
    decoder.finish()
    return decoded


@pytest.mark.parametrize("coding", CODINGS)
@given(pieces=st.lists(st.binary(max_size=200)), is_live=st.booleans(), flushes=st.booleans(), level=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_output_is_decoded(coding: str, pieces: list[bytes], is_live: bool, flushes: bool, level: int) -> None:
    encoder = make_encoder(coding, EncoderOptions(level=level, is_live=is_live))
    output = b"".join(encoder.encode(piece) + (encoder.flush() if flushes else b"") for piece in pieces)
    assert _decode(coding, output + encoder.finish()) == b"".join(pieces)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("is_live", [False, True])
def test_flushed_output_has_all_that_was_encoded(coding: str, is_live: bool) -> None:
    encoder = make_encoder(coding, EncoderOptions(level=4, is_live=is_live))
    decoder = make_decoder(coding)
    for piece in (b"first", b"second " * 10_000, b"x"):
        assert b"".join(decoder.decode(encoder.encode(piece) + encoder.flush())) == piece


@pytest.mark.parametrize("coding", ["gzip", CODINGS[2]])
@pytest.mark.parametrize("content", [b"", b"a", b"some content " * 1000])
def test_padding_has_a_random_length_and_is_skipped(coding: str, content: bytes) -> None:
    sizes = set()
    for _ in range(50):
        encoder = make_encoder(coding, EncoderOptions(level=3, padding=100))
        output = encoder.encode(content) + encoder.finish()
        assert _decode(coding, output) == content
        sizes.add(len(output))
    assert len(sizes) > 10
    assert max(sizes) - min(sizes) <= 110


def test_other_decoders_skip_the_padding() -> None:
    for _ in range(10):
        encoder = make_encoder("gzip", EncoderOptions(level=3, padding=100))
        output = encoder.encode(b"content" * 100) + encoder.finish()
        assert gzip.decompress(output) == zlib.decompress(output, 31) == b"content" * 100


@pytest.mark.skipif(find_spec("backports.zstd") is None, reason="needs 'zstd'")
@pytest.mark.parametrize("level", [1, 3, 19])
def test_window_of_zstd_is_one_that_browsers_accept(level: int) -> None:
    # RFC 9659: 8 MiB.
    zstd: Any = importlib.import_module("backports.zstd")
    encoder = make_encoder("zstd", EncoderOptions(level=level))
    output = b"".join(encoder.encode(bytes([number]) * 2**20) for number in range(20)) + encoder.finish()
    decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})
    assert len(decompressor.decompress(output)) == 20 * 2**20
