"""The records of the corpus."""

from __future__ import annotations

from typing import Final, final

import attrs

from turnbuckle.http.limits import Limits
from turnbuckle.testing.parsing.outcome import ReadRequest

__all__ = ["NEXT", "NEXT_REQUEST", "InvalidCase", "LimitCase", "ValidCase"]

NEXT: Final = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
"""A request that follows another one on the same connection."""

NEXT_REQUEST: Final = ReadRequest(b"GET", b"/next", 1, ((b"host", b"next"),))
"""The meaning of ``NEXT``."""


@final
@attrs.frozen
class ValidCase:
    """Bytes that every parser must accept, with their meaning.

    Attributes:
        name: describes the special feature of the case.
        section: the section of the RFC, for example ``"RFC 9112, 2.2"``.
        data: the bytes of one or several requests.
        requests: the meaning of the bytes.
    """

    name: str
    section: str
    data: bytes
    requests: tuple[ReadRequest, ...]

    def __str__(self) -> str:
        return self.name


@final
@attrs.frozen
class InvalidCase:
    """Bytes that must be rejected.

    Attributes:
        name: describes the fault.
        section: the section of the RFC.
        data: the received bytes; more may follow.
        statuses: the allowed statuses of the response.
        guarded: whether the guard of every parser rejects the bytes, so that the parser itself need not.
        leniencies: names of the leniencies that permit a parser to repair the bytes.
    """

    name: str
    section: str
    data: bytes
    statuses: tuple[int, ...] = (400,)
    guarded: bool = attrs.field(default=False, kw_only=True)
    leniencies: tuple[str, ...] = attrs.field(default=(), kw_only=True)

    def __str__(self) -> str:
        return self.name


@final
@attrs.frozen
class LimitCase:
    """A request just within a limit, and one just beyond it.

    Attributes:
        name: the name of the limit.
        section: the section of the RFC.
        limits: limits with this limit set.
        fits: a request within the limit.
        breaks: a request beyond the limit.
        statuses: the allowed statuses of the response.
        guarded: whether the guard enforces the limit, so that the parser itself need not.
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
