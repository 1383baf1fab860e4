"""``turnbuckle plugins``: list all plugins with their states."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from turnbuckle.cli.options import AppOptions, may_take_target
from turnbuckle.cli.reporting import echo_error, reporting_errors
from turnbuckle.cli.target import NO_TARGET

if TYPE_CHECKING:
    from turnbuckle.plan import PlannedPlugin
    from turnbuckle.startup.report.inventory import PluginInventory

__all__ = ["plugins"]

_TITLES: Final[Mapping[str, str]] = {
    "enabled": "enabled",
    "failed": "failed: the app cannot start with them",
    "quarantined": "left out: optional, and failed",
    "disabled": "disabled",
    "installed": "installed, not enabled",
    "builtin": "built in",
}


@click.command(short_help="List the plugins: enabled, failed, installed.")
@may_take_target
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def plugins(options: AppOptions, *, as_json: bool) -> None:
    """List all plugins: name, distribution, hook generation, start-up time and hooks.

    With a TARGET, the app and its plugins are imported, and a broken plugin is listed as failed. Without a TARGET,
    nothing is imported: the states come from the settings and the metadata of the installed distributions.
    """
    with reporting_errors():
        found = _inventory(options)
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        for line in _lines(found.plugins):
            click.echo(line)
    names = {plugin.name for plugin in found.plugins}
    errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.level == "error"]
    others = [error for error in errors if not _is_listed(error.origins, names)]
    if others:
        from turnbuckle.startup.report.formats import counted

        count = counted(len(others), "other problem")
        echo_error(f"{count}: 'turnbuckle check' lists {'it' if len(others) == 1 else 'them'}")


def _inventory(options: AppOptions) -> PluginInventory:
    if options.target is NO_TARGET:
        from turnbuckle.startup.report.inventory import inventory_without_app

        return inventory_without_app(options.sources())
    from turnbuckle.startup.pipeline import plugin_inventory

    return plugin_inventory(options.app().declaration(), options.sources())


def _is_listed(origins: Sequence[object], names: set[str]) -> bool:
    return any(getattr(origin, "plugin", "") in names for origin in origins[:1])


def _as_json(found: PluginInventory) -> Mapping[str, object]:
    from turnbuckle.startup.report.plan_json import diagnostic_as_json, plugin_as_json

    return {
        "schema": "turnbuckle.plugins/1",
        "plugins": [plugin_as_json(plugin) for plugin in found.plugins],
        "diagnostics": [diagnostic_as_json(diagnostic) for diagnostic in found.diagnostics],
    }


def _lines(found: Sequence[PlannedPlugin]) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns

    rows = [_row(plugin) for plugin in found]
    lines = list(columns(rows, 2))
    for state, title in _TITLES.items():
        own = [line for line, plugin in zip(lines, found, strict=True) if plugin.state == state]
        if own:
            yield title
            yield from own


def _row(plugin: PlannedPlugin) -> tuple[str, ...]:
    from turnbuckle.startup.report.formats import milliseconds

    return (
        plugin.name,
        f"in {plugin.scope}" if plugin.scope else "",
        plugin.origin.distribution,
        f"api {plugin.api}" if plugin.api else "",
        milliseconds(plugin.seconds).rjust(8) if plugin.seconds else "",
        plugin.origin.location if plugin.state == "installed" else plugin.note or ", ".join(plugin.hooks) or "no hooks",
    )
