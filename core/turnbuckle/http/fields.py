"""Turn the lines of a head into names and values, and remember lines that come again and again.

A client repeats itself: the same target, the same ``User-Agent``, ``Accept`` and ``Host`` in request after request. So
a line is validated and split when it is first seen and then remembered, whole, in a bounded table. A hit is one
dictionary lookup of the exact octets; a miss costs what parsing costs. Lines that hold credentials and long lines are
never remembered, and a table that is full is emptied, so that no client decides how much memory is kept.

Sources: RFC 9112, sections 3 and 5; RFC 9110, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.grammar import FIELD_VALUE, REQUEST_LINE, TOKEN, is_authority, is_target

__all__ = ["FieldLines", "RequestLine", "RequestLines", "parse_field_line", "parse_request_line"]

_TABLE_SIZE: Final = 1024
_LINE_SIZE: Final = 256
_CREDENTIALS: Final = frozenset({b"authorization", b"cookie", b"proxy-authorization"})


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


def parse_field_line(line: bytes, known_names: Mapping[bytes, bytes] = MappingProxyType({})) -> tuple[bytes, bytes]:
    """Split a field line, given without its CRLF, into a lower-case name and a value (RFC 9112, section 5).

    A Host is held against its own grammar here, where its line is remembered, and not once more for each request.

    Args:
        line: the octets.
        known_names: names that were checked before, with their lower-case forms.

    Raises:
        ProtocolError: 400; among the causes are whitespace before the colon, a line folded onto the one before,
            control octets in the value, and a malformed Host.
    """
    received, colon, value = line.partition(b":")
    # Only SP and HTAB surround a value (RFC 9110, section 5.6.3); strip() without them would also take VT and FF.
    value = value.strip(b" \t")
    name = known_names.get(received)
    if name is None:
        if TOKEN.fullmatch(received) is None:
            raise ProtocolError(f"{line[:40]!r} does not begin with a field name and a colon")
        name = received.lower()
    if not colon:
        raise ProtocolError(f"{line[:40]!r} does not begin with a field name and a colon")
    if FIELD_VALUE.fullmatch(value) is None:
        raise ProtocolError(f"control octet in the value of field {name!r}")
    if name == b"host" and not is_authority(value):
        raise ProtocolError(f"Host of {value[:40]!r} is not a host with an optional port")
    return name, value


@final
class RequestLines(dict[bytes, RequestLine]):
    """Request lines by their octets; looking up one that is not there parses it, and remembers it when it is short."""

    __slots__ = ()

    def __missing__(self, line: bytes) -> RequestLine:
        parsed = parse_request_line(line)
        if len(line) <= _LINE_SIZE:
            if len(self) >= _TABLE_SIZE:
                self.clear()
            self[line] = parsed
        return parsed


@final
class FieldLines(dict[bytes, tuple[bytes, bytes]]):
    """Field lines by their octets; looking up one that is not there parses it, and remembers it when that is safe.

    Names are remembered by themselves, too: most lines that are new have a name that is not.
    """

    __slots__ = ("_names",)

    def __init__(self) -> None:
        super().__init__()
        self._names: Final[dict[bytes, bytes]] = {}

    def __missing__(self, line: bytes) -> tuple[bytes, bytes]:
        names = self._names
        field = parse_field_line(line, names)
        if len(line) > _LINE_SIZE:
            return field
        if len(names) >= _TABLE_SIZE:
            names.clear()
        names[line[: len(field[0])]] = field[0]
        if field[0] not in _CREDENTIALS:
            if len(self) >= _TABLE_SIZE:
                self.clear()
            self[line] = field
        return field
