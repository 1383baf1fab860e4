"""Give each route its whole path and host, its limits, and the call that passes path parameters to its handler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.errors import RouteError
from turnbuckle.plan import PlannedRoute
from turnbuckle.routing.converters import Converters
from turnbuckle.routing.patterns import parse_pattern, split_outside_braces
from turnbuckle.routing.records import Route
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.resolve.route_overrides import OverrideReader, RouteOverrides
from turnbuckle.web.handlers import BoundHandler, bind_handler

__all__ = ["RoutePlanner"]

# The segments of nearly all paths are plain text or one parameter each. Such a path need not be parsed for its names.
_SIMPLE_PATH: Final = re.compile(r"(?:/(?:[\w.~-]*|\{[^\W\d]\w*(?::\w+)?\}))+")
_PARAMETER: Final = re.compile(r"\{(\w+)")


@attrs.frozen(kw_only=True)
class RoutePlanner:
    """Plans the routes of one app.

    Attributes:
        builtin: names of the built-in plugins.
        converters: the converters that patterns may name.
        overrides: reads the limits and deadlines of routes.
        diagnostics: where unusable handlers are reported.
        calls: receives the function that calls the handler of each route, by the ``id`` of the planned route.
    """

    builtin: frozenset[str]
    converters: Converters
    overrides: OverrideReader
    diagnostics: Diagnostics
    calls: dict[int, BoundHandler]

    def routes(self, scope: CollectedScope, router: str, overrides: RouteOverrides) -> Iterator[PlannedRoute]:
        """Yield the routes of a scope, without the routes of the scopes inside it.

        Args:
            scope: the scope.
            router: name of the plugin whose router serves the scope.
            overrides: the limits and deadlines of the scope.
        """
        provided = [_with_origin(entry) for entry in scope.answers.of("provide_routes")]
        for declared in (*provided, *scope.declaration.routes):
            route = _in_scope(declared, scope.declaration)
            call = self._bound(route, self._known_parameters(route, router))
            if call is not None:
                planned = PlannedRoute(route, overrides=self.overrides.of_route(overrides, route))
                self.calls[id(planned)] = call
                yield planned

    def _known_parameters(self, route: Route, router: str) -> frozenset[str] | None:
        # A handler is called in the same way with any router. But if the core finds no parameters in a path, the path
        # may still have some in the syntax of another router.
        names = _parameter_names(route, self.converters)
        return names if router in self.builtin else names or None

    def _bound(self, route: Route, parameters: frozenset[str] | None) -> BoundHandler | None:
        try:
            return bind_handler(route.handler, parameters)
        except Exception as error:  # noqa: BLE001  # any object may have been passed as a handler
            self.diagnostics.add(
                "TB415",
                f"route {route.path!r}: {error}",
                *((route.origin,) if route.origin is not None else ()),
                why="a handler takes the request, and the parameters of its path by name",
                fix="change the path, or the parameters of the handler",
            )
            return None


def _with_origin(entry: Sourced[Route]) -> Route:
    return attrs.evolve(entry.record, origin=entry.origin)


def _in_scope(route: Route, scope: ScopeDeclaration) -> Route:
    prefix, host = scope.prefix, route.host or scope.host
    path = route.path
    if prefix and path.startswith("/"):
        # "/" in a scope is the prefix itself, without another slash.
        path = prefix if path == "/" else prefix + path
    return attrs.evolve(route, path=path, host=host) if (path, host) != (route.path, route.host) else route


def _parameter_names(route: Route, converters: Converters) -> frozenset[str] | None:
    """Return the names of the parameters in a path and host, or None if the core cannot parse them."""
    if "{" not in route.path + route.host:
        return frozenset()
    if not route.host and _SIMPLE_PATH.fullmatch(route.path):
        return frozenset(_PARAMETER.findall(route.path))
    texts = [route.path]
    if route.host:
        texts.append("/" + "/".join(split_outside_braces(route.host, ".")))
    try:
        patterns = [parse_pattern(text, converters) for text in texts]
    except RouteError:
        # The router reports the error, or it has converters that are not built in.
        return None
    return frozenset(parameter.name for pattern in patterns for parameter in pattern.parameters)
