"""Solve the order of middleware, outermost first.

The order follows, in this precedence: the zones; within a zone ``before`` and ``after``; the order in which the app
declared its own middleware; the dependency order of plugins, with the app's own middleware innermost. The setting
``middleware.order`` overrides all of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.records import ZONES, Middleware
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, nearest
from turnbuckle.startup.model.toposort import OrderCycle, solve
from turnbuckle.startup.plugins.discovery import installed_plugins

__all__ = ["ChainLink", "order_middleware"]

ChainLink = Sourced[Middleware]


def order_middleware(
    links: Sequence[ChainLink], requested: Sequence[str], diagnostics: Diagnostics, source: str = ""
) -> tuple[ChainLink, ...]:
    """Return the middleware of one scope, outermost first.

    Args:
        links: in dependency order.
        requested: the order in the settings; empty to solve the order.
        diagnostics: where contradictions are reported.
        source: where the settings give that order.
    """
    by_name = _by_name(links, diagnostics)
    if requested:
        return _in_requested_order(by_name, requested, diagnostics, Origin(plugin="app", location=source))
    outside = _constraints(by_name, diagnostics)
    _keep_declared_order(by_name, outside)
    position = {name: number for number, name in enumerate(by_name)}
    try:
        names = solve(by_name, outside, lambda name: (ZONES.index(by_name[name].record.zone), position[name]))
    except OrderCycle as cycle:
        diagnostics.add(
            "TB408",
            f"middleware is ordered in a cycle: {cycle}",
            *(by_name[name].origin for name in cycle.path[:-1]),
            why="each of them must be outside of the next",
            fix="remove one 'before' or 'after' of the cycle, or set middleware.order",
        )
        return tuple(by_name.values())
    return tuple(by_name[name] for name in names)


def _by_name(links: Sequence[ChainLink], diagnostics: Diagnostics) -> dict[str, ChainLink]:
    by_name: dict[str, ChainLink] = {}
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


def _in_requested_order(
    by_name: dict[str, ChainLink], requested: Sequence[str], diagnostics: Diagnostics, source: Origin
) -> tuple[ChainLink, ...]:
    for name in requested:
        if name not in by_name:
            diagnostics.add(
                "TB419",
                f"middleware.order names {name!r}, which does not exist{did_you_mean(name, by_name)}",
                source,
                why="middleware.order must list all middleware of the app",
                fix="remove it, or correct its name",
            )
    for name in by_name.keys() - set(requested):
        diagnostics.add(
            "TB419",
            f"middleware.order leaves out {name!r}",
            by_name[name].origin,
            source,
            why="middleware.order must list all middleware of the app",
            fix="add it where it belongs",
        )
    return tuple(by_name[name] for name in dict.fromkeys(requested) if name in by_name)


def _constraints(by_name: dict[str, ChainLink], diagnostics: Diagnostics) -> dict[str, set[str]]:
    """Return the names that must be outside of each middleware."""
    outside: dict[str, set[str]] = {name: set() for name in by_name}
    for name, link in by_name.items():
        for other in _targets(link, link.record.after, by_name, diagnostics):
            if _zones_agree(other, name, link, by_name, diagnostics):
                outside[name].add(other)
        for other in _targets(link, link.record.before, by_name, diagnostics):
            if _zones_agree(name, other, link, by_name, diagnostics):
                outside[other].add(name)
    return outside


def _keep_declared_order(by_name: dict[str, ChainLink], outside: dict[str, set[str]]) -> None:
    """Order middleware of the app outside of middleware that it declared later, unless constrained otherwise."""
    own = [(link.record.zone, name) for name, link in by_name.items() if link.origin.plugin == "app"]
    for position, (zone, name) in enumerate(own):
        earlier = [other for other_zone, other in own[:position] if other_zone == zone]
        if earlier and not _is_outside(name, earlier[-1], outside):
            outside[name].add(earlier[-1])


def _is_outside(outer: str, inner: str, outside: dict[str, set[str]]) -> bool:
    """Return whether constraints put ``outer`` outside of ``inner``, directly or through others."""
    seen, open_ = set[str](), [inner]
    while open_:
        for name in outside[open_.pop()] - seen:
            if name == outer:
                return True
            seen.add(name)
            open_.append(name)
    return False


def _targets(
    link: ChainLink, names: Iterable[str], by_name: dict[str, ChainLink], diagnostics: Diagnostics
) -> list[str]:
    """Return the middleware that ``before`` or ``after`` name, directly or by their plugin."""
    targets = []
    for name in names:
        if name in by_name:
            targets.append(name)
            continue
        of_plugin = [other for other, other_link in by_name.items() if other_link.origin.plugin == name]
        targets.extend(of_plugin)
        if not of_plugin:
            # The normal case is a plugin that is not enabled. A warning is useful only for a misspelt name.
            near = nearest(name, by_name)
            if near and any(plugin.name == name for plugin in installed_plugins()):
                near = ""
            diagnostics.add(
                "TB409",
                f"middleware {link.record.name!r} is ordered by {name!r}, which does not exist"
                + (f"; did you mean {near!r}?" if near else ""),
                link.origin,
                why="this is not an error, because its plugin may not be enabled",
                fix=f"write {near!r}, or ignore this warning" if near else "enable its plugin, or ignore this",
                level="warning" if near else "info",
            )
    return targets


def _zones_agree(
    outer: str, inner: str, link: ChainLink, by_name: dict[str, ChainLink], diagnostics: Diagnostics
) -> bool:
    """Return whether a constraint is needed: the zones decide already if they differ, and may contradict it."""
    first, second = by_name[outer].record, by_name[inner].record
    if ZONES.index(first.zone) <= ZONES.index(second.zone):
        return first.zone == second.zone
    diagnostics.add(
        "TB411",
        f"middleware {link.record.name!r} asks for {outer!r} (zone {first.zone}) outside of {inner!r}"
        f" (zone {second.zone})",
        link.origin,
        why=f"zones take precedence, outermost first: {', '.join(ZONES)}",
        fix="move one of them into the other's zone, or set middleware.order",
    )
    return False
