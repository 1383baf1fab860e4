"""Order lifespans by the resources that they need and provide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from turnbuckle.diagnostics import ResourceKey, Sourced
from turnbuckle.plan import PlannedScope
from turnbuckle.records import Lifespan
from turnbuckle.startup.model.diagnostics import Diagnostics, nearest
from turnbuckle.startup.model.toposort import OrderCycle, solve
from turnbuckle.web.resources import Resources

__all__ = ["Provided", "missing_resource", "order_lifespans", "planned_resources"]

Provided = Mapping[ResourceKey[object], Sourced[Lifespan]]
"""The resources available in a scope, with the lifespans that provide them."""


def order_lifespans(
    entries: Sequence[Sourced[Lifespan]], around: Provided, diagnostics: Diagnostics
) -> tuple[tuple[Sourced[Lifespan], ...], Provided]:
    """Return the lifespans of one scope in the order of entering, and all resources available in the scope.

    Args:
        entries: in dependency order of their plugins; lifespans are moved only as far as their needs ask.
        around: the resources of the scopes around.
        diagnostics: where contradictions are reported.
    """
    own = _providers(entries, diagnostics)
    available = {**around, **own}
    for entry in entries:
        _check_needs(entry, available, diagnostics)
    return _in_order(entries, own, diagnostics), available


def missing_resource(key: ResourceKey[object], available: Iterable[ResourceKey[object]]) -> tuple[str, str]:
    """Return a hint to the resource that a missing key may mean, and the fix."""
    resources = list(available)
    same_name = [resource.type for resource in resources if resource.name == key.name]
    if same_name:
        provided, needed = _class_names(same_name[0], key.type)
        hint = f"; the provided {key.name!r} is of type {provided}, not {needed}"
        return hint, f"use one key in both places: import it where it is needed, or give it the type {provided}"
    near = nearest(key.name, [resource.name for resource in resources])
    fix = f"enable a plugin whose lifespan provides {key.name!r} here, or in a scope around"
    return (f"; did you mean {near!r}?", f"use the key of {near!r}, or {fix}") if near else ("", fix)


def _class_names(first: type, second: type) -> tuple[str, str]:
    if first.__qualname__ != second.__qualname__:
        return first.__qualname__, second.__qualname__
    return f"{first.__module__}.{first.__qualname__}", f"{second.__module__}.{second.__qualname__}"


def planned_resources(root: PlannedScope) -> Resources:
    """Return the store for the resources of an app's lifespans, empty."""
    providers: dict[tuple[str, ResourceKey[object]], str] = {}
    layers: dict[str, tuple[str, ...]] = {}
    _list_providers(root, (), providers, layers)
    return Resources(providers, layers)


def _list_providers(
    scope: PlannedScope,
    outer: tuple[str, ...],
    providers: dict[tuple[str, ResourceKey[object]], str],
    layers: dict[str, tuple[str, ...]],
) -> None:
    here = outer if scope.prefix in outer else (scope.prefix, *outer)
    layers.setdefault(scope.prefix, here)
    for lifespan in scope.lifespans:
        if lifespan.record.provides is not None:
            label = f"lifespan {lifespan.record.name!r} of {lifespan.origin}"
            providers[scope.prefix, lifespan.record.provides] = label
    for inner in scope.scopes:
        _list_providers(inner, here, providers, layers)


def _providers(
    entries: Sequence[Sourced[Lifespan]], diagnostics: Diagnostics
) -> dict[ResourceKey[object], Sourced[Lifespan]]:
    providers: dict[ResourceKey[object], Sourced[Lifespan]] = {}
    for entry in entries:
        key = entry.record.provides
        if key is not None and providers.setdefault(key, entry) is not entry:
            first = providers[key]
            diagnostics.add(
                "TB422",
                f"lifespans {first.record.name!r} and {entry.record.name!r} both provide {key}",
                entry.origin,
                first.origin,
                why="a key stands for one resource, and nothing decides between the two",
                fix="disable one of the plugins, or give one of the two its own key",
            )
    return providers


def _check_needs(entry: Sourced[Lifespan], available: Provided, diagnostics: Diagnostics) -> None:
    for key in entry.record.needs:
        if key not in available:
            hint, fix = missing_resource(key, available)
            diagnostics.add(
                "TB423",
                f"lifespan {entry.record.name!r} needs {key}, which nothing provides{hint}",
                entry.origin,
                *(available[other].origin for other in available if other.name == key.name),
                why="a lifespan is entered after the lifespans that provide its resources",
                fix=fix,
            )


def _in_order(
    entries: Sequence[Sourced[Lifespan]], own: Provided, diagnostics: Diagnostics
) -> tuple[Sourced[Lifespan], ...]:
    # Names of lifespans need not be unique, so they are sorted by position.
    position = {id(entry): f"{number:05}" for number, entry in enumerate(entries)}
    before = {
        position[id(entry)]: [position[id(own[key])] for key in entry.record.needs if key in own] for entry in entries
    }
    try:
        return tuple(entries[int(number)] for number in solve(before, before, int))
    except OrderCycle as cycle:
        path = [entries[int(number)] for number in cycle.path]
        diagnostics.add(
            "TB424",
            f"lifespans need each other in a cycle: {' -> '.join(entry.record.name for entry in path)}",
            *(entry.origin for entry in path[:-1]),
            why="each of them needs a resource of another, so none can be entered first",
            fix="remove one 'needs' of the cycle",
        )
        return tuple(entries)
