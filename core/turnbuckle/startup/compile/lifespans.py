"""Prepare the lifespans of an app for the server, and report lifespans that it cannot enter or leave."""

from __future__ import annotations

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.records import Lifespan
from turnbuckle.server.model.application import ReadyLifespan
from turnbuckle.setup import Setup
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.plugins.validate import fault_of_lifespan, second_yield

__all__ = ["ready_lifespan"]


def ready_lifespan(entry: Sourced[Lifespan], setup: Setup, diagnostics: Diagnostics) -> ReadyLifespan:
    """Return a lifespan that is ready to be entered.

    Args:
        entry: the lifespan.
        setup: the setup of its plugin in its scope.
        diagnostics: where a lifespan that cannot be used is reported.
    """
    if fault := fault_of_lifespan(entry.record.factory):
        diagnostics.add(
            "TB505",
            f"lifespan {entry.record.name!r} cannot be used: {fault}",
            entry.origin,
            why="its factory takes the setup, and returns an async context manager",
            fix=fault.partition("passed: ")[2]
            or "write 'async def name(setup)' with one 'yield', under @contextlib.asynccontextmanager",
        )
    elif line := second_yield(entry.record.factory):
        diagnostics.add(
            "TB505",
            f"lifespan {entry.record.name!r} yields again in line {line}, so that it fails when the app stops",
            entry.origin,
            why="the code before its 'yield' runs at startup, the code after it at the end",
            fix=f"remove the 'yield' in line {line}",
            level="warning",
        )
    return ReadyLifespan(
        name=entry.record.name,
        context=lambda start: entry.record.factory(attrs.evolve(setup, background=start)),
        plugin=entry.origin.plugin,
        location=entry.origin.location,
        provides=entry.record.provides,
        scope=setup.scope,
    )
