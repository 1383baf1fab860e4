"""Decide which limits and deadlines a route has: those of the settings, of the scopes around it, or its own.

What is kept before a route is known cannot be otherwise for one; asking for that is an error, and says why. What comes
out is compiled into closures around the routes that have terms of their own: others pay nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.http.limit_field import limit_info
from turnbuckle.http.limits import Limits
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
    "largest_content",
    "own_timeouts",
    "timeouts_of",
]

_SECTIONS: Final[Mapping[str, type]] = {"limits": Limits, "timeouts": Timeouts}

RouteOverrides = Mapping[str, SettingValue]
"""The values that differ from the settings, with their sources, by key such as ``"limits.content"``."""


@attrs.frozen
class OverrideReader:
    """Reads the terms that scopes and routes ask for.

    Attributes:
        values: the settings, with their sources.
        diagnostics: where what cannot be is noted.
    """

    values: Mapping[str, SettingValue]
    diagnostics: Diagnostics

    def of_scope(self, around: RouteOverrides, declaration: ScopeDeclaration) -> RouteOverrides:
        """Return the terms of a scope."""
        given = {"limits": declaration.limits, "timeouts": declaration.timeouts}
        return self._with(around, given, declaration.origin, f"scope {declaration.prefix or '/'}")

    def of_route(self, around: RouteOverrides, route: Route) -> RouteOverrides:
        """Return the terms of a route."""
        given = {"limits": route.limits, "timeouts": route.timeouts}
        return self._with(around, given, route.origin or Origin(plugin="app"), f"route {route.path}")

    def _with(
        self, around: RouteOverrides, given: Mapping[str, Mapping[str, float]], origin: Origin, what: str
    ) -> RouteOverrides:
        if not any(given.values()):
            return around
        source = f"{what} ({origin.location})" if origin.location else what
        terms = dict(around)
        for section, values in given.items():
            for name, value in values.items():
                key = f"{section}.{name}"
                if self._fits(section, name, value, origin):
                    before = terms.get(key) or self.values[key]
                    overruled = (*before.overruled, Overruled(before.value, before.source))
                    terms[key] = SettingValue(key=key, value=value, source=source, overruled=overruled)
        return terms

    def _fits(self, section: str, name: str, value: object, origin: Origin) -> bool:
        cls = _SECTIONS[section]
        fields = {field.name: field for field in attrs.fields(cls)}
        key = f"{section}.{name}"
        bound = limit_info(fields[name]) if name in fields else None
        if bound is None:
            may_be = [each.name for each in fields.values() if (about := limit_info(each)) and not about.fixed]
            return self._refuse(f"there is no {key!r}{did_you_mean(name, fields)}", f"they may have {may_be}", origin)
        if bound.fixed:
            return self._refuse(f"{key} cannot be otherwise for a route or scope", bound.fixed, origin)
        try:
            cls(**{name: value})
        except (TypeError, ValueError) as error:
            return self._refuse(
                f"{key} cannot be {value!r}: {format_error(error)}", "it is checked as the setting is", origin
            )
        return True

    def _refuse(self, text: str, why: str, origin: Origin) -> bool:
        self.diagnostics.add("TB428", text, origin, why=why, fix="correct it, or remove it and see to the settings")
        return False


def timeouts_of(settings: Settings, terms: RouteOverrides) -> Timeouts:
    """Return the deadlines of a route."""
    prefix = "timeouts."
    own = {key.removeprefix(prefix): value.value for key, value in terms.items() if key.startswith(prefix)}
    return attrs.evolve(settings.timeouts, **cast("dict[str, Any]", own)) if own else settings.timeouts


def own_timeouts(plan: Plan) -> tuple[Timeouts, ...]:
    """Return all deadlines that some route has instead of those of the settings."""
    found = {timeouts_of(plan.settings, planned.terms) for planned, _ in plan.routes()}
    return tuple(found - {plan.settings.timeouts})


def content_limit_of(settings: Settings, terms: RouteOverrides) -> int:
    """Return how many octets of content a route takes."""
    own = terms.get("limits.content")
    return settings.limits.content if own is None else cast("int", own.value)


def largest_content(plan: Plan) -> int:
    """Return how many octets of content may come before a route is known: as many as the one takes that takes most."""
    own = (content_limit_of(plan.settings, planned.terms) for planned, _ in plan.routes())
    return max((plan.settings.limits.content, *own))
