"""Feed octets to a parser in the ways that a network may, and gather what it makes of them."""

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
    """What came of one request; ``trailers`` is None as long as it is not complete."""

    head: RequestHead
    content: bytes
    trailers: RawFields | None


class ParserOutcome(NamedTuple):
    """What came of a connection: its requests, and the status it was refused with, if it was."""

    requests: list[Request]
    status: int | None


NEXT_REQUEST: Final = Request(RequestHead(b"GET", b"/next", 1, [(b"host", b"next")]), b"", ())


def whole(octets: bytes) -> list[bytes]:
    return [octets]


def byte_by_byte(octets: bytes) -> list[bytes]:
    return [octets[i : i + 1] for i in range(len(octets))]


def with_the_next_request(octets: bytes) -> list[bytes]:
    return [octets + NEXT]


WAYS: Final[Sequence[Callable[[bytes], list[bytes]]]] = (whole, byte_by_byte, with_the_next_request)


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut octets at some places."""
    edges = [0, *sorted({place % (len(octets) + 1) for place in places}), len(octets)]
    return [octets[start:end] for start, end in itertools.pairwise(edges)]


def drain(parser: Parser) -> list[Event]:
    """Take all events that are to be had."""
    events: list[Event] = []
    while (event := parser.next_event()) is not NEED_DATA:
        events.append(event)
    return events


def gather(events: Iterable[Event]) -> list[Request]:
    """Make requests of events, and check that their order is that of the contract."""
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


def run(pieces: Iterable[bytes], limits: Limits | None = None, *, eof: bool = False) -> ParserOutcome:
    """Feed the pieces to a new parser."""
    parser = H1Parser(limits or Limits())
    events: list[Event] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (event := parser.next_event()) is not NEED_DATA:
                events.append(event)
        if eof:
            parser.feed_eof()
            events += drain(parser)
    except ProtocolError as error:
        assert_stays_failed(parser, error)
        return ParserOutcome(gather(events), error.status)
    return ParserOutcome(gather(events), None)


def assert_stays_failed(parser: Parser, error: ProtocolError) -> None:
    """Check that a failed parser fails alike for ever, whatever it is fed (row 36 of the list of old bugs)."""
    parser.feed(NEXT)
    for _ in range(2):
        with pytest.raises(ProtocolError) as again:
            parser.next_event()
        assert (str(again.value), again.value.status) == (str(error), error.status)


def accepted(octets: bytes, way: Callable[[bytes], list[bytes]], limits: Limits | None = None) -> list[Request]:
    """Return the requests in octets that must be accepted, without the one that ``way`` may have added."""
    outcome = run(way(octets), limits)
    assert outcome.status is None
    requests = outcome.requests
    if way is with_the_next_request:
        last = requests.pop()
        assert last == NEXT_REQUEST
    assert all(request.trailers is not None for request in requests)
    return requests


def refused(octets: bytes, way: Callable[[bytes], list[bytes]], limits: Limits | None = None) -> int:
    """Return the status with which octets are refused; nothing of the next request may be seen."""
    outcome = run(way(octets), limits)
    assert outcome.status is not None
    assert NEXT_REQUEST not in outcome.requests
    return outcome.status
