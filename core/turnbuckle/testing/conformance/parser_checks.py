"""The assertions of the suite of parsers about an outcome."""

from __future__ import annotations

from collections.abc import Sequence

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, Parser, ParserFactory
from turnbuckle.http.limits import Limits
from turnbuckle.testing.parsing.cases import InvalidCase, ValidCase
from turnbuckle.testing.parsing.outcome import ParserOutcome, ReadRequest

__all__ = ["check_refused", "check_requests", "failing"]


def check_requests(case: ValidCase, outcome: ParserOutcome, expected: Sequence[ReadRequest]) -> None:
    """Fail unless the parser read these requests."""
    where = f"{case.name} ({case.section})"
    assert not outcome.fault, f"{where}: {outcome}"
    assert outcome.status is None, f"{where}: refused, but valid: {outcome}"
    assert list(outcome.requests) == list(expected), f"{where}: read as something else: {outcome}"


def check_refused(case: InvalidCase, outcome: ParserOutcome) -> None:
    """Fail unless the parser rejected the case with an allowed status."""
    where = f"{case.name} ({case.section})"
    assert not outcome.fault, f"{where}: {outcome}"
    assert outcome.status is not None, f"{where}: accepted, but malformed: {outcome}"
    assert outcome.status in case.statuses, f"{where}: the status must be one of {case.statuses}: {outcome}"
    assert not outcome.complete, f"{where}: a request before the refusal: {outcome}"


def failing(factory: ParserFactory, data: bytes) -> tuple[Parser, ProtocolError]:
    """Return a parser after an error of ``next_event``, with the error; ``feed`` must not raise."""
    parser = factory(Limits())
    parser.feed(data)
    parser.feed_eof()
    try:
        while parser.next_event() is not NEED_DATA:
            continue
    except ProtocolError as error:
        return parser, error
    raise AssertionError(f"{data!r} must be refused")
