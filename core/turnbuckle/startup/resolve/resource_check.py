"""Find the resources that handlers request, and no lifespan provides.

The calls of ``request.resource(KEY)`` are read in the source, so each finding is a warning. A call inside ``try`` is
left out, because it may expect the failure.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType

from turnbuckle.diagnostics import Origin, ResourceKey, Sourced, file_location
from turnbuckle.plan import PlannedScope
from turnbuckle.records import Lifespan
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.resolve.resources import Provided, missing_resource
from turnbuckle.startup.resolve.source_check import global_of, is_local, node_of
from turnbuckle.web.middleware_blame import own_nodes

__all__ = ["check_requested_resources"]


def check_requested_resources(root: PlannedScope, diagnostics: Diagnostics) -> None:
    """Report the resources that handlers, error handlers and middleware request, and no lifespan provides.

    Args:
        root: the app.
        diagnostics: collects the warnings.
    """
    anywhere = {key: entry for scope in root.walk() for key, entry in _provided(scope).items()}
    seen: set[int] = set()
    for scope, available in _with_resources(root, {}):
        for planned in scope.routes:
            route = planned.route
            origin = route.origin or scope.origin
            _check(f"handler of route {route.path!r}", route.handler, origin, available, diagnostics)
        # They run for the routes of inner scopes as well, whose resources they can request.
        parts: list[tuple[str, object, Origin]] = [
            (f"middleware {entry.record.name!r}", entry.record.factory, entry.origin) for entry in scope.middleware
        ]
        for error in scope.error_handlers:
            if id(error.record) not in seen:  # inner scopes inherit it
                seen.add(id(error.record))
                name = f"error handler for {error.record.exception.__name__}"
                parts.append((name, error.record.handler, error.origin))
        for name, function, origin in parts:
            _check(name, getattr(function, "function", function), origin, anywhere, diagnostics)


def _with_resources(scope: PlannedScope, around: Provided) -> Iterator[tuple[PlannedScope, Provided]]:
    available = {**around, **_provided(scope)}
    yield scope, available
    for inner in scope.scopes:
        yield from _with_resources(inner, available)


def _provided(scope: PlannedScope) -> Mapping[ResourceKey[object], Sourced[Lifespan]]:
    return {entry.record.provides: entry for entry in scope.lifespans if entry.record.provides is not None}


def _check(what: str, function: object, origin: Origin, available: Provided, diagnostics: Diagnostics) -> None:
    for key, location in _requested(function):
        if key not in available:
            hint, fix = missing_resource(key, available)
            diagnostics.add(
                "TB431",
                f"{what} requests {key}, which nothing provides{hint}",
                Origin(plugin=origin.plugin, location=location),
                *(available[other].origin for other in available if other.name == key.name),
                why="a lifespan provides a resource; without it, the request is answered with 500",
                fix=f"{fix}, or write a lifespan with provides=..." if not hint else fix,
                level="warning",
            )


def _requested(function: object) -> Iterator[tuple[ResourceKey[object], str]]:
    """Yield the keys that a function requests for certain, with the location of each request."""
    target = inspect.unwrap(function) if callable(function) else function
    target = target if isinstance(target, FunctionType) else getattr(target, "__func__", None)
    if not isinstance(target, FunctionType) or "resource" not in target.__code__.co_names:
        return
    node = node_of(target)
    if node is None:
        return
    excused = {
        id(entry)
        for block in own_nodes(node)
        if isinstance(block, ast.Try | ast.With | ast.AsyncWith)
        for entry in ast.walk(block)
    }
    parameters = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args)}
    for entry in own_nodes(node):
        if (
            isinstance(entry, ast.Call)
            and id(entry) not in excused
            and isinstance(entry.func, ast.Attribute)
            and entry.func.attr == "resource"
            and isinstance(entry.func.value, ast.Name)
            and entry.func.value.id in parameters
            and len(entry.args) == 1
        ):
            key = _value_of(entry.args[0], node, target)
            if isinstance(key, ResourceKey):
                yield key, file_location(target.__code__.co_filename, entry.lineno)


def _value_of(value: ast.expr, node: ast.FunctionDef | ast.AsyncFunctionDef, function: FunctionType) -> object:
    """Return the value of a global name, or of a name in a module; None if it is not certain."""
    if isinstance(value, ast.Name):
        return None if is_local(value.id, node) else global_of(value.id, function)
    if isinstance(value, ast.Attribute):
        owner = _value_of(value.value, node, function)
        return getattr(owner, value.attr, None) if isinstance(owner, ModuleType | type) else None
    return None
