"""Validate the events of a third-party parser before the connection acts on them.

The core is responsible for the framing, with every parser: ``framing.py`` decides where a message ends, from the field
lines that the parser reports, and the content that the parser delivers must agree with that decision. So a lenient or
faulty parser can make requests fail, but it cannot split one request into two. The core's own parser uses the same
rules and needs no guard.

The guard does not see how the parser splits the received bytes into lines; it has to trust the parser with that. But it
counts: a parser that reports more bytes than it was fed has used some of them twice, for example as content and as the
next request, and is stopped.

Most reads are exactly one request of a common form. The core's expression for heads reads such a request in one pass,
and a parser with the method ``accepts`` only confirms it. The guard passes all other input to the parser, and also
requests that the parser does not confirm.

Sources: RFC 9112, sections 6.3 and 11.2; RFC 9110, sections 5.5 and 6.5.1.
"""

from __future__ import annotations

from typing import Final, Literal, assert_never, final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.chunked import NOT_IN_TRAILERS
from turnbuckle.http.events import (
    NEED_DATA,
    Data,
    EndOfMessage,
    Event,
    NeedData,
    Parser,
    ParserFactory,
    RawFields,
    RequestHead,
)
from turnbuckle.http.fields import parse_field_line
from turnbuckle.http.framing import FRAMING_FIELDS, read_framing
from turnbuckle.http.grammar import FIELD_VALUE, TOKEN, is_target
from turnbuckle.http.head_patterns import framing_fields, head_patterns, lines_pattern
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1ParserFactory

__all__ = ["GuardedParser", "guarded"]

# Two spaces and the version.
_REST_OF_REQUEST_LINE: Final = len(b"  HTTP/1.1")

_END: Final = EndOfMessage()


def guarded(factory: ParserFactory) -> ParserFactory:
    """Return a factory of guarded parsers; the factory of the core's own parser is returned unchanged."""
    if type(factory) is H1ParserFactory:
        return factory
    return lambda limits: GuardedParser(factory(limits), limits)


