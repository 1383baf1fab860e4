"""Parse the lines of a head into names and values.

``FieldSection`` contains field lines that are known to be well-formed, and cuts them when a name or value is needed.
The functions parse single lines, and find the reason why a line is refused.

Sources: RFC 9112, sections 3 and 5; RFC 9110, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, final, overload

from turnbuckle.errors import ProtocolError
from turnbuckle.http.grammar import FIELD_VALUE_BYTES, REQUEST_LINE, TOKEN, is_authority, is_target

__all__ = [
    "FieldSection",
    "RequestLine",
    "parse_field_line",
    "parse_request_line",
    "parse_trailer_line",
]

_FIELD_LINE: Final = re.compile(rb"\n([^:]++):[ \t]*+([^\r]*+)")


@final
class FieldSection(Sequence[tuple[bytes, bytes]]):
    r"""The field lines of a head: a sequence of lower-case names and values without surrounding whitespace.

    Args:
        lines: the lines as received, validated, each between two CRLFs: ``b"\r\nHost: a\r\nAccept: */*\r\n"``.
    """

    __slots__ = ("_fields", "_lines", "_lower_lines")

    def __init__(self, lines: bytes) -> None:
        self._lines: Final = lines
        self._lower_lines = b""
        self._fields: tuple[tuple[bytes, bytes], ...] | None = None

    def _cut(self) -> tuple[tuple[bytes, bytes], ...]:
        fields = self._fields
        if fields is None:
            found = _FIELD_LINE.findall(self._lines)
            fields = self._fields = tuple([(name.lower(), value.rstrip(b" \t")) for name, value in found])
        return fields

    def first(self, name: bytes) -> bytes | None:
        """Return the first value of a lower-case name, or None, without cutting the other lines."""
        lines = self._lower_lines = self._lower_lines or self._lines.lower()
        start = lines.find(b"\n%b:" % name)
        if start < 0 or b":" in name:
            return None
        return self._lines[start + len(name) + 2 : lines.index(b"\r", start)].strip(b" \t")

    def values(self, name: bytes) -> Iterator[bytes]:
        """Yield the values of a lower-case name in order, without cutting the other lines."""
        if b":" in name:
            # It would be searched for in the values as well.
            return
        lines = self._lower_lines = self._lower_lines or self._lines.lower()
        start = lines.find(b"\n%b:" % name)
        while start >= 0:
            end = lines.index(b"\r", start)
            yield self._lines[start + len(name) + 2 : end].strip(b" \t")
            start = lines.find(b"\n%b:" % name, end)

    @overload
    def __getitem__(self, index: int) -> tuple[bytes, bytes]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[bytes, bytes], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[bytes, bytes] | tuple[tuple[bytes, bytes], ...]:
        return self._cut()[index]

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self._cut())

    def __len__(self) -> int:
        return len(self._cut())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._cut() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._cut())

    def __repr__(self) -> str:
        return repr(self._cut())


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

    The value of Host is validated here, before the framing is decided.

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
