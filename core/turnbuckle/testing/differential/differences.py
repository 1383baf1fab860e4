"""Find how two outcomes of the same bytes differ, and which rule of an RFC permits the difference.

There are two kinds of rules. A *leniency* permits a parser to accept bytes that a strict parser rejects; it is
recognized by repairing the bytes as the RFC says and giving them to the reference. A *choice* permits a parser to
reject bytes that another parser accepts, or to use another status or spelling; it is recognized by the status and the
requests.

Sources: RFC 9112, sections 2.2, 3, 5.2, 6.1, 6.3 and 7; RFC 9110, sections 2.5, 5.4, 8.6, 9.1 and 15.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias, final

import attrs

from turnbuckle.testing.parsing.leniencies import LENIENCIES, Leniency
from turnbuckle.testing.parsing.outcome import ParserOutcome, ReadRequest

__all__ = ["PERMISSIONS", "Kind", "Permission", "Question", "differ", "permission_for"]


class Kind(enum.Enum):
    """A kind of difference; the value describes it in words, with the other parser as the subject."""

    FAULT = "breaks the contract of a parser"
    SPLIT = "depends on where the bytes are split"
    READS = "reads another request"
    TAKES = "accepts a request that the reference refuses"
    REFUSES = "refuses a request that the reference accepts"
    PLACE = "refuses another request of the connection"
    MOMENT = "refuses the same request before, or after, its head is complete"
    STATUS = "refuses with another class of status"


def differ(reference: ParserOutcome, other: ParserOutcome) -> Kind | None:
    """Return how an outcome differs from the reference's outcome; None if both mean the same.

    Both parsers have got the end of the input, so both reject an incomplete request.
    """
    if other.fault:
        return Kind.FAULT
    if reference.status is None or other.status is None:
        if reference.status is other.status:
            return None if reference.requests == other.requests else Kind.READS
        return Kind.TAKES if other.status is None else Kind.REFUSES
    if reference.complete != other.complete:
        return Kind.PLACE
    if reference.steady != other.steady:
        return Kind.MOMENT
    return None if reference.status // 100 == other.status // 100 else Kind.STATUS


@final
@attrs.frozen
class Permission:
    """A rule that permits a difference."""

    name: str
    section: str
    rule: str


@final
@attrs.frozen(kw_only=True)
class Question:
    """A difference to be explained.

    Attributes:
        kind: the kind of the difference.
        data: the input.
        reference: the outcome of the reference.
        other: the outcome of the other parser.
        strict: reads bytes with the reference.
    """

    kind: Kind
    data: bytes
    reference: ParserOutcome
    other: ParserOutcome
    strict: Callable[[bytes], ParserOutcome] = attrs.field(repr=False, eq=False)

    @property
    def refused_method(self) -> bytes:
        """The method of the request that only the reference accepted; empty if there is none."""
        place = len(self.other.complete)
        return self.reference.requests[place].method if place < len(self.reference.requests) else b""


_Test: TypeAlias = Callable[[Question], bool]

# The methods of RFC 9110, section 9.3, and RFC 5789, which every server should know.
_COMMON: Final = frozenset(b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split())
_LATER_VERSION: Final = re.compile(rb" HTTP/1\.[2-9]\r?\n")
# An empty line at the start, after a head or trailers, or between content and a request line.
_EMPTY_LINE_BEFORE: Final = re.compile(rb"\A\r\n|\r\n\r\n\r\n|[^\r\n]\r\n[^\r\n]+ [^\r\n]+ HTTP/1\.")


def _is_unknown_method(question: Question) -> bool:
    method = question.refused_method
    return question.other.status in (400, 501) and bool(method) and method not in _COMMON


def _is_later_version(question: Question) -> bool:
    return question.other.status in (400, 505) and _LATER_VERSION.search(question.data) is not None


def _is_empty_line(question: Question) -> bool:
    return question.other.status == 400 and _EMPTY_LINE_BEFORE.search(question.data) is not None


def _is_case_of_codings(question: Question) -> bool:
    return _without_case(question.reference) == _without_case(question.other)


def _without_case(outcome: ParserOutcome) -> list[ReadRequest]:
    return [attrs.evolve(request, fields=tuple(map(_lowered_coding, request.fields))) for request in outcome.requests]


def _lowered_coding(field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    name, value = field
    return (name, value.lower() if name == b"transfer-encoding" else value)


def _is_own_limit(question: Question) -> bool:
    return question.other.status in (413, 414, 431)


def _is_choice_of_status(question: Question) -> bool:
    both = {question.reference.status, question.other.status}
    return both <= {400, 413, 414, 431, 501, 505}


_CHOICES: Final[tuple[tuple[Kind, Permission, _Test], ...]] = (
    (
        Kind.REFUSES,
        Permission("unknown-method", "RFC 9110, 9.1", "a method that is not recognized may be answered with 501"),
        _is_unknown_method,
    ),
    (
        Kind.REFUSES,
        Permission("later-version", "RFC 9110, 2.5", "a later 1.x should be read as 1.1, and need not be"),
        _is_later_version,
    ),
    (
        Kind.REFUSES,
        Permission("empty-line", "RFC 9112, 2.2", "an empty line before a request should be ignored, and need not be"),
        _is_empty_line,
    ),
    (
        Kind.READS,
        Permission("case-of-codings", "RFC 9112, 7", "names of transfer codings are case-insensitive"),
        _is_case_of_codings,
    ),
    (
        Kind.REFUSES,
        Permission("own-limits", "RFC 9110, 5.4", "a recipient has its own limits, and answers with a 4xx beyond them"),
        _is_own_limit,
    ),
    (
        Kind.STATUS,
        Permission("status", "RFC 9110, 15.6", "501 and 505 are more specific than 400 for a malformed request"),
        _is_choice_of_status,
    ),
    (
        Kind.MOMENT,
        Permission("moment", "RFC 9112, 2.2", "no rule says whether a head must be complete before it is refused"),
        lambda question: True,
    ),
)

_BY_LENIENCY: Final = {rule.name: Permission(rule.name, rule.section, rule.rule) for rule in LENIENCIES.values()}

PERMISSIONS: Final[tuple[Permission, ...]] = (
    *_BY_LENIENCY.values(),
    *(permission for _, permission, _ in _CHOICES),
)
"""Every rule that permits a difference."""


def permission_for(question: Question) -> Permission | None:
    """Return the rule that permits a difference, or None for a fault."""
    for kind, permission, applies in _CHOICES:
        if kind is question.kind and applies(question):
            return permission
    if question.kind in (Kind.FAULT, Kind.SPLIT):
        return None
    return _leniency_for(question)


def _leniency_for(question: Question) -> Permission | None:
    """Find one or two repairs after which the reference has the outcome of the other parser."""
    for leniency, data in _repairs(question.data):
        outcome = question.strict(data)
        if differ(outcome, question.other) in (None, Kind.STATUS, Kind.MOMENT):
            return _BY_LENIENCY[leniency.name]
    return None


def _repairs(data: bytes) -> Iterator[tuple[Leniency, bytes]]:
    for leniency in LENIENCIES.values():
        for repaired in leniency.candidates(data):
            yield leniency, repaired
    for first, second in itertools.permutations(LENIENCIES.values(), 2):
        for once in first.candidates(data):
            for twice in second.candidates(once):
                yield first, twice
