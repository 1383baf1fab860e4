"""What the RFCs permit a parser to repair, each as the repair itself.

A parser may be generous, but only in the ways that an RFC names, and only with the result that it names. So each
permission is written down as what it makes of the octets: a generous parser is right when it reads what is broken just
as a strict one reads what is repaired. Turnbuckle's own parsers use none of these permissions: where two readings of
one message meet, requests are smuggled.

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
        name: for ``ParserConformance.leniencies``, and for reports.
        section: the RFC that gives it.
        rule: what it permits, in words.
        repair: makes of a head what a parser may take it for.
    """

    name: str
    section: str
    rule: str
    repair: Callable[[bytes], bytes] = attrs.field(repr=False, eq=False)

    def candidates(self, octets: bytes) -> tuple[bytes, ...]:
        """Return what the octets may be taken for: repaired in the first head alone, or all through."""
        found = re.search(rb"\n\r?\n", octets.lstrip(b"\r\n"))
        end = len(octets) if found is None else found.end() + len(octets) - len(octets.lstrip(b"\r\n"))
        repaired = (self.repair(octets[:end]) + octets[end:], self.repair(octets))
        return tuple(each for each in dict.fromkeys(repaired) if each != octets)


def _line_feeds(octets: bytes) -> bytes:
    return re.sub(rb"\r*\n", b"\r\n", octets)


def _carriage_returns(octets: bytes) -> bytes:
    return re.sub(rb"\r(?!\n)", b" ", octets)


def _empty_lines(octets: bytes) -> bytes:
    return octets.lstrip(b"\r\n")


def _lines_after_whitespace(octets: bytes) -> bytes:
    return re.sub(rb"\A([^\r\n]*\r\n)(?:[ \t][^\r\n]*\r\n)+", rb"\1", octets)


def _words_of_the_request_line(octets: bytes) -> bytes:
    line, end, rest = octets.partition(b"\r\n")
    return re.sub(rb"[ \t\v\f\r]+", b" ", line.strip(b" \t\v\f\r")) + end + rest


def _folds(octets: bytes) -> bytes:
    return re.sub(rb"[ \t]*\r\n[ \t]+", b" ", octets)


def _lengths(octets: bytes) -> bytes:
    lines = octets.split(b"\r\n")
    kept: list[bytes] = []
    seen: set[bytes] = set()
    for line in lines:
        found = _ONE_LENGTH.fullmatch(line)
        if found is not None and found[2] in seen:
            continue
        seen.update((found[2],) if found is not None else ())
        kept.append(line if found is None else found[1] + b": " + found[2])
    return b"\r\n".join(kept)


def _lengths_beside_codings(octets: bytes) -> bytes:
    if re.search(rb"(?im)^Transfer-Encoding:", octets) is None:
        return octets
    return re.sub(rb"(?im)^Content-Length:[^\n]*\n", b"", octets)


def _late_trailers(octets: bytes) -> bytes:
    found = re.search(rb"\r\n0+[ \t]*(?:;[^\r\n]*)?\r\n", octets)
    if found is None:
        return octets
    section, end, rest = octets[found.end() :].partition(b"\r\n\r\n")
    kept = [line for line in section.split(b"\r\n") if line.partition(b":")[0].lower() not in NOT_IN_TRAILERS]
    # Without a line the section is empty, and one of the line ends is what ended the last of them.
    return octets[: found.end()] + b"".join(line + b"\r\n" for line in kept) + end[2:] + rest


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
    Leniency("equal-lengths", "RFC 9110, 8.6", "a length that says the same again may be folded into one", _lengths),
    Leniency(
        "length-beside-coding",
        "RFC 9112, 6.3",
        "Transfer-Encoding may override Content-Length",
        _lengths_beside_codings,
    ),
    Leniency(
        "late-trailers",
        "RFC 9110, 6.5.1",
        "a field that must not be in a trailer section may be ignored, whatever it says",
        _late_trailers,
    ),
)

LENIENCIES: Final[Mapping[str, Leniency]] = MappingProxyType({each.name: each for each in _ALL})
"""The permissions by name."""
