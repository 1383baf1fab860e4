"""A base class of routers that leave the search to a library or an expression.

It owns the rules around the search: it rejects duplicates and late routes, lists all methods in ``allowed``, treats a
trailing slash as the settings say, and builds paths from patterns.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import Final, Generic, Literal, TypeAlias, TypeVar

import attrs

from turnbuckle import (
    CONVERTERS,
    Converter,
    Match,
    MethodNotAllowed,
    NotFound,
    Pattern,
    Route,
    RouteConflict,
    RouteError,
    SlashRedirect,
    UnreachableRoute,
    allowed_methods,
    build_path,
    check_methods,
    decode_path,
    parse_pattern,
)

__all__ = ["ENCODED_SLASH", "Converters", "PathRouter", "Rule", "Segments", "TrailingSlash", "join_segments", "restore"]

TrailingSlash: TypeAlias = Literal["strict", "redirect", "ignore"]
Converters: TypeAlias = Mapping[str, Converter | Callable[[str], Converter]]
Segments: TypeAlias = list[str]
"""The decoded segments of a path."""

_POLICIES: Final = ("strict", "redirect", "ignore")
# No route has this method, so a search with it collects the methods of all routes with the path.
_NO_METHOD: Final = ""
# A lone surrogate, which no decoded path can contain. It marks the slashes within segments.
ENCODED_SLASH: Final = "\udc2f"


def join_segments(segments: Segments, separator: str) -> str:
    """Return the segments as one text, in which ``ENCODED_SLASH`` stands for the slashes within segments."""
    return separator.join(segment.replace("/", ENCODED_SLASH) for segment in segments)


def restore(text: str) -> str:
    """Return a part of a joined text with its slashes restored."""
    return text.replace(ENCODED_SLASH, "/")


@attrs.frozen(eq=False)
class Rule:
    """A route whose path was read.

    Attributes:
        route: the route, as it was added.
        key: equal for rules with the same paths.
        pattern: the pattern from which paths are built; None if they cannot be built.
    """

    route: Route
    key: object
    pattern: Pattern | None


RuleT = TypeVar("RuleT", bound=Rule)


class PathRouter(abc.ABC, Generic[RuleT]):
    """A router without the search.

    Args:
        trailing_slash: what to do if a path differs from a route in its trailing slash only.
        converters: kinds of path parameters by name, in addition to the built-in ones or replacing them.

    Attributes:
        rules: the rules, in the order in which they were added.
    """

    def __init__(self, trailing_slash: TrailingSlash = "strict", converters: Converters | None = None) -> None:
        if trailing_slash not in _POLICIES:
            raise RouteError(f"trailing_slash must be one of {', '.join(_POLICIES)}, not {trailing_slash!r}")
        self._trailing_slash: Final = trailing_slash
        self._converters: Final = {**CONVERTERS, **(converters or {})}
        self.rules: Final[list[RuleT]] = []
        self._named: Final[dict[str, RuleT]] = {}
        self._taken: Final[dict[tuple[object, str], RuleT]] = {}
        self._is_frozen = False

    def pattern(self, text: str) -> Pattern:
        """Read a pattern with the converters of this router.

        Raises:
            RouteError: it is malformed.
        """
        return parse_pattern(text, self._converters)

    @abc.abstractmethod
    def read(self, route: Route) -> RuleT:
        """Read the path of a route.

        Raises:
            RouteError: it cannot be used.
        """

    @abc.abstractmethod
    def prepare(self) -> None:
        """Prepare for matching by ``rules``."""

    @abc.abstractmethod
    def find(self, method: str, segments: Segments, allowed: set[str]) -> Match | None:
        """Return the match, or None after adding the methods of the routes that have the path to ``allowed``."""

    def add(self, route: Route, /) -> None:
        """Add a route.

        Raises:
            RouteError: its path or its methods cannot be used, or the router is frozen.
            RouteConflict: another route has the same path and one of the methods, or the same name.
        """
        if self._is_frozen:
            raise RouteError(f"{route.describe()} cannot be added: the router is frozen")
        check_methods(route.methods)
        rule = self.read(route)
        self._check_is_free(rule)
        self._taken.update(((rule.key, method), rule) for method in route.methods)
        self.rules.append(rule)
        if route.name:
            self._named[route.name] = rule

    def freeze(self) -> None:
        """Prepare for matching; no route is added afterwards."""
        if not self._is_frozen:
            self._is_frozen = True
            self.prepare()

    def match(self, method: str, path: str, /) -> Match:
        """Return the handler of a method and a path.

        Raises:
            NotFound: no route has this path, or its escapes are malformed.
            MethodNotAllowed: a route has this path, with other methods; ``allowed`` lists all of them.
        """
        self._check_frozen("match()")
        allowed: set[str] = set()
        segments = decode_path(path)
        found = self._find(method, segments, allowed) if segments is not None else None
        if found is not None:
            return found
        if allowed := allowed or self._allowed_anywhere(path):
            raise MethodNotAllowed(allowed_methods(allowed))
        if segments is not None and self._trailing_slash == "redirect" and self._is_there(_other_form(segments)):
            raise SlashRedirect(path[:-1] if path.endswith("/") else path + "/")
        raise NotFound

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes, in the order in which they were added."""
        return tuple(rule.route for rule in self.rules)

    def allowed(self, path: str, /) -> frozenset[str]:
        """Return the methods of a path; empty if no route has it."""
        allowed = self._allowed_anywhere(path)
        segments = decode_path(path)
        if segments is not None:
            for form in [segments, _other_form(segments)] if self._trailing_slash == "ignore" else [segments]:
                self.find(_NO_METHOD, form, allowed)
        return allowed_methods(allowed)

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the percent-encoded path of a named route.

        Raises:
            RouteError: no route has this name, its path cannot be built, or the parameters do not fit.
        """
        rule = self._named.get(name)
        if rule is None:
            raise RouteError(f"no route is named {name!r}")
        if rule.pattern is None:
            raise RouteError(f"the path of {rule.route.describe()} cannot be built: it is a regular expression")
        return build_path(rule.pattern, params)

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """Return the routes that no request can reach, as far as they can be found."""
        self._check_frozen("unreachable_routes()")
        return self.find_unreachable()

    def find_unreachable(self) -> tuple[UnreachableRoute, ...]:
        """Return nothing; a router that knows the order of its routes can override this."""
        return ()

    def _check_frozen(self, what: str) -> None:
        if not self._is_frozen:
            raise RuntimeError(f"call freeze() before {what}")

    def _allowed_anywhere(self, path: str) -> set[str]:
        # RFC 9110, section 9.3.7: OPTIONS * concerns the server as a whole.
        return {method for rule in self.rules for method in rule.route.methods} if path == "*" else set()

    def _check_is_free(self, rule: RuleT) -> None:
        route = rule.route
        if route.name and route.name in self._named:
            raise RouteConflict(self._named[route.name].route, route, f"both are named {route.name!r}")
        for method in sorted(route.methods):
            first = self._taken.get((rule.key, method))
            if first is not None:
                raise RouteConflict(first.route, route, f"both answer {method} at the same paths")

    def _find(self, method: str, segments: Segments, allowed: set[str]) -> Match | None:
        found = self.find(method, segments, allowed)
        if found is None and self._trailing_slash == "ignore":
            return self.find(method, _other_form(segments), allowed)
        return found

    def _is_there(self, segments: Segments) -> bool:
        allowed: set[str] = set()
        return self.find("GET", segments, allowed) is not None or bool(allowed)


def _other_form(segments: Segments) -> Segments:
    """Return the path with its trailing slash removed or added; the root has only one form."""
    if segments == [""]:
        return segments
    return segments[:-1] if segments[-1] == "" else [*segments, ""]
