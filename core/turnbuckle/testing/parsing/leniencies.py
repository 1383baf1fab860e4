"""The repairs that RFCs permit, each as a function.

A parser may be lenient, but only in the ways and with the results that an RFC names. Each permission is therefore
written as a function that repairs bytes: a lenient parser is correct if it reads the broken bytes as a strict parser
reads the repaired ones. Turnbuckle's own parsers use none of these permissions, because two readings of one message
make request smuggling possible.

Sources: RFC 9112, sections 2.2, 3, 5.2 and 6.3; RFC 9110, sections 6.5.1 and 8.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, final

import attrs

from turnbuckle.http.chunked import NOT_IN_TRAILERS

__all__ = ["LENIENCIES", "Leniency"]

_ONE_LENGTH: Final = re.compile(rb"(?i)^(Content-Length):[ \t]*([0-9]+)(?:[ \t]*,[ \t]*\2)*[ \t]*$", re.MULTILINE)


@final
@attrs.frozen
class Leniency:
    """A permission to repair.

    Attributes:
        name: the name in ``ParserConformance.leniencies`` and in reports.
        section: the section of the RFC.
        rule: the permission, in words.
        repair: returns the repaired bytes of a head.
    """

    name: str
    section: str
    rule: str
    repair: Callable[[bytes], bytes] = attrs.field(repr=False, eq=False)

    def candidates(self, data: bytes) -> tuple[bytes, ...]:
        """Return the repaired bytes: with the repair in the first head only, and everywhere."""
        found = re.search(rb"\n\r?\n", data.lstrip(b"\r\n"))
        end = len(data) if found is None else found.end() + len(data) - len(data.lstrip(b"\r\n"))
        repaired = (self.repair(data[:end]) + data[end:], self.repair(data))
        return tuple(candidate for candidate in dict.fromkeys(repaired) if candidate != data)


def _line_feeds(data: bytes) -> bytes:
    return re.sub(rb"\r*\n", b"\r\n", data)


def _carriage_returns(data: bytes) -> bytes:
    return re.sub(rb"\r(?!\n)", b" ", data)


def _empty_lines(data: bytes) -> bytes:
    return data.lstrip(b"\r\n")


def _lines_after_whitespace(data: bytes) -> bytes:
    return re.sub(rb"\A([^\r\n]*\r\n)(?:[ \t][^\r\n]*\r\n)+", rb"\1", data)


def _words_of_the_request_line(data: bytes) -> bytes:
    line, end, rest = data.partition(b"\r\n")
    return re.sub(rb"[ \t\v\f\r]+", b" ", line.strip(b" \t\v\f\r")) + end + rest


def _folds(data: bytes) -> bytes:
    return re.sub(rb"[ \t]*\r\n[ \t]+", b" ", data)


def _lengths(data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    kept: list[bytes] = []
    seen: set[bytes] = set()
    for line in lines:
        found = _ONE_LENGTH.fullmatch(line)
        if found is not None and found[2] in seen:
            continue
        seen.update((found[2],) if found is not None else ())
        kept.append(line if found is None else found[1] + b": " + found[2])
    return b"\r\n".join(kept)


def _lengths_beside_codings(data: bytes) -> bytes:
    if re.search(rb"(?im)^Transfer-Encoding:", data) is None:
        return data
    return re.sub(rb"(?im)^Content-Length:[^\n]*\n", b"", data)


def _late_trailers(data: bytes) -> bytes:
    found = re.search(rb"\r\n0+[ \t]*(?:;[^\r\n]*)?\r\n", data)
    if found is None:
        return data
    section, end, rest = data[found.end() :].partition(b"\r\n\r\n")
    kept = [line for line in section.split(b"\r\n") if line.partition(b":")[0].lower() not in NOT_IN_TRAILERS]
    # If no line is left, the section is empty, and one of the line ends belonged to the last line.
    return data[: found.end()] + b"".join(line + b"\r\n" for line in kept) + end[2:] + rest


_ALL: Final = (
    Leniency(
        "line-feed",
        "RFC 9112, 2.2",
        "a single LF may end a request line or field line, and a CR before it is ignored",
        _line_feeds,
    ),
    Leniency("bare-cr", "RFC 9112, 2.2", "a CR without its LF may be replaced by SP", _carriage_returns),
    Leniency("empty-lines", "RFC 9112, 2.2", "empty lines before a request line may be ignored", _empty_lines),
    Leniency(
        "whitespace-lines",
        "RFC 9112, 2.2",
        "lines that begin with whitespace may be dropped between request line and fields",
        _lines_after_whitespace,
    ),
    Leniency(
        "request-line-whitespace",
        "RFC 9112, 3",
        "a request line may be split at any whitespace",
        _words_of_the_request_line,
    ),
    Leniency("obs-fold", "RFC 9112, 5.2", "a folded line may be unfolded with SP", _folds),
    Leniency("equal-lengths", "RFC 9110, 8.6", "a repeated, equal length may be replaced by one", _lengths),
    Leniency(
        "length-beside-coding",
        "RFC 9112, 6.3",
        "Transfer-Encoding may override Content-Length",
        _lengths_beside_codings,
    ),
    Leniency(
        "late-trailers",
        "RFC 9110, 6.5.1",
        "a field that must not be in a trailer section may be ignored",
        _late_trailers,
    ),
)

LENIENCIES: Final[Mapping[str, Leniency]] = MappingProxyType({leniency.name: leniency for leniency in _ALL})
"""The permissions by name."""
