"""Tests of ``turnbuckle.http.parser``; what smuggles requests is in ``test_known_attacks.py``."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given, strategies as st

from tests.core.http.parsing import (
    NEXT,
    NEXT_REQUEST,
    SPLITS,
    ParserOutcome,
    Request,
    byte_by_byte,
    cut_at,
    parse,
    parse_accepted,
    parse_refused,
    read_events,
    requests_from,
    whole,
)
from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, RequestHead
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser, H1ParserFactory

Split = Callable[[bytes], list[bytes]]
HOST = (b"host", b"a")
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


def head(method: bytes, *fields: tuple[bytes, bytes], target: bytes = b"/", **derived: object) -> RequestHead:
    return attrs.evolve(RequestHead(method, target, 1, [HOST, *fields]), **derived)


CASES = [
    pytest.param(GET + b"\r\n", head(b"GET"), b"", id="get"),
    pytest.param(b"\r\n" + GET + b"\r\n", head(b"GET"), b"", id="one-empty-line-before"),
    pytest.param(
        b"GET /a%20b~?c=%7E HTTP/1.1\r\nHost: a\r\n\r\n", head(b"GET", target=b"/a%20b~?c=%7E"), b"", id="target"
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: a:8000\r\n\r\n",
        RequestHead(b"GET", b"/", 1, [(b"host", b"a:8000")]),
        b"",
        id="port-in-host",
    ),
    pytest.param(b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", head(b"GET"), b"", id="http-1.2-is-1.1"),
    pytest.param(
        b"GET / HTTP/1.0\r\n\r\n", RequestHead(b"GET", b"/", 0, [], keep_alive=False), b"", id="http-1.0-without-host"
    ),
    pytest.param(
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        RequestHead(b"GET", b"/", 0, [(b"connection", b"keep-alive")]),
        b"",
        id="http-1.0-keep-alive",
    ),
    pytest.param(
        POST + b"Content-Length: 5\r\n\r\nhello",
        head(b"POST", (b"content-length", b"5"), content_length=5),
        b"hello",
        id="content-length",
    ),
    pytest.param(
        POST + b"Content-Length: \t 5 \t\r\n\r\nhello",
        head(b"POST", (b"content-length", b"5"), content_length=5),
        b"hello",
        id="whitespace-around-content-length",
    ),
    pytest.param(
        POST + b"Content-Length: 0\r\n\r\n",
        head(b"POST", (b"content-length", b"0"), content_length=0),
        b"",
        id="content-length-0",
    ),
    pytest.param(POST + b"\r\n", head(b"POST"), b"", id="post-without-content"),
    pytest.param(
        POST + b"Transfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        head(b"POST", (b"transfer-encoding", b"Chunked"), content_length=None),
        b"hello",
        id="chunked",
    ),
    pytest.param(
        POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        head(b"POST", (b"content-length", b"5"), (b"expect", b"100-continue"), content_length=5, expects_continue=True),
        b"hello",
        id="expect",
    ),
    pytest.param(
        GET + b"Connection: close\r\n\r\n", head(b"GET", (b"connection", b"close"), keep_alive=False), b"", id="close"
    ),
    pytest.param(
        GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        head(b"GET", (b"connection", b"Upgrade"), (b"upgrade", b"websocket"), upgrade=b"websocket"),
        b"",
        id="upgrade",
    ),
    pytest.param(
        GET + b"TE: trailers\r\nConnection: TE\r\n\r\n",
        head(b"GET", (b"te", b"trailers"), (b"connection", b"TE")),
        b"",
        id="te",
    ),
    pytest.param(
        POST + b"Content_Length: 50\r\nContent-Length: 5\r\n\r\nhello",
        head(b"POST", (b"content_length", b"50"), (b"content-length", b"5"), content_length=5),
        b"hello",
        id="underscore-is-no-alias",
    ),
    pytest.param(
        GET + b"X-A: caf\xe9\r\nX-Empty:\r\nX-A: 2\r\n\r\n",
        head(b"GET", (b"x-a", b"caf\xe9"), (b"x-empty", b""), (b"x-a", b"2")),
        b"",
        id="fields-in-order",
    ),
    pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", head(b"OPTIONS", target=b"*"), b"", id="asterisk-form"),
    pytest.param(
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", head(b"CONNECT", target=b"a:443"), b"", id="authority-form"
    ),
    pytest.param(
        b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", head(b"GET", target=b"http://a/x"), b"", id="absolute-form"
    ),
    pytest.param(
        GET + b"".join(b"X-H%d: v%d\r\n" % (i, i) for i in range(60)) + b"\r\n",
        head(b"GET", *[(b"x-h%d" % i, b"v%d" % i) for i in range(60)]),
        b"",
        id="sixty-fields",
    ),
]


@pytest.mark.parametrize(("received", "expected", "content"), CASES)
def test_parser(received: bytes, expected: RequestHead, content: bytes) -> None:
    for split in SPLITS:
        assert parse_accepted(received, split) == [Request(expected, content, ())], split.__name__


@pytest.mark.parametrize(
    ("received", "status"),
    [
        pytest.param(b"GET /\r\n\r\n", 400, id="http-0.9"),
        pytest.param(b"GET / \r\nHost: a\r\n\r\n", 400, id="space-instead-of-version"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, id="version-9"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, id="preface-of-http-2"),
        pytest.param(b"GET / HTTP/1\r\nHost: a\r\n\r\n", 400, id="no-minor-version"),
        pytest.param(b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, id="tabs"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="eighth-bit-in-target"),
        pytest.param(b"     \r\n\r\n", 400, id="spaces"),
        pytest.param(b"\x80\x00\x01\x02\x03\xff\xfe\r\n\r\n", 400, id="garbage"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, id="tls-hello"),
        pytest.param(b"\r\n\r\n" + GET + b"\r\n", 400, id="two-empty-lines"),
        pytest.param(b"\n" + GET + b"\r\n", 400, id="line-feed-before"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(b"GET http://a/ HTTP/1.1\r\n\r\n", 400, id="no-host-but-absolute"),
        pytest.param(GET + b"hOST: a\r\n\r\n", 400, id="39-two-hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, id="40-host-with-path"),
        pytest.param(b"GET @a HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="41-target-without-slash"),
        pytest.param(GET + b"GET / HTTP/1.1\r\n\r\n", 400, id="request-line-twice"),
        pytest.param(POST + b"Content-Length: five\r\n\r\nhello", 400, id="length-is-no-number"),
        pytest.param(POST + b"Content-Length: 16777217\r\n\r\n", 413, id="content-too-large"),
        pytest.param(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, id="coding"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, id="chunk-size"),
    ],
)
def test_parser_refuses(received: bytes, status: int) -> None:
    for split in SPLITS:
        assert parse_refused(received, split) == status, split.__name__


@pytest.mark.parametrize("split", [whole, byte_by_byte])
def test_parser_pipelines(split: Split) -> None:
    received = POST + b"Content-Length: 5\r\n\r\nhello" + GET + b"\r\n"
    received += POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-A: 1\r\n\r\n" + GET + b"\r\n"
    outcome = parse(split(received * 5))
    assert outcome.status is None
    assert [(r.head.method, r.content, r.trailers) for r in outcome.requests] == [
        (b"POST", b"hello", ()),
        (b"GET", b"", ()),
        (b"POST", b"hi", ((b"x-a", b"1"),)),
        (b"GET", b"", ()),
    ] * 5


def test_parser_never_runs_ahead() -> None:
    parser = H1Parser(Limits())
    parser.feed(GET + b"\r\n" + b"broken\r\n\r\n")
    assert parser.next_event() == head(b"GET")
    assert parser.next_event() == EndOfMessage()
    assert parser.trailing_data() == b"broken\r\n\r\n"
    assert parser.trailing_data() == b""
    assert parser.next_event() is NEED_DATA


def test_parser_takes_an_empty_line_between_requests() -> None:
    # Some clients send a CRLF after the content that Content-Length does not count.
    received = POST + b"Content-Length: 5\r\n\r\nhello\r\n"
    assert parse([received + NEXT]).requests[1:] == [NEXT_REQUEST]
    assert parse(byte_by_byte(received + NEXT)).requests[1:] == [NEXT_REQUEST]


def test_parser_hands_over_what_follows_an_upgrade() -> None:
    parser = H1Parser(Limits())
    parser.feed(GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85")
    upgrade, end = parser.next_event(), parser.next_event()
    assert isinstance(upgrade, RequestHead)
    assert upgrade.upgrade == b"websocket"
    assert end == EndOfMessage()
    parser.feed(b"rest")
    assert parser.trailing_data() == b"\x81\x85rest"


def test_parser_gives_content_as_it_comes() -> None:
    parser = H1Parser(Limits())
    parser.feed(POST + b"Content-Length: 10\r\n\r\nhello")
    assert isinstance(parser.next_event(), RequestHead)
    assert parser.next_event() == Data(b"hello")
    assert parser.next_event() is NEED_DATA
    parser.feed(b"w")
    assert parser.next_event() == Data(b"w")
    parser.feed(b"orld" + NEXT)
    assert parser.next_event() == Data(b"orld")
    assert parser.next_event() == EndOfMessage()
    assert requests_from(read_events(parser)) == [NEXT_REQUEST]


def test_parser_copies_what_it_is_fed() -> None:
    parser = H1Parser(Limits())
    received = bytearray(GET + b"\r\n")
    parser.feed(received)
    received[:] = bytes(len(received))
    assert parser.next_event() == head(b"GET")


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n", id="an-empty-line"),
        pytest.param(NEXT, id="a-request"),
        pytest.param(NEXT + b"\r\n", id="a-request-and-an-empty-line"),
        pytest.param(POST + b"Content-Length: 2\r\n\r\nhi\r\n", id="content-and-an-empty-line"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked"),
    ],
)
def test_parser_takes_the_end_between_requests(received: bytes) -> None:
    for pieces in (whole(received), byte_by_byte(received)):
        outcome = parse(pieces, eof=True)
        assert outcome.status is None
        assert all(request.trailers == () for request in outcome.requests)


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"G", id="method"),
        pytest.param(b"\r", id="half-an-empty-line"),
        pytest.param(b"\r\nG", id="after-an-empty-line"),
        pytest.param(b"GET / HTTP/1.1\r\n", id="request-line"),
        pytest.param(GET, id="fields"),
        pytest.param(GET + b"\r", id="half-the-end-of-the-head"),
        pytest.param(POST + b"Content-Length: 5\r\n\r\n", id="before-content"),
        pytest.param(POST + b"Content-Length: 5\r\n\r\nhell", id="in-content"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n", id="before-chunks"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5", id="in-a-chunk-size"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhell", id="in-a-chunk"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello", id="before-the-end-of-a-chunk"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", id="between-chunks"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", id="before-trailers"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: 1\r\n", id="in-trailers"),
    ],
)
def test_parser_refuses_the_end_within_a_request(received: bytes) -> None:
    for pieces in (whole(received), byte_by_byte(received)):
        assert parse(pieces).status is None
        assert parse(pieces, eof=True).status == 400


LIMITS = [
    pytest.param(
        Limits(request_line=16),
        b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /aaa HTTP/1.1\r\nHost: a\r\n\r\n",
        414,
        id="request-line",
    ),
    pytest.param(
        Limits(request_line=16),
        b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GETGETGETGETGETGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        id="method",
    ),
    pytest.param(Limits(field_line=7), GET + b"\r\n", GET + b"X: abcde\r\n\r\n", 431, id="field-line"),
    pytest.param(Limits(field_count=2), GET + b"A: 1\r\n\r\n", GET + b"A:\r\nB:\r\n\r\n", 431, id="field-count"),
    pytest.param(Limits(field_count=1), GET + b"\r\n", GET + b"A:\r\n\r\n", 431, id="field-count-1"),
    pytest.param(Limits(header_section=14), GET + b"A:1\r\n\r\n", GET + b"A:12\r\n\r\n", 431, id="header-section"),
    pytest.param(
        Limits(content=5),
        POST + b"Content-Length: 5\r\n\r\nhello",
        POST + b"Content-Length: 6\r\n\r\nhello!",
        413,
        id="content",
    ),
    pytest.param(
        Limits(content=5),
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
        413,
        id="chunked-content",
    ),
]


@pytest.mark.parametrize(("limits", "fits", "breaks", "status"), LIMITS)
def test_parser_keeps_limits(limits: Limits, fits: bytes, breaks: bytes, status: int) -> None:
    for split in SPLITS:
        # The next request exceeds some of these limits and may be refused as well.
        assert [request.trailers for request in parse(split(fits), limits).requests][:1] == [()], split.__name__
        assert parse_refused(breaks, split, limits) == status, split.__name__


@pytest.mark.parametrize(
    ("limits", "received"),
    [
        pytest.param(Limits(request_line=14), GET + b"\r\n", id="request-line"),
        pytest.param(Limits(field_line=7), GET + b"\r\n", id="field-line"),
        pytest.param(Limits(field_count=1), GET + b"\r\n", id="field-count"),
        pytest.param(Limits(header_section=9), GET + b"\r\n", id="header-section"),
        pytest.param(
            Limits(field_count=3, field_line=7), GET + b"A:\r\nB:\r\n\r\n", id="count-of-a-head-that-is-measured"
        ),
        pytest.param(Limits(content=5), POST + b"Content-Length: 5\r\n\r\nhello", id="content"),
        pytest.param(Limits(content=0), POST + b"Content-Length: 0\r\n\r\n", id="no-content"),
    ],
)
def test_parser_accepts_requests_at_the_limit(limits: Limits, received: bytes) -> None:
    for place in range(len(received)):
        assert parse(cut_at(received, [place]), limits).status is None
    assert len(parse_accepted(received, byte_by_byte, limits)) == 1


@pytest.mark.parametrize(
    ("received", "status"),
    [
        pytest.param(b"GET /" + b"a" * 8200, 414, id="request-line"),
        pytest.param(b"M" * 8200, 400, id="method"),
        pytest.param(GET + b"X: " + b"a" * 16400, 431, id="54-field-line"),
        pytest.param(GET + b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 1000, 431, id="header-section"),
        pytest.param(GET + b"".join(b"X: %0100d\r\n" % i for i in range(129)), 431, id="field-count"),
        pytest.param(b"G\x00", 400, id="control"),
        pytest.param(b"GET / HTTP/1.1\n", 400, id="line-feed"),
        pytest.param(b"\x16\x03\x01", 400, id="tls-hello"),
        pytest.param(b"\x80\x9d\x01\x03", 400, id="no-method"),
    ],
)
def test_parser_refuses_a_head_before_its_end(received: bytes, status: int) -> None:
    assert parse([received]).status == status


def test_parser_refuses_content_before_it_comes() -> None:
    assert parse([POST + b"Content-Length: 6\r\n\r\n"], Limits(content=5)).status == 413


@pytest.mark.parametrize("received", [b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 60 + b"X: " + b"a" * 16000])
def test_parser_reads_a_dripping_head_in_linear_time(received: bytes) -> None:
    # Row 55: bytes that were scanned once are not scanned again when the next byte arrives.
    parser = H1Parser(Limits())
    start = time.process_time()
    for piece in byte_by_byte(received):
        parser.feed(piece)
        assert parser.next_event() is NEED_DATA
    assert time.process_time() - start < 1


def first_head(parser: H1Parser, received: bytes) -> RequestHead:
    parser.feed(received)
    event = parser.next_event()
    assert isinstance(event, RequestHead)
    return event


def test_limits_of_one_factory_do_not_mix() -> None:
    factory = H1ParserFactory()
    assert first_head(factory(Limits()), GET + b"\r\n")
    with pytest.raises(ProtocolError):
        first_head(factory(Limits(field_line=3)), GET + b"\r\n")
    with pytest.raises(ProtocolError):
        first_head(factory(Limits(field_count=0)), GET + b"\r\n")
    assert first_head(factory(Limits()), GET + b"\r\n")


@pytest.mark.parametrize("cut_at", range(1, len(GET) + 2))
def test_heads_in_pieces_and_pipelines_leave_nothing_behind(cut_at: int) -> None:
    received = GET + b"\r\n"
    parser = H1Parser(Limits())
    known = first_head(parser, received)
    assert isinstance(parser.next_event(), EndOfMessage)
    parser.feed(received[:cut_at])
    assert parser.next_event() is NEED_DATA
    parser.feed(received[cut_at:])
    assert parser.next_event() == known
    assert isinstance(parser.next_event(), EndOfMessage)
    parser.feed(received + received[:cut_at])
    assert parser.next_event() == known
    assert isinstance(parser.next_event(), EndOfMessage)
    assert parser.next_event() is NEED_DATA
    assert parser.trailing_data() == received[:cut_at]


FIELDS = st.lists(
    st.tuples(st.sampled_from([b"X-A", b"accept", b"COOKIE", b"x"]), st.sampled_from([b"", b"1", b"a, b", b"\xff"])),
    max_size=4,
)
CONTENT = st.binary(max_size=60)


def request(fields: list[tuple[bytes, bytes]], content: bytes, chunks: int) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    if not chunks:
        length = b"Content-Length: %d\r\n" % len(content) if content else b""
        return POST + lines + length + b"\r\n" + content
    pieces = [content[i : i + chunks] for i in range(0, len(content), chunks)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return POST + lines + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


REQUESTS = st.lists(st.tuples(FIELDS, CONTENT, st.integers(0, 9)), min_size=1, max_size=3)
PLACES = st.lists(st.integers(0, 10**6), max_size=10)


@given(REQUESTS, PLACES)
def test_parser_at_any_cut(requests: list[tuple[list[tuple[bytes, bytes]], bytes, int]], places: list[int]) -> None:
    outcome = parse(cut_at(b"".join(request(*parts) for parts in requests), places), eof=True)
    assert outcome.status is None
    assert [r.content for r in outcome.requests] == [content for _, content, _ in requests]
    for got, (fields, _, _) in zip(outcome.requests, requests, strict=True):
        assert list(got.head.fields[1 : len(fields) + 1]) == [(name.lower(), value) for name, value in fields]
        assert got.trailers == ()


TIGHT = st.builds(
    Limits,
    request_line=st.integers(10, 20),
    field_line=st.integers(5, 40),
    header_section=st.integers(5, 60),
    field_count=st.integers(0, 5),
    content=st.integers(0, 60),
    chunk_line=st.integers(0, 3),
)


@given(REQUESTS, PLACES, TIGHT)
def test_limits_apply_equally_at_any_split(
    requests: list[tuple[list[tuple[bytes, bytes]], bytes, int]], places: list[int], limits: Limits
) -> None:
    received = b"".join(request(*parts) for parts in requests)
    at_once, in_pieces = parse([received], limits), parse(cut_at(received, places), limits)
    assert (at_once.status is None) is (in_pieces.status is None)
    if at_once.status is None:
        assert at_once == in_pieces


SEEDS = st.sampled_from(
    [
        GET + b"Accept: */*\r\nX-A: 1\r\n\r\n" + NEXT,
        POST + b"Content-Length: 5\r\n\r\nhello" + NEXT,
        POST + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: 1\r\n\r\n" + NEXT,
        b"GET http://a/ HTTP/1.0\r\nConnection: keep-alive, x\r\n\r\n" + NEXT,
    ]
)
SCRAPS = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b"\0", b":", b" ", b"\t", b"0", b"chunked", b",", b"\xff", b"\x0b", b""]
)
MUTATIONS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 3), SCRAPS | st.binary(max_size=3)), max_size=4)


def mutate(received: bytes, mutations: list[tuple[int, int, bytes]]) -> bytes:
    for place, length, scrap in mutations:
        at = place % (len(received) + 1)
        received = received[:at] + scrap + received[at + length :]
    return received


@given(SEEDS, MUTATIONS, PLACES)
def test_parser_has_one_outcome_for_broken_requests(
    seed: bytes, mutations: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    # Anything but a ProtocolError would escape parse() and fail the test.
    received = mutate(seed, mutations)
    at_once, in_pieces = parse([received], eof=True), parse(cut_at(received, places), eof=True)
    assert complete(at_once) == complete(in_pieces)
    assert (at_once.status is None) is (in_pieces.status is None)


def complete(outcome: ParserOutcome) -> list[Request]:
    """Return the requests without the content of a refused one, which may or may not be delivered before the error."""
    return [r if r.trailers is not None or not outcome.status else r._replace(content=b"") for r in outcome.requests]


@given(st.binary(max_size=80), PLACES)
def test_parser_raises_nothing_but_protocol_errors(received: bytes, places: list[int]) -> None:
    outcome = parse(cut_at(received, places), eof=True)
    assert outcome.status in (None, 400, 413, 414, 431, 501, 505)
