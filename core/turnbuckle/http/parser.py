"""Turn octets into events: the core's own parser for HTTP/1.1 and HTTP/1.0.

Theory of operation. The parser keeps what was fed and not yet read in one buffer with a position; both shrink to
nothing between messages. Reading is pulled: ``next_event`` looks no further than the event it returns. A head is found
by its empty line, split once, and its lines are looked up in tables of lines seen before (``fields.py``); only lines
that are new are parsed. What decides the framing is judged by ``framing.py``, and chunks are undone by ``chunked.py``.

An error is final. The framing of what follows a malformed message is unknown, so the parser raises the same error for
ever and the connection closes.

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
    END = 4  # the only one that reads nothing


# Looking a member up in its class costs more than all that is done with it here.
_HEAD: Final = _State.HEAD
_END: Final = _State.END


def _first_line(lines: list[bytes]) -> bytes:
    """Return the request line after an empty one, which is ignored once (section 2.2)."""
    return lines.pop(0) if lines else b""


# Most messages end without trailers; nothing tells their ends apart.
_END_OF_MESSAGE: Final = EndOfMessage()

# What says nothing that is not so without it, in HTTP/1.1 (RFC 9112, section 9.3).
_INERT: Final = frozenset({(b"connection", b"keep-alive"), (b"connection", b"Keep-Alive")})


# The fields that decide something here: the framing, or whether a head may be remembered.
_NOTED: Final = FRAMING_FIELDS | CREDENTIALS


@final
class H1ParserFactory:
    """Make parsers that share their tables of known lines and heads: one factory for each server."""

    def __init__(self) -> None:
        self._request_lines: Final = RequestLines()
        self._field_lines: Final = FieldLines()
        self._heads = Heads()
        self._limits: Limits | None = None

    def __call__(self, limits: Limits) -> H1Parser:
        """Return a parser for one connection."""
        if limits is not self._limits:
            # A head that is known is not measured again: it is known within these limits alone.
            self._limits, self._heads = limits, Heads()
        return H1Parser(limits, self._request_lines, self._field_lines, self._heads)


@final
class H1Parser:
    """Parse the requests of one connection; the contract is in ``turnbuckle.http.events``.

    Args:
        limits: how large the parts of a request may be.
        request_lines: a table to share with other parsers; a new one by default.
        field_lines: likewise.
        heads: likewise, but with parsers of the same limits only.
    """

    __slots__ = (
        "_at_end",
        "_buffer",
        "_chunks",
        "_error",
        "_field_lines",
        "_heads",
        "_limits",
        "_looked_at",
        "_most_lines",
        "_position",
        "_recheck",
        "_remaining",
        "_request_lines",
        "_small",
        "_state",
    )

    # Both are there in the states that read them.
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
        # A head that is no larger than this cannot break a limit on size, so it is not measured part by part.
        self._small = min(limits.request_line, limits.field_line, limits.header_section)
        self._most_lines = limits.field_count + 1
        self._buffer: bytes = b""
        self._position = 0
        # How much of an incomplete head was searched for forbidden octets, so that drips are not searched over and
        # over.
        self._looked_at = 0
        # How large an incomplete head may become without breaking a limit on size, as far as it was measured.
        self._recheck = 0
        self._state = _State.HEAD
        self._remaining = 0
        self._at_end = False

    def feed(self, data: bytes, /) -> None:
        """Take octets off the wire, at any split."""
        if self._buffer:
            self._buffer = self._buffer[self._position :] + data
        else:
            self._buffer = data if type(data) is bytes else bytes(data)
        self._position = 0

    def feed_eof(self) -> None:
        """Learn that the peer will send no more."""
        self._at_end = True

    def trailing_data(self) -> bytes:
        """Return, and forget, the octets that were fed and not consumed."""
        data = self._buffer[self._position :]
        self._buffer, self._position, self._looked_at, self._recheck = b"", 0, 0, 0
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
            # Most often what was fed is one head and nothing else; one that comes in drips is not hashed for each.
            known = self._heads.get(buffer) if not self._looked_at else None
            if known is not None and not self._position:
                self._buffer, self._looked_at, self._state = b"", 0, _END
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
            # The empty line that some clients send after their content (section 2.2) begins no request.
            return
        error = ProtocolError("the peer stopped sending in the middle of a request")
        self._fail(error)
        raise error

    def _read_head(self) -> _EventOrNeed:
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\r\n\r\n", start + self._looked_at - 3 if self._looked_at > 3 else start)
        if end < 0:
            self._check_partial_head(start + 2 if buffer.startswith(b"\r\n", start) else start)
            return NEED_DATA
        lines = buffer[start:end].split(b"\r\n")
        if len(lines) > self._most_lines or end - start > self._small:
            self._check_sizes(lines if lines[0] else lines[1:])
        self._looked_at = self._recheck = 0
        is_all = end + 4 == len(buffer)
        if is_all:
            self._buffer, self._position = b"", 0
        else:
            self._position = end + 4
        method, target, minor_version = self._request_lines[lines.pop(0) or _first_line(lines)]
        known = self._field_lines
        fields: list[tuple[bytes, bytes]] = []
        noted: list[tuple[bytes, bytes]] = []
        for line in lines:
            field = known[line]
            fields.append(field)
            if field[0] in _NOTED and field not in _INERT:
                noted.append(field)
        head = RequestHead(method, target, minor_version, tuple(fields))
        self._state = _END
        # The most common head has no content, a Host that was checked with its line, and nothing else to decide.
        if len(noted) == 1 and noted[0][0] == b"host" and minor_version:
            if is_all and not start:
                self._heads.remember(buffer, head)
            return head
        framing_fields = [field for field in noted if field[0] in FRAMING_FIELDS]
        if len(framing_fields) != 1 or framing_fields[0][0] != b"host" or not minor_version:
            read_framing(head, [field for field in fields if field[0] in FRAMING_FIELDS])
            self._expect_content(head.content_length)
        return head

    def _expect_content(self, length: int | None) -> None:
        if length is None:
            self._chunks = ChunkedReader(self._limits)
            self._state = _State.CHUNKS
        elif length > self._limits.content:
            raise ProtocolError(f"content of {length} octets exceeds {self._limits.content}", status=413)
        elif length:
            self._remaining = length
            self._state = _State.LENGTH

    def _check_sizes(self, lines: list[bytes]) -> None:
        """Hold the lines of a head against the limits."""
        limits = self._limits
        if len(lines[0]) > limits.request_line:
            # Section 3: a target that is too long is a 414. Octets with no space in them are no request line at all.
            status = 414 if b" " in lines[0][: limits.request_line] else 400
            raise ProtocolError(f"request line of {len(lines[0])} octets exceeds {limits.request_line}", status=status)
        sizes = [len(line) for line in lines[1:]]
        if len(sizes) > limits.field_count:
            raise ProtocolError(f"more than {limits.field_count} field lines", status=431)
        longest = max(sizes, default=0)
        if longest > limits.field_line:
            raise ProtocolError(f"field line of {longest} octets exceeds {limits.field_line}", status=431)
        section = sum(sizes) + 2 * len(sizes)
        if section > limits.header_section:
            raise ProtocolError(f"header section of {section} octets exceeds {limits.header_section}", status=431)

    def _check_partial_head(self, start: int) -> None:
        """Refuse as early as possible a head that cannot become one, so that nobody waits for its end."""
        buffer = self._buffer
        size = len(buffer) - start
        # A line that goes on is not measured again for each octet of it, nor are those before it.
        if size > self._small and (size > self._recheck or b"\n" in buffer[self._position + self._looked_at :]):
            # Neither a CR that waits for its LF nor a line that has not begun counts: the same limits at any split.
            lines = buffer[start:].removesuffix(b"\r").split(b"\r\n")
            self._check_sizes(lines if lines[-1] or len(lines) == 1 else lines[:-1])
            self._recheck = size + self._room(lines)
        # One octet back, for a CR may have been the last and only now shows what follows it.
        if FORBIDDEN_IN_HEAD.search(buffer, max(start, self._position + self._looked_at - 1)) is not None:
            raise ProtocolError("octet that no head may hold")
        self._looked_at = len(buffer) - self._position
        if buffer[start : start + 2] not in (b"", b"\r") and TOKEN.match(buffer, start) is None:
            raise ProtocolError(f"{buffer[start : start + 20]!r} does not begin with a method")

    def _room(self, lines: list[bytes]) -> int:
        """Return how many octets the last line of an incomplete head may grow by."""
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
"""What reads the next event, by the number of the state."""
