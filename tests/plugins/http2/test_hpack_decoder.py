"""The decoder of the engine ``hpack`` reads every block as the decoder of the library does."""

from __future__ import annotations

import pytest
from hpack import Decoder, Encoder, HPACKError
from hypothesis import given, settings, strategies as st

from tests.plugins.http2.frames import block
from turnbuckle_plugins.http2.engine.errors import ConnectionFault
from turnbuckle_plugins.http2.engine.frames import ErrorCode
from turnbuckle_plugins.http2.engine.hpack_decoder import HpackDecoder

_MAX_SIZE = 65536
_names = st.sampled_from([b":path", b":method", b"accept", b"cookie", b"x", b"x-long-name" * 12])
_values = st.sampled_from([b"", b"GET", b"/", b"gzip, deflate", b"v" * 200]) | st.binary(max_size=40)
_fields = st.lists(st.tuples(_names, _values), max_size=12)


@st.composite
def _blocks(draw: st.DrawFn) -> list[bytes]:
    """Draw the blocks of one connection, some of them damaged."""
    encoder = Encoder()
    blocks = []
    for fields in draw(st.lists(_fields, min_size=1, max_size=6)):
        if draw(st.booleans()):
            encoder.header_table_size = draw(st.sampled_from([0, 60, 200, 4096]))
        encoded = bytearray(encoder.encode(fields, huffman=draw(st.booleans())))
        for _ in range(draw(st.integers(0, 2)) if encoded else 0):
            encoded[draw(st.integers(0, len(encoded) - 1))] = draw(st.integers(0, 255))
        blocks.append(bytes(encoded))
    return blocks


def _read(decoder: Decoder, encoded: bytes) -> list[tuple[bytes, bytes]] | None:
    try:
        return [(name, value) for name, value in decoder.decode(encoded, raw=True)]
    except HPACKError:
        return None


@given(_blocks() | st.lists(st.binary(max_size=40), max_size=4))
@settings(max_examples=200)
def test_blocks_are_read_as_by_the_library(blocks: list[bytes]) -> None:
    library, decoder = Decoder(max_header_list_size=2 * _MAX_SIZE), HpackDecoder(_MAX_SIZE)
    for encoded in blocks:
        expected = _read(library, encoded)
        try:
            found = decoder._decode(encoded)
        except ConnectionFault:
            found = None

        assert found == expected
        if expected is None:
            # The connection ends.
            return


def test_field_section_that_is_far_too_large_is_read_no_further() -> None:
    decoder = HpackDecoder(1000)
    assert len(decoder._decode(block([(b"x", b"y")] * 58))) == 58
    with pytest.raises(ConnectionFault) as caught:
        decoder._decode(block([(b"x", b"y")] * 60))

    assert caught.value.code is ErrorCode.ENHANCE_YOUR_CALM
