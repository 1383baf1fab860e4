"""Find the requested command, and import no other."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from turnbuckle._version import __version__
from turnbuckle.cli.plugin_commands import app_option, command_of_a_plugin, commands_of_plugins
from turnbuckle.cli.reporting import verbose_option

__all__ = ["turnbuckle"]

# In the order of the help. Each command is a function of its name in a module of its name.
_COMMANDS: Final = ("serve", "check", "routes", "plan", "plugins", "why", "explain", "settings", "parsers", "new")


class _LazyGroup(click.Group):
    """A group that imports commands on request, and plugins only for commands that the core does not have."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *sorted(commands_of_plugins(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return command_of_a_plugin(ctx, cmd_name)
        command: object = getattr(import_module(f"turnbuckle.cli.commands.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="turnbuckle %(version)s")
@app_option
@verbose_option
def turnbuckle() -> None:
    """Serve apps, and show how they are composed.

    TARGET names the app: main:app, main:create_app(), or path/to/file.py[:app].

    Exit status: 0 success, 1 failure at run time, 2 wrong usage, 3 the app cannot start.
    """
