"""Put lifespans in the order of the resources that they need, and say who provides what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from turnbuckle.diagnostics import ResourceKey, Sourced
from turnbuckle.plan import PlannedScope
from turnbuckle.records import Lifespan
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean
from turnbuckle.startup.model.toposort import OrderCycle, solve
from turnbuckle.web.resources import Resources

__all__ = ["Provided", "order_lifespans", "planned_resources"]

Provided = Mapping[ResourceKey[object], Sourced[Lifespan]]
"""Who provides the resources that are there in a scope."""


def order_lifespans(
    entries: Sequence[Sourced[Lifespan]], around: Provided, diagnostics: Diagnostics
) -> tuple[tuple[Sourced[Lifespan], ...], Provided]:
    """Return the lifespans of one scope in the order in which they are entered, and all resources that are there then.

    Args:
        entries: in dependency order of their plugins; nothing is moved without need.
        around: what the scopes around it provide.
        diagnostics: where contradictions are noted.
    """
    own = _providers(entries, diagnostics)
    known = {**around, **own}
    for entry in entries:
        _check_needs(entry, known, diagnostics)
    return _in_order(entries, own, diagnostics), known


def planned_resources(root: PlannedScope) -> Resources:
    """Return the place for what the lifespans of an app yield, nothing in it."""
    providers: dict[tuple[str, ResourceKey[object]], str] = {}
    layers: dict[str, tuple[str, ...]] = {}
    _survey(root, (), providers, layers)
    return Resources(providers, layers)


def _survey(
    scope: PlannedScope,
    outer: tuple[str, ...],
    providers: dict[tuple[str, ResourceKey[object]], str],
    layers: dict[str, tuple[str, ...]],
) -> None:
    here = outer if scope.prefix in outer else (scope.prefix, *outer)
    layers.setdefault(scope.prefix, here)
    for each in scope.lifespans:
        if each.record.provides is not None:
            providers[scope.prefix, each.record.provides] = f"lifespan {each.record.name!r} of {each.origin}"
    for inner in scope.scopes:
        _survey(inner, here, providers, layers)


def _providers(
    entries: Sequence[Sourced[Lifespan]], diagnostics: Diagnostics
) -> dict[ResourceKey[object], Sourced[Lifespan]]:
    providers: dict[ResourceKey[object], Sourced[Lifespan]] = {}
    for each in entries:
        key = each.record.provides
        if key is not None and providers.setdefault(key, each) is not each:
            first = providers[key]
            diagnostics.add(
                "TB422",
                f"lifespans {first.record.name!r} and {each.record.name!r} both provide {key}",
                each.origin,
                first.origin,
                why="a key leads to one resource, and nothing says which of them is meant",
                fix="disable one of the plugins, or give one of the two a key of its own",
            )
    return providers


def _check_needs(entry: Sourced[Lifespan], known: Provided, diagnostics: Diagnostics) -> None:
    for key in entry.record.needs:
        if key not in known:
            names = [each.name for each in known]
            diagnostics.add(
                "TB423",
                f"lifespan {entry.record.name!r} needs {key}, which nothing provides{did_you_mean(key.name, names)}",
                entry.origin,
                why="what it needs must be there before it is entered",
                fix=f"enable a plugin whose lifespan provides {key.name!r} here, or in a scope around",
            )


def _in_order(
    entries: Sequence[Sourced[Lifespan]], own: Provided, diagnostics: Diagnostics
) -> tuple[Sourced[Lifespan], ...]:
    # Names need not be unique, but positions are.
    place = {id(each): f"{number:05}" for number, each in enumerate(entries)}
    before = {place[id(each)]: [place[id(own[key])] for key in each.record.needs if key in own] for each in entries}
    try:
        return tuple(entries[int(each)] for each in solve(before, before, int))
    except OrderCycle as cycle:
        path = [entries[int(each)] for each in cycle.path]
        diagnostics.add(
            "TB424",
            f"lifespans need each other in a circle: {' -> '.join(each.record.name for each in path)}",
            *(each.origin for each in path[:-1]),
            why="each of them needs a resource of another, so none can be entered first",
            fix="remove one 'needs' of the circle",
        )
        return tuple(entries)