@final
class GuardedParser:
    """A parser that passes input to another parser and checks each of its events against the rules of the core."""

    def __init__(self, parser: Parser, limits: Limits) -> None:
        self._parser: Final = parser
        self._limits: Final = limits
        # A parser without this method reads all of the input.
        self._accepts: Final = getattr(parser, "accepts", None)
        self._match_common: Final = head_patterns(limits.field_count).common.match
        self._match_lines: Final = lines_pattern(limits.field_count).match
        # A head up to this size cannot exceed any limit on size.
        self._safe_size: Final = min(limits.request_line, limits.field_line, limits.header_section)
        # A read that may be exactly one request, and that neither the parser nor the guard has looked at.
        self._read = b""
        # The content of a confirmed request, and whether the end of such a request is due.
        self._content = b""
        self._end_is_due = False
        # Whether the parser has no bytes, so that it need not be asked for events; known only with ``accepts``.
        self._is_parser_empty = self._accepts is not None
        self._remaining: int | None = 0
        self._received = 0
        self._in_message = False
        # Bytes that were fed and not yet reported in an event; it must not become negative.
        self._unreported = 0
        self._error: ProtocolError | None = None

    def feed(self, data: bytes, /) -> None:
        """Pass received bytes to the parser, unless they may be exactly one request."""
        if self._is_parser_empty and not self._read and not self._end_is_due:
            self._read = bytes(data)
        else:
            self._pass_on()
            self._feed_parser(data)

    def _pass_on(self) -> None:
        if self._read:
            data, self._read = self._read, b""
            self._feed_parser(data)

    def _feed_parser(self, data: bytes) -> None:
        self._is_parser_empty = False
        self._unreported += len(data)
        self._parser.feed(data)

    def feed_eof(self) -> None:
        """Pass the end of the input to the parser."""
        self._pass_on()
        self._parser.feed_eof()

    def trailing_data(self) -> bytes:
        """Return the bytes that the parser did not consume."""
        data, self._read, self._content = self._content + self._read, b"", b""
        return data + self._parser.trailing_data()

    def next_event(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the next event of the parser after checking it.

        Raises:
            ProtocolError: the error of the parser; or 400, 413, 414, 431 or 501 for an event that violates the rules of
                the core.
        """
        if self._end_is_due:
            return self._continue_confirmed()
        if self._error is not None:
            raise ProtocolError(str(self._error), status=self._error.status)
        if self._read:
            head = self._confirm(self._read)
            if head is not None:
                return head
            self._pass_on()
        elif self._is_parser_empty:
            return NEED_DATA
        try:
            event = self._parser.next_event()
            # Identity and types, because a comparison would look at all attributes.
            if isinstance(event, RequestHead):
                self._check_head(event)
            elif isinstance(event, Data):
                self._check_data(event)
            elif isinstance(event, EndOfMessage):
                self._check_end(event)
            elif event is not NEED_DATA:
                assert_never(event)
        except ProtocolError as error:
            self._error = error
            raise
        return event

    def _confirm(self, data: bytes) -> RequestHead | None:
        """Return the head of a read that is exactly one request of a common form, if the parser confirms it."""
        found = self._match_common(data)
        if found is None:
            return None
        method, target, lines, length = found.groups()
        end, size = found.end(), int(length or 0)
        if end + size != len(data) or end > self._safe_size or size > self._limits.content:
            return None
        if not self._accepts(data, size):  # type: ignore[misc]  # without it, there is no such read
            return None
        self._read, self._content, self._end_is_due = b"", data[end:], True
        head = RequestHead.from_lines(method, target, 1, lines)
        head.content_length = size
        return head

    def _continue_confirmed(self) -> Event:
        data = self._content
        if data:
            self._content = b""
            return Data(data)
        self._end_is_due = False
        return _END

    def _check_head(self, head: RequestHead) -> None:
        if self._in_message:
            raise ProtocolError("the parser began a request before the previous request ended")
        if TOKEN.fullmatch(head.method) is None or not is_target(head.method, head.target):
            raise ProtocolError("the parser accepted a malformed request line")
        if head.minor_version not in (0, 1):
            raise ProtocolError(f"HTTP/1.{head.minor_version} is neither 1.0 nor 1.1")
        line = len(head.method) + len(head.target) + _REST_OF_REQUEST_LINE
        if line > self._limits.request_line:
            raise ProtocolError(f"request line of {line} bytes exceeds {self._limits.request_line}", status=414)
        self._count(line)
        if head.lines:
            self._frame_lines(head)
        else:
            self._frame_fields(head)
        self._start_message(head.content_length)

    def _frame_lines(self, head: RequestHead) -> None:
        """Check field lines that are not cut yet, and set the attributes that follow from them."""
        lines, limits = head.lines, self._limits
        size = len(lines) - 2
        if size > min(limits.field_line, limits.header_section):
            _check_line_sizes(lines, limits)
        self._count(size)
        if self._match_lines(lines) is None:
            _find_reason(lines, limits)
        head.content_length, head.keep_alive, head.expects_continue, head.upgrade = 0, True, False, b""
        read_framing(head, framing_fields(lines))

    def _frame_fields(self, head: RequestHead) -> None:
        self._check_fields(head.fields, self._limits.header_section, self._limits.field_count)
        # Values that the parser may have set are discarded: the core derives them from the field lines.
        head.content_length, head.keep_alive, head.expects_continue, head.upgrade = 0, True, False, b""
        read_framing(head, [field for field in head.fields if field[0] in FRAMING_FIELDS])

    def _start_message(self, length: int | None) -> None:
        if length is not None and length > self._limits.content:
            raise ProtocolError(f"content of {length} bytes exceeds {self._limits.content}", status=413)
        self._in_message, self._remaining, self._received = True, length, 0

    def _check_fields(self, fields: RawFields, size: int, count: int) -> None:
        if len(fields) > count:
            raise ProtocolError(f"{len(fields)} field lines exceed {count}", status=431)
        section = 0
        for name, value in fields:
            if TOKEN.fullmatch(name) is None or name != name.lower():
                raise ProtocolError(f"the parser accepted the field name {name[:40]!r}")
            if FIELD_VALUE.fullmatch(value) is None or value != value.strip(b" \t"):
                raise ProtocolError(f"the parser accepted a malformed value of field {name!r}")
            line = len(name) + len(value) + 1
            if line > self._limits.field_line:
                raise ProtocolError(f"field line of {line} bytes exceeds {self._limits.field_line}", status=431)
            # Two bytes for the line end. Whitespace around the value is not visible here.
            section += line + 2
        if section > size:
            raise ProtocolError(f"field lines of {section} bytes exceed {size}", status=431)
        # A parser may accept a single LF as a line end (RFC 9112, section 2.2), so only one byte is counted for it.
        self._count(section - len(fields))

    def _count(self, size: int) -> None:
        self._unreported -= size
        if self._unreported < 0:
            raise ProtocolError("the parser reported more bytes than it was fed")

    def _check_data(self, event: Data) -> None:
        if not self._in_message:
            raise ProtocolError("the parser delivered content outside a request")
        if not event.data:
            raise ProtocolError("the parser delivered empty content")
        self._count(len(event.data))
        self._received += len(event.data)
        if self._received > self._limits.content:
            raise ProtocolError(f"content exceeds {self._limits.content} bytes", status=413)
        if self._remaining is not None:
            self._remaining -= len(event.data)
            if self._remaining < 0:
                raise ProtocolError("the parser delivered more content than Content-Length allows")

    def _check_end(self, event: EndOfMessage) -> None:
        if not self._in_message or self._remaining:
            raise ProtocolError("the parser ended a request where its framing does not end")
        self._in_message = False
        if self._accepts is not None:
            self._look_for_rest()
        if not event.trailers:
            return
        self._check_fields(event.trailers, self._limits.trailer_section, self._limits.trailer_count)
        if any(name in NOT_IN_TRAILERS for name, _ in event.trailers):
            event.trailers = tuple(field for field in event.trailers if field[0] not in NOT_IN_TRAILERS)

    def _look_for_rest(self) -> None:
        """Find out whether the parser has bytes of the next request; without any, it may only have to confirm it."""
        rest = self._parser.trailing_data()
        self._is_parser_empty = not rest
        if rest:
            self._parser.feed(rest)


def _check_line_sizes(lines: bytes, limits: Limits) -> None:
    if len(lines) - 2 > limits.header_section:
        raise ProtocolError(f"field lines of {len(lines) - 2} bytes exceed {limits.header_section}", status=431)
    longest = max(map(len, lines.split(b"\r\n")))
    if longest > limits.field_line:
        raise ProtocolError(f"field line of {longest} bytes exceeds {limits.field_line}", status=431)


def _find_reason(lines: bytes, limits: Limits) -> None:
    """Raise the reason why field lines are refused."""
    first, *received, last = lines.split(b"\r\n")
    if len(received) > limits.field_count:
        raise ProtocolError(f"{len(received)} field lines exceed {limits.field_count}", status=431)
    for line in received:
        parse_field_line(line)
    raise ProtocolError(f"the parser reported field lines between {first[:40]!r} and {last[:40]!r}")
