"""Parse bytes into events: the core's own parser for HTTP/1.1 and HTTP/1.0.

Theory of operation. The parser stores the bytes that were fed and not yet read in one buffer with a position; a buffer
that was read to its end is dropped. ``next_event`` reads no further than the event it returns. An empty line completes
a head. The head is split once, and its lines are looked up in tables of known lines (``fields.py``), so only new lines
are parsed. ``framing.py`` decides the framing, and ``chunked.py`` decodes chunks.

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
from turnbuckle.http.fields import CREDENTIALS, FieldLines, Heads, RequestLines
from turnbuckle.http.framing import FRAMING_FIELDS, read_framing
from turnbuckle.http.grammar import FORBIDDEN_IN_HEAD, TOKEN
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
_END: Final = _State.END


def _first_line(lines: list[bytes]) -> bytes:
    """Return the request line after an empty line, which is ignored once (section 2.2)."""
    return lines.pop(0) if lines else b""


# Most messages end without trailers, so all of them share one event.
_END_OF_MESSAGE: Final = EndOfMessage()

# Field lines that state the default of HTTP/1.1 (RFC 9112, section 9.3), so they decide nothing.
_DEFAULT_FIELDS: Final = frozenset({(b"connection", b"keep-alive"), (b"connection", b"Keep-Alive")})


# The fields that decide the framing, or whether a head may be cached.
_DECISIVE_FIELDS: Final = FRAMING_FIELDS | CREDENTIALS


@final
class H1ParserFactory:
    """Creates parsers that share their tables of known lines and heads; each server has one factory."""

    def __init__(self) -> None:
        self._request_lines: Final = RequestLines()
        self._field_lines: Final = FieldLines()
        self._heads = Heads()
        self._limits: Limits | None = None

    def __call__(self, limits: Limits) -> H1Parser:
        """Return a parser for one connection."""
        if limits is not self._limits:
            # The sizes of a known head are not checked again, so known heads are only valid for the same limits.
            self._limits, self._heads = limits, Heads()
        return H1Parser(limits, self._request_lines, self._field_lines, self._heads)

    # Factories differ only in the tables that they have filled so far. A plan that holds one is compared and pickled
    # without them.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, H1ParserFactory)

    def __hash__(self) -> int:
        return hash(H1ParserFactory)

    def __repr__(self) -> str:
        return "H1ParserFactory()"

    def __reduce__(self) -> tuple[type[H1ParserFactory], tuple[()]]:
        return H1ParserFactory, ()


@final
class H1Parser:
    """Parses the requests of one connection; ``turnbuckle.http.events`` describes the contract.

    Args:
        limits: maximum sizes of the parts of a request.
        request_lines: a table that may be shared with other parsers; a new table by default.
        field_lines: likewise.
        heads: likewise, but only parsers with the same limits may share it.
    """

    __slots__ = (
        "_at_end",
        "_buffer",
        "_chunks",
        "_error",
        "_field_lines",
        "_heads",
        "_limits",
        "_max_lines",
        "_next_check",
        "_position",
        "_remaining",
        "_request_lines",
        "_safe_size",
        "_scanned",
        "_state",
    )

    # Each is set before the parser enters the state that reads it.
    _chunks: ChunkedReader
    _error: ProtocolError

    def __init__(
        self,
        limits: Limits,
        request_lines: RequestLines | None = None,
        field_lines: FieldLines | None = None,
        heads: Heads | None = None,
    ) -> None:
        self._limits = limits
        self._request_lines = RequestLines() if request_lines is None else request_lines
        self._field_lines = FieldLines() if field_lines is None else field_lines
        self._heads = Heads() if heads is None else heads
        # A head up to this size cannot exceed any limit on size, so its lines need no check.
        self._safe_size = min(limits.request_line, limits.field_line, limits.header_section)
        self._max_lines = limits.field_count + 1
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
        if state == _END:
            self._state = _HEAD
            return _END_OF_MESSAGE
        if state == _HEAD:
            buffer = self._buffer
            if not buffer:
                return NEED_DATA
            # The buffer usually holds exactly one head. A head in small pieces is looked up only once, because each
            # look-up hashes the whole buffer.
            known = self._heads.get(buffer) if not self._scanned else None
            if known is not None and not self._position:
                self._buffer, self._scanned, self._state = b"", 0, _END
                return known
        try:
            event = _READERS[state](self)
        except ProtocolError as error:
            self._fail(error)
            raise
        if event is NEED_DATA and self._at_end:
            self._check_end()
        return event

    def _fail(self, error: ProtocolError) -> None:
        self._error, self._state = error, _State.FAILED
        self._buffer, self._position = b"", 0

    def _raise_again(self) -> _EventOrNeed:
        raise ProtocolError(str(self._error), status=self._error.status)

    def _check_end(self) -> None:
        if self._state == _HEAD and self._buffer[self._position :] == b"\r\n":
            # Some clients send an empty line after their content (section 2.2). It does not begin a request.
            return
        error = ProtocolError("the peer stopped sending in the middle of a request")
        self._fail(error)
        raise error

    def _read_head(self) -> _EventOrNeed:
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\r\n\r\n", start + self._scanned - 3 if self._scanned > 3 else start)
        if end < 0:
            self._check_partial_head(start + 2 if buffer.startswith(b"\r\n", start) else start)
            return NEED_DATA
        lines = buffer[start:end].split(b"\r\n")
        if len(lines) > self._max_lines or end - start > self._safe_size:
            self._check_sizes(lines if lines[0] else lines[1:])
        self._scanned = self._next_check = 0
        is_all = end + 4 == len(buffer)
        if is_all:
            self._buffer, self._position = b"", 0
        else:
            self._position = end + 4
        method, target, minor_version = self._request_lines[lines.pop(0) or _first_line(lines)]
        known = self._field_lines
        fields: list[tuple[bytes, bytes]] = []
        decisive: list[tuple[bytes, bytes]] = []
        for line in lines:
            field = known[line]
            fields.append(field)
            if field[0] in _DECISIVE_FIELDS and field not in _DEFAULT_FIELDS:
                decisive.append(field)
        head = RequestHead(method, target, minor_version, tuple(fields))
        self._state = _END
        # The most common head has no field that decides anything except Host, which was validated with its line.
        if len(decisive) == 1 and decisive[0][0] == b"host" and minor_version:
            if is_all and not start:
                self._heads.remember(buffer, head)
            return head
        framing_fields = [field for field in decisive if field[0] in FRAMING_FIELDS]
        if len(framing_fields) != 1 or framing_fields[0][0] != b"host" or not minor_version:
            read_framing(head, [field for field in fields if field[0] in FRAMING_FIELDS])
            self._expect_content(head.content_length)
        return head

    def _expect_content(self, length: int | None) -> None:
        if length is None:
            self._chunks = ChunkedReader(self._limits)
            self._state = _State.CHUNKS
        elif length > self._limits.content:
            raise ProtocolError(f"content of {length} bytes exceeds {self._limits.content}", status=413)
        elif length:
            self._remaining = length
            self._state = _State.LENGTH

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
        start = self._position
        data = (
            self._buffer[start : start + self._remaining]
            if start or len(self._buffer) > self._remaining
            else self._buffer
        )
        if not data:
            return NEED_DATA
        self._remaining -= len(data)
        self._advance(start + len(data))
        if not self._remaining:
            self._state = _State.END
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


_READERS: Final[tuple[Callable[[H1Parser], _EventOrNeed], ...]] = (
    H1Parser._read_head,
    H1Parser._read_length,
    H1Parser._read_chunks,
    H1Parser._raise_again,
)
"""The method that reads the next event, by state number."""
