"""Solve the order of middleware, outermost first, and check what each says about the others.

Zones come first; within a zone ``before`` and ``after``, then the order in which the app wrote its own middleware down,
as far as those leave it; where nothing decides, dependency order of plugins, and with it the app's own middleware
innermost. ``middleware.order`` overrides all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from turnbuckle.diagnostics import Origin, ResourceKey, Sourced
from turnbuckle.records import ZONES, Middleware
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean
from turnbuckle.startup.model.toposort import OrderCycle, solve

__all__ = ["check_needs", "order_middleware"]

Link = Sourced[Middleware]


def order_middleware(
    links: Sequence[Link], wanted: Sequence[str], diagnostics: Diagnostics, source: str = ""
) -> tuple[Link, ...]:
    """Return the middleware of one scope, outermost first.

    Args:
        links: in dependency order.
        wanted: the order that the settings ask for; empty to solve it.
        diagnostics: where contradictions are noted.
        source: where that order is set.
    """
    by_name = _by_name(links, diagnostics)
    if wanted:
        return _as_wanted(by_name, wanted, diagnostics, Origin(plugin="app", location=source))
    outside = _constraints(by_name, diagnostics)
    _keep_written_order(by_name, outside)
    position = {name: at for at, name in enumerate(by_name)}
    try:
        names = solve(by_name, outside, lambda name: (ZONES.index(by_name[name].record.zone), position[name]))
    except OrderCycle as cycle:
        diagnostics.add(
            "TB408",
            f"middleware is ordered in a circle: {cycle}",
            *(by_name[name].origin for name in cycle.path[:-1]),
            why="each of them must be outside of the next",
            fix="remove one 'before' or 'after' of the circle, or set middleware.order",
        )
        return tuple(by_name.values())
    return tuple(by_name[name] for name in names)


def check_needs(
    outer: Sequence[Link],
    links: Sequence[Link],
    diagnostics: Diagnostics,
    resources: Collection[ResourceKey[object]] = (),
) -> None:
    """Note middleware that needs what nothing outside of it provides, and keys that two provide.

    Args:
        outer: the middleware around that of this scope.
        links: the middleware of this scope.
        diagnostics: where it is noted.
        resources: what lifespans provide here.
    """
    present: dict[str, Link] = {}
    provided: dict[str, Link] = {}
    for link in (*outer, *links):
        for need in link.record.needs:
            if link not in links:
                continue
            if isinstance(need, ResourceKey):
                if need not in resources:
                    _lacks_resource(link, need, resources, diagnostics)
            elif need not in present:
                _lacks(link, need, links, diagnostics)
        present[link.record.name] = link
        for key in link.record.provides:
            present[key] = link
            if (first := provided.setdefault(key, link)) is not link and link in links:
                _provided_twice(key, link, first, diagnostics)


def _by_name(links: Sequence[Link], diagnostics: Diagnostics) -> dict[str, Link]:
    by_name: dict[str, Link] = {}
    for link in links:
        first = by_name.setdefault(link.record.name, link)
        if first is not link:
            diagnostics.add(
                "TB410",
                f"two middleware are named {link.record.name!r}",
                link.origin,
                first.origin,
                why="middleware is ordered and explained by name",
                fix="give one of them another name",
            )
    return by_name


def _as_wanted(
    by_name: dict[str, Link], wanted: Sequence[str], diagnostics: Diagnostics, at: Origin
) -> tuple[Link, ...]:
    for name in wanted:
        if name not in by_name:
            diagnostics.add(
                "TB419",
                f"middleware.order names {name!r}, which does not exist{did_you_mean(name, by_name)}",
                at,
                why="an order that is given is the whole order: nothing is guessed",
                fix="remove it, or correct its name",
            )
    for name in by_name.keys() - set(wanted):
        diagnostics.add(
            "TB419",
            f"middleware.order leaves out {name!r}",
            by_name[name].origin,
            at,
            why="an order that is given is the whole order: nothing is guessed",
            fix="add it where it belongs",
        )
    return tuple(by_name[name] for name in dict.fromkeys(wanted) if name in by_name)


def _constraints(by_name: dict[str, Link], diagnostics: Diagnostics) -> dict[str, set[str]]:
    outside: dict[str, set[str]] = {name: set() for name in by_name}
    for name, link in by_name.items():
        for other in _targets(link, link.record.after, by_name, diagnostics):
            if _agrees(other, name, link, by_name, diagnostics):
                outside[name].add(other)
        for other in _targets(link, link.record.before, by_name, diagnostics):
            if _agrees(name, other, link, by_name, diagnostics):
                outside[other].add(name)
    return outside


def _keep_written_order(by_name: dict[str, Link], outside: dict[str, set[str]]) -> None:
    """Let what the app wrote first stay outside of what it wrote next, unless a constraint says otherwise."""
    own = [(link.record.zone, name) for name, link in by_name.items() if link.origin.plugin == "app"]
    for at, (zone, name) in enumerate(own):
        earlier = [other for other_zone, other in own[:at] if other_zone == zone]
        if earlier and not _is_outside(name, earlier[-1], outside):
            outside[name].add(earlier[-1])


def _is_outside(outer: str, inner: str, outside: dict[str, set[str]]) -> bool:
    """Tell whether constraints put ``outer`` outside of ``inner``, directly or through others."""
    seen, open_ = set[str](), [inner]
    while open_:
        for name in outside[open_.pop()] - seen:
            if name == outer:
                return True
            seen.add(name)
            open_.append(name)
    return False


def _targets(link: Link, names: Iterable[str], by_name: dict[str, Link], diagnostics: Diagnostics) -> list[str]:
    targets = []
    for name in names:
        if name in by_name:
            targets.append(name)
            continue
        of_plugin = [each for each, one in by_name.items() if one.origin.plugin == name]
        targets.extend(of_plugin)
        if not of_plugin:
            diagnostics.add(
                "TB409",
                f"middleware {link.record.name!r} is ordered by {name!r}, which is not there"
                f"{did_you_mean(name, by_name)}",
                link.origin,
                why="this is no error: the other may simply not be enabled",
                fix="correct the name, or leave it",
                level="warning",
            )
    return targets


def _agrees(outer: str, inner: str, link: Link, by_name: dict[str, Link], diagnostics: Diagnostics) -> bool:
    first, second = by_name[outer].record, by_name[inner].record
    if ZONES.index(first.zone) <= ZONES.index(second.zone):
        return first.zone == second.zone
    diagnostics.add(
        "TB411",
        f"middleware {link.record.name!r} asks for {outer!r} (zone {first.zone}) outside of {inner!r}"
        f" (zone {second.zone})",
        link.origin,
        why=f"zones come first, outermost first: {', '.join(ZONES)}",
        fix="move one of them into the other's zone, or set middleware.order",
    )
    return False


def _lacks(link: Link, need: str, links: Sequence[Link], diagnostics: Diagnostics) -> None:
    inside = [each for each in links if need == each.record.name or need in each.record.provides]
    origins = (link.origin, *(each.origin for each in inside))
    diagnostics.add(
        "TB412",
        f"middleware {link.record.name!r} needs {need!r} outside of it"
        + (f", but {inside[0].record.name!r} is inside" if inside else ", and nothing provides it"),
        *origins,
        why="what it needs is set on the request by something outside of it, or not at all",
        fix=f"order it after {inside[0].record.name!r}" if inside else f"enable a plugin that provides {need!r}",
    )


def _lacks_resource(
    link: Link, key: ResourceKey[object], resources: Collection[ResourceKey[object]], diagnostics: Diagnostics
) -> None:
    same = [each.type.__qualname__ for each in resources if each.name == key.name]
    hint = f"; the {key.name!r} that is there is a {same[0]}, not a {key.type.__qualname__}" if same else ""
    hint = hint or did_you_mean(key.name, [each.name for each in resources])
    diagnostics.add(
        "TB412",
        f"middleware {link.record.name!r} needs {key}, which no lifespan provides{hint}",
        link.origin,
        why="what it needs is there while a lifespan of its scope, or of one around, is entered, or not at all",
        fix=f"enable a plugin whose lifespan provides {key.name!r} here, or in a scope around",
    )


def _provided_twice(key: str, link: Link, first: Link, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB418",
        f"middleware {link.record.name!r} and {first.record.name!r} both set {key!r} on the request",
        link.origin,
        first.origin,
        why="the inner one would overwrite what the outer one left",
        fix="disable one of them, or let one use another key",
    )
