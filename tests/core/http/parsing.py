"""Feed bytes to a parser at different splits, and collect the requests that it reports."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import pytest

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, Event, Parser, RawFields, RequestHead
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser

NEXT: Final = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"


class Request(NamedTuple):
    """One parsed request; ``trailers`` is None while it is incomplete."""

    head: RequestHead
    content: bytes
    trailers: RawFields | None


class ParserOutcome(NamedTuple):
    """The result of parsing a connection: its requests, and the status of the refusal, or None."""

    requests: list[Request]
    status: int | None


NEXT_REQUEST: Final = Request(RequestHead(b"GET", b"/next", 1, [(b"host", b"next")]), b"", ())


def whole(data: bytes) -> list[bytes]:
    return [data]


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def with_next_request(data: bytes) -> list[bytes]:
    return [data + NEXT]


SPLITS: Final[Sequence[Callable[[bytes], list[bytes]]]] = (whole, byte_by_byte, with_next_request)


def cut_at(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Return the data in pieces, cut at the given places."""
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def read_events(parser: Parser) -> list[Event]:
    """Return all events until the parser needs data."""
    events: list[Event] = []
    while (event := parser.next_event()) is not NEED_DATA:
        events.append(event)
    return events


def requests_from(events: Iterable[Event]) -> list[Request]:
    """Build requests from events, and check that the events are in the order of the contract."""
    requests: list[Request] = []
    for event in events:
        if isinstance(event, RequestHead):
            assert not requests or requests[-1].trailers is not None
            requests.append(Request(event, b"", None))
            continue
        head, content, trailers = requests[-1]
        assert trailers is None
        if isinstance(event, EndOfMessage):
            requests[-1] = Request(head, content, tuple(event.trailers))
        else:
            assert isinstance(event, Data)
            assert event.data
            requests[-1] = Request(head, content + event.data, None)
    return requests


def parse(pieces: Iterable[bytes], limits: Limits | None = None, *, eof: bool = False) -> ParserOutcome:
    """Feed the pieces to a new parser, and return the outcome."""
    parser = H1Parser(limits or Limits())
    events: list[Event] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (event := parser.next_event()) is not NEED_DATA:
                events.append(event)
        if eof:
            parser.feed_eof()
            events += read_events(parser)
    except ProtocolError as error:
        assert_stays_failed(parser, error)
        return ParserOutcome(requests_from(events), error.status)
    return ParserOutcome(requests_from(events), None)


def assert_stays_failed(parser: Parser, error: ProtocolError) -> None:
    """Check that a failed parser raises the same error again after more data (row 36 of the list of old bugs)."""
    parser.feed(NEXT)
    for _ in range(2):
        with pytest.raises(ProtocolError) as again:
            parser.next_event()
        assert (str(again.value), again.value.status) == (str(error), error.status)


def parse_accepted(data: bytes, split: Callable[[bytes], list[bytes]], limits: Limits | None = None) -> list[Request]:
    """Return the requests in data that must be accepted, without a request that ``split`` added."""
    outcome = parse(split(data), limits)
    assert outcome.status is None
    requests = outcome.requests
    if split is with_next_request:
        last = requests.pop()
        assert last == NEXT_REQUEST
    assert all(request.trailers is not None for request in requests)
    return requests


def parse_refused(data: bytes, split: Callable[[bytes], list[bytes]], limits: Limits | None = None) -> int:
    """Return the status with which data is refused, and check that the next request is not seen."""
    outcome = parse(split(data), limits)
    assert outcome.status is not None
    assert NEXT_REQUEST not in outcome.requests
    return outcome.status
