"""``turnbuckle new``: write a working project as a starting point."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from turnbuckle._version import __version__
from turnbuckle.cli.reporting import ServingFailed, verbose_option
from turnbuckle.cli.scaffold.names import BadName, ProjectNames
from turnbuckle.cli.scaffold.project import write_project

__all__ = ["new"]

_KINDS: Final = ("parser", "router", "middleware", "response", "routes")


@click.group(short_help="Write a new plugin or app.")
@verbose_option
def new() -> None:
    """Write a new plugin or app into the current folder, with tests that pass."""


@new.command("plugin", short_help="Write a distribution with a plugin.")
@click.argument("name")
@click.option("--kind", type=click.Choice(_KINDS), required=True, help="What the plugin provides.")
@verbose_option
def _plugin(name: str, kind: str) -> None:
    """Write a distribution with a plugin and its tests into the folder turnbuckle-NAME.

    NAME is used to enable and configure the plugin: lower-case words joined by underscores.
    """
    try:
        names = ProjectNames.of_plugin(name, kind)
    except BadName as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    _check_free(name)
    _write(names, ("plugin", kind))
    click.echo(
        f"\nNext:\n  cd {names.folder}\n  pip install -e '.[test]'\n  pytest\n  turnbuckle check -p {name} TARGET"
    )


@new.command("app", short_help="Write an app.")
@click.argument("name")
@verbose_option
def _app(name: str) -> None:
    """Write an app and its tests into the folder NAME."""
    try:
        names = ProjectNames.of_app(name)
    except BadName as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    _write(names, ("app",))
    click.echo(f"\nNext:\n  cd {names.folder}\n  turnbuckle serve main:app\n  pytest")


def _check_free(name: str) -> None:
    from turnbuckle.startup.collect.builtin import BUILTIN_PLUGINS
    from turnbuckle.startup.plugins.discovery import installed_plugins

    owners = {plugin.name: plugin.distribution for plugin in installed_plugins()}
    owners |= {plugin.info.name: "turnbuckle itself" for plugin in BUILTIN_PLUGINS}
    if name in owners:
        raise click.BadParameter(f"there is already a plugin {name!r}, in {owners[name]}", param_hint="NAME")


def _write(names: ProjectNames, kinds: tuple[str, ...]) -> None:
    folder = Path(names.folder)
    try:
        written = write_project(folder, kinds, {**names.values(), "version": __version__})
    except FileExistsError:
        raise click.UsageError(f"{str(folder)!r} already exists; nothing in it was changed") from None
    except OSError as error:
        raise ServingFailed(f"error: {str(folder)!r} cannot be written: {error.strerror}") from error
    for path in written:
        click.echo(f"wrote {path}")
