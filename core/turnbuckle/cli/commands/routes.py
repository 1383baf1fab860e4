"""``turnbuckle routes``: list the routes of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from turnbuckle.cli.options import AppOptions, takes_target
from turnbuckle.cli.reporting import reporting_errors, warn
from turnbuckle.startup.report.formats import columns, name_of

if TYPE_CHECKING:
    from turnbuckle.routing.records import Route

__all__ = ["routes"]


@click.command(short_help="List the routes of an app.")
@takes_target
def routes(options: AppOptions) -> None:
    """List the routes of an app: methods, host and path, name, handler and location; then the mounts."""
    with reporting_errors():
        plan = options.resolve()
        warn(plan.diagnostics)
    rows = [_row(planned.route) for planned, _ in plan.routes()]
    rows += [_row(planned.route) for planned, _ in plan.mounts()]
    if not rows:
        click.echo(f"{options.target} has no routes")
        return
    for line in columns([("METHODS", "PATH", "NAME", "HANDLER", "PLACE"), *rows]):
        click.echo(line)


def _row(route: Route) -> tuple[str, ...]:
    place = route.origin.location if route.origin else ""
    # A mounted app takes any method, at any path below its own.
    methods = ",".join(sorted(route.methods)) or "any"
    path = route.path if route.methods else f"{route.path.rstrip('/')}/..."
    return methods, f"{route.host}{path}", route.name or "-", name_of(route.handler), place
