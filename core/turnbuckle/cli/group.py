"""Find the requested command, and import no other."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

from turnbuckle._version import __version__
from turnbuckle.cli.plugin_commands import app_option, command_of_a_plugin, commands_of_plugins
from turnbuckle.cli.reporting import verbose_option

__all__ = ["turnbuckle"]

# In the order of the help. Each command is a function of its name in a module of its name.
_COMMANDS: Final = (
    "serve",
    "check",
    "routes",
    "plan",
    "plugins",
    "why",
    "explain",
    "settings",
    "parsers",
    "openapi",
    "new",
)


class _LazyGroup(click.Group):
    """A group that imports commands on request, and plugins only for commands that the core does not have."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *sorted(commands_of_plugins(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return command_of_a_plugin(ctx, cmd_name)
        command: object = getattr(import_module(f"turnbuckle.cli.commands.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; suggest one for a name that other servers' users type."""
        name = str(args[0])
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        from turnbuckle.cli.hints import no_such_command

        raise click.UsageError(no_such_command(name, self.list_commands(ctx)), ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command; options of the command may be among them by mistake."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from turnbuckle.cli.hints import misplaced_option

            text = misplaced_option(error.option_name, given, self._options(ctx))
            raise click.UsageError(text, error.ctx) from error

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; suggest an option in place of one that it does not have."""
        try:
            result: object = super().invoke(ctx)
        except click.NoSuchOption as error:
            from turnbuckle.cli.hints import no_such_option

            options = self._options(ctx)
            command = error.ctx.command if error.ctx is not None else self
            name = command.name or ""
            if options.get(name) != _option_names(command):
                options = {name: _option_names(command)}
            raise click.UsageError(no_such_option(error.option_name, name, options), error.ctx) from error
        return result

    def _options(self, ctx: click.Context) -> Mapping[str, frozenset[str]]:
        """Return the options of each command of the core."""
        commands = {name: self.get_command(ctx, name) for name in _COMMANDS}
        return {name: _option_names(command) for name, command in commands.items() if command is not None}


def _option_names(command: click.Command) -> frozenset[str]:
    options = [param for param in command.params if isinstance(param, click.Option)]
    return frozenset(name for option in options for name in (*option.opts, *option.secondary_opts))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="turnbuckle %(version)s")
@app_option
@verbose_option
def turnbuckle() -> None:
    """Serve apps, and show how they are composed.

    TARGET names the app: main:app, main:create_app(), or path/to/file.py[:app].

    Exit status: 0 success, 1 failure at run time, 2 wrong usage, 3 the app cannot start.
    """
