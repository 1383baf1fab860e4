"""Parse host patterns such as ``{tenant}.example.com`` and match hosts against them (RFC 9110, section 7.2).

A host pattern is like a route pattern with dots instead of slashes: its labels consist of text, parameters, or both. A
parameter cannot span labels. Hosts are compared without case, port and trailing dot.
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

# host = IP-literal / IPv4address / reg-name, and a port (RFC 3986, section 3.2), without percent-encoding, which
# hosts do not use in practice.
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=]+)(?::[0-9]*)?")
# Parameters as other frameworks have them: "*", ":name" and "<name>".
_FOREIGN: Final = re.compile(r"^\*+(\w*)|^:(\w+)|<(?:\w+:)?(\w+)>")
_LABEL_TEXT: Final = re.compile(r"[A-Za-z0-9_\-]*|\[[0-9A-Fa-f:]+\]")


class ForeignHostError(RouteError):
    """A host pattern has the syntax of another framework; ``fix`` is the right spelling."""

    def __init__(self, text: str, fixed: str) -> None:
        super().__init__(f"host pattern {text!r}: parameters are written in braces, and match one label each")
        self.fix = f"write {fixed!r}"


def normalize_host(authority: str) -> str | None:
    """Return the host of a ``Host`` field in lower case, without port and trailing dot, or None if it is malformed."""
    found = _AUTHORITY.fullmatch(authority)
    return found[1].lower().removesuffix(".") if found else None


@attrs.frozen(eq=False)
class HostPattern:
    """A parsed host pattern; ``labels`` is a path pattern whose segments are the labels, the last label first."""

    text: str
    labels: Pattern
    readers: tuple[Reader, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order of the values from ``read``."""
        return tuple(parameter.name for parameter in self.labels.parameters)

    @property
    def is_static(self) -> bool:
        """Whether the pattern matches exactly one host."""
        return self.labels.is_static

    @property
    def key(self) -> object:
        """Key that is equal for patterns that differ only in the names of their parameters."""
        return tuple(segment.key for segment in self.labels.segments)

    @property
    def order(self) -> tuple[tuple[int, ...], ...]:
        """Sort key that puts specific patterns first: labels are compared from the right, static labels first."""
        return tuple((0,) if segment.is_static else (1, *segment.order) for segment in self.labels.segments)

    def read(self, host: str) -> Values | None:
        """Return the values of the parameters, or None if the host does not match."""
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
        """Return the host for the parameters, all of which are required.

        Raises:
            RouteError: a parameter is missing, or its value is not allowed in a host.
        """
        texts = [write_text(segment, self.labels, params) for segment in reversed(self.labels.segments)]
        host = ".".join(texts)
        if not all(text and _LABEL_TEXT.fullmatch(text) for text in texts) or self.read(host) is None:
            raise RouteError(f"{host!r} is not a host that matches {self.text!r}")
        return host


def parse_host_pattern(text: str, converters: Converters) -> HostPattern:
    """Parse a host pattern.

    Raises:
        RouteError: the pattern is malformed, or contains characters that a host cannot have.
    """
    labels = split_outside_braces(text, ".")
    fixed = ".".join(_FOREIGN.sub(_to_braces, label) if "{" not in label else label for label in labels)
    if fixed != text:
        raise ForeignHostError(text, fixed)
    try:
        pattern = parse_pattern("/" + "/".join(reversed(labels)), converters)
    except RouteError as error:
        raise RouteError(f"host pattern {text!r}, read from its last label: {error}") from error
    if any(segment.spans_segments for segment in pattern.segments):
        raise RouteError(f"host pattern {text!r}: a parameter cannot span labels")
    _check_literals(text, labels, pattern)
    segments = tuple(
        attrs.evolve(segment, literals=tuple(map(str.lower, segment.literals))) for segment in pattern.segments
    )
    return HostPattern(text, Pattern(text, segments), tuple(map(compile_reader, segments)))


def _to_braces(found: re.Match[str]) -> str:
    return f"{{{found[1] or found[2] or found[3] or 'name'}}}"


def _check_literals(text: str, labels: list[str], pattern: Pattern) -> None:
    if len(labels) != len(pattern.segments) or "" in labels:
        raise RouteError(f"host pattern {text!r}: labels are separated by single dots, without slashes")
    for segment in pattern.segments:
        for literal in segment.literals:
            if not _LABEL_TEXT.fullmatch(literal):
                raise RouteError(
                    f"host pattern {text!r}: {literal!r} has other characters than letters, digits and hyphens"
                )
