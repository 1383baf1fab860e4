r"""The router ``regex``: routes are regular expressions, tried in the order in which they were added.

The first route that has the path and the method answers. A path is written in one of two ways:

* as everywhere, ``/users/{id:int}``; it becomes a regular expression with one group for each segment that varies;
* with ``/^`` in it: what follows is an expression in Python's syntax, which has to match all that is left of the
  decoded path. Its named groups are path parameters, of text: ``/^users/(?P<id>[0-9]+)(?:\.json)?``. A pattern may
  stand before it, such as the prefix of a scope: ``/{tenant}/^archive/.*``. No path can be written from it.

A slash that was sent as ``%2F`` is none to an expression: it is seen as the character U+DC2F, and a slash again in
the parameters. Patterns are matched in linear time; expressions are matched by Python's ``re``, and may take
exponential time if they are written so.
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
# To look for hidden routes, a path of each is held against all before it.
_MANY: Final = 1000

_Params: TypeAlias = dict[str, object]
_Read: TypeAlias = Callable[[str], _Params | None]
"""Gives the parameters in the text of one segment, or None if it does not fit."""


@final
class RegexRouterPlugin(Plugin):
    """Offer the router ``regex``."""

    info = PluginInfo(name="regex_router")

    def provide_routers(self, setup: Setup) -> Iterable[RouterProvider]:
        """Offer regular expressions as a router."""
        return [RouterProvider("regex", _make)]


@final
class _Reader:
    """A pattern as a regular expression, with a group for each segment that varies.

    Args:
        pattern: None for one of no segments.
    """

    def __init__(self, pattern: Pattern | None) -> None:
        segments = pattern.segments if pattern is not None else ()
        self.size: Final = len(segments)
        self._expression: Final = re.compile("/".join(map(_expression, segments)), re.DOTALL)
        self._reads: Final = [_read_of(segment) for segment in segments if not segment.is_static]

    def read(self, segments: Segments) -> _Params | None:
        """Return the parameters, or None if the segments do not fit."""
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
    """A route, and how its paths are told.

    Attributes:
        head: reads what stands before the mark, or the whole path where there is none.
        tail: reads what follows the mark; None where there is none.
    """

    head: _Reader
    tail: re.Pattern[str] | None = None

    def params(self, segments: Segments) -> _Params | None:
        """Return the parameters in a path, or None if it is not one of this route."""
        if self.tail is None:
            return self.head.read(segments)
        size = self.head.size
        # A tail begins with a slash, so that it has one segment at least, even if an empty one.
        params = self.head.read(segments[:size]) if len(segments) > size else None
        found = self.tail.fullmatch(join_segments(segments[size:], "/")) if params is not None else None
        if params is None or found is None:
            return None
        return params | {name: restore(text) for name, text in found.groupdict().items() if text is not None}


@final
class RegexRouter(PathRouter[_Rule]):
    """A router of ordered regular expressions.

    Args:
        trailing_slash: what to do when only a slash at the end is wrong.
        converters: kinds of path parameters by name, beside the built-in ones or in place of them.
    """

    def __init__(self, trailing_slash: TrailingSlash = "strict", converters: Converters | None = None) -> None:
        super().__init__(trailing_slash, converters)
        self._heads: dict[object, _Rule] = {}

    def read(self, route: Route) -> _Rule:
        """Read the path of a route: a pattern, an expression, or one after the other."""
        before, mark, tail = route.path.partition(_MARK)
        if not mark:
            pattern = self.pattern(route.path)
            return _Rule(route, _key(pattern), pattern, _Reader(pattern))
        head = self.pattern(before) if before else None
        return _Rule(route, (_key(head), tail), None, _Reader(head), _compile(route, head, tail))

    def prepare(self) -> None:
        """Note which paths have a route of their own for HEAD."""
        self._heads = {rule.key: rule for rule in self.rules if "HEAD" in rule.route.methods}

    def find(self, method: str, segments: Segments, allowed: set[str]) -> Match | None:
        """Return the match of the first rule that has the path and the method."""
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
        """Return the routes that others hide, of those with patterns; what Python's expressions take is not known."""
        if len(self.rules) > _MANY:
            return ()
        patterns = [(rule.route, rule.pattern) for rule in self.rules if rule.pattern is not None]
        return unreachable_routes(patterns, self._route_at)

    def _route_at(self, method: str, path: str) -> Route | None:
        try:
            return self.match(method, path).route
        except (NotFound, MethodNotAllowed):
            return None

    def _match_head(self, rule: _Rule, segments: Segments, params: _Params) -> Match:
        # HEAD follows GET, unless the same paths have a route of their own for it, wherever that stands.
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
    """Return what reads the text of one segment that varies, or of several if it spans them."""
    values_in = segment.reader()
    names = [parameter.name for parameter in segment.parameters]

    def read(text: str) -> _Params | None:
        values = values_in(text)
        return None if values is None else dict(zip(names, values, strict=True))

    return read


def _compile(route: Route, head: Pattern | None, tail: str) -> re.Pattern[str]:
    """Return the expression behind the mark."""
    try:
        expression = re.compile(tail)
    except (re.error, OverflowError, RecursionError) as error:
        raise RouteError(f"{route.describe()}: {tail!r} is no regular expression: {error}") from error
    if head is None:
        return expression
    if any(segment.spans_segments for segment in head.segments):
        raise RouteError(f"{route.describe()}: nothing can follow a parameter that spans segments, not {tail!r}")
    twice = sorted(expression.groupindex.keys() & {parameter.name for parameter in head.parameters})
    if twice:
        raise RouteError(f"{route.describe()}: parameter {twice[0]!r} occurs twice")
    return expression
