"""The encoder of responses, and both decoders of requests."""

from __future__ import annotations

import pytest
from hpack import Decoder, Encoder, NeverIndexedHeaderTuple

from turnbuckle_plugins.http2.engine import field_codec
from turnbuckle_plugins.http2.engine.errors import ConnectionFault, StreamFault
from turnbuckle_plugins.http2.engine.field_codec import DecoderFactory, FieldEncoder
from turnbuckle_plugins.http2.engine.frames import ErrorCode
from turnbuckle_plugins.http2.engine.hpack_decoder import HpackDecoder
from turnbuckle_plugins.http2.engine.zttp_decoder import ZttpDecoder

both = pytest.mark.parametrize("make", [HpackDecoder, ZttpDecoder])
GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"a"), (b":path", b"/x?y=1")]


def test_encoder_repeats_fields_as_one_byte() -> None:
    encoder, decoder = FieldEncoder(), Decoder()
    fields = [
        (b"content-type", b"text/x-%d" % id(encoder)),
        (b"content-length", b"5"),
        (b"x-test", b"%d" % id(encoder)),
    ]
    sizes = []
    for _ in range(4):
        block = encoder.encode_response(200, fields)
        sizes.append(len(block))
        assert decoder.decode(block, raw=True) == [(b":status", b"200"), *fields]
    assert sizes[0] >= sizes[1] > sizes[2] + 10
    assert sizes[2] == sizes[3]


def test_encoder_keeps_the_table_of_the_client() -> None:
    encoder, decoder = FieldEncoder(), Decoder()
    for table in (4096, 0, 100, 70, 4096):
        encoder.limit_table(table)
        for number in range(30):
            fields = [(b"x-number", b"%d" % (number % 3)), (b"x-long", b"long" * (number % 2) * 10), (b"date", b"now")]
            block = encoder.encode_response(404, fields)
            assert decoder.decode(block, raw=True) == [(b":status", b"404"), *fields]
    assert decoder.decode(encoder.encode_trailers([(b"x-sum", b"1")]), raw=True) == [(b"x-sum", b"1")]


@both
def test_decoder_returns_a_request(make: DecoderFactory) -> None:
    decoder, encoder = make(65536), Encoder()
    more = [
        (b"cookie", b"a=1"),
        (b"x-test", b"1"),
        (b"cookie", b"b=2"),
        (b"content-length", b"7"),
        (b"priority", b"u=1"),
    ]
    for number in range(5):
        stream = 2 * number + 1
        request = decoder.request(stream, encoder.encode(GET + more), ends=False)
        assert (request.method, request.target, request.content_length) == (b"GET", b"/x?y=1", 7)
        assert request.fields[0] == (b"host", b"a")
        assert (b"cookie", b"a=1; b=2") in request.fields
        assert (b"x-test", b"1") in request.fields
        assert request.priority == b"u=1"
        decoder.release(stream, may_continue=False)


@both
def test_decoder_does_not_mistake_a_block_after_a_change_of_the_table(make: DecoderFactory) -> None:
    decoder, encoder = make(65536), Encoder()
    # Only x-a and x-b enter the table.
    get = [NeverIndexedHeaderTuple(name, value) for name, value in GET]
    decoder.request(1, encoder.encode([*get, (b"x-a", b"1")]), ends=True)
    block = encoder.encode([*get, (b"x-a", b"1")])
    assert (b"x-a", b"1") in decoder.request(3, block, ends=True).fields
    assert (b"x-a", b"1") in decoder.request(5, block, ends=True).fields
    # Now the index of x-a means another field.
    decoder.request(7, encoder.encode([*get, (b"x-b", b"2")]), ends=True)
    assert (b"x-b", b"2") in decoder.request(9, block, ends=True).fields
    encoder.header_table_size = 0
    decoder.request(11, encoder.encode(get), ends=True)
    with pytest.raises(ConnectionFault):
        decoder.request(13, block, ends=True)


@both
def test_decoder_reads_trailers_of_streams_that_were_reset_too(make: DecoderFactory) -> None:
    decoder, encoder = make(65536), Encoder()
    decoder.request(1, encoder.encode([*GET, (b"te", b"trailers")]), ends=False)
    assert decoder.trailers(1, encoder.encode([(b"x-sum", b"1")])) == ((b"x-sum", b"1"),)
    decoder.request(3, encoder.encode(GET), ends=False)
    decoder.release(3, may_continue=True)
    decoder.skip(3, encoder.encode([(b"x-sum", b"2")]))
    decoder.skip(5, encoder.encode([*GET, (b"x-sum", b"3")]))
    assert (b"x-sum", b"3") in decoder.request(7, encoder.encode([*GET, (b"x-sum", b"3")]), ends=True).fields


