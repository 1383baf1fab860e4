"""Explain why a route does not answer a request: its path, host or methods do not match, or another route precedes it.

The router has already decided; this module only describes the reason. It reads patterns as the tree router does.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, TypeAlias

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters
from turnbuckle.routing.escapes import decode_path
from turnbuckle.routing.host_patterns import normalize_host, parse_host_pattern
from turnbuckle.routing.methods import serves
from turnbuckle.routing.patterns import Pattern, parse_pattern, split_outside_braces
from turnbuckle.routing.records import Route
from turnbuckle.routing.segments import Segment, compile_reader

__all__ = ["MatchReport", "Nearness", "RouteQuery", "explain_mismatch", "why_later"]

Nearness: TypeAlias = tuple[int, float, float]

UNREADABLE: Final = "the core cannot read its path, only the router can"


@attrs.frozen(kw_only=True)
class RouteQuery:
    """The parts of a request that a router matches; ``path`` is percent-encoded, ``host`` may include a port."""

    method: str
    path: str
    host: str
    converters: Converters = BUILTIN_CONVERTERS


@attrs.frozen
class MatchReport:
    """Whether a route matches a request.

    Attributes:
        reason: why the route does not match; "" if it does.
        near: how near the route is; larger is nearer. The first number is 0 if the path does not match, 1 if only the
            path matches, 2 with the host, 3 with the method. The second is the number of shared segments, the third the
            similarity of the paths, from 0 to 1.
    """

    reason: str = ""
    near: Nearness = (0, 0, 0.0)

    @property
    def is_far(self) -> bool:
        """Whether the paths share nothing."""
        return self.near[:2] == (0, 0)


def explain_mismatch(route: Route, query: RouteQuery, trailing_slash: str) -> MatchReport:
    """Return whether a route matches a request; the path is compared first, then the host, then the method.

    Args:
        route: the route.
        query: the request.
        trailing_slash: the setting ``routing.trailing_slash``.
    """
    try:
        pattern = parse_pattern(route.path, query.converters)
    except RouteError:
        return MatchReport(UNREADABLE)
    segments = decode_path(query.path)
    if segments is None:
        return MatchReport("the path cannot be decoded")
    shared, reason = _Comparison(pattern, segments, trailing_slash).run()
    if reason:
        return MatchReport(reason, (0, shared, SequenceMatcher(None, route.path, query.path).ratio()))
    if reason := _host_reason(route, query):
        return MatchReport(reason, (1, shared, 0.0))
    if not serves(route.methods, query.method):
        return MatchReport(f"it answers {', '.join(sorted(route.methods))}, not {query.method}", (2, shared, 0.0))
    return MatchReport("", (3, shared, 0.0))


def why_later(route: Route, winner: Route, query: RouteQuery) -> str:
    """Return why the winner, which matches as well, precedes a route."""
    if route.host != winner.host:
        return f"routes of host {winner.host!r} precede it" if winner.host else "another router precedes it"
    try:
        own, other = (parse_pattern(candidate.path, query.converters) for candidate in (route, winner))
    except RouteError:
        return "the router chose another"
    for number, (mine, theirs) in enumerate(zip(own.segments, other.segments, strict=False), start=1):
        if mine.key != theirs.key or mine.is_static != theirs.is_static:
            return _compared(number, (own, mine), (other, theirs))
    if query.method in winner.methods and query.method not in route.methods:
        return f"a route for {query.method} itself precedes it"
    return f"{winner.path} precedes it"


def _host_reason(route: Route, query: RouteQuery) -> str:
    if not route.host:
        return ""
    host = normalize_host(query.host)
    if host is None or parse_host_pattern(route.host, query.converters).read(host) is None:
        return f"host {route.host!r} is not {host or query.host!r}"
    return ""


def _compared(number: int, own: tuple[Pattern, Segment], other: tuple[Pattern, Segment]) -> str:
    (pattern, mine), (winner, theirs) = own, other
    first, second = _text(winner, number - 1), _text(pattern, number - 1)
    if theirs.is_static:
        return f"segment {number}: the text {first!r} precedes {second}"
    if mine.spans_segments and not theirs.spans_segments:
        return f"segment {number}: one segment precedes many"
    return (
        f"segment {number}: {first} is narrower than {second}"
        if theirs.order < mine.order
        else (f"segment {number}: {first} precedes {second}")
    )


def _text(pattern: Pattern, position: int) -> str:
    return split_outside_braces(pattern.text[1:], "/")[position]


@attrs.define
class _Comparison:
    """Compares a pattern and a path segment by segment, until they differ.

    Attributes:
        pattern: the pattern of a route.
        segments: the decoded segments of the path.
        trailing_slash: the setting ``routing.trailing_slash``.
        at: number of segments of the path that match.
    """

    pattern: Pattern
    segments: Sequence[str]
    trailing_slash: str
    at: int = 0

    def run(self) -> tuple[float, str]:
        """Return the number of shared segments, and why the next one differs; "" if both end."""
        for position, segment in enumerate(self.pattern.segments):
            if reason := self._step(position, segment):
                # A parameter that rejects its segment is nearer than a different text.
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
            return self._rejected(position, segment, text)
        self.at = end
        return ""

    def _too_short(self, position: int) -> str:
        if self._is_trailing_slash(position):
            return self._slash("the route has a trailing slash, the path has none")
        return f"the path ends before its segment {position + 1}, {_text(self.pattern, position)!r}"

    def _is_trailing_slash(self, position: int) -> bool:
        segment = self.pattern.segments[position]
        return position > 0 and segment.is_static and not segment.literals[0]

    def _rejected(self, position: int, segment: Segment, text: str) -> str:
        shown = _text(self.pattern, position)
        if not segment.is_static:
            return f"segment {self.at + 1}: {shown} rejects {text!r}"
        if not shown:
            return f"the route ends where the path continues with {text!r}"
        if not text:
            return f"the path ends before its segment {position + 1}, {shown!r}"
        return f"segment {self.at + 1} is {shown!r}, not {text!r}"

    def _rest(self) -> str:
        rest = self.segments[self.at :]
        if rest == [""]:
            return self._slash("the path has a trailing slash, the route has none")
        return f"the route ends where the path continues with {'/'.join(rest)!r}" if rest else ""

    def _slash(self, reason: str) -> str:
        if self.trailing_slash == "ignore":
            return ""
        return f"{reason} (routing.trailing_slash = {self.trailing_slash!r})"
