"""Parse the lines of a head into names and values, and cache the results for lines and heads that are repeated.

Clients repeat themselves: each request has the same ``User-Agent``, ``Accept`` and ``Host``, and gateways, probes and
programs send the same head again. So lines, and whole heads of requests without content, are cached in tables of a
limited size. A hit is one dictionary lookup with the exact bytes; a miss costs one parse.

Frequent lines arrive early, so a full table accepts no new entries and a line that arrives only once cannot displace a
frequent one. After a number of misses the table is out of date and is cleared. Lines with credentials and long lines
are never cached, so a client cannot decide how much memory is used.

Sources: RFC 9112, sections 3 and 5; RFC 9110, section 5.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.grammar import FIELD_VALUE_BYTES, REQUEST_LINE, TOKEN, is_authority, is_target

__all__ = [
    "CREDENTIALS",
    "FieldLines",
    "Heads",
    "RequestLine",
    "RequestLines",
    "parse_field_line",
    "parse_request_line",
    "parse_trailer_line",
]

_TABLE_SIZE: Final = 1024
_MAX_LINE: Final = 256
_MAX_NAME: Final = 64
_MAX_HEAD: Final = 1024
# A full table is cleared after this number of misses, because its entries are then out of date.
_MAX_MISSES: Final = 16 * _TABLE_SIZE
CREDENTIALS: Final = frozenset({b"authorization", b"cookie", b"proxy-authorization"})
"""The fields that are never cached, because their values are secrets."""


class RequestLine(NamedTuple):
    """The parts of a valid request line. ``minor_version`` is 0 for HTTP/1.0 and 1 for every later 1.x."""

    method: bytes
    target: bytes
    minor_version: int


def parse_request_line(line: bytes) -> RequestLine:
    """Split a request line, given without its CRLF (RFC 9112, section 3).

    Raises:
        ProtocolError: 505 for a major version other than 1; 400 for a malformed request line.
    """
    found = REQUEST_LINE.fullmatch(line)
    if found is None:
        raise ProtocolError(f"{line[:80]!r} is not a request line")
    method, target, major, minor = found.groups()
    if major != b"1":
        raise ProtocolError(f"HTTP/{major.decode()}.{minor.decode()} is not supported", status=505)
    if not is_target(method, target):
        raise ProtocolError(f"request target {target[:80]!r} is malformed")
    return RequestLine(method, target, 0 if minor == b"0" else 1)


def parse_trailer_line(line: bytes) -> tuple[bytes, bytes]:
    """Split a field line, given without its CRLF, into a lower-case name and a value (RFC 9112, section 5).

    Raises:
        ProtocolError: 400 for a malformed line, for example with whitespace before the colon, a line that continues the
            previous one (obs-fold), or a value with control characters.
    """
    received, colon, value = line.partition(b":")
    if not colon or TOKEN.fullmatch(received) is None:
        raise ProtocolError(f"{line[:40]!r} does not begin with a field name and a colon")
    return received.lower(), _parse_value(received, value)


def parse_field_line(line: bytes) -> tuple[bytes, bytes]:
    """Split a line of a header section, given without its CRLF, into a lower-case name and a value.

    The value of Host is validated here, so that a cached line is not validated again for each request.

    Raises:
        ProtocolError: 400, as ``parse_trailer_line``, and for a malformed Host.
    """
    name, value = parse_trailer_line(line)
    if name == b"host" and not is_authority(value):
        raise ProtocolError(f"Host of {value[:40]!r} is not a host with an optional port")
    return name, value


def _parse_value(name: bytes, received: bytes) -> bytes:
    # Only SP and HTAB may surround a value (RFC 9110, section 5.6.3). A plain strip() would also remove VT and FF.
    value = received.strip(b" \t")
    if value.translate(None, FIELD_VALUE_BYTES):
        raise ProtocolError(f"control character in the value of field {name!r}")
    return value


@final
class RequestLines(dict[bytes, RequestLine]):
    """Parsed request lines by their bytes. Looking up a new line parses it, and stores it if there is room."""

    __slots__ = ("_misses",)

    def __init__(self) -> None:
        super().__init__()
        self._misses = 0

    def __missing__(self, line: bytes) -> RequestLine:
        parsed = parse_request_line(line)
        if len(self) < _TABLE_SIZE:
            if len(line) <= _MAX_LINE:
                self[line] = parsed
        else:
            self._misses += 1
            if self._misses > _MAX_MISSES:
                self._misses = 0
                self.clear()
        return parsed


@final
class FieldLines(dict[bytes, tuple[bytes, bytes]]):
    """Parsed field lines by their bytes. Looking up a new line parses it, and stores it if there is room.

    Field names are cached separately, because most new lines have a known name.
    """

    __slots__ = ("_misses", "_names")

    def __init__(self) -> None:
        super().__init__()
        self._misses = 0
        self._names: Final[dict[bytes, bytes]] = {}

    def __missing__(self, line: bytes) -> tuple[bytes, bytes]:
        received, colon, value = line.partition(b":")
        name = self._names.get(received)
        if name is None or not colon:
            field = parse_field_line(line)
            name = field[0]
            self._remember_name(received, name)
        else:
            field = (name, _parse_value(name, value))
        if len(self) < _TABLE_SIZE:
            if len(line) <= _MAX_LINE and name not in CREDENTIALS:
                self[line] = field
        else:
            self._misses += 1
            if self._misses > _MAX_MISSES:
                self._misses = 0
                self.clear()
        return field

    def _remember_name(self, received: bytes, name: bytes) -> None:
        # The value of Host has its own grammar, so its name is not cached and its lines are always fully parsed.
        if name != b"host" and len(received) <= _MAX_NAME:
            if len(self._names) >= _TABLE_SIZE:
                self._names.clear()
            self._names[received] = name


@final
class Heads(dict[bytes, RequestHead]):
    """Parsed heads of requests without content, by their bytes including the empty line at the end.

    All requests with the same bytes share one head, so it must not be changed.
    """

    __slots__ = ("_misses",)

    def __init__(self) -> None:
        super().__init__()
        self._misses = 0

    def remember(self, received: bytes, head: RequestHead) -> None:
        """Store a parsed head if there is room. The caller makes sure that the head contains no ``CREDENTIALS``."""
        if len(self) < _TABLE_SIZE:
            if len(received) <= _MAX_HEAD:
                self[received] = head
        else:
            self._misses += 1
            if self._misses > _MAX_MISSES:
                self._misses = 0
                self.clear()
