"""``turnbuckle plan``: show what was decided about an app, and why."""

from __future__ import annotations

import json

import click

from turnbuckle.cli.failures import told
from turnbuckle.cli.options import Asked, takes_target

__all__ = ["plan"]


@click.command(short_help="Show what an app is made of, and why.")
@takes_target
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--all", "shows_all", is_flag=True, help="Show the settings that have their defaults, too.")
def plan(asked: Asked, *, as_json: bool, shows_all: bool) -> None:
    """Show the plan of an app: parser, plugins, settings, and each scope with its middleware and routes.

    Every part is shown with where it comes from, every choice with its rule and with what lost. JSON always holds all.
    """
    with told():
        from turnbuckle.startup.show import plan_as_json, plan_as_text

        resolved = asked.resolve()
        if as_json:
            click.echo(json.dumps(plan_as_json(resolved), indent=2, ensure_ascii=False))
        else:
            click.echo(plan_as_text(resolved, settings=shows_all), nl=False)
