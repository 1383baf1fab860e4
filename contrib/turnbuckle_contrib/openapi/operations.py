"""Select the operations of a document from the routes of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from turnbuckle import Plan, PlannedRoute, PlannedScope, RouteError
from turnbuckle_contrib.openapi.paths import PathTemplate, path_template

__all__ = ["Operation", "operations_of"]

# The methods that a Path Item Object has (OpenAPI 3.1.0, section 4.8.9.1), in its order.
_METHODS: Final = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")


@attrs.frozen(kw_only=True)
class Operation:
    """An operation of the document.

    Attributes:
        planned: its route.
        scope: the scope of the route.
        middleware: names of the middleware around the handler.
        method: its method.
        template: the path of its route.
        first: the same path with the names of parameters that the document uses.
    """

    planned: PlannedRoute
    scope: PlannedScope
    middleware: frozenset[str]
    method: str
    template: PathTemplate
    first: PathTemplate


def operations_of(
    plan: Plan, below: str = "", skip: Callable[[PlannedRoute, str], None] | None = None
) -> list[Operation]:
    """Return the operations of an app, in the order of its plan.

    Args:
        plan: the plan.
        below: path of a scope, whose routes and inner scopes are searched; "" for the whole app.
        skip: is called with each route that the document cannot have, and the reason.
    """
    report = skip or (lambda planned, reason: None)
    first_of: dict[str, PathTemplate] = {}
    taken: set[tuple[str, str]] = set()
    found = []
    for planned, scope, middleware in _routes(plan.root, frozenset()):
        route = planned.route
        if not route.docs.in_schema or not _is_below(route.path, below):
            continue
        try:
            template = path_template(route.path, plan.converters)
        except RouteError:
            report(planned, "its path has the syntax of another router")
            continue
        first = first_of.setdefault(template.key, template)
        for method in (method for method in _METHODS if method in route.methods):
            if (method, template.key) in taken:
                report(planned, f"another route is {method} {first.text} already")
                continue
            taken.add((method, template.key))
            found.append(
                Operation(
                    planned=planned, scope=scope, middleware=middleware, method=method, template=template, first=first
                )
            )
    return found


def _routes(scope: PlannedScope, around: frozenset[str]) -> Iterator[tuple[PlannedRoute, PlannedScope, frozenset[str]]]:
    middleware = around.union(link.record.name for link in scope.middleware)
    for planned in scope.routes:
        selection = planned.selection
        runs = middleware if selection is None else frozenset(link.record.name for link in selection.links)
        yield planned, scope, runs
    for inner in scope.scopes:
        yield from _routes(inner, middleware)


def _is_below(path: str, prefix: str) -> bool:
    prefix = prefix.rstrip("/")
    return not prefix or path == prefix or path.startswith(prefix + "/")