MALFORMED = [
    pytest.param(GET[:3], id="no path"),
    pytest.param([*GET, (b":path", b"/")], id="two paths"),
    pytest.param([*GET[:3], (b":path", b"")], id="empty path"),
    pytest.param([*GET, (b":status", b"200")], id="pseudo-header of responses"),
    pytest.param([(b"x-a", b"1"), *GET], id="pseudo-header after a field"),
    pytest.param([*GET, (b"X-A", b"1")], id="upper case"),
    pytest.param([*GET, (b"x a", b"1")], id="space in a name"),
    pytest.param([*GET, (b"x-a", b"1\r\ny: 2")], id="CR LF"),
    pytest.param([*GET, (b"x-a", b"1\0")], id="NUL"),
    pytest.param([*GET, (b"connection", b"close")], id="connection"),
    pytest.param([*GET, (b"transfer-encoding", b"chunked")], id="transfer-encoding"),
    pytest.param([*GET, (b"upgrade", b"h2c")], id="upgrade"),
    pytest.param([*GET, (b"te", b"gzip")], id="te"),
    pytest.param([*GET, (b"host", b"b")], id="another host"),
    pytest.param([*GET, (b"content-length", b"1"), (b"content-length", b"2")], id="two lengths"),
    pytest.param([*GET, (b"content-length", b"+1")], id="signed length"),
    pytest.param([*GET, (b":protocol", b"websocket")], id="protocol without CONNECT"),
    pytest.param([(b":method", b"CONNECT"), (b":path", b"/"), (b":authority", b"a")], id="CONNECT with a path"),
]


@both
@pytest.mark.parametrize("fields", MALFORMED)
def test_decoder_refuses_malformed_requests(make: DecoderFactory, fields: list[tuple[bytes, bytes]]) -> None:
    decoder, encoder = make(65536), Encoder()
    block = encoder.encode([NeverIndexedHeaderTuple(name, value) for name, value in fields], huffman=False)
    with pytest.raises(StreamFault) as caught:
        decoder.request(1, block, ends=False)
    assert caught.value.code is ErrorCode.PROTOCOL_ERROR
    assert decoder.request(3, encoder.encode(GET), ends=True).target == b"/x?y=1"


@both
def test_decoder_reads_an_extended_connect(make: DecoderFactory) -> None:
    fields = [(b":method", b"CONNECT"), (b":protocol", b"websocket"), *GET[1:]]
    request = make(65536).request(1, Encoder().encode(fields), ends=False)
    assert (request.method, request.protocol, request.target) == (b"CONNECT", b"websocket", b"/x?y=1")


@both
@pytest.mark.parametrize(
    "block", [b"\x80", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x40\x81\xff\x81\xff", b"\x3f\xe2\x3f"]
)
def test_decoder_ends_the_connection_for_a_block_that_cannot_be_decoded(make: DecoderFactory, block: bytes) -> None:
    with pytest.raises(ConnectionFault) as caught:
        make(65536).request(1, block, ends=True)
    assert caught.value.code is ErrorCode.COMPRESSION_ERROR


@both
def test_decoder_stops_at_a_field_section_that_is_far_too_large(make: DecoderFactory) -> None:
    # One entry of the table, of 4000 bytes, and one byte for each repetition.
    bomb = b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 1000
    with pytest.raises(ConnectionFault) as caught:
        make(65536).request(1, bomb, ends=True)
    assert caught.value.code is ErrorCode.ENHANCE_YOUR_CALM


def test_zttp_decoder_lasts_longer_than_a_connection_of_zttp() -> None:
    decoder = ZttpDecoder(65536)
    encoder = Encoder()
    for number in range(12000):
        if decoder.is_worn:
            decoder.renew()
            encoder.header_table_size = 0
            encoder.header_table_size = 4096
        request = decoder.request(2 * number + 1, encoder.encode([*GET, (b"x-n", b"%d" % (number % 7))]), ends=True)
        assert request.fields[1] == (b"x-n", b"%d" % (number % 7))


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param((b"x-api-key", b"k3y-0f-a-user"), id="secret"),
        pytest.param((b"location", b"/reset?token=k3y"), id="url"),
        pytest.param((b"x-long", b"v" * 5000), id="long"),
    ],
)
def test_secrets_and_long_values_are_stored_in_no_table(pair: tuple[bytes, bytes]) -> None:
    encoder, decoder = FieldEncoder(), Decoder()
    for _ in range(3):
        block = encoder.encode_trailers([pair])
        (found,) = decoder.decode(block, raw=True)
        assert (found[0], found[1]) == pair
        # A literal that is never indexed (RFC 7541, section 6.2.3).
        assert block[0] & 0xF0 == 0x10
    assert pair not in field_codec._literals
    assert not decoder.header_table.dynamic_entries


@pytest.mark.parametrize(("size", "is_stored"), [(100, True), (5000, False)])
def test_decoder_stores_no_large_request(size: int, is_stored: bool) -> None:
    decoder = HpackDecoder(65536)
    fields = [NeverIndexedHeaderTuple(b"x-test", b"v" * size)]
    block = Encoder().encode([*(NeverIndexedHeaderTuple(*pair) for pair in GET), *fields], huffman=False)
    for _ in range(3):
        decoder.request(1, block, ends=True)
    assert bool(decoder._stored) is is_stored
