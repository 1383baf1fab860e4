"""``turnbuckle plan``: show what was decided about an app, and why."""

from __future__ import annotations

import click

from turnbuckle.cli.failures import told, warn
from turnbuckle.cli.options import Asked, takes_target

__all__ = ["plan"]


@click.command(short_help="Show what an app is made of, and why.")
@takes_target
def plan(asked: Asked) -> None:
    """Show the plan of an app: parser, plugins, settings, and each scope with its middleware and routes.

    Every part is shown with where it comes from.
    """
    with told():
        from turnbuckle.cli.plan_text import plan_lines

        resolved = asked.resolve()
        warn(resolved.diagnostics)
        for line in plan_lines(resolved):
            click.echo(line)
