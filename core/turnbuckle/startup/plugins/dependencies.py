"""Check the relations between plugins, and sort plugins in dependency order.

A plugin in a scope may depend on plugins of the scopes around it. Plugins without relations are sorted by name, never
by the order of installation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from turnbuckle.hookspecs import API
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean
from turnbuckle.startup.model.plugin_records import LoadedPlugin
from turnbuckle.startup.model.toposort import OrderCycle, solve
from turnbuckle.startup.plugins.validate import shown

__all__ = ["check_left_out", "check_relations", "in_dependency_order"]

_LEFT_OUT: Final = "is optional and was left out"


def check_relations(
    plugins: Sequence[LoadedPlugin],
    around: Mapping[str, LoadedPlugin],
    quarantined: Collection[str],
    diagnostics: Diagnostics,
) -> list[LoadedPlugin]:
    """Return the plugins whose relations are fulfilled; report the others.

    Args:
        plugins: the plugins of one scope.
        around: the plugins of the scopes around it, by name.
        quarantined: names of the optional plugins that failed.
        diagnostics: collects the problems.
    """
    present = {**around, **{plugin.name: plugin for plugin in plugins}}
    return [
        plugin
        for plugin in plugins
        if _fits_api(plugin, diagnostics)
        & _has_requirements(plugin, present, quarantined, diagnostics)
        & _has_no_conflict(plugin, present, diagnostics)
    ]


def check_left_out(plugins: Sequence[LoadedPlugin], quarantined: Collection[str], diagnostics: Diagnostics) -> None:
    """Report the plugins that require an optional plugin which has failed since ``check_relations``."""
    for plugin in plugins:
        for name in plugin.info.requires:
            if name in quarantined:
                _requires(plugin, name, _LEFT_OUT, diagnostics)


def in_dependency_order(plugins: Sequence[LoadedPlugin], diagnostics: Diagnostics) -> list[LoadedPlugin]:
    """Return the plugins of one scope, each after the plugins that it requires or comes after."""
    by_name = {plugin.name: plugin for plugin in plugins}
    before = {name: (*plugin.info.requires, *plugin.info.after) for name, plugin in by_name.items()}
    try:
        names = solve(by_name, before, lambda name: (not by_name[name].builtin, name))
    except OrderCycle as cycle:
        diagnostics.add(
            "TB109",
            f"plugins depend on each other in a cycle: {cycle}",
            *(by_name[name].origin for name in cycle.path[:-1]),
            why="each of them requires, or comes after, the one before it",
            fix="remove one 'requires' or 'after' of the cycle",
        )
        return sorted(plugins, key=lambda plugin: (not plugin.builtin, plugin.name))
    return [by_name[name] for name in names]


def _fits_api(plugin: LoadedPlugin, diagnostics: Diagnostics) -> bool:
    is_number = type(plugin.info.api) is int
    if is_number and plugin.info.api == API:
        return True
    if not is_number:
        why, fix = f"a generation is a whole number, not {shown(plugin.info.api)}", f"write api={API} in its info"
    else:
        why = "its hooks would be called in a way that it does not expect"
        fix = (
            f"upgrade turnbuckle; write api={API} if the plugin is yours"
            if plugin.info.api > API
            else f"upgrade the plugin; write api={API} if it is yours"
        )
    diagnostics.add(
        "TB108",
        f"plugin {plugin.name!r} was written for hooks of generation {plugin.info.api!r}, this is generation {API}",
        plugin.origin,
        why=why,
        fix=fix,
    )
    return False


def _has_no_conflict(plugin: LoadedPlugin, present: Mapping[str, LoadedPlugin], diagnostics: Diagnostics) -> bool:
    opponents = [name for name in plugin.info.conflicts if name in present and name != plugin.name]
    for name in opponents:
        diagnostics.add(
            "TB107",
            f"plugin {plugin.name!r} conflicts with plugin {name!r}",
            plugin.origin,
            present[name].origin,
            why=f"{plugin.name!r} says so in 'conflicts' of its info",
            fix=f"disable one of them, for example with -p no:{name}",
        )
    return not opponents


def _has_requirements(
    plugin: LoadedPlugin, present: Mapping[str, LoadedPlugin], quarantined: Collection[str], diagnostics: Diagnostics
) -> bool:
    missing = [name for name in plugin.info.requires if name not in present]
    for name in missing:
        how = _LEFT_OUT if name in quarantined else f"is not enabled{did_you_mean(name, present)}"
        _requires(plugin, name, how, diagnostics)
    return not missing


def _requires(plugin: LoadedPlugin, name: str, how: str, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB106",
        f"plugin {plugin.name!r} requires plugin {name!r}, which {how}",
        plugin.origin,
        why=f"{plugin.name!r} says so in 'requires' of its info",
        fix=f"fix {name!r}, or make {plugin.name!r} optional as well"
        if how == _LEFT_OUT
        else f"enable it with -p {name}, or in plugins.enabled",
    )
