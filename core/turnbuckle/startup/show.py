"""Write a plan down, for people and for programs. Secrets are left out of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from turnbuckle.records import Middleware, Origin
from turnbuckle.startup.plan import Choice, Entry, Plan, PlannedScope

__all__ = ["Json", "plan_as_json", "plan_as_text"]

Json: TypeAlias = "str | float | bool | Sequence[Json] | Mapping[str, Json] | None"


def plan_as_text(plan: Plan, *, settings: bool = False) -> str:
    """Return a plan as a tree.

    Args:
        plan: the plan.
        settings: show settings that nobody changed, too.
    """
    return "\n".join(_plan_lines(plan, settings)) + "\n"


def plan_as_json(plan: Plan) -> dict[str, Json]:
    """Return a plan as plain data; what it holds is documented, and only ever grows."""
    return {
        "app": plan.app_name,
        "parser": _choice_data(plan.parser),
        "components": {kind: _choice_data(choice) for kind, choice in plan.components.items()},
        "scopes": [_scope_data(scope) for scope in plan.root.walk()],
        "protocols": [{"name": each.record.name, **_origin_data(each.origin)} for each in plan.protocols],
        "plugins": [
            {
                "name": plugin.name,
                "state": plugin.state,
                "scope": plugin.scope,
                "hooks": list(plugin.hooks),
                "seconds": plugin.seconds,
                **_origin_data(plugin.origin),
            }
            for plugin in plan.plugins
        ],
        "settings": {
            label: {"value": value.shown(), "source": value.source} for label, value in plan.setting_values.items()
        },
        "diagnostics": [
            {"level": each.level, "code": each.code, "text": each.text, "why": each.why, "fix": each.fix}
            for each in plan.diagnostics
        ],
        "seconds": dict(plan.seconds),
    }


def _plan_lines(plan: Plan, settings: bool) -> Iterator[str]:
    yield f"app {plan.app_name}"
    for choice in (plan.parser, *plan.components.values()):
        yield from _indented(_choice_lines(choice), 1)
    yield from _indented(_scope_lines(plan.root), 1)
    yield "plugins"
    for plugin in plan.plugins:
        where = f" in scope {plugin.scope}" if plugin.scope else ""
        yield f"  {plugin.name} ({plugin.state}{where}, {plugin.seconds * 1000:.1f} ms) {plugin.note}".rstrip()
    yield "settings"
    for label, value in plan.setting_values.items():
        if settings or value.source != "default":
            yield f"  {label} = {value.shown()}  [{value.source}]"
    if plan.diagnostics:
        yield "findings"
        for diagnostic in plan.diagnostics:
            yield from _indented(iter(f"{diagnostic.level}: {diagnostic}".splitlines()), 1)


def _choice_lines(choice: Choice[object]) -> Iterator[str]:
    yield f"{choice.kind} {choice.name}: {choice.rule}  [{choice.origin}]"
    for loser in choice.losers:
        yield f"  not {loser.name}  [{loser.origin}]"


def _scope_lines(scope: PlannedScope) -> Iterator[str]:
    yield f"scope {scope.host}{scope.prefix or '/'}"
    if scope.router is not None:
        yield from _indented(_choice_lines(scope.router), 1)
    for link in scope.middleware:
        yield f"  middleware {link.record.name} ({link.record.zone})  [{link.origin}]"
    for planned in scope.routes:
        route = planned.route
        methods = ",".join(sorted(route.methods))
        name = f" {route.name!r}" if route.name else ""
        yield f"  {methods} {route.host}{route.path}{name}  [{route.origin}]"
    for lifespan in scope.lifespans:
        yield f"  lifespan {lifespan.record.name}  [{lifespan.origin}]"
    for inner in scope.scopes:
        yield from _indented(_scope_lines(inner), 1)


def _indented(lines: Iterator[str], levels: int) -> Iterator[str]:
    return ("  " * levels + line for line in lines)


def _choice_data(choice: Choice[object]) -> dict[str, Json]:
    losers: list[Json] = [{"name": each.name, **_origin_data(each.origin)} for each in choice.losers]
    return {"name": choice.name, "rule": choice.rule, "losers": losers, **_origin_data(choice.origin)}


def _scope_data(scope: PlannedScope) -> dict[str, Json]:
    return {
        "prefix": scope.prefix,
        "host": scope.host,
        "router": _choice_data(scope.router) if scope.router is not None else None,
        "middleware": [_link_data(link) for link in scope.middleware],
        "routes": [
            {
                "methods": sorted(each.route.methods),
                "path": each.route.path,
                "host": each.route.host,
                "name": each.route.name,
                **_origin_data(each.route.origin),
            }
            for each in scope.routes
        ],
        "response_types": [
            {"type": each.record.type.__qualname__, **_origin_data(each.origin)} for each in scope.response_types
        ],
        "error_handlers": [
            {"exception": each.record.exception.__qualname__, **_origin_data(each.origin)}
            for each in scope.error_handlers
        ],
        "lifespans": [{"name": each.record.name, **_origin_data(each.origin)} for each in scope.lifespans],
    }


def _link_data(link: Entry[Middleware]) -> Json:
    return {"name": link.record.name, "zone": link.record.zone, **_origin_data(link.origin)}


def _origin_data(origin: Origin | None) -> dict[str, Json]:
    if origin is None:
        return {}
    return {"plugin": origin.plugin, "place": origin.place, "distribution": origin.distribution, "hook": origin.hook}
