"""``turnbuckle check``: find every problem without serving anything."""

from __future__ import annotations

import click

from turnbuckle.cli.lock import check_lock, locked_option
from turnbuckle.cli.options import AppOptions, OptionalValueCommand, takes_target
from turnbuckle.cli.reporting import reporting_errors, warn

__all__ = ["check"]


@click.command(cls=OptionalValueCommand, short_help="List every problem of an app.")
@takes_target
@locked_option
def check(asked: AppOptions, *, locked: str | None) -> None:
    """Put an app together and list every problem; exit with 3 if there is one.

    Nothing is listened on, and no lifespan is entered. Where there is a composition lock, what differs from it is a
    warning, and a problem with --locked.
    """
    with reporting_errors():
        plan, _ = asked.compile()
        warn(plan.diagnostics)
        warnings = check_lock(asked, plan, locked)
    from turnbuckle.startup.report.formats import counted

    routes = sum(1 for _ in plan.routes())
    warnings += sum(each.level == "warning" for each in plan.diagnostics)
    click.echo(f"{asked.target} can be served: {counted(routes, 'route')}, {counted(warnings, 'warning')}")
