"""Compare the events of a second parser with the events of the first one, for one connection.

Theory of operation. The shadow gets the same bytes in the same order as the first parser. It is asked for its next
event only after the first parser has returned one, so it is never more than one event ahead. Heads must be equal,
content must be the same bytes however it is split, and both parsers must find the same end. Of content, only the length
and a checksum are stored. When one parser rejects the input and the other still waits, they agree: no RFC says when
a fault must be detected.

Pure: the result changes nothing that is served. The description of a difference contains the values of framing fields
only, and therefore no credentials and no content.

Sources: RFC 9112, sections 6.3 and 11.2.
"""

from __future__ import annotations

import math
import zlib
from typing import Final, Literal, TypeAlias, final

import attrs

from turnbuckle import FRAMING_FIELDS, Data, EndOfMessage, Event, NeedData, Parser, ProtocolError, RequestHead

__all__ = ["Disagreement", "ParserResult", "ShadowReader"]

ParserResult: TypeAlias = "Event | Literal[NeedData.NEED_DATA] | ProtocolError"
"""The result of asking a parser for its next event: an event, a request for more bytes, or an error."""

# Stops a faulty parser that returns content, or empty content, without end.
_MAX_PIECES: Final = 100_000
# How many bytes of a method, path or field value a description contains.
_MAX_SHOWN: Final = 120


@final
@attrs.frozen
class Disagreement:
    """A difference between two parsers, described for a log: the first parser's result and the shadow's result."""

    expected: str
    found: str


@final
@attrs.define
class _Content:
    length: int = 0
    checksum: int = 0

    def add(self, data: bytes) -> None:
        self.length += len(data)
        self.checksum = zlib.crc32(data, self.checksum)


@final
class ShadowReader:
    """Follow one connection with a second parser.

    Args:
        parser: the second parser, unused so far.

    Attributes:
        requests: number of requests that were the same for both parsers.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser: Final = parser
        self._expected = _Content()
        self._found = _Content()
        # The error that ended the shadow's content before the first parser saw the end.
        self._held: ParserResult | None = None
        self.requests = 0

    def feed(self, data: bytes) -> None:
        """Feed the bytes that the first parser got."""
        self._parser.feed(data)

    def feed_eof(self) -> None:
        """Signal that the peer will send no more."""
        self._parser.feed_eof()

    def follow(self, seen: ParserResult) -> Disagreement | None:
        """Compare the shadow's next result with the first parser's; return the difference, or None.

        Raises:
            Exception: any exception of a faulty shadow.
        """
        if isinstance(seen, Data):
            self._expected.add(seen.data)
            return None
        if isinstance(seen, RequestHead):
            return self._compare_head(seen, self._next())
        if isinstance(seen, EndOfMessage):
            return self._compare_end(seen)
        return self._compare_without_event(seen)

    def _next(self) -> ParserResult:
        held, self._held = self._held, None
        if held is not None:
            return held
        try:
            return self._parser.next_event()
        except ProtocolError as error:
            return error

    def _after_content(self, *, at_most: float) -> ParserResult:
        for _ in range(_MAX_PIECES):
            event = self._next()
            if not isinstance(event, Data):
                return event
            self._found.add(event.data)
            if self._found.length > at_most:
                return event
        raise RuntimeError(f"more than {_MAX_PIECES} pieces of content where the first parser returned one event")

    def _compare_head(self, seen: RequestHead, found: ParserResult) -> Disagreement | None:
        if isinstance(found, RequestHead) and _framing(seen) == _framing(found):
            return None
        return Disagreement(_describe(seen), _describe(found))

    def _compare_end(self, seen: EndOfMessage) -> Disagreement | None:
        found = self._after_content(at_most=self._expected.length)
        if isinstance(found, EndOfMessage) and self._expected == self._found:
            self._expected, self._found = _Content(), _Content()
            self.requests += 1
            return None
        return Disagreement(
            f"{_describe(seen)} after {self._expected.length} bytes of content",
            f"{_describe(found)} after {self._found.length} bytes of content",
        )

    def _compare_without_event(self, seen: ParserResult) -> Disagreement | None:
        # A parser decides how much content it returns before it rejects a request.
        rejects = isinstance(seen, ProtocolError)
        found = self._after_content(at_most=math.inf if rejects else self._expected.length)
        if isinstance(found, RequestHead | EndOfMessage):
            return Disagreement(_describe(seen), _describe(found))
        if isinstance(found, Data):
            return Disagreement(_describe(seen), f"content beyond {self._expected.length} bytes")
        self._held = found if isinstance(found, ProtocolError) else None
        return None


def _framing(head: RequestHead) -> tuple[object, ...]:
    fields = [(name, value) for name, value in head.fields if name in FRAMING_FIELDS]
    return (head.method, head.target, head.minor_version, len(head.fields), head.content_length, fields)


def _describe(seen: ParserResult) -> str:
    if isinstance(seen, RequestHead):
        return _describe_head(seen)
    if isinstance(seen, EndOfMessage):
        return "the end of a request"
    if isinstance(seen, Data):
        return "content"
    if isinstance(seen, ProtocolError):
        return f"a refusal with {seen.status}"
    return "nothing yet"


def _describe_head(head: RequestHead) -> str:
    # A query may contain tokens, so only its length is shown.
    path, question_mark, query = head.target.partition(b"?")
    target = repr(path[:_MAX_SHOWN]) + (f" and {len(query)} bytes of query" if question_mark else "")
    fields = ", ".join(f"{name!r}={value[:_MAX_SHOWN]!r}" for name, value in head.fields if name in FRAMING_FIELDS)
    return f"{head.method[:_MAX_SHOWN]!r} {target} HTTP/1.{head.minor_version}, {len(head.fields)} fields [{fields}]"
