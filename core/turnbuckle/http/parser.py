"""Parse bytes into events: the core's own parser for HTTP/1.1 and HTTP/1.0.

Theory of operation. The parser stores the bytes that were fed and not yet read in one buffer with a position; a buffer
that was read to its end is dropped. ``next_event`` reads no further than the event it returns.

Most heads are read by one regular expression (``head_patterns.py``), which validates and cuts them at once. All others
take a slow path, which finds the end of the head, reads heads with unusual fields, and splits a malformed head into
lines to find the status and the reason. Only this path sees heads that are received in pieces: each byte of them is
searched once, however small the pieces are. ``framing.py`` decides the framing, and ``chunked.py`` decodes chunks.

An error is final. The framing of the bytes after a malformed message is unknown, so each later call raises the same
error, and the connection is closed.

Sources: RFC 9112, sections 2.2 (message parsing), 3, 5, 6 and 7.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.chunked import ChunkedReader
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, Event, NeedData, RequestHead
from turnbuckle.http.fields import FieldSection, parse_field_line, parse_request_line
from turnbuckle.http.framing import FRAMING_FIELDS, read_framing
from turnbuckle.http.grammar import FORBIDDEN_IN_HEAD, TOKEN, is_target
from turnbuckle.http.head_patterns import framing_fields, head_patterns
from turnbuckle.http.limits import Limits

__all__ = ["H1Parser", "H1ParserFactory"]

_EventOrNeed: TypeAlias = Event | Literal[NeedData.NEED_DATA]


class _State(enum.IntEnum):
    HEAD = 0
    LENGTH = 1
    CHUNKS = 2
    FAILED = 3
    END = 4  # the only state without a reader: next_event handles it


# Looking up a member in its class costs more than the comparisons that use it.
_HEAD: Final = _State.HEAD
_LENGTH: Final = _State.LENGTH
_END: Final = _State.END


_new: Final = object.__new__

# Most messages end without trailers, so all of them share one event.
_END_OF_MESSAGE: Final = EndOfMessage()


@final
class H1ParserFactory:
    """Creates parsers of the core's own kind."""

    def __call__(self, limits: Limits) -> H1Parser:
        """Return a parser for one connection."""
        return H1Parser(limits)

    # A plan that holds a factory is compared.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, H1ParserFactory)

    def __hash__(self) -> int:
        return hash(H1ParserFactory)

    def __repr__(self) -> str:
        return "H1ParserFactory()"


