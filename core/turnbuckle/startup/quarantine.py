"""Decide which optional plugins an app goes on without, when something is wrong with them or between them and others.

What fails in a plugin alone, while it is loaded, configured or asked, leaves it out on the spot. All else is only seen
when everything is put together: then that is begun anew without the plugins to blame, until no error is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING, Final

import attrs

from turnbuckle.errors import StartupError
from turnbuckle.records import Diagnostic

if TYPE_CHECKING:
    from turnbuckle.plan import Plan
    from turnbuckle.server.model.application import Application

__all__ = ["compile_plan", "plugins_to_quarantine", "quarantine_diagnostic"]

# Of rivals, the one that nobody relies on gives way; of all other errors, the first origin is the offender.
_RIVALS: Final = (
    "TB105 TB107 TB109 TB401 TB404 TB406 TB408 TB410 TB414 TB416 TB417 TB418 TB420 TB422 TB424"  # each names them all
)
_BETWEEN_RIVALS: Final = frozenset(_RIVALS.split())


def plugins_to_quarantine(
    errors: Iterable[Diagnostic], optional: Set[str], quarantined: Iterable[str]
) -> Mapping[str, Diagnostic]:
    """Return the optional plugins that stand in the way of a start, with what is wrong.

    Args:
        errors: what stops the start.
        optional: names of optional plugins.
        spared: those that are left out already.
    """
    candidates = optional - set(quarantined)
    found: dict[str, Diagnostic] = {}
    for each in errors:
        origins = each.origins if each.code in _BETWEEN_RIVALS else each.origins[:1]
        name = next((origin.plugin for origin in origins if origin.plugin in candidates), None)
        if name is not None and found.keys().isdisjoint(origin.plugin for origin in origins):
            found[name] = each
    return found


def quarantine_diagnostic(plugin: str, error: Diagnostic) -> Diagnostic:
    """Return the warning that an optional plugin is left out for an error."""
    text = f"optional plugin {plugin!r} is left out: {error.code} {error.text}"
    return attrs.evolve(error, level="warning", code="TB110", text=text)


def compile_plan(plan: Plan) -> tuple[Plan, Application]:
    """Return what a server runs, with the plan of it: without the optional plugins that turn out to fail.

    Raises:
        StartupError: something that is not optional cannot be made.
    """
    from turnbuckle.startup.compile.compiler import compile_application

    while True:
        try:
            return plan, compile_application(plan)
        except StartupError as error:
            errors = [problem.diagnostic for problem in error.problems]
            more = plugins_to_quarantine(errors, frozenset(plan.settings.plugins.optional), plan.quarantined)
            if not more or plan.without is None:
                raise
            plan = plan.without(more)
