"""``turnbuckle settings``: print the reference of all settings."""

from __future__ import annotations

import click

from turnbuckle.cli.options import AppOptions, may_take_target
from turnbuckle.cli.reporting import reporting_errors
from turnbuckle.cli.target import NO_TARGET

__all__ = ["settings"]


@click.command(short_help="Print the reference of all settings.")
@may_take_target
def settings(options: AppOptions) -> None:
    """Print every setting in Markdown: its type, its default and its effect.

    With a TARGET, the settings of the app itself and of its plugins are included. 'turnbuckle plan' shows the values
    of an app, and 'turnbuckle why setting' shows the source of a value.
    """
    with reporting_errors():
        from turnbuckle.startup.report.settings_reference import settings_reference

        plan = options.resolve() if options.target is not NO_TARGET else None
        scopes = plan.root.walk() if plan is not None else ()
        configs = {name: type(config) for scope in scopes for name, config in scope.configs.items() if config}
        own = type(plan.config) if plan is not None and plan.config is not None else None
        click.echo(settings_reference(configs, own), nl=False)