@final
class H1Parser:
    """Parses the requests of one connection; ``turnbuckle.http.events`` describes the contract.

    Args:
        limits: maximum sizes of the parts of a request.
    """

    __slots__ = (
        "_at_end",
        "_buffer",
        "_chunks",
        "_error",
        "_limits",
        "_match_common",
        "_match_whole",
        "_max_content",
        "_next_check",
        "_position",
        "_remaining",
        "_safe_size",
        "_scanned",
        "_state",
    )

    # Each is set before the parser enters the state that reads it.
    _chunks: ChunkedReader
    _error: ProtocolError

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._max_content = limits.content
        patterns = head_patterns(limits.field_count)
        self._match_common = patterns.common.match
        self._match_whole = patterns.whole.match
        # A head up to this size cannot exceed any limit on size, so its lines need no check.
        self._safe_size = min(limits.request_line, limits.field_line, limits.header_section)
        self._buffer: bytes = b""
        self._position = 0
        # The bytes of an incomplete head that were searched already, so that a head in small pieces is searched once.
        self._scanned = 0
        # The size that an incomplete head may reach before its lines must be checked against the limits again.
        self._next_check = 0
        self._state = _State.HEAD
        self._remaining = 0
        self._at_end = False

    def feed(self, data: bytes, /) -> None:
        """Take bytes that were received, at any split."""
        if self._buffer:
            self._buffer = self._buffer[self._position :] + data
        else:
            self._buffer = data if type(data) is bytes else bytes(data)
        self._position = 0

    def feed_eof(self) -> None:
        """Mark the end of the input: the peer will send no more."""
        self._at_end = True

    def trailing_data(self) -> bytes:
        """Return the bytes that were fed and not consumed, and drop them."""
        data = self._buffer[self._position :]
        self._buffer, self._position, self._scanned, self._next_check = b"", 0, 0, 0
        return data

    def next_event(self) -> _EventOrNeed:
        """Return the next event, or ``NEED_DATA``.

        Raises:
            ProtocolError: 400, 413, 414, 431, 501 or 505; raised again by every later call.
        """
        state = self._state
        if state is _END:
            self._state = _HEAD
            return _END_OF_MESSAGE
        if state is _HEAD:
            buffer = self._buffer
            if not buffer:
                return NEED_DATA
            # A head in pieces is only searched for its end until it is complete.
            if not self._scanned and (found := self._match_common(buffer, self._position)) is not None:
                end = found.end()
                if end - self._position <= self._safe_size:
                    # The constructor would cost a call. The fields are not set, so they are cut when they are read.
                    head = _new(RequestHead)
                    head.method, head.target, head.lines, length = found.groups()
                    head.minor_version = 1
                    head.keep_alive = True
                    head.expects_continue = False
                    head.upgrade = b""
                    head.content_length = self._remaining = size = 0 if length is None else int(length)
                    if size > self._max_content:
                        raise self._fail(_too_large(size, self._max_content))
                    self._state = _LENGTH if size else _END
                    if end == len(buffer):
                        self._buffer = b""
                        self._position = 0
                    else:
                        self._position = end
                    return head
        elif state is _LENGTH and len(self._buffer) - self._position == self._remaining:
            # All of the content has arrived, and nothing else. ``_read_length`` and the constructor cost two calls.
            content = _new(Data)
            content.data = self._buffer[self._position :]
            self._buffer, self._position, self._state = b"", 0, _END
            return content
        try:
            event = _READERS[state](self)
        except ProtocolError as error:
            self._fail(error)
            raise
        if event is NEED_DATA and self._at_end:
            self._check_end()
        return event

    def _fail(self, error: ProtocolError) -> ProtocolError:
        self._error, self._state = error, _State.FAILED
        self._buffer, self._position = b"", 0
        return error

    def _raise_again(self) -> _EventOrNeed:
        raise ProtocolError(str(self._error), status=self._error.status)

    def _check_end(self) -> None:
        if self._state is _HEAD and self._buffer[self._position :] == b"\r\n":
            # Some clients send an empty line after their content (section 2.2). It does not begin a request.
            return
        raise self._fail(ProtocolError("the peer stopped sending in the middle of a request"))

    def _read_head(self) -> _EventOrNeed:
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\r\n\r\n", start + self._scanned - 3 if self._scanned > 3 else start)
        # One empty line before the request line is ignored (section 2.2).
        first = start + 2 if end != start and buffer.startswith(b"\r\n", start) else start
        if end < 0:
            self._check_partial_head(first)
            return NEED_DATA
        self._scanned = self._next_check = 0
        head, decisive = self._parse_head(first, end)
        self._advance(end + 4)
        read_framing(head, decisive)
        self._state = _END
        self._expect_content(head.content_length)
        return head

    def _parse_head(self, start: int, end: int) -> tuple[RequestHead, list[tuple[bytes, bytes]]]:
        """Parse a complete head, and return it with its framing fields; ``end`` is before the last two CRLFs."""
        buffer = self._buffer
        if end - start > self._safe_size:
            self._check_sizes(buffer[start:end].split(b"\r\n"))
        found = self._match_whole(buffer, start)
        if found is None or found.end() != end + 4:
            return self._parse_lines(buffer[start:end].split(b"\r\n"))
        method, target, minor_version, lines = found.groups()
        if not is_target(method, target):
            raise ProtocolError(f"request target {target[:80]!r} is malformed")
        head = RequestHead(method, target, 0 if minor_version == b"0" else 1, FieldSection(lines))
        return head, framing_fields(lines)

    def _parse_lines(self, lines: list[bytes]) -> tuple[RequestHead, list[tuple[bytes, bytes]]]:
        """Parse a head line by line, which is slow and finds the reason to refuse it."""
        self._check_sizes(lines)
        method, target, minor_version = parse_request_line(lines[0])
        fields = tuple([parse_field_line(line) for line in lines[1:]])
        head = RequestHead(method, target, minor_version, fields)
        return head, [field for field in fields if field[0] in FRAMING_FIELDS]

    def _expect_content(self, length: int | None) -> None:
        if length is None:
            self._chunks = ChunkedReader(self._limits)
            self._state = _State.CHUNKS
        elif length > self._max_content:
            raise _too_large(length, self._max_content)
        elif length:
            self._remaining = length
            self._state = _LENGTH

    def _check_sizes(self, lines: list[bytes]) -> None:
        """Check the lines of a head against the limits."""
        limits = self._limits
        if len(lines[0]) > limits.request_line:
            # Section 3: 414 if the target is too long. Without a space, the bytes are not a request line: 400.
            status = 414 if b" " in lines[0][: limits.request_line] else 400
            raise ProtocolError(f"request line of {len(lines[0])} bytes exceeds {limits.request_line}", status=status)
        sizes = [len(line) for line in lines[1:]]
        if len(sizes) > limits.field_count:
            raise ProtocolError(f"more than {limits.field_count} field lines", status=431)
        longest = max(sizes, default=0)
        if longest > limits.field_line:
            raise ProtocolError(f"field line of {longest} bytes exceeds {limits.field_line}", status=431)
        section = sum(sizes) + 2 * len(sizes)
        if section > limits.header_section:
            raise ProtocolError(f"header section of {section} bytes exceeds {limits.header_section}", status=431)

    def _check_partial_head(self, start: int) -> None:
        """Refuse an incomplete head as early as possible if no later bytes can make it valid."""
        buffer = self._buffer
        size = len(buffer) - start
        # The lines are only checked again if a new line began or the last line used up its room, so a head that is
        # received byte by byte is not checked for each byte.
        if size > self._safe_size and (size > self._next_check or b"\n" in buffer[self._position + self._scanned :]):
            # A CR at the end may belong to a CRLF, and an empty last line has not begun. Neither is counted, so that
            # the limits apply equally at any split.
            lines = buffer[start:].removesuffix(b"\r").split(b"\r\n")
            self._check_sizes(lines if lines[-1] or len(lines) == 1 else lines[:-1])
            self._next_check = size + self._room_left(lines)
        # Start one byte back: a CR at the end of the scanned bytes can only be judged with the byte that follows it.
        if FORBIDDEN_IN_HEAD.search(buffer, max(start, self._position + self._scanned - 1)) is not None:
            raise ProtocolError("byte that is not allowed in a head")
        self._scanned = len(buffer) - self._position
        if buffer[start : start + 2] not in (b"", b"\r") and TOKEN.match(buffer, start) is None:
            raise ProtocolError(f"{buffer[start : start + 20]!r} does not begin with a method")

    def _room_left(self, lines: list[bytes]) -> int:
        """Return the number of bytes by which the last line of an incomplete head may still grow."""
        limits = self._limits
        if len(lines) == 1:
            return limits.request_line - len(lines[0])
        section = sum(map(len, lines)) - len(lines[0]) + 2 * len(lines)
        return min(limits.field_line - len(lines[-1]), limits.header_section - section)

    def _read_length(self) -> _EventOrNeed:
        buffer, start, remaining = self._buffer, self._position, self._remaining
        end = start + remaining
        if end >= len(buffer):
            # All of the buffer is content, so no byte is copied unless a head precedes it.
            data = buffer[start:]
            self._buffer, self._position = b"", 0
        else:
            data = buffer[start:end]
            self._position = end
        if not data:
            return NEED_DATA
        self._remaining = remaining = remaining - len(data)
        if not remaining:
            self._state = _END
        return Data(data)

    def _read_chunks(self) -> _EventOrNeed:
        chunks = self._chunks
        data, position = chunks.read(self._buffer, self._position)
        self._advance(position)
        if data:
            return Data(data)
        if not chunks.is_done:
            return NEED_DATA
        self._state = _HEAD
        return EndOfMessage(chunks.received_trailers())

    def _advance(self, position: int) -> None:
        if position == len(self._buffer):
            self._buffer, self._position = b"", 0
        else:
            self._position = position


def _too_large(length: int, limit: int) -> ProtocolError:
    return ProtocolError(f"content of {length} bytes exceeds {limit}", status=413)


_READERS: Final[tuple[Callable[[H1Parser], _EventOrNeed], ...]] = (
    H1Parser._read_head,
    H1Parser._read_length,
    H1Parser._read_chunks,
    H1Parser._raise_again,
)
"""The method that reads the next event, by state number."""
