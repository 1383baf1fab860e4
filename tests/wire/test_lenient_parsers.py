"""The connection does not take a parser's word for the framing: with any parser, one request stays one.

Bytes that are ambiguous, with another request behind them that an attacker would like to have served, are sent to a
server whose parser reads them wrongly. Each is stopped with an error and the end of the connection, and the request
behind it is never answered.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire import lenient
from tests.wire.cases import NEXT, Case, chunked, fields, head, kept, post
from tests.wire.lenient import LENIENT, Careless
from tests.wire.serving import make_app
from turnbuckle import Limits
from turnbuckle.testing import Client, RawExchange

CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


async def served(parser: type[Careless], data: bytes, limits: Limits | None = None) -> RawExchange:
    async with Client(make_app(parser=parser), limits=limits, raise_exceptions=False) as client:
        return await client.raw(data)


def check_stopped(exchange: RawExchange, *statuses: int) -> None:
    """Fail unless the one answer is an error that ends the connection."""
    assert exchange.statuses[-1] in statuses, exchange.statuses
    assert len(exchange.statuses) == 1, exchange.statuses
    assert exchange.is_closed
    assert exchange.responses[-1].headers["connection"] == "close"
    assert b"next" not in exchange.received


STOPPED = [
    pytest.param(Careless, post(b"Content-Length: 6", b"Transfer-Encoding: chunked", content=b"0\r\n\r\nX"), id="both"),
    pytest.param(
        lenient.LengthWinsOverCoding,
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked", content=b"0\r\n\r\n"),
        id="length-wins-over-coding",
    ),
    pytest.param(Careless, post(b"Content-Length: 0", b"Content-Length: 5", content=b"hello"), id="last-length-wins"),
    pytest.param(
        lenient.FirstLengthWins,
        post(b"Content-Length: 0", b"Content-Length: %d" % len(NEXT)),
        id="first-length-wins",
    ),
    pytest.param(
        lenient.HidesTheOtherLength,
        post(b"Content-Length: 5", b"Content-Length: 0", content=b"hello"),
        id="hides-a-length",
    ),
    pytest.param(Careless, post(b"Content-Length: +5", content=b"hello"), id="plus"),
    pytest.param(Careless, post(b"Content-Length: 1_0", content=b"helloworld"), id="underscore"),
    pytest.param(Careless, post(b"Content-Length: -1"), id="minus"),
    pytest.param(Careless, post(b"Content-Length: \x0b5", content=b"hello"), id="vertical-tab"),
    pytest.param(lenient.LengthInAnyBase, post(b"Content-Length: 0x5", content=b"hello"), id="hexadecimal"),
    pytest.param(lenient.LengthUpToTheFirstLetter, post(b"Content-Length: 5x", content=b"hello"), id="letters-behind"),
    pytest.param(lenient.LengthUpToTheFirstLetter, post(b"Content-Length:"), id="empty-length"),
    pytest.param(lenient.LengthOfAList, post(b"Content-Length: 9, 5", content=b"hello"), id="list"),
    pytest.param(lenient.NoContentForGet, fields(b"Content-Length: %d" % len(NEXT)), id="no-content-for-get"),
    pytest.param(Careless, post(b"Transfer-Encoding: xchunked", content=CHUNKS), id="part-of-a-coding"),
    pytest.param(Careless, post(b"Transfer-Encoding: chunked, identity", content=CHUNKS), id="coding-behind"),
    pytest.param(
        Careless, post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", content=CHUNKS), id="two-codings"
    ),
    pytest.param(
        lenient.CodingIsFolded,
        post("Transfer-Encoding: chun\N{KELVIN SIGN}ed".encode(), content=CHUNKS),
        id="kelvin-sign",
    ),
    pytest.param(Careless, head(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked") + CHUNKS, id="coding-in-http-1.0"),
    pytest.param(Careless, post(b"Transfer-Encoding: \x0bchunked", content=CHUNKS), id="vertical-tab-before-a-coding"),
    pytest.param(lenient.KeepsFolds, post(b"X: a", b" Content-Length: 5", content=b"hello"), id="fold"),
    pytest.param(lenient.KeepsFolds, post(b"Transfer-Encoding:", b" chunked", content=CHUNKS), id="fold-in-a-coding"),
    pytest.param(
        lenient.KeepsWhitespaceInNames, post(b"Content-Length : 5", content=b"hello"), id="space-before-a-colon"
    ),
    pytest.param(lenient.KeepsTheCase, post(b"Content-Length: 5", content=b"hello"), id="case-of-names"),
    pytest.param(lenient.KeepsWhitespaceAroundValues, fields(b"X: a"), id="whitespace-around-values"),
    pytest.param(lenient.SplitsAtAnyWhitespace, head(b"GET / HTTP/1.0 HTTP/1.1"), id="words-of-a-request-line"),
    pytest.param(lenient.SplitsAtAnyWhitespace, head(b"GET /a b HTTP/1.1"), id="space-in-a-target"),
    pytest.param(Careless, head(b"GET @evil HTTP/1.1"), id="target"),
    pytest.param(Careless, head(b"GET /#a HTTP/1.1"), id="fragment"),
    pytest.param(Careless, head(b"GE(T / HTTP/1.1"), id="method"),
    pytest.param(lenient.TakesAnyVersion, head(b"GET / HTTP/1.7"), id="version"),
    pytest.param(Careless, fields(b"X: a\0b"), id="nul"),
    pytest.param(Careless, fields(b"X: a\nContent-Length: 5"), id="lf-in-a-value"),
    pytest.param(Careless, fields(b"X: a\rContent-Length: 5"), id="cr-in-a-value"),
    pytest.param(Careless, fields(b"X Y: a"), id="space-in-a-name"),
    pytest.param(Careless, fields(b": a"), id="no-name"),
    pytest.param(Careless, fields(b"Host: b"), id="two-hosts"),
    pytest.param(Careless, head(host=b""), id="no-host"),
    pytest.param(Careless, head(host=b"Host: a/b"), id="host"),
    pytest.param(lenient.ReadsChunksTwice, chunked(CHUNKS), id="chunks-twice"),
    pytest.param(lenient.OneByteTooMany, post(b"Content-Length: 5", content=b"hello"), id="too-much-content"),
    pytest.param(lenient.OneByteTooFew, post(b"Content-Length: 5", content=b"hello"), id="too-little-content"),
    pytest.param(lenient.EndsWithTheHead, post(b"Content-Length: 5", content=b"hello"), id="no-content"),
    pytest.param(lenient.EmptyContent, post(b"Content-Length: 5", content=b"hello"), id="empty-content"),
    pytest.param(lenient.ContentFirst, head(), id="content-first"),
    pytest.param(Careless, chunked(b"0\r\nX: a\nb\r\n\r\n"), id="lf-in-a-trailer"),
]


@pytest.mark.parametrize(("parser", "data"), STOPPED)
async def test_lenient_parser_is_stopped(parser: type[Careless], data: bytes) -> None:
    check_stopped(await served(parser, data + NEXT), 400, 501)


@pytest.mark.parametrize(
    ("parser", "data"),
    [
        pytest.param(lenient.Fails, NEXT, id="raises"),
        pytest.param(lenient.SaysNothing, NEXT, id="says-nothing"),
        pytest.param(lenient.SpeaksText, NEXT, id="speaks-text"),
        pytest.param(Careless, head(b"GET /") + NEXT, id="counts-words"),
        pytest.param(Careless, post(b"Content-Length: five") + NEXT, id="raises-on-a-length"),
        pytest.param(lenient.SizesWithSigns, chunked(b"-5\r\nhello\r\n0\r\n\r\n") + NEXT, id="negative-size"),
    ],
)
async def test_parser_that_fails_ends_its_connection(parser: type[Careless], data: bytes) -> None:
    check_stopped(await served(parser, data), 500)


@pytest.mark.parametrize(
    ("parser", "data"),
    [
        pytest.param(lenient.NeverEnds, head() + NEXT, id="never-ends"),
        pytest.param(lenient.EndsTwice, head() + NEXT, id="ends-twice"),
        pytest.param(lenient.Invents, head(), id="invents"),
        pytest.param(
            lenient.ReadsContentAsRequest, post(b"Content-Length: %d" % len(NEXT), content=NEXT), id="content-again"
        ),
    ],
)
async def test_parser_that_loses_count_of_requests_is_stopped(parser: type[Careless], data: bytes) -> None:
    """The first request is a good one, and answered; nothing after it is."""
    exchange = await served(parser, data)
    assert exchange.statuses == [200, 400]
    assert exchange.is_closed
    assert exchange.responses[0].content in (b"", NEXT)


async def test_parser_that_knows_no_chunks_reads_them_as_no_request() -> None:
    """The first request then has no content, which the server cannot detect; a chunk size is no request line."""
    exchange = await served(lenient.NeverChunks, chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(NEXT), NEXT)))
    assert exchange.statuses == [200, 500]
    assert (exchange.is_closed, b"next" in exchange.received) == (True, False)


@pytest.mark.parametrize(
    ("limits", "data", "status"),
    [
        pytest.param(Limits(request_line=20), head(b"GET /12345678 HTTP/1.1"), 414, id="request-line"),
        pytest.param(Limits(field_line=10), fields(b"X: 123456789"), 431, id="field-line"),
        pytest.param(Limits(header_section=20), fields(b"X: 123456789"), 431, id="header-section"),
        pytest.param(Limits(field_count=1), fields(b"X: 1"), 431, id="field-count"),
        pytest.param(Limits(content=4), post(b"Content-Length: 5", content=b"hello"), 413, id="length"),
        pytest.param(Limits(content=4), chunked(CHUNKS), 413, id="chunks"),
        pytest.param(Limits(trailer_count=0), chunked(b"0\r\nX: 1\r\n\r\n"), 431, id="trailer-count"),
        pytest.param(Limits(trailer_section=4), chunked(b"0\r\nX: 1\r\n\r\n"), 431, id="trailer-section"),
    ],
)
async def test_parser_without_limits_is_held_to_them(limits: Limits, data: bytes, status: int) -> None:
    check_stopped(await served(Careless, data + NEXT, limits), status)


async def test_trailers_that_must_not_be_there_are_dropped() -> None:
    exchange = await served(Careless, chunked(b"5\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n") + NEXT)
    assert [response.content for response in exchange.responses] == [b"hello", b"next"]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(kept(head(), b""), id="get"),
        pytest.param(kept(post(b"Content-Length: 5", content=b"hello"), b"hello"), id="length"),
        pytest.param(kept(chunked(CHUNKS), b"hello"), id="chunks"),
    ],
)
async def test_careless_parser_serves_what_is_good(case: Case) -> None:
    exchange = await served(Careless, case.data + NEXT)
    assert [response.content for response in exchange.responses] == [case.content, b"next"]


def test_each_lenient_parser_is_tried() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [
        parser.__name__ for parser in LENIENT if parser is not Careless and f"lenient.{parser.__name__}" not in text
    ] == []
