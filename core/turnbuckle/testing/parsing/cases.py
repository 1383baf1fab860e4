"""The records of the corpus."""

from __future__ import annotations

from typing import Final, final

import attrs

from turnbuckle.http.limits import Limits
from turnbuckle.testing.parsing.outcome import ReadRequest

__all__ = ["NEXT", "NEXT_REQUEST", "InvalidCase", "LimitCase", "ValidCase"]

NEXT: Final = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
"""A request to follow another on the same connection."""

NEXT_REQUEST: Final = ReadRequest(b"GET", b"/next", 1, ((b"host", b"next"),))
"""What it means."""


@final
@attrs.frozen
class ValidCase:
    """Octets that every parser must take, and what they mean.

    Attributes:
        name: what is special about them.
        section: the RFC that says so, for example ``"RFC 9112, 2.2"``.
        octets: one request or several.
        requests: what they mean.
    """

    name: str
    section: str
    octets: bytes
    requests: tuple[ReadRequest, ...]

    def __str__(self) -> str:
        return self.name


@final
@attrs.frozen
class InvalidCase:
    """Octets that must be refused.

    Attributes:
        name: what is wrong with them.
        section: the RFC that says so.
        octets: what comes off the wire; more may follow.
        statuses: any of which is a right answer.
        guarded: the guard before every parser refuses it, so that the parser itself need not.
        leniencies: names of those that let a parser repair it, where an RFC has one.
    """

    name: str
    section: str
    octets: bytes
    statuses: tuple[int, ...] = (400,)
    guarded: bool = attrs.field(default=False, kw_only=True)
    leniencies: tuple[str, ...] = attrs.field(default=(), kw_only=True)

    def __str__(self) -> str:
        return self.name


@final
@attrs.frozen
class LimitCase:
    """Octets just within a limit, and others just beyond it.

    Attributes:
        name: of the limit.
        section: the RFC that speaks of it.
        limits: with that one set.
        fits: one request, to be taken.
        breaks: to be refused.
        statuses: any of which is a right answer.
        guarded: the guard keeps this limit, so that the parser itself need not.
    """

    name: str
    section: str
    limits: Limits
    fits: bytes
    breaks: bytes
    statuses: tuple[int, ...]
    guarded: bool = attrs.field(default=False, kw_only=True)

    def __str__(self) -> str:
        return self.name
