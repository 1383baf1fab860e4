"""Read responses, and reject everything that is not strict HTTP/1.1 (RFC 9112).

The grammar is written independently of the server's grammar, so that a mistake in one does not hide in the other. The
reader is stricter than ordinary clients, because the server under test can do better: no chunk extension, no repeated
Date or Content-Type, a Date on every final response, and ``Connection: close`` if the end of the connection ends the
content.

The contract mirrors the contract of a parser: ``expect(method)`` for each sent request, ``feed``, ``feed_eof``, then
``next_event()`` until ``NEED_DATA``.

Sources: RFC 9110, sections 6.4.1, 6.6.1, 8.6 and 15.2; RFC 9112, sections 2 to 7 and 9.6.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, final

import attrs

from turnbuckle.errors import TurnbuckleError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, NeedData, RawFields

__all__ = ["IncompleteResponse", "MalformedResponse", "ResponseEvent", "ResponseHead", "ResponseReader"]

# status-line = HTTP-version SP status-code SP [ reason-phrase ]; this server always sends HTTP/1.1.
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)")
# field-line = field-name ":" OWS field-value OWS
_FIELD_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
# Content-Length = 1*DIGIT; chunk-size = 1*HEXDIG
_LENGTH: Final = re.compile(rb"0|[1-9][0-9]{0,17}")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")
_LAST_CHUNK: Final = re.compile(rb"0+")

_MAX_HEAD: Final = 1 << 20
_START: Final = b"HTTP/1.1 "
# Fields that must not be repeated.
_ONCE: Final = frozenset(
    b"age content-length content-location content-range content-type date etag expires last-modified location"
    b" retry-after server transfer-encoding".split()
)


class MalformedResponse(TurnbuckleError, ValueError):
    """The server sent bytes that RFC 9112 does not allow at that place."""


class IncompleteResponse(TurnbuckleError, ConnectionError):
    """The connection ended before a response was complete, or before it began."""


@final
@attrs.frozen
class ResponseHead:
    """A complete status line and header section; the fields as in ``RequestHead``."""

    status: int
    reason_phrase: str
    fields: RawFields

    @property
    def is_interim(self) -> bool:
        """Whether a final response follows (RFC 9110, section 15.2)."""
        return self.status < 200 and self.status != 101


ResponseEvent: TypeAlias = ResponseHead | Data | EndOfMessage
_EventOrNeed: TypeAlias = ResponseEvent | Literal[NeedData.NEED_DATA]


@final
class ResponseReader:
    """Read the bytes of one connection as events of its responses.

    Attributes:
        is_over: whether no response may follow, because the last one announced the end or switched protocols.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._methods: Final[deque[str]] = deque()
        self._at_eof = False
        self._remaining = 0
        self._closes = False
        self._next: Callable[[], _EventOrNeed] = self._next_head
        self.is_over = False

    def expect(self, method: str) -> None:
        """Note the method of the next sent request; a response without a request counts as a response to GET."""
        self._methods.append(method)

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._buffer += data

    def feed_eof(self) -> None:
        """Signal that the server will send no more."""
        self._at_eof = True

    def trailing_data(self) -> bytes:
        """Return the bytes after a response that switched protocols, and clear the buffer."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def next_event(self) -> _EventOrNeed:
        """Return the next event.

        Raises:
            MalformedResponse: the bytes are not a response.
            IncompleteResponse: the server ended the connection within a response.
        """
        return self._next()

    # -- the head

    def _next_head(self) -> _EventOrNeed:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return self._await_head()
        head = self._parse_head(self._take(end + 4)[:-4].split(b"\r\n"))
        if head.is_interim:
            _check_interim(head)
            return head
        method = self._methods.popleft() if self._methods else "GET"
        values = _FieldValues(head.fields)
        self._closes = "close" in values.options("connection")
        self._next = self._begin_content(head, method, values)
        if not values.all("date"):
            raise MalformedResponse(f"response {head.status} has no Date")
        return head

    def _await_head(self) -> _EventOrNeed:
        start = bytes(self._buffer[: len(_START)])
        if not _START.startswith(start) or len(self._buffer) > _MAX_HEAD:
            raise MalformedResponse(f"{bytes(self._buffer[:40])!r} does not begin a response")
        if self._at_eof and self._buffer:
            raise IncompleteResponse(f"the connection ended within a head: {bytes(self._buffer[-40:])!r}")
        return NEED_DATA

    def _parse_head(self, lines: list[bytes]) -> ResponseHead:
        found = _STATUS_LINE.fullmatch(lines[0])
        if found is None:
            raise MalformedResponse(f"{lines[0][:80]!r} is not a status line")
        fields = [_parse_field(line) for line in lines[1:]]
        names = [name for name, _ in fields]
        for name in _ONCE.intersection(names):
            if names.count(name) > 1:
                raise MalformedResponse(f"field {name!r} appears {names.count(name)} times")
        return ResponseHead(int(found[1]), found[2].decode("latin-1"), tuple(fields))

    # -- the content

    def _begin_content(self, head: ResponseHead, method: str, values: _FieldValues) -> Callable[[], _EventOrNeed]:
        length = _content_length(values)
        codings = values.all("transfer-encoding")
        if codings and (length is not None or codings != ["chunked"]):
            raise MalformedResponse(f"Transfer-Encoding {codings!r} with Content-Length {length!r}")
        if head.status in (101, 204) and (codings or length is not None):
            raise MalformedResponse(f"response {head.status} announces content")
        if head.status == 101 or (method == "CONNECT" and head.status < 300):
            self.is_over = True
            return self._end_message
        if method == "HEAD" or head.status in (204, 304):
            return self._end_message
        if codings:
            return self._next_chunk
        if length is None:
            return self._begin_until_close()
        self._remaining = length
        return self._next_of_length

    def _begin_until_close(self) -> Callable[[], _EventOrNeed]:
        if not self._closes:
            raise MalformedResponse("the content ends with the connection, but there is no Connection: close")
        return self._next_until_close

    def _next_of_length(self) -> _EventOrNeed:
        if not self._remaining:
            return self._end_message()
        return self._take_content(self._remaining)

    def _next_until_close(self) -> _EventOrNeed:
        if self._buffer:
            return Data(self._take(len(self._buffer)))
        return self._end_message() if self._at_eof else NEED_DATA

    def _next_chunk(self) -> _EventOrNeed:
        line = self._take_line()
        if line is None:
            return NEED_DATA
        if not _CHUNK_SIZE.fullmatch(line):
            raise MalformedResponse(f"{line[:40]!r} is not a chunk size")
        if _LAST_CHUNK.fullmatch(line):
            self._next = self._next_trailers
            return self._next()
        self._remaining = int(line, 16)
        self._next = self._next_of_chunk
        return self._next()

    def _next_of_chunk(self) -> _EventOrNeed:
        if self._remaining:
            return self._take_content(self._remaining)
        end = self._take_line()
        if end is None:
            return NEED_DATA
        if end:
            raise MalformedResponse(f"{end[:40]!r} follows the content of a chunk")
        self._next = self._next_chunk
        return self._next()

    def _next_trailers(self) -> _EventOrNeed:
        if self._buffer.startswith(b"\r\n"):
            self._take(2)
            return self._end_message()
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return self._need_data()
        trailers = tuple(_parse_field(line) for line in self._take(end + 4)[:-4].split(b"\r\n"))
        forbidden = _ONCE.intersection(name for name, _ in trailers)
        if forbidden:
            raise MalformedResponse(f"fields {sorted(forbidden)!r} in a trailer section")
        return self._end_message(trailers)

    def _end_message(self, trailers: RawFields = ()) -> EndOfMessage:
        if self.is_over:
            self._next = self._next_opaque
        elif self._closes:
            self.is_over = True
            self._next = self._next_after_close
        else:
            self._next = self._next_head
        return EndOfMessage(trailers)

    def _next_opaque(self) -> _EventOrNeed:
        return NEED_DATA

    def _next_after_close(self) -> _EventOrNeed:
        if self._buffer:
            raise MalformedResponse(
                f"{bytes(self._buffer[:40])!r} follows the last response, which closes the connection"
            )
        return NEED_DATA

    # -- the buffer

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _take_content(self, most: int) -> _EventOrNeed:
        data = self._take(most)
        self._remaining -= len(data)
        return Data(data) if data else self._need_data()

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end >= 0:
            return self._take(end + 2)[:-2]
        self._need_data()
        return None

    def _need_data(self) -> _EventOrNeed:
        if self._at_eof:
            raise IncompleteResponse("the connection ended within the content of a response")
        return NEED_DATA


@final
class _FieldValues:
    """The field values of one head, as text."""

    def __init__(self, fields: RawFields) -> None:
        self._fields: Final = fields

    def all(self, name: str) -> list[str]:
        wanted = name.encode("ascii")
        return [value.decode("latin-1") for known, value in self._fields if known == wanted]

    def options(self, name: str) -> set[str]:
        return {option.strip(" \t").lower() for value in self.all(name) for option in value.split(",")}


def _parse_field(line: bytes) -> tuple[bytes, bytes]:
    found = _FIELD_LINE.fullmatch(line)
    if found is None:
        raise MalformedResponse(f"{line[:80]!r} is not a field line")
    return found[1].lower(), found[2].rstrip(b" \t")


def _content_length(values: _FieldValues) -> int | None:
    lengths = values.all("content-length")
    if not lengths:
        return None
    if not _LENGTH.fullmatch(lengths[0].encode("latin-1")):
        raise MalformedResponse(f"Content-Length {lengths[0][:40]!r} is not a decimal number")
    return int(lengths[0])


def _check_interim(head: ResponseHead) -> None:
    for name, _ in head.fields:
        if name in (b"content-length", b"transfer-encoding"):
            raise MalformedResponse(f"response {head.status} announces content with {name!r}")
