"""Check what plugins say about each other, and put them in dependency order.

A plugin in a scope may lean on those of the scopes around it. Ties go by name, never by the order of installation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from turnbuckle.hookspecs import API
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean
from turnbuckle.startup.model.plugin_records import LoadedPlugin
from turnbuckle.startup.model.toposort import OrderCycle, solve

__all__ = ["check_left_out", "check_relations", "in_dependency_order"]

_LEFT_OUT: Final = "is optional and was left out"


def check_relations(
    plugins: Sequence[LoadedPlugin],
    around: Mapping[str, LoadedPlugin],
    quarantined: Collection[str],
    diagnostics: Diagnostics,
) -> list[LoadedPlugin]:
    """Return the plugins that may take part.

    Args:
        plugins: those of one scope.
        around: those of the scopes around it, by name.
        quarantined: names of optional plugins that failed.
        diagnostics: where the others are noted.
    """
    present = {**around, **{plugin.name: plugin for plugin in plugins}}
    return [
        each
        for each in plugins
        if _fits_api(each, diagnostics)
        & _has_what_it_requires(each, present, quarantined, diagnostics)
        & _is_at_peace(each, present, diagnostics)
    ]


def check_left_out(plugins: Sequence[LoadedPlugin], quarantined: Collection[str], diagnostics: Diagnostics) -> None:
    """Note plugins that require an optional plugin that has failed meanwhile."""
    for plugin in plugins:
        for name in plugin.info.requires:
            if name in quarantined:
                _requires(plugin, name, _LEFT_OUT, diagnostics)


def in_dependency_order(plugins: Sequence[LoadedPlugin], diagnostics: Diagnostics) -> list[LoadedPlugin]:
    """Return the plugins of one scope, each after those that it requires or comes after."""
    by_name = {plugin.name: plugin for plugin in plugins}
    before = {name: (*each.info.requires, *each.info.after) for name, each in by_name.items()}
    try:
        names = solve(by_name, before, lambda name: (not by_name[name].builtin, name))
    except OrderCycle as cycle:
        diagnostics.add(
            "TB109",
            f"plugins depend on each other in a circle: {cycle}",
            *(by_name[name].origin for name in cycle.path[:-1]),
            why="each of them requires, or comes after, the one before it",
            fix="remove one 'requires' or 'after' of the circle",
        )
        return sorted(plugins, key=lambda each: (not each.builtin, each.name))
    return [by_name[name] for name in names]


def _fits_api(plugin: LoadedPlugin, diagnostics: Diagnostics) -> bool:
    if plugin.info.api == API:
        return True
    newer = isinstance(plugin.info.api, int) and plugin.info.api > API
    diagnostics.add(
        "TB108",
        f"plugin {plugin.name!r} was written for hooks of generation {plugin.info.api!r}, this is generation {API}",
        plugin.origin,
        why="its hooks would be called in another way than it expects",
        fix="upgrade turnbuckle" if newer else "upgrade the plugin",
    )
    return False


def _is_at_peace(plugin: LoadedPlugin, present: Mapping[str, LoadedPlugin], diagnostics: Diagnostics) -> bool:
    opponents = [name for name in plugin.info.conflicts if name in present and name != plugin.name]
    for name in opponents:
        diagnostics.add(
            "TB107",
            f"plugin {plugin.name!r} does not go together with plugin {name!r}",
            plugin.origin,
            present[name].origin,
            why=f"{plugin.name!r} says so in 'conflicts' of its info",
            fix=f"disable one of them, for example with -p no:{name}",
        )
    return not opponents


def _has_what_it_requires(
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
        fix=f"mend {name!r}, or make {plugin.name!r} optional, too"
        if how == _LEFT_OUT
        else f"enable it with -p {name}, or in plugins.enabled",
    )
