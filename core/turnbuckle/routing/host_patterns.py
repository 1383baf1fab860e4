"""Read host patterns such as ``{tenant}.example.com`` and match hosts against them (RFC 9110, section 7.2).

A host pattern is a route pattern with dots in place of slashes: labels of text, parameters, or both; a
parameter stays within its label. Hosts compare without case, port and final dot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import Converters
from turnbuckle.routing.patterns import Pattern, parse_pattern, split_outside_braces
from turnbuckle.routing.segments import Reader, Values, compile_reader
from turnbuckle.routing.urls import write_text

# host = IP-literal / IPv4address / reg-name, and a port (RFC 3986, section 3.2), without the escapes that no
# host in use has.
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=]+)(?::[0-9]*)?")
_LABEL_TEXT: Final = re.compile(r"[A-Za-z0-9_\-]*|\[[0-9A-Fa-f:]+\]")


def normalize_host(authority: str) -> str | None:
    """Return the host of a ``Host`` field in lower case, without port and final dot, or None if it is malformed."""
    found = _AUTHORITY.fullmatch(authority)
    return found[1].lower().removesuffix(".") if found else None


@attrs.frozen(eq=False)
class HostPattern:
    """A host pattern; ``labels`` is a path pattern with its labels as segments, the last label first."""

    text: str
    labels: Pattern
    readers: tuple[Reader, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order of ``read``."""
        return tuple(parameter.name for parameter in self.labels.parameters)

    @property
    def is_static(self) -> bool:
        """Whether it matches one host only."""
        return self.labels.is_static

    @property
    def key(self) -> object:
        """What makes two host patterns the same, whatever their parameters are called."""
        return tuple(segment.key for segment in self.labels.segments)

    @property
    def order(self) -> tuple[tuple[int, ...], ...]:
        """Puts the more specific first: labels compare from the right, static ones before all others."""
        return tuple((0,) if segment.is_static else (1, *segment.order) for segment in self.labels.segments)

    def read(self, host: str) -> Values | None:
        """Return the values of the parameters, or None if the host does not fit."""
        labels = host.split(".")[::-1]
        if len(labels) != len(self.readers):
            return None
        values: Values = ()
        for read, label in zip(self.readers, labels, strict=True):
            taken = read(label)
            if taken is None:
                return None
            values += taken
        return values

    def write(self, params: Mapping[str, object]) -> str:
        """Return the host for these parameters, which it has to have all.

        Raises:
            RouteError: a parameter is missing, or its value cannot be part of a host.
        """
        texts = [write_text(segment, self.labels, params) for segment in reversed(self.labels.segments)]
        host = ".".join(texts)
        if not all(text and _LABEL_TEXT.fullmatch(text) for text in texts) or self.read(host) is None:
            raise RouteError(f"{host!r} is not a host that {self.text!r} matches")
        return host


def parse_host_pattern(text: str, converters: Converters) -> HostPattern:
    """Read a host pattern.

    Raises:
        RouteError: it is malformed, or holds what no host has.
    """
    labels = split_outside_braces(text, ".")
    try:
        pattern = parse_pattern("/" + "/".join(reversed(labels)), converters)
    except RouteError as error:
        raise RouteError(f"host pattern {text!r}, read from its last label: {error}") from error
    if any(segment.spans_segments for segment in pattern.segments):
        raise RouteError(f"host pattern {text!r}: a parameter stays within its label")
    _check_literals(text, labels, pattern)
    segments = tuple(
        attrs.evolve(segment, literals=tuple(map(str.lower, segment.literals))) for segment in pattern.segments
    )
    return HostPattern(text, Pattern(text, segments), tuple(map(compile_reader, segments)))


def _check_literals(text: str, labels: list[str], pattern: Pattern) -> None:
    if len(labels) != len(pattern.segments) or "" in labels:
        raise RouteError(f"host pattern {text!r}: labels with one dot between them, and no slash")
    for segment in pattern.segments:
        for literal in segment.literals:
            if not _LABEL_TEXT.fullmatch(literal):
                raise RouteError(f"host pattern {text!r}: {literal!r} is more than letters, digits and hyphens")
