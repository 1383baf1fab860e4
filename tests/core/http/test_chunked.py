"""Tests of ``turnbuckle.http.chunked``."""

import pytest
from hypothesis import given, strategies as st

from tests.core.http.parsing import byte_by_byte, cut_at, whole
from turnbuckle.errors import ProtocolError
from turnbuckle.http.chunked import ChunkedReader
from turnbuckle.http.limits import Limits

REST = b"GET / HTTP/1.1\r\n"


def read_all(pieces: list[bytes], limits: Limits | None = None) -> tuple[ChunkedReader, bytes, bytes]:
    """Read chunks as a parser does, and return the reader, the content and the remaining bytes."""
    reader, content, buffer = ChunkedReader(limits or Limits()), b"", b""
    for piece in pieces:
        buffer += piece
        position, data = 0, b"first"
        while data:
            data, position = reader.read(buffer, position)
            content += data
        buffer = buffer[position:]
    return reader, content, buffer


def ways(received: bytes) -> list[list[bytes]]:
    return [whole(received), byte_by_byte(received), whole(received + REST)]


@pytest.mark.parametrize(
    ("received", "content", "trailers"),
    [
        pytest.param(b"0\r\n\r\n", b"", [], id="empty"),
        pytest.param(b"5\r\nhello\r\n0\r\n\r\n", b"hello", [], id="one-chunk"),
        pytest.param(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello", [], id="two-chunks"),
        pytest.param(b"0005\r\nhello\r\n000\r\n\r\n", b"hello", [], id="zeros"),
        pytest.param(b"A\r\n" + b"x" * 10 + b"\r\n0\r\n\r\n", b"x" * 10, [], id="upper-case"),
        pytest.param(b"a\r\n" + b"x" * 10 + b"\r\n0\r\n\r\n", b"x" * 10, [], id="lower-case"),
        pytest.param(b'5;a;b=c;d="e\\"f"\r\nhello\r\n0;z\r\n\r\n', b"hello", [], id="extensions"),
        pytest.param(b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n", [], id="content-is-a-line-end"),
        pytest.param(b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n", [], id="content-is-an-end"),
        pytest.param(b"1\r\nx\r\n" * 500 + b"0\r\n\r\n", b"x" * 500, [], id="500-chunks"),
        pytest.param(b"0\r\nX-A: 1\r\nx-b:2\r\n\r\n", b"", [(b"x-a", b"1"), (b"x-b", b"2")], id="trailers"),
        pytest.param(
            b"0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: b\r\nConnection: close\r\nX-A: 1\r\n\r\n",
            b"",
            [(b"x-a", b"1")],
            id="23-framing-fields-in-trailers-are-dropped",
        ),
    ],
)
def test_chunked_reader(received: bytes, content: bytes, trailers: list[tuple[bytes, bytes]]) -> None:
    for pieces in ways(received):
        reader, got, rest = read_all(pieces)
        assert (got, reader.is_done, list(reader.received_trailers())) == (content, True, trailers)
        assert rest == (REST if pieces == whole(received + REST) else b"")


@pytest.mark.parametrize(
    ("received", "status"),
    [
        pytest.param(b"0x5\r\nhello\r\n0\r\n\r\n", 400, id="5-prefix"),
        pytest.param(b"+5\r\nhello\r\n0\r\n\r\n", 400, id="5-plus"),
        pytest.param(b"-5\r\nhello\r\n0\r\n\r\n", 400, id="5-minus"),
        pytest.param(b"0_5\r\nhello\r\n0\r\n\r\n", 400, id="5-underscore"),
        pytest.param(b" 5\r\nhello\r\n0\r\n\r\n", 400, id="space-before"),
        pytest.param(b"\r\n5\r\nhello\r\n0\r\n\r\n", 400, id="empty-line"),
        pytest.param(b"5\r\n\r\nhello\r\n0\r\n\r\n", 400, id="shifted-by-an-empty-line"),
        pytest.param(b"10000000000000005\r\nhello\r\n0\r\n\r\n", 400, id="9-beyond-64-bits"),
        pytest.param(b"f" * 16 + b"\r\nhello\r\n0\r\n\r\n", 413, id="9-64-bits"),
        pytest.param(b"100000005\r\nhello\r\n0\r\n\r\n", 413, id="9-beyond-32-bits"),
        pytest.param(b"5\r\nhelloXX0\r\n\r\n", 400, id="17-any-end"),
        pytest.param(b"5\r\nhello\rX0\r\n\r\n", 400, id="17-half-an-end"),
        pytest.param(b"5\r\nhello\n0\r\n\r\n", 400, id="17-line-feed-alone"),
        pytest.param(b"5\r\nhelloo\r\n0\r\n\r\n", 400, id="chunk-too-long"),
        pytest.param(b"5\nhello\r\n0\r\n\r\n", 400, id="18-line-feed-ends-the-size"),
        pytest.param(b"5;a\nhello\r\n0\r\n\r\n", 400, id="18-line-feed-ends-an-extension"),
        pytest.param(b"5\rXhello\r\n0\r\n\r\n", 400, id="19-cr-and-anything"),
        pytest.param(b'5;a="b\r\nhello\r\n0\r\n\r\n', 400, id="20-open-quote"),
        pytest.param(b"5;a\x00b\r\nhello\r\n0\r\n\r\n", 400, id="nul-in-extension"),
        pytest.param(b"5;@{}\r\nhello\r\n0\r\n\r\n", 400, id="extension-is-no-token"),
        pytest.param(b"5;" + b"a" * 300 + b"\r\nhello\r\n0\r\n\r\n", 400, id="21-long-extension"),
        pytest.param(b"5;" + b"a" * 300, 400, id="21-long-extension-without-an-end"),
        pytest.param((b"1;" + b"a" * 200 + b"\r\nx\r\n") * 30 + b"0\r\n\r\n", 400, id="21-many-extensions"),
        pytest.param(b"0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="22-request-as-trailers"),
        pytest.param(b"0\r\nX-A : 1\r\n\r\n", 400, id="space-before-a-trailer-colon"),
        pytest.param(b"0\r\n X-A: 1\r\n\r\n", 400, id="folded-trailer"),
        pytest.param(b"0\r\nX-A: \x00\r\n\r\n", 400, id="nul-in-trailer"),
        pytest.param(b"0\r\nX-A: 1\nX-B: 2\r\n\r\n", 400, id="line-feed-in-trailers"),
        pytest.param(b"0\r\n" + b"X-T: aaaaaaaaaaaaaaaa\r\n" * 30000 + b"\r\n", 431, id="23-many-trailers"),
        pytest.param(b"0\r\nX-T: " + b"a" * 200000, 431, id="23-long-trailer"),
    ],
)
def test_chunked_reader_refuses(received: bytes, status: int) -> None:
    for pieces in (whole(received), byte_by_byte(received[:20000]), whole(received + REST)):
        with pytest.raises(ProtocolError) as caught:
            read_all(pieces)
        assert caught.value.status == status


@pytest.mark.parametrize(
    ("limits", "fits", "breaks", "status"),
    [
        pytest.param(
            Limits(chunk_line=3), b"5;a\r\nhello\r\n0\r\n\r\n", b"5;ab\r\nhello\r\n0\r\n\r\n", 400, id="chunk-line"
        ),
        pytest.param(
            Limits(chunk_extensions=4),
            b"1;a\r\nx\r\n0;b\r\n\r\n",
            b"1;a\r\nx\r\n0;bc\r\n\r\n",
            400,
            id="chunk-extensions",
        ),
        pytest.param(
            Limits(content=5),
            b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            b"2\r\nhe\r\n4\r\nllo!\r\n0\r\n\r\n",
            413,
            id="content",
        ),
        pytest.param(
            Limits(trailer_section=14),
            b"0\r\nX-A: 1\r\nB: 2\r\n\r\n",
            b"0\r\nX-A: 1\r\nBB: 2\r\n\r\n",
            431,
            id="trailer-section",
        ),
        pytest.param(
            Limits(trailer_count=2),
            b"0\r\nA: 1\r\nB: 2\r\n\r\n",
            b"0\r\nA: 1\r\nB: 2\r\nC:\r\n\r\n",
            431,
            id="trailer-count",
        ),
        pytest.param(
            Limits(chunk_count=3),
            b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
            b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n",
            400,
            id="chunk-count",
        ),
        pytest.param(Limits(content=0), b"0\r\n\r\n", b"1\r\nx\r\n0\r\n\r\n", 413, id="no-content"),
        pytest.param(Limits(trailer_count=0), b"0\r\n\r\n", b"0\r\nA: 1\r\n\r\n", 431, id="no-trailers"),
    ],
)
def test_chunked_reader_keeps_limits(limits: Limits, fits: bytes, breaks: bytes, status: int) -> None:
    for pieces in ways(fits):
        assert read_all(pieces, limits)[0].is_done
    for pieces in ways(breaks):
        with pytest.raises(ProtocolError) as caught:
            read_all(pieces, limits)
        assert caught.value.status == status


def test_chunked_reader_refuses_a_large_chunk_before_its_content() -> None:
    with pytest.raises(ProtocolError) as caught:
        ChunkedReader(Limits(content=5)).read(b"6\r\n", 0)
    assert caught.value.status == 413


def test_chunked_reader_counts_dropped_trailers() -> None:
    received = b"0\r\n" + b"Host: a\r\n" * 3 + b"\r\n"
    with pytest.raises(ProtocolError) as caught:
        read_all([received], Limits(trailer_count=2))
    assert caught.value.status == 431


def test_chunked_reader_limits_the_chunks_of_one_call() -> None:
    # Row 56: a million tiny chunks in one buffer must not be read in one call.
    received = b"1\r\nx\r\n" * 1000
    data, position = ChunkedReader(Limits()).read(received, 0)
    assert len(data) < 100
    assert position < 600


def test_chunked_reader_starts_at_the_given_position() -> None:
    assert ChunkedReader(Limits()).read(b"ignored5\r\nhello", 7) == (b"hello", 15)


PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@given(PIECES, st.lists(st.integers(0, 10**6), max_size=8))
def test_chunked_reader_at_any_cut(chunks: list[bytes], places: list[int]) -> None:
    received = b"".join(b"%x;n=v\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nX-A: 1\r\n\r\n" + REST
    reader, content, rest = read_all(cut_at(received, places))
    assert (content, reader.is_done, rest) == (b"".join(chunks), True, REST)
    assert reader.received_trailers() == ((b"x-a", b"1"),)


NEAR = st.lists(st.sampled_from([b"5", b"0", b"\r\n", b"\r", b"\n", b";", b"a", b'"', b"hello", b"X: y", b" "]))


@given(st.binary(max_size=40) | NEAR.map(b"".join))
def test_chunked_reader_has_one_outcome_at_any_split(received: bytes) -> None:
    outcomes = []
    for pieces in (whole(received), byte_by_byte(received)):
        try:
            reader, content, _ = read_all(pieces)
        except ProtocolError:
            outcomes.append(None)
        else:
            outcomes.append((content, reader.is_done, list(reader.trailers)))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"x", id="no-size"),
        pytest.param(b"5\n", id="lf-in-a-chunk-line"),
        pytest.param(b"5;a\rb", id="cr-in-a-chunk-line"),
        pytest.param(b"5\r\nhello\r\n0\r\nX: a\n", id="lf-in-a-trailer"),
        pytest.param(b"0\r\n\n", id="lf-for-the-last-line"),
    ],
)
def test_chunked_reader_refuses_a_broken_line_before_its_end(received: bytes) -> None:
    for pieces in (whole(received), byte_by_byte(received)):
        with pytest.raises(ProtocolError) as caught:
            read_all(pieces)
        assert caught.value.status == 400
