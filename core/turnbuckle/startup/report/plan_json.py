"""Return a plan as plain data for programs, without secrets; docs/use/introspection.md describes the data.

One ``schema`` only ever gets new keys. If the meaning of a key changes, so does the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnbuckle._version import __version__
from turnbuckle.diagnostics import Diagnostic, Origin, Sourced
from turnbuckle.plan import Choice, MiddlewareSelection, Plan, PlannedMount, PlannedPlugin, PlannedScope, SettingValue
from turnbuckle.records import Middleware, MiddlewareChain
from turnbuckle.routing.records import Route
from turnbuckle.startup.report.formats import Json, name_of, origin_as_json, type_name, value_as_json
from turnbuckle.startup.report.limits_table import limits_as_json
from turnbuckle.startup.report.signatures import signature_as_json
from turnbuckle.web.annotations import show_annotation

__all__ = [
    "PLAN_SCHEMA",
    "diagnostic_as_json",
    "plan_as_json",
    "plugin_as_json",
    "selection_as_json",
]

PLAN_SCHEMA: Final = "turnbuckle.plan/1"


def plan_as_json(plan: Plan) -> dict[str, Json]:
    """Return a plan as plain data."""
    return {
        "schema": PLAN_SCHEMA,
        "turnbuckle": __version__,
        "app": plan.app_name,
        "parser": _choice(plan.parser),
        "shadow_parser": _choice(plan.shadow) if plan.shadow is not None else None,
        "components": {kind: _choice(choice) for kind, choice in plan.components.items()},
        "protocols": [
            {
                "name": entry.record.name,
                "alpn": entry.record.alpn,
                "upgrade": entry.record.upgrade,
                "preface": entry.record.preface.decode("latin-1"),
                "version": entry.record.version,
                **_from(entry.origin),
            }
            for entry in plan.protocols
        ],
        "commands": [{"name": entry.record.name or "", **_from(entry.origin)} for entry in plan.commands],
        "scopes": [_scope(scope) for scope in plan.root.walk()],
        "plugins": [plugin_as_json(plugin) for plugin in plan.plugins],
        "settings": {label: _setting(value) for label, value in plan.setting_values.items()},
        "diagnostics": [diagnostic_as_json(diagnostic) for diagnostic in plan.diagnostics],
        "seconds": dict(plan.seconds),
        "bounds": limits_as_json(plan),
    }


def plugin_as_json(plugin: PlannedPlugin) -> dict[str, Json]:
    """Return a plugin as plain data."""
    distribution, _, version = plugin.origin.distribution.rpartition(" ")
    return {
        "name": plugin.name,
        "state": plugin.state,
        "scope": plugin.scope,
        "distribution": distribution,
        "version": version,
        "api": plugin.api,
        "hooks": list(plugin.hooks),
        "requires": list(plugin.requires),
        "after": list(plugin.after),
        "conflicts": list(plugin.conflicts),
        "requested_by": origin_as_json(plugin.requested_by),
        "seconds": plugin.seconds,
        "location": plugin.origin.location,
        "note": plugin.note,
    }


def diagnostic_as_json(diagnostic: Diagnostic) -> dict[str, Json]:
    """Return a diagnostic as plain data."""
    return {
        "level": diagnostic.level,
        "code": diagnostic.code,
        "text": diagnostic.text,
        "why": diagnostic.why,
        "fix": diagnostic.fix,
        "origins": [origin_as_json(origin) for origin in diagnostic.origins],
    }


def _from(origin: Origin | None) -> dict[str, Json]:
    return {"origin": origin_as_json(origin)}


def _choice(choice: Choice[object]) -> dict[str, Json]:
    rejected: list[Json] = [{"name": candidate.name, **_from(candidate.origin)} for candidate in choice.rejected]
    return {"name": choice.name, "rule": choice.rule, "rejected": rejected, **_from(choice.origin)}


def _scope(scope: PlannedScope) -> dict[str, Json]:
    return {
        "prefix": scope.prefix,
        "host": scope.host,
        "router": _choice(scope.router) if scope.router is not None else None,
        "middleware": [_link(link) for link in scope.middleware],
        "chains": [_chain(entry) for entry in scope.chains],
        "selection": selection_as_json(scope.selection),
        "routes": [
            {
                **_route(planned.route),
                "signature": signature_as_json(planned.signature),
                "overrides": _overrides(planned.overrides),
                "selection": selection_as_json(planned.selection),
            }
            for planned in scope.routes
        ],
        "mounts": [_mount(planned) for planned in scope.mounts],
        "response_types": [
            {
                "type": type_name(entry.record.type),
                "media_type": entry.record.media_type,
                "rejected": [_from(candidate.origin) for candidate in entry.rejected],
                **_from(entry.origin),
            }
            for entry in scope.response_types
        ],
        "parameters": [
            {
                "type": show_annotation(entry.record.type),
                "description": entry.record.description,
                "rejected": [_from(candidate.origin) for candidate in entry.rejected],
                **_from(entry.origin),
            }
            for entry in scope.parameters
        ],
        "error_handlers": [
            {"exception": type_name(entry.record.exception), **_from(entry.origin)} for entry in scope.error_handlers
        ],
        "lifespans": [{"name": entry.record.name, **_from(entry.origin)} for entry in scope.lifespans],
        **_from(scope.origin),
    }


def selection_as_json(selection: MiddlewareSelection | None) -> Json:
    """Return the middleware that requests run through as plain data; None if the app has no chains and removals."""
    if selection is None:
        return None
    return {
        "chain": selection.chain,
        "provider": origin_as_json(selection.provider),
        "chosen": origin_as_json(selection.chosen),
        "without": [{"name": entry.record, **_from(entry.origin)} for entry in selection.without],
        "middleware": [link.record.name for link in selection.links],
    }


def _chain(entry: Sourced[MiddlewareChain]) -> dict[str, Json]:
    members = (member if isinstance(member, str) else member.name for member in entry.record.members)
    return {
        "name": entry.record.name,
        "members": list(members),
        "description": entry.record.description,
        **_from(entry.origin),
    }


def _link(link: Sourced[Middleware]) -> dict[str, Json]:
    record = link.record
    return {
        "name": record.name,
        "zone": record.zone,
        "before": list(record.before),
        "after": list(record.after),
        "needs": [str(need) for need in record.needs],
        "provides": list(record.provides),
        "reads_body": record.reads_body,
        "buffers_response": record.buffers_response,
        **_from(link.origin),
    }


def _route(route: Route) -> dict[str, Json]:
    return {
        "methods": sorted(route.methods),
        "path": route.path,
        "host": route.host,
        "name": route.name,
        "handler": name_of(route.handler),
        **_from(route.origin),
    }


def _mount(planned: PlannedMount) -> dict[str, Json]:
    return {
        "host": planned.route.host,
        "path": planned.route.path,
        "name": planned.route.name,
        "app": name_of(planned.mount.app),
        "kind": planned.provider.record.name,
        "rule": planned.rule,
        "provider": origin_as_json(planned.provider.origin),
        "overrides": _overrides(planned.overrides),
        "selection": selection_as_json(planned.selection),
        **_from(planned.route.origin),
    }


def _overrides(overrides: Mapping[str, SettingValue]) -> Json:
    return {key: {"value": value_as_json(value.value), "source": value.source} for key, value in overrides.items()}


def _setting(value: SettingValue) -> dict[str, Json]:
    shown = value_as_json(value.value)
    return {
        "value": value.shown() if value.secret and shown is not None and shown != "" else shown,
        "source": value.source,
        "secret": value.secret,
        "overruled": [overruled.source for overruled in value.overruled],
    }
