"""Say why a route does not answer a request: what in its path, host or methods does not fit, or what comes before it.

The router has decided already; this finds the words. Patterns are those of the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, TypeAlias

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN, Converters
from turnbuckle.routing.escapes import decode_path
from turnbuckle.routing.host_patterns import normalize_host, parse_host_pattern
from turnbuckle.routing.methods import serves
from turnbuckle.routing.patterns import Pattern, parse_pattern, split_outside_braces
from turnbuckle.routing.records import Route
from turnbuckle.routing.segments import Segment, compile_reader

__all__ = ["MatchReport", "Nearness", "RouteQuery", "explain_mismatch", "why_later"]

Nearness: TypeAlias = tuple[int, float, float]

UNREADABLE: Final = "the router reads its path in a way of its own"


@attrs.frozen(kw_only=True)
class RouteQuery:
    """What of a request a router looks at; ``path`` is percent-encoded, ``host`` may have a port."""

    method: str
    path: str
    host: str
    converters: Converters = BUILTIN


@attrs.frozen
class MatchReport:
    """Whether a route fits a request.

    Attributes:
        reason: why not; "" if it fits.
        near: what fits (path, host, method), how many segments are shared, how alike the paths are: the larger the
            nearer.
    """

    reason: str = ""
    near: Nearness = (0, 0, 0.0)

    @property
    def is_far(self) -> bool:
        """Whether nothing of the path is shared."""
        return self.near[:2] == (0, 0)


def explain_mismatch(route: Route, asking: RouteQuery, trailing_slash: str) -> MatchReport:
    """Return whether a route fits a request, path first, then host, then method."""
    try:
        pattern = parse_pattern(route.path, asking.converters)
    except RouteError:
        return MatchReport(UNREADABLE)
    segments = decode_path(asking.path)
    if segments is None:
        return MatchReport("the path cannot be decoded")
    shared, reason = _Walk(pattern, segments, trailing_slash).run()
    if reason:
        return MatchReport(reason, (0, shared, SequenceMatcher(None, route.path, asking.path).ratio()))
    if reason := _host_reason(route, asking):
        return MatchReport(reason, (1, shared, 0.0))
    if not serves(route.methods, asking.method):
        return MatchReport(f"it answers {', '.join(sorted(route.methods))}, not {asking.method}", (2, shared, 0.0))
    return MatchReport("", (3, shared, 0.0))


def why_later(route: Route, winner: Route, asking: RouteQuery) -> str:
    """Return why another route that fits as well comes before a route."""
    if route.host != winner.host:
        return f"routes of host {winner.host!r} come before it" if winner.host else "another router has it first"
    try:
        own, other = (parse_pattern(each.path, asking.converters) for each in (route, winner))
    except RouteError:
        return "the router chose another"
    for number, (mine, theirs) in enumerate(zip(own.segments, other.segments, strict=False), start=1):
        if mine.key != theirs.key or mine.is_static != theirs.is_static:
            return _compared(number, (own, mine), (other, theirs))
    if asking.method in winner.methods and asking.method not in route.methods:
        return f"a route for {asking.method} itself comes before it"
    return f"{winner.path} comes before it"


def _host_reason(route: Route, asking: RouteQuery) -> str:
    if not route.host:
        return ""
    host = normalize_host(asking.host)
    if host is None or parse_host_pattern(route.host, asking.converters).read(host) is None:
        return f"host {route.host!r} is not {host or asking.host!r}"
    return ""


def _compared(number: int, own: tuple[Pattern, Segment], other: tuple[Pattern, Segment]) -> str:
    (pattern, mine), (winner, theirs) = own, other
    first, second = _text(winner, number - 1), _text(pattern, number - 1)
    if theirs.is_static:
        return f"segment {number}: the text {first!r} comes before {second}"
    if mine.spans_segments and not theirs.spans_segments:
        return f"segment {number}: one segment comes before many"
    return (
        f"segment {number}: {first} is narrower than {second}"
        if theirs.order < mine.order
        else (f"segment {number}: {first} comes before {second}")
    )


def _text(pattern: Pattern, position: int) -> str:
    return split_outside_braces(pattern.text[1:], "/")[position]


@attrs.define
class _Walk:
    """A walk along pattern and path together, until they part."""

    pattern: Pattern
    segments: Sequence[str]
    trailing_slash: str
    at: int = 0

    def run(self) -> tuple[float, str]:
        """Return how many segments were shared, and why no more were; "" at the end of both."""
        for position, segment in enumerate(self.pattern.segments):
            if reason := self._step(position, segment):
                # A parameter in the right place is nearer than another text.
                return self.at if segment.is_static else self.at + 0.5, reason
        return self.at, self._rest()

    def _step(self, position: int, segment: Segment) -> str:
        end = self.at + 1
        if segment.spans_segments:
            end = len(self.segments) - (len(self.pattern.segments) - position - 1)
        if self.at >= len(self.segments) or end <= self.at:
            return self._too_short(position)
        text = "/".join(self.segments[self.at : end])
        if compile_reader(segment)(text) is None:
            return self._refused(position, segment, text)
        self.at = end
        return ""

    def _too_short(self, position: int) -> str:
        if self._is_slash_alone(position):
            return self._slash("it has a slash at its end, the path has none")
        return f"the path ends before its segment {position + 1}, {_text(self.pattern, position)!r}"

    def _is_slash_alone(self, position: int) -> bool:
        segment = self.pattern.segments[position]
        return position > 0 and segment.is_static and not segment.literals[0]

    def _refused(self, position: int, segment: Segment, text: str) -> str:
        shown = _text(self.pattern, position)
        if not segment.is_static:
            return f"segment {self.at + 1}: {shown} refuses {text!r}"
        if not shown:
            return f"it ends where the path goes on with {text!r}"
        if not text:
            return f"the path ends before its segment {position + 1}, {shown!r}"
        return f"segment {self.at + 1} is {shown!r}, not {text!r}"

    def _rest(self) -> str:
        rest = self.segments[self.at :]
        if rest == [""]:
            return self._slash("the path has a slash at its end, it has none")
        return f"it ends where the path goes on with {'/'.join(rest)!r}" if rest else ""

    def _slash(self, reason: str) -> str:
        if self.trailing_slash == "ignore":
            return ""
        return f"{reason} (routing.trailing_slash = {self.trailing_slash!r})"
