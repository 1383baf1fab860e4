"""Say in which way two outcomes of the same octets differ."""

from __future__ import annotations

import enum

from turnbuckle.testing.parsing.outcome import Outcome

__all__ = ["Kind", "differ"]


class Kind(enum.Enum):
    """A way to differ; the value says it in words, with the parser in question as the subject."""

    FAULT = "breaks the contract of a parser"
    SPLIT = "depends on where the octets are cut"
    READS = "reads another request"
    TAKES = "takes what is refused"
    REFUSES = "refuses what is taken"
    PLACE = "refuses another request of the connection"
    MOMENT = "refuses the same request before, or after, its head is complete"
    STATUS = "refuses with another class of status"


def differ(reference: Outcome, other: Outcome) -> Kind | None:
    """Return how another outcome differs from that of the reference; None if both mean the same.

    Both come of octets that end: what is incomplete then is refused.
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
