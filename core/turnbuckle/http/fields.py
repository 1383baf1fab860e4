"""Turn the lines of a head into names and values, and remember lines and heads that come again and again.

A client repeats itself: the same target, the same ``User-Agent``, ``Accept`` and ``Host`` in request after request; a
gateway, a probe or a program sends whole heads again. So a line, and a head without content, is remembered in a table
with a bound. A hit is one dictionary lookup of the exact octets; a miss costs what parsing costs. What comes often
comes early, so a table that is full takes no more, until so many have missed it that it is emptied and learns anew:
what comes but once does not push out what comes often. What holds credentials and what is long is never remembered, so
no client decides how much memory is kept.

Sources: RFC 9112, sections 3 and 5; RFC 9110, section 5.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.grammar import FIELD_VALUE_OCTETS, REQUEST_LINE, TOKEN, is_authority, is_target

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
_LINE_SIZE: Final = 256
_NAME_SIZE: Final = 64
_HEAD_SIZE: Final = 1024
# After so many lines that found no room, what was remembered is out of date.
_MAX_MISSES: Final = 16 * _TABLE_SIZE
CREDENTIALS: Final = frozenset({b"authorization", b"cookie", b"proxy-authorization"})


class RequestLine(NamedTuple):
    """The parts of a request line, checked. ``minor_version`` is 0 for HTTP/1.0 and 1 for any later 1.x."""

    method: bytes
    target: bytes
    minor_version: int


def parse_request_line(line: bytes) -> RequestLine:
    """Split a request line, given without its CRLF (RFC 9112, section 3).

    Raises:
        ProtocolError: 505 for a major version other than 1; 400 for anything else that is not a request line.
    """
    found = REQUEST_LINE.fullmatch(line)
    if found is None:
        raise ProtocolError(f"{line[:80]!r} is not a request line")
    method, target, major, minor = found.groups()
    if major != b"1":
        raise ProtocolError(f"HTTP/{major.decode()}.{minor.decode()} is not served here", status=505)
    if not is_target(method, target):
        raise ProtocolError(f"request target {target[:80]!r} is malformed")
    return RequestLine(method, target, 0 if minor == b"0" else 1)


def parse_trailer_line(line: bytes) -> tuple[bytes, bytes]:
    """Split a field line, given without its CRLF, into a lower-case name and a value (RFC 9112, section 5).

    Raises:
        ProtocolError: 400; among the causes are whitespace before the colon, a line folded onto the one before, and
            control octets in the value.
    """
    received, colon, value = line.partition(b":")
    if not colon or TOKEN.fullmatch(received) is None:
        raise ProtocolError(f"{line[:40]!r} does not begin with a field name and a colon")
    return received.lower(), _parse_value(received, value)


def parse_field_line(line: bytes) -> tuple[bytes, bytes]:
    """Split a line of a header section.

    A Host is held against its own grammar here, where its line is remembered, and not once more for each request.

    Raises:
        ProtocolError: 400; as for a trailer, and a malformed Host.
    """
    name, value = parse_trailer_line(line)
    if name == b"host" and not is_authority(value):
        raise ProtocolError(f"Host of {value[:40]!r} is not a host with an optional port")
    return name, value


def _parse_value(name: bytes, octets: bytes) -> bytes:
    # Only SP and HTAB surround a value (RFC 9110, section 5.6.3); strip() without them would also take VT and FF.
    value = octets.strip(b" \t")
    if value.translate(None, FIELD_VALUE_OCTETS):
        raise ProtocolError(f"control octet in the value of field {name!r}")
    return value


@final
class RequestLines(dict[bytes, RequestLine]):
    """Request lines by their octets; looking up one that is not there parses it, and remembers it while there is
    room."""

    __slots__ = ("_misses",)

    def __init__(self) -> None:
        super().__init__()
        self._misses = 0

    def __missing__(self, line: bytes) -> RequestLine:
        parsed = parse_request_line(line)
        if len(self) < _TABLE_SIZE:
            if len(line) <= _LINE_SIZE:
                self[line] = parsed
        else:
            self._misses += 1
            if self._misses > _MAX_MISSES:
                self._misses = 0
                self.clear()
        return parsed


@final
class FieldLines(dict[bytes, tuple[bytes, bytes]]):
    """Field lines by their octets; looking up one that is not there parses it, and remembers it while there is room.

    Names are remembered by themselves, too: most lines that are new have a name that is not.
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
            self._learn(received, name)
        else:
            field = (name, _parse_value(name, value))
        if len(self) < _TABLE_SIZE:
            if len(line) <= _LINE_SIZE and name not in CREDENTIALS:
                self[line] = field
        else:
            self._misses += 1
            if self._misses > _MAX_MISSES:
                self._misses = 0
                self.clear()
        return field

    def _learn(self, received: bytes, name: bytes) -> None:
        # The value of Host has a grammar of its own, so a line of that name is never parsed by its name alone.
        if name != b"host" and len(received) <= _NAME_SIZE:
            if len(self._names) >= _TABLE_SIZE:
                self._names.clear()
            self._names[received] = name


@final
class Heads(dict[bytes, RequestHead]):
    """Heads of requests without content by their octets, with the empty line at their end.

    A head that is remembered is shared by all requests that have it, and must not be changed.
    """

    __slots__ = ("_misses",)

    def __init__(self) -> None:
        super().__init__()
        self._misses = 0

    def remember(self, octets: bytes, head: RequestHead) -> None:
        """Learn a head that was parsed, and that holds no ``CREDENTIALS``, if there is room for it."""
        if len(self) < _TABLE_SIZE:
            if len(octets) <= _HEAD_SIZE:
                self[octets] = head
        else:
            self._misses += 1
            if self._misses > _MAX_MISSES:
                self._misses = 0
                self.clear()
