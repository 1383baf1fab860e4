"""``turnbuckle check``: list every problem of an app without serving it."""

from __future__ import annotations

import click

from turnbuckle.cli.lock import check_lock, locked_option
from turnbuckle.cli.options import AppOptions, OptionalValueCommand, takes_target
from turnbuckle.cli.reporting import reporting_errors, warn

__all__ = ["check"]


@click.command(cls=OptionalValueCommand, short_help="List every problem of an app.")
@takes_target
@locked_option
def check(options: AppOptions, *, locked: str | None) -> None:
    """Build an app and list every problem; exit with status 3 if there is one.

    No socket is opened and no lifespan is entered. If there is a composition lock, each difference is a warning; with
    --locked it is an error.
    """
    with reporting_errors():
        plan, _ = options.compile()
        warn(plan.diagnostics)
        warnings = check_lock(options, plan, locked)
    from turnbuckle.startup.report.formats import counted

    parts = [counted(sum(1 for _ in plan.routes()), "route")]
    if mounts := sum(1 for _ in plan.mounts()):
        parts.append(counted(mounts, "mount"))
    warnings += sum(diagnostic.level == "warning" for diagnostic in plan.diagnostics)
    click.echo(f"{options.target} can be served: {', '.join(parts)}, {counted(warnings, 'warning')}")
