"""Write a plan as an indented outline, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from turnbuckle.cli.tables import columns, name_of
from turnbuckle.records import Origin
from turnbuckle.startup.plan import Choice, Plan, PlannedPlugin, PlannedRoute, PlannedScope

__all__ = ["plan_lines"]

ProviderT = TypeVar("ProviderT")

_INDENT = "  "


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of the outline."""
    yield f"app {plan.app_name!r} ({plan.root.origin.place})"
    yield from _indented(_choice_lines(plan.parser))
    for component in plan.components.values():
        yield from _indented(_choice_lines(component))
    for protocol in plan.protocols:
        yield f"{_INDENT}protocol {protocol.record.name}: {_from(protocol.origin)}"
    yield from _section("plugins", columns([_plugin_row(each) for each in plan.plugins]))
    yield from _section("settings", _setting_lines(plan))
    yield from _indented(_scope_lines(plan.root))
    yield from _section("start-up", [f"{phase}: {taken * 1000:.1f} ms" for phase, taken in plan.seconds.items()])


def _scope_lines(scope: PlannedScope) -> Iterator[str]:
    place = f" ({scope.origin.place})" if scope.prefix else ""
    yield f"scope {scope.host}{scope.prefix or '/'}{place}"
    if scope.router is not None:
        yield from _indented(_choice_lines(scope.router))
    links = [(link.record.zone, link.record.name, _from(link.origin)) for link in scope.middleware]
    yield from _section("middleware, outermost first", columns(links))
    yield from _section("lifespans", (f"{each.record.name}: {_from(each.origin)}" for each in scope.lifespans))
    yield from _section("routes", columns([_route_row(each) for each in scope.routes]))
    for inner in scope.scopes:
        yield from _indented(_scope_lines(inner))


def _choice_lines(choice: Choice[ProviderT]) -> Iterator[str]:
    yield f"{choice.kind} {choice.name}: {_from(choice.origin)}, as {choice.rule}"
    for loser in choice.losers:
        yield f"{_INDENT}not {loser.name}: {_from(loser.origin)}"


def _plugin_row(plugin: PlannedPlugin) -> tuple[str, ...]:
    taken = f"{plugin.seconds * 1000:.1f} ms" if plugin.seconds else ""
    what = ", ".join(plugin.hooks) or plugin.note
    return plugin.name, plugin.state, plugin.scope or "/", taken, what


def _route_row(planned: PlannedRoute) -> tuple[str, ...]:
    route = planned.route
    place = route.origin.place if route.origin else ""
    return ",".join(sorted(route.methods)), f"{route.host}{route.path}", name_of(route.handler), place


def _setting_lines(plan: Plan) -> Iterator[str]:
    given = [each for each in plan.setting_values.values() if each.source != "default"]
    if not given:
        yield "all at their defaults"
        return
    yield from columns([(each.key, each.shown(), each.source) for each in given])


def _from(origin: Origin) -> str:
    return str(origin)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines below their title; nothing if there are none."""
    found = list(lines)
    if found:
        yield f"{_INDENT}{title}"
        yield from _indented(_indented(found))


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (_INDENT + line for line in lines)
