r"""The router ``regex``: routes are regular expressions, tried in the order in which they were added.

The first route with the path and the method answers. A path is written in one of two ways:

* as everywhere, ``/users/{id:int}``; it becomes a regular expression with one group for each variable segment;
* with ``/^``: the rest is a regular expression in Python's syntax that must match the whole rest of the decoded path.
  Its named groups are path parameters of type ``str``: ``/^users/(?P<id>[0-9]+)(?:\.json)?``. A pattern may precede it,
  such as the prefix of a scope: ``/{tenant}/^archive/.*``. Paths of such a route cannot be built.

An expression does not see a slash that was sent as ``%2F``: it sees the character U+DC2F instead. In the parameters it
is a slash again. Patterns match in linear time. Expressions are matched by Python's ``re`` and may take exponential
time, depending on how they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, final

import attrs

from turnbuckle import (
    Match,
    MethodNotAllowed,
    NotFound,
    Pattern,
    Plugin,
    PluginInfo,
    Route,
    RouteError,
    RouterProvider,
    Segment,
    Setup,
    UnreachableRoute,
    unreachable_routes,
)
from turnbuckle_plugins.path_router import Converters, PathRouter, Rule, Segments, TrailingSlash, join_segments, restore

__all__ = ["RegexRouter", "RegexRouterPlugin"]

_MARK: Final = "/^"
# The search for hidden routes compares a path of each route with all routes before it.
_MAX_SEARCHED: Final = 1000

_Params: TypeAlias = dict[str, object]
_Read: TypeAlias = Callable[[str], _Params | None]
"""Return the parameters in the text of one segment, or None if it does not match."""


@final
class RegexRouterPlugin(Plugin):
    """Provide the router ``regex``."""

    info = PluginInfo(name="regex_router")

    def provide_routers(self, setup: Setup) -> Iterable[RouterProvider]:
        """Return the router."""
        return [RouterProvider("regex", _make)]


@final
class _Reader:
    """A pattern as a regular expression, with a group for each variable segment.

    Args:
        pattern: the pattern; None for a pattern without segments.
    """

    def __init__(self, pattern: Pattern | None) -> None:
        segments = pattern.segments if pattern is not None else ()
        self.size: Final = len(segments)
        self._expression: Final = re.compile("/".join(map(_expression, segments)), re.DOTALL)
        self._reads: Final = [_read_of(segment) for segment in segments if not segment.is_static]

    def read(self, segments: Segments) -> _Params | None:
        """Return the parameters, or None if the segments do not match."""
        found = self._expression.fullmatch(join_segments(segments, "/"))
        if found is None:
            return None
        params: _Params = {}
        for read, text in zip(self._reads, found.groups(), strict=True):
            values = read(restore(text))
            if values is None:
                return None
            params.update(values)
        return params


@attrs.frozen(eq=False)
class _Rule(Rule):
    """A route with the readers of its paths.

    Attributes:
        head: reads the pattern before the mark, or the whole path without a mark.
        tail: the expression after the mark; None without a mark.
    """

    head: _Reader
    tail: re.Pattern[str] | None = None

    def params(self, segments: Segments) -> _Params | None:
        """Return the parameters in a path, or None if the path is not a path of this route."""
        if self.tail is None:
            return self.head.read(segments)
        size = self.head.size
        # A tail begins with a slash, so it has at least one segment, which may be empty.
        params = self.head.read(segments[:size]) if len(segments) > size else None
        found = self.tail.fullmatch(join_segments(segments[size:], "/")) if params is not None else None
        if params is None or found is None:
            return None
        return params | {name: restore(text) for name, text in found.groupdict().items() if text is not None}


@final
class RegexRouter(PathRouter[_Rule]):
    """A router of ordered regular expressions.

    Args:
        trailing_slash: what to do if a path differs from a route in its trailing slash only.
        converters: kinds of path parameters by name, in addition to the built-in ones or replacing them.
    """

    def __init__(self, trailing_slash: TrailingSlash = "strict", converters: Converters | None = None) -> None:
        super().__init__(trailing_slash, converters)
        self._heads: dict[object, _Rule] = {}

    def read(self, route: Route) -> _Rule:
        """Read the path of a route: a pattern, an expression, or a pattern followed by an expression."""
        before, mark, tail = route.path.partition(_MARK)
        if not mark:
            pattern = self.pattern(route.path)
            return _Rule(route, _key(pattern), pattern, _Reader(pattern))
        head = self.pattern(before) if before else None
        return _Rule(route, (_key(head), tail), None, _Reader(head), _compile(route, head, tail))

    def prepare(self) -> None:
        """Collect the rules with their own route for HEAD."""
        self._heads = {rule.key: rule for rule in self.rules if "HEAD" in rule.route.methods}

    def find(self, method: str, segments: Segments, allowed: set[str]) -> Match | None:
        """Return the match of the first rule with the path and the method."""
        for rule in self.rules:
            params = rule.params(segments)
            if params is None:
                continue
            methods = rule.route.methods
            if method in methods:
                return Match(rule.route.handler, params, rule.route)
            if method == "HEAD" and "GET" in methods:
                return self._match_head(rule, segments, params)
            allowed.update(methods)
        return None

    def find_unreachable(self) -> tuple[UnreachableRoute, ...]:
        """Return the hidden routes among the routes with patterns; the paths of expressions are unknown."""
        if len(self.rules) > _MAX_SEARCHED:
            return ()
        patterns = [(rule.route, rule.pattern) for rule in self.rules if rule.pattern is not None]
        return unreachable_routes(patterns, self._route_at)

    def _route_at(self, method: str, path: str) -> Route | None:
        try:
            return self.match(method, path).route
        except (NotFound, MethodNotAllowed):
            return None

    def _match_head(self, rule: _Rule, segments: Segments, params: _Params) -> Match:
        # HEAD follows GET, unless there is a route for HEAD with the same paths, at any position.
        own = self._heads.get(rule.key, rule)
        return Match(own.route.handler, params if own is rule else own.params(segments) or {}, own.route)


def _make(setup: Setup) -> RegexRouter:
    return RegexRouter(setup.settings.routing.trailing_slash, setup.converters)


def _key(pattern: Pattern | None) -> object:
    return tuple(segment.key for segment in pattern.segments) if pattern is not None else ()


def _expression(segment: Segment) -> str:
    if segment.is_static:
        return re.escape(join_segments([segment.literals[0]], ""))
    return "(.*)" if segment.spans_segments else "([^/]*)"


def _read_of(segment: Segment) -> _Read:
    """Return a reader of the text of a variable segment, or of several segments if it spans them."""
    values_in = segment.reader()
    names = [parameter.name for parameter in segment.parameters]

    def read(text: str) -> _Params | None:
        values = values_in(text)
        return None if values is None else dict(zip(names, values, strict=True))

    return read


def _compile(route: Route, head: Pattern | None, tail: str) -> re.Pattern[str]:
    """Return the expression after the mark."""
    try:
        expression = re.compile(tail)
    except (re.error, OverflowError, RecursionError) as error:
        raise RouteError(f"{route.describe()}: {tail!r} is not a regular expression: {error}") from error
    if head is None:
        return expression
    if any(segment.spans_segments for segment in head.segments):
        raise RouteError(f"{route.describe()}: {tail!r} cannot follow a parameter that spans segments")
    twice = sorted(expression.groupindex.keys() & {parameter.name for parameter in head.parameters})
    if twice:
        raise RouteError(f"{route.describe()}: parameter {twice[0]!r} occurs twice")
    return expression
