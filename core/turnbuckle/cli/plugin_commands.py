"""Mount the commands of enabled plugins beside those of the core.

Plugins are imported for the help of ``turnbuckle`` and for a command that the core does not have, and for nothing else:
a broken plugin must not stand in the way of the commands that repair it. Which plugins are enabled, an app named by
``--app`` tells, or else the settings of the current folder.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click

from turnbuckle.cli.options import AppOptions, has_settings
from turnbuckle.cli.reporting import CommandFailed, ServingFailed, one_line, reporting_errors
from turnbuckle.cli.target import NO_TARGET, TARGET, AppTarget
from turnbuckle.diagnostics import Sourced

if TYPE_CHECKING:
    from turnbuckle.plan import Plan

__all__ = ["app_option", "command_of_a_plugin", "commands_of_plugins"]

_TARGET: Final = "turnbuckle.target"


def _note_target(context: click.Context, option: click.Parameter, value: AppTarget | None) -> None:
    if value is not None:
        context.meta[_TARGET] = value


# Read before --help is, as the help depends on it.
app_option: Final = click.option(
    "--app",
    type=TARGET,
    metavar="TARGET",
    is_eager=True,
    expose_value=False,
    callback=_note_target,
    help="The app whose plugins add commands; without it, those that the settings here enable do.",
)


def commands_of_plugins(context: click.Context) -> Mapping[str, click.Command]:
    """Return the commands for the help; where they cannot be had, say so on stderr and go on."""
    try:
        return _commands(context)
    except CommandFailed as error:
        click.echo(
            f"no commands of plugins, which cannot be asked without problems (or name their app with --app):\n{error}",
            err=True,
        )
        return {}


def command_of_a_plugin(context: click.Context, name: str) -> click.Command | None:
    """Return the command of a name, or None if no enabled plugin has it.

    Raises:
        CommandFailed: 3; the plugins cannot be asked.
    """
    return _commands(context).get(name)


def _commands(context: click.Context) -> Mapping[str, click.Command]:
    found = context.meta.get(__name__)
    if not isinstance(found, dict):
        plan = _plan(context.meta.get(_TARGET, NO_TARGET))
        found = {entry.record.name: _told_command(entry) for entry in plan.commands} if plan is not None else {}
        context.meta[__name__] = found
        context.obj = plan
    return found


def _told_command(entry: Sourced[click.Command]) -> click.Command:
    """Return a command of a plugin that says in one line what it raises, and whose it is."""
    command = copy.copy(entry.record)
    invoke = command.invoke

    def invoke_told(ctx: click.Context) -> object:
        try:
            return invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt, SystemExit):
            raise
        except BrokenPipeError:
            # Whoever reads the output has seen enough.
            raise
        except Exception as error:
            from turnbuckle.startup.plugins.import_errors import place_of_error

            place = place_of_error(error, entry.origin.location)
            text = f"error: command {entry.record.name!r} of {attrs.evolve(entry.origin, hook='', location=place)}"
            raise ServingFailed(f"{text}: {type(error).__name__}: {one_line(error)}") from error

    # Of this copy alone, whatever its class is.
    command.__dict__["invoke"] = invoke_told
    return command


def _plan(target: AppTarget) -> Plan | None:
    asked = AppOptions(target=target)
    with reporting_errors():
        if target is not NO_TARGET:
            return asked.resolve()
        if not _enables_something(asked.folder):
            return None
        from turnbuckle.app import App

        return App().resolve(asked.sources())


def _enables_something(folder: Path) -> bool:
    return has_settings(folder) or "TURNBUCKLE_PLUGINS" in os.environ
