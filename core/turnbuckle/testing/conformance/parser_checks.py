"""What the suite of parsers says about the outcome of a case."""

from __future__ import annotations

from collections.abc import Sequence

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, Parser, ParserFactory
from turnbuckle.http.limits import Limits
from turnbuckle.testing.parsing.cases import InvalidCase, ValidCase
from turnbuckle.testing.parsing.outcome import ParserOutcome, ReadRequest

__all__ = ["check_refused", "check_requests", "failing"]


def check_requests(case: ValidCase, outcome: ParserOutcome, expected: Sequence[ReadRequest]) -> None:
    """Fail unless the outcome is these requests."""
    where = f"{case.name} ({case.section})"
    assert not outcome.fault, f"{where}: {outcome}"
    assert outcome.status is None, f"{where}: refused, but valid: {outcome}"
    assert list(outcome.requests) == list(expected), f"{where}: taken for something else: {outcome}"


def check_refused(case: InvalidCase, outcome: ParserOutcome) -> None:
    """Fail unless the outcome is a refusal with a right status."""
    where = f"{case.name} ({case.section})"
    assert not outcome.fault, f"{where}: {outcome}"
    assert outcome.status is not None, f"{where}: taken, but malformed: {outcome}"
    assert outcome.status in case.statuses, f"{where}: the status must be one of {case.statuses}: {outcome}"
    assert not outcome.complete, f"{where}: a request before the refusal: {outcome}"


def failing(factory: ParserFactory, octets: bytes) -> tuple[Parser, ProtocolError]:
    """Return a parser that has raised, and what it raised; ``feed`` must not be what raises."""
    parser = factory(Limits())
    parser.feed(octets)
    parser.feed_eof()
    try:
        while parser.next_event() is not NEED_DATA:
            continue
    except ProtocolError as error:
        return parser, error
    raise AssertionError(f"{octets!r} must be refused")
