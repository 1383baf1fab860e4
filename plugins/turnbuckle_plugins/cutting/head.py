"""Find the end of a head, check it against the limits, and parse its request line.

Sources: RFC 9112, sections 2.2, 2.3, 3 and 6.3; RFC 9110, sections 5.4, 8.6 and 15.6.6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, final

import attrs

from turnbuckle import Limits, ProtocolError

__all__ = ["Head", "HeadCutter", "content_length", "parse_head"]

# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_TCHAR: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_METHOD_BEGINS: Final = re.compile(_TCHAR)

# request-line = method SP request-target SP HTTP-version
_REQUEST_LINE: Final = re.compile(rb"(" + _TCHAR + rb"+) ([!-~]+) HTTP/([0-9])\.([0-9])")

# Controls, bare LF, bare CR: not allowed in a head (RFC 9112, section 2.2; RFC 9110, section 5.5).
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])")

# Content-Length = 1*DIGIT, with no more digits than a signed 64-bit integer has
_LENGTH: Final = re.compile(rb"0*([0-9]+?)")
_LENGTH_DIGITS: Final = 18


@attrs.frozen
class Head:
    """The parts of a head; the field lines as received, without their CRLFs."""

    method: bytes
    target: bytes
    minor_version: int
    field_lines: tuple[bytes, ...]


@final
@attrs.define
class HeadCutter:
    """Cut heads off the front of a buffer."""

    _limits: Limits
    # A head up to this size cannot exceed a limit on size.
    _harmless_size: int = attrs.field(init=False)
    # How many bytes of an incomplete head were searched; bytes that arrive one by one are searched once.
    _searched: int = 0
    # The size up to which the measured head cannot exceed a limit.
    _recheck: int = 0

    def __attrs_post_init__(self) -> None:
        limits = self._limits
        self._harmless_size = min(limits.request_line, limits.field_line, limits.header_section)

    def cut(self, buffer: bytearray) -> list[bytes] | None:
        """Return the lines of the head, and remove it from the buffer; None if it is not complete.

        Raises:
            ProtocolError: 400, 414 or 431, as soon as the bytes cannot become a valid head.
        """
        # One empty line before a request is ignored (section 2.2).
        start = 2 if buffer.startswith(b"\r\n") else 0
        end = buffer.find(b"\r\n\r\n", max(start, self._searched - 3))
        if end < 0:
            self._check_part(buffer, start)
            return None
        lines = bytes(buffer[start:end]).split(b"\r\n")
        self._check_sizes(lines, is_whole=True)
        self._check_bytes(buffer, start, end)
        self.forget()
        del buffer[: end + 4]
        return lines

    def forget(self) -> None:
        """Start again, with another buffer."""
        self._searched = self._recheck = 0

    def _check_part(self, buffer: bytearray, start: int) -> None:
        size = len(buffer) - start
        # A growing line is not measured again for each byte, and neither are the lines before it.
        if size > self._harmless_size and (size > self._recheck or buffer.find(b"\n", self._searched) >= 0):
            # A CR without its LF and a line that has not begun do not count: the limits are the same at any split.
            lines = bytes(buffer[start:]).removesuffix(b"\r").split(b"\r\n")
            self._recheck = size + self._room(lines)
            self._check_sizes(lines, is_whole=False)
        self._check_bytes(buffer, start, len(buffer))
        self._searched = len(buffer)

    def _room(self, lines: list[bytes]) -> int:
        """Return by how many bytes the last line of an incomplete head may grow."""
        limits = self._limits
        if len(lines) == 1:
            return limits.request_line - len(lines[0])
        section = sum(map(len, lines)) - len(lines[0]) + 2 * len(lines)
        return min(limits.field_line - len(lines[-1]), limits.header_section - section)

    def _check_bytes(self, buffer: bytearray, start: int, end: int) -> None:
        # One byte back: the last byte may have been a CR, whose next byte is known only now.
        if _FORBIDDEN.search(buffer, max(start, self._searched - 1), end) is not None:
            raise ProtocolError("byte that is not allowed in a head")
        begins = bytes(buffer[start : start + 2])
        if begins not in (b"", b"\r") and _METHOD_BEGINS.match(buffer, start) is None:
            raise ProtocolError(f"{bytes(buffer[start : start + 20])!r} does not begin with a method")

    def _check_sizes(self, lines: list[bytes], *, is_whole: bool) -> None:
        limits = self._limits
        first, *rest = lines
        if len(first) > limits.request_line:
            # Section 3: 414 for a target that is too long. Bytes without a space are no request line.
            status = 414 if b" " in first[: limits.request_line] else 400
            raise ProtocolError(f"request line of {len(first)} bytes exceeds {limits.request_line}", status=status)
        if rest and not rest[-1] and not is_whole:
            del rest[-1]
        if len(rest) > limits.field_count:
            raise ProtocolError(f"more than {limits.field_count} field lines", status=431)
        longest = max(map(len, rest), default=0)
        if longest > limits.field_line:
            raise ProtocolError(f"field line of {longest} bytes exceeds {limits.field_line}", status=431)
        section = sum(map(len, rest)) + 2 * len(rest)
        if section > limits.header_section:
            raise ProtocolError(f"header section of {section} bytes exceeds {limits.header_section}", status=431)


def parse_head(lines: Sequence[bytes]) -> Head:
    """Parse the lines of a head.

    Raises:
        ProtocolError: 505 for a major version other than 1; 400 for anything else that is not a request line.
    """
    found = _REQUEST_LINE.fullmatch(lines[0])
    if found is None:
        raise ProtocolError(f"{lines[0][:80]!r} is not a request line")
    method, target, major, minor = found.groups()
    if major != b"1":
        raise ProtocolError(f"HTTP/{major.decode()}.{minor.decode()} is not supported", status=505)
    # RFC 9110, section 2.5: a higher minor version is processed as the highest known one.
    return Head(method, target, 0 if minor == b"0" else 1, tuple(lines[1:]))


def content_length(field_lines: Sequence[bytes], limits: Limits) -> int | None:
    """Return the number of content bytes after the head, or None if the content is chunked (RFC 9112, section 6.3).

    Raises:
        ProtocolError: 501 for a coding before chunked, 413 for more than the limit, 400 for ambiguous fields.
    """
    fields = [_split(line) for line in field_lines]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    if len(lengths) > 1 or (codings and lengths):
        raise ProtocolError("the length of the content is given more than once")
    if codings:
        _check_codings(b",".join(codings))
        return None
    return _read_length(lengths[0], limits) if lengths else 0


def _split(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")


def _check_codings(value: bytes) -> None:
    names = [name.strip(b" \t").lower() for name in value.split(b",")]
    if b"" in names or names[-1] != b"chunked" or names.count(b"chunked") > 1:
        raise ProtocolError(f"transfer codings {value[:40]!r} are malformed")
    if names != [b"chunked"]:
        raise ProtocolError(f"transfer coding {value[:40]!r} is not implemented", status=501)


def _read_length(value: bytes, limits: Limits) -> int:
    found = _LENGTH.fullmatch(value)
    if found is None:
        raise ProtocolError(f"Content-Length of {value[:40]!r} is not a number")
    if len(found[1]) > _LENGTH_DIGITS:
        raise ProtocolError(f"Content-Length of {len(found[1])} digits exceeds {_LENGTH_DIGITS}")
    if int(found[1]) > limits.content:
        raise ProtocolError(f"content of {value[:40].decode()} bytes exceeds {limits.content}", status=413)
    return int(found[1])
