"""Decide which limits and deadlines each route has: from the route, from the scopes around it, or from the settings.

Limits that the server applies before it knows the route cannot be overridden. Trying to override one is an error that
names the reason. Routes with overrides are wrapped in a closure (``runtime/route_limits.py``); other routes are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.http.limits import Limits, limit_info
from turnbuckle.plan import Overruled, Plan, SettingValue
from turnbuckle.routing.records import Route
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.settings import Settings
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, format_error

__all__ = [
    "OverrideReader",
    "RouteOverrides",
    "content_limit_of",
    "json_limit_of",
    "largest_content",
    "own_timeouts",
    "timeouts_of",
]

_SECTIONS: Final[Mapping[str, type]] = {"limits": Limits, "timeouts": Timeouts}

RouteOverrides = Mapping[str, SettingValue]
"""The values that differ from the settings, with their sources, by key such as ``"limits.content"``."""


@attrs.frozen
class OverrideReader:
    """Reads the limits and deadlines that scopes and routes declare.

    Attributes:
        values: the settings, with their sources.
        diagnostics: where invalid overrides are reported.
    """

    values: Mapping[str, SettingValue]
    diagnostics: Diagnostics

    def of_scope(self, around: RouteOverrides, declaration: ScopeDeclaration) -> RouteOverrides:
        """Return the overrides of a scope, on top of the overrides around it."""
        declared = {"limits": declaration.limits, "timeouts": declaration.timeouts}
        return self._merged(around, declared, declaration.origin, f"scope {declaration.prefix or '/'}")

    def of_route(self, around: RouteOverrides, route: Route) -> RouteOverrides:
        """Return the overrides of a route, on top of the overrides of its scope."""
        declared = {"limits": route.limits, "timeouts": route.timeouts}
        return self._merged(around, declared, route.origin or Origin(plugin="app"), f"route {route.path}")

    def _merged(
        self, around: RouteOverrides, declared: Mapping[str, object], origin: Origin, what: str
    ) -> RouteOverrides:
        if not any(declared.values()):
            return around
        source = f"{what} ({origin.location})" if origin.location else what
        overrides = dict(around)
        for section, values in declared.items():
            if not isinstance(values, Mapping):
                text = f"{section} of {what} is {values!r:.60}, which is no mapping"
                self._report(text, "each limit has a name", origin, f'write {section}={{"NAME": {values!r:.60}}}')
                continue
            for name, value in values.items():
                key = f"{section}.{name}"
                if self._is_valid(section, name, value, origin):
                    before = overrides.get(key) or self.values[key]
                    overruled = (*before.overruled, Overruled(before.value, before.source))
                    overrides[key] = SettingValue(key=key, value=value, source=source, overruled=overruled)
        return overrides

    def _is_valid(self, section: str, name: str, value: object, origin: Origin) -> bool:
        cls = _SECTIONS[section]
        fields = {field.name: field for field in attrs.fields(cls)}
        key = f"{section}.{name}"
        info = limit_info(fields[name]) if name in fields else None
        if info is None:
            known = [field.name for field in fields.values() if (other := limit_info(field)) and not other.fixed]
            return self._report(f"there is no {key!r}{did_you_mean(name, fields)}", f"routes may have {known}", origin)
        if info.fixed:
            fix = f"remove it, or set it under [{section}]"
            return self._report(f"{key} cannot be overridden for a route or scope", info.fixed, origin, fix)
        try:
            cls(**{name: value})
        except (TypeError, ValueError) as error:
            text = f"{key} cannot be {value!r}: {format_error(error)}"
            return self._report(text, "the same values are valid as for the setting", origin)
        return True

    def _report(self, text: str, why: str, origin: Origin, fix: str = "correct it, or remove it") -> bool:
        self.diagnostics.add("TB428", text, origin, why=why, fix=fix)
        return False


def timeouts_of(settings: Settings, overrides: RouteOverrides) -> Timeouts:
    """Return the deadlines of a route."""
    prefix = "timeouts."
    own = {key.removeprefix(prefix): value.value for key, value in overrides.items() if key.startswith(prefix)}
    return attrs.evolve(settings.timeouts, **cast("dict[str, Any]", own)) if own else settings.timeouts


def own_timeouts(plan: Plan) -> tuple[Timeouts, ...]:
    """Return all deadlines of routes that differ from the settings."""
    found = {timeouts_of(plan.settings, overrides) for overrides in plan.all_overrides()}
    return tuple(found - {plan.settings.timeouts})


def content_limit_of(settings: Settings, overrides: RouteOverrides) -> int:
    """Return the limit of a route's content in bytes."""
    own = overrides.get("limits.content")
    return settings.limits.content if own is None else cast("int", own.value)


def json_limit_of(overrides: RouteOverrides) -> int | None:
    """Return the limit of a route's JSON content in bytes; None for the limit in the settings."""
    own = overrides.get("limits.json")
    return None if own is None else cast("int", own.value)


def largest_content(plan: Plan) -> int:
    """Return the largest content limit in bytes of all routes: the limit before the route of a request is known."""
    own = (content_limit_of(plan.settings, overrides) for overrides in plan.all_overrides())
    return max((plan.settings.limits.content, *own))
