"""Compare what a second parser makes of a connection with what the first one made of it.

Theory of operation. The shadow is fed the same octets in the same order and asked for its next event only when the
first parser has given one. A head must be the same head, content the same octets however they are cut, and an end must
come where it came. So the shadow is never ahead by more than one event, and what is kept of content is its length and a
checksum. Where one parser refuses and the other still waits, both are right: when a fault is met is not laid down.

Pure, and of no consequence: nothing that a shadow says changes what is served. What is told of a difference holds no
values but those of the fields that frame a message, so no credentials and no content.

Sources: RFC 9112, sections 6.3 and 11.2.
"""

from __future__ import annotations

import math
import zlib
from typing import Final, Literal, TypeAlias, final

import attrs

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import Data, EndOfMessage, Event, NeedData, Parser, RequestHead
from turnbuckle.http.framing import FRAMING_FIELDS

__all__ = ["Disagreement", "Saw", "ShadowReader"]

Saw: TypeAlias = "Event | Literal[NeedData.NEED_DATA] | ProtocolError"
"""What came of asking a parser: an event, the want of octets, or a refusal."""

# A parser that gives content without end, or empty content, is not asked for ever.
_MAX_PIECES: Final = 100_000
# How much of each part is told.
_SHOWN: Final = 120


@final
@attrs.frozen
class Disagreement:
    """Where two parsers part: what the first one saw, and what the shadow did, in words fit for a log."""

    expected: str
    found: str


@final
@attrs.define
class _Content:
    octets: int = 0
    checksum: int = 0

    def add(self, data: bytes) -> None:
        self.octets += len(data)
        self.checksum = zlib.crc32(data, self.checksum)


@final
class ShadowReader:
    """Follow one connection with a second parser.

    Args:
        parser: the second one, new.

    Attributes:
        requests: how many were the same to both.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser: Final = parser
        self._expected = _Content()
        self._found = _Content()
        # The event that ended the shadow's content, when it came before the first parser's end.
        self._held: Saw | None = None
        self.requests = 0

    def feed(self, data: bytes) -> None:
        """Take the octets that the first parser was fed."""
        self._parser.feed(data)

    def feed_eof(self) -> None:
        """Learn that the peer will send no more."""
        self._parser.feed_eof()

    def follow(self, seen: Saw) -> Disagreement | None:
        """Ask the shadow for what the first parser has seen; return the difference, if there is one.

        Raises:
            Exception: whatever a faulty shadow raises.
        """
        if isinstance(seen, Data):
            self._expected.add(seen.data)
            return None
        if isinstance(seen, RequestHead):
            return self._compare(seen, self._next())
        if isinstance(seen, EndOfMessage):
            return self._compare_end(seen)
        return self._compare_silence(seen)

    def _next(self) -> Saw:
        held, self._held = self._held, None
        if held is not None:
            return held
        try:
            return self._parser.next_event()
        except ProtocolError as error:
            return error

    def _after_content(self, *, at_most: float) -> Saw:
        for _ in range(_MAX_PIECES):
            event = self._next()
            if not isinstance(event, Data):
                return event
            self._found.add(event.data)
            if self._found.octets > at_most:
                return event
        raise RuntimeError(f"more than {_MAX_PIECES} pieces of content for one")

    def _compare(self, seen: RequestHead, found: Saw) -> Disagreement | None:
        if isinstance(found, RequestHead) and _framing(seen) == _framing(found):
            return None
        return Disagreement(_described(seen), _described(found))

    def _compare_end(self, seen: EndOfMessage) -> Disagreement | None:
        found = self._after_content(at_most=self._expected.octets)
        if isinstance(found, EndOfMessage) and self._expected == self._found:
            self._expected, self._found = _Content(), _Content()
            self.requests += 1
            return None
        return Disagreement(
            f"{_described(seen)} after {self._expected.octets} octets of content",
            f"{_described(found)} after {self._found.octets} octets of content",
        )

    def _compare_silence(self, seen: Saw) -> Disagreement | None:
        # How much content comes before a refusal is up to the parser.
        refuses = isinstance(seen, ProtocolError)
        found = self._after_content(at_most=math.inf if refuses else self._expected.octets)
        if isinstance(found, RequestHead | EndOfMessage):
            return Disagreement(_described(seen), _described(found))
        if isinstance(found, Data):
            return Disagreement(_described(seen), f"content beyond {self._expected.octets} octets")
        self._held = found if isinstance(found, ProtocolError) else None
        return None


def _framing(head: RequestHead) -> tuple[object, ...]:
    fields = [(name, value) for name, value in head.fields if name in FRAMING_FIELDS]
    return (head.method, head.target, head.minor_version, len(head.fields), head.content_length, fields)


def _described(seen: Saw) -> str:
    if isinstance(seen, RequestHead):
        return _described_head(seen)
    if isinstance(seen, EndOfMessage):
        return "the end of a request"
    if isinstance(seen, Data):
        return "content"
    if isinstance(seen, ProtocolError):
        return f"a refusal with {seen.status}"
    return "nothing yet"


def _described_head(head: RequestHead) -> str:
    # A query may hold tokens; how long it is tells enough.
    path, question_mark, query = head.target.partition(b"?")
    target = repr(path[:_SHOWN]) + (f" and {len(query)} octets of query" if question_mark else "")
    fields = ", ".join(f"{name!r}={value[:_SHOWN]!r}" for name, value in head.fields if name in FRAMING_FIELDS)
    return f"{head.method[:_SHOWN]!r} {target} HTTP/1.{head.minor_version}, {len(head.fields)} fields [{fields}]"
