"""Format a plan as an indented text, without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from turnbuckle.diagnostics import Origin, RejectedCandidate, Sourced
from turnbuckle.plan import Choice, MiddlewareSelection, Plan, PlannedMount, PlannedPlugin, PlannedRoute, PlannedScope
from turnbuckle.records import ParameterProvider, ProtocolProvider
from turnbuckle.routing.records import Route
from turnbuckle.startup.report.formats import columns, indented, milliseconds, name_of, source_of, type_name
from turnbuckle.startup.report.limits_table import limit_rows
from turnbuckle.startup.report.why_middleware import chains_of_link, own_selections, selection_text
from turnbuckle.web.annotations import show_annotation

__all__ = ["plan_as_text", "scope_title"]

_Row = tuple[str, ...]


def plan_as_text(plan: Plan, *, settings: bool = False) -> str:
    """Return a plan as an indented text.

    Args:
        plan: the plan.
        settings: include the settings and limits at their defaults, and the built-in response types.
    """
    return "\n".join(_plan_lines(plan, settings)) + "\n"


def scope_title(scope: PlannedScope) -> str:
    """Return the title of a scope: its host and prefix."""
    return f"scope {scope.host}{scope.prefix or '/'}"


def _plan_lines(plan: Plan, show_all: bool) -> Iterator[str]:
    builtin = frozenset(plugin.name for plugin in plan.plugins if plugin.state == "builtin")
    yield f"app {plan.app_name}"
    shadow = [plan.shadow] if plan.shadow is not None else []
    choices = [row for choice in (plan.parser, *shadow, *plan.components.values()) for row in _choice_rows(choice)]
    yield from columns(choices, 2)
    if plan.protocols:
        yield "  protocols"
        yield from columns([_protocol_row(entry.record, entry.origin) for entry in plan.protocols], 4)
    if plan.commands:
        yield "  commands"
        yield from columns([(entry.record.name or "", *source_of(entry.origin)) for entry in plan.commands], 4)
    yield from indented(_scope_lines(plan, plan.root, frozenset() if show_all else builtin), 2)
    yield "plugins"
    yield from columns([_plugin_row(plugin) for plugin in plan.plugins], 2)
    yield "start-up"
    yield from columns([(phase, milliseconds(seconds)) for phase, seconds in plan.seconds.items()], 2)
    yield from _setting_lines(plan, show_all)
    rows = [row for row in limit_rows(plan) if show_all or row[-1] != "default"]
    yield "limits and deadlines" if rows else "limits and deadlines: all at their defaults"
    yield from columns(rows, 2)
    if plan.diagnostics:
        yield "diagnostics"
        for diagnostic in plan.diagnostics:
            yield from indented(iter(f"{diagnostic.level}: {diagnostic}".splitlines()), 2)


def _setting_lines(plan: Plan, show_all: bool) -> Iterator[str]:
    rows = [
        (label, value.shown(), value.source)
        for label, value in plan.setting_values.items()
        if show_all or value.source != "default"
    ]
    yield "settings" if rows else "settings: all at their defaults"
    yield from columns(rows, 2)


def _choice_rows(choice: Choice[object]) -> Iterator[_Row]:
    yield choice.kind, choice.name, choice.rule, *source_of(choice.origin)
    for candidate in choice.rejected:
        yield "", f"not {candidate.name}", "", *source_of(candidate.origin)


def _scope_lines(plan: Plan, scope: PlannedScope, builtin: frozenset[str]) -> Iterator[str]:
    yield scope_title(scope)
    if scope.selection is not None and (scope.selection.chain or scope.selection.without):
        yield f"  {selection_text(scope.selection)}"
    if scope.router is not None:
        yield from columns(list(_choice_rows(scope.router)), 2)
    middleware = [
        (link.record.name, link.record.zone, *source_of(link.origin), chains_of_link(plan, link))
        for link in scope.middleware
    ]
    yield from _block("middleware, outermost first", middleware)
    yield from _block("routes", [_route_row(planned.route) for planned in scope.routes])
    chosen = [_selection_row(planned, selection) for planned, selection in own_selections(scope)]
    yield from _block("chains of routes", chosen)
    yield from _block("mounts", [_mount_row(planned) for planned in scope.mounts])
    overrides = [row for planned in scope.routes for row in _override_rows(planned)]
    overrides += [row for planned in scope.mounts for row in _override_rows(planned)]
    yield from _block("limits and deadlines of routes", overrides)
    types = [
        _type_row(entry.record.type, entry.origin, entry.rejected)
        for entry in scope.response_types
        if _is_shown(entry.origin, scope, builtin)
    ]
    yield from _block("response types", types)
    errors = [
        _type_row(entry.record.exception, entry.origin, entry.rejected)
        for entry in scope.error_handlers
        if _is_shown(entry.origin, scope, builtin)
    ]
    yield from _block("error handlers", errors)
    suppliers = [_supplier_row(entry) for entry in scope.parameters if _is_shown(entry.origin, scope, builtin)]
    yield from _block("suppliers", suppliers)
    yield from _block("lifespans", [(entry.record.name, *source_of(entry.origin)) for entry in scope.lifespans])
    for inner in scope.scopes:
        yield from indented(_scope_lines(plan, inner, builtin), 2)


def _block(title: str, rows: Sequence[_Row]) -> Iterator[str]:
    if rows:
        yield f"  {title}"
        yield from columns(rows, 4)


def _protocol_row(record: ProtocolProvider, origin: Origin) -> _Row:
    upgrade = f"Upgrade: {record.upgrade}" if record.upgrade else ""
    alpn, first = f"ALPN {record.alpn}" if record.alpn else "", "first bytes" if record.preface else ""
    return record.name, upgrade, ", ".join(filter(None, (alpn, first))), *source_of(origin)


def _route_row(route: Route) -> _Row:
    return ",".join(sorted(route.methods)), f"{route.host}{route.path}", route.name, *source_of(route.origin)


def _selection_row(planned: PlannedRoute | PlannedMount, selection: MiddlewareSelection) -> _Row:
    route = planned.route
    return ",".join(sorted(route.methods)) or "mount", f"{route.host}{route.path}", selection_text(selection)


def _mount_row(planned: PlannedMount) -> _Row:
    route = planned.route
    served = f"served by {planned.provider.record.name}: {planned.rule}"
    return f"{route.host}{route.path}", route.name, name_of(planned.mount.app), served, *source_of(route.origin)


def _override_rows(planned: PlannedRoute | PlannedMount) -> Iterator[_Row]:
    route = planned.route
    for key, value in planned.overrides.items():
        yield ",".join(sorted(route.methods)) or "mount", f"{route.host}{route.path}", key, value.shown(), value.source


def _type_row(kind: type, origin: Origin, rejected: tuple[RejectedCandidate, ...]) -> _Row:
    instead = ", ".join(f"not the one of {candidate.origin.plugin}" for candidate in rejected)
    return type_name(kind), instead, *source_of(origin)


def _supplier_row(entry: Sourced[ParameterProvider]) -> _Row:
    instead = ", ".join(f"not the one at {candidate.origin.location}" for candidate in entry.rejected)
    per = "per app" if entry.record.per == "app" else ""
    function = name_of(entry.record.value or entry.record.factory)
    return show_annotation(entry.record.type), function, per, instead, *source_of(entry.origin)


def _is_shown(origin: Origin, scope: PlannedScope, builtin: frozenset[str]) -> bool:
    # A scope inherits the records of the scopes around it. They are listed there, and not again.
    return origin.scope == scope.prefix and origin.plugin not in builtin


def _plugin_row(plugin: PlannedPlugin) -> _Row:
    takes_part = plugin.state in {"builtin", "enabled"}
    return (
        plugin.name,
        plugin.state,
        f"in {plugin.scope}" if plugin.scope else "",
        milliseconds(plugin.seconds).rjust(9) if takes_part else "",
        plugin.origin.distribution,
        ", ".join(plugin.hooks) if takes_part else plugin.note,
    )
