"""Add the commands of enabled plugins to the commands of the core.

Plugins are imported only for the help of ``turnbuckle`` and for commands that the core does not have, because a broken
plugin must not block the commands that repair it. The app of ``--app`` decides which plugins are enabled; without it,
the settings in the current folder decide.
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


# Eager, because the output of --help depends on it.
app_option: Final = click.option(
    "--app",
    type=TARGET,
    metavar="TARGET",
    is_eager=True,
    expose_value=False,
    callback=_note_target,
    help="The app whose plugins add commands; by default the settings in this folder enable plugins.",
)


def commands_of_plugins(context: click.Context) -> Mapping[str, click.Command]:
    """Return the commands for the help; if that fails, report it on stderr and return none."""
    try:
        return _commands(context)
    except CommandFailed as error:
        click.echo(
            f"no commands of plugins, because of these problems (--app names another app):\n{error}",
            err=True,
        )
        return {}


def command_of_a_plugin(context: click.Context, name: str) -> click.Command | None:
    """Return the command with a name, or None if no enabled plugin has it.

    Raises:
        CommandFailed: 3; the plugins cannot be loaded.
    """
    return _commands(context).get(name)


def _commands(context: click.Context) -> Mapping[str, click.Command]:
    found = context.meta.get(__name__)
    if not isinstance(found, dict):
        plan = _plan(context.meta.get(_TARGET, NO_TARGET))
        found = {entry.record.name: _reporting_command(entry) for entry in plan.commands} if plan is not None else {}
        context.meta[__name__] = found
        context.obj = plan
    return found


def _reporting_command(entry: Sourced[click.Command]) -> click.Command:
    """Return a command of a plugin that reports its exceptions in one line, with the name of the plugin."""
    command = copy.copy(entry.record)
    invoke = command.invoke

    def invoke_and_report(ctx: click.Context) -> object:
        try:
            return invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt, SystemExit):
            raise
        except BrokenPipeError:
            # The reader of the output has closed the pipe.
            raise
        except Exception as error:
            from turnbuckle.startup.plugins.import_errors import error_location

            place = error_location(error, entry.origin.location)
            text = f"error: command {entry.record.name!r} of {attrs.evolve(entry.origin, hook='', location=place)}"
            raise ServingFailed(f"{text}: {type(error).__name__}: {one_line(error)}") from error

    # Set on this copy only; its class may be any class.
    command.__dict__["invoke"] = invoke_and_report
    return command


def _plan(target: AppTarget) -> Plan | None:
    options = AppOptions(target=target)
    with reporting_errors():
        if target is not NO_TARGET:
            return options.resolve()
        if not _enables_something(options.folder):
            return None
        from turnbuckle.app import App

        return App().resolve(options.sources())


def _enables_something(folder: Path) -> bool:
    return has_settings(folder) or "TURNBUCKLE_PLUGINS" in os.environ
