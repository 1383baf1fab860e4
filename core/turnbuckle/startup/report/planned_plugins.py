"""List all plugins that are known, with how they stand."""

from __future__ import annotations

from collections.abc import Iterator

from turnbuckle.plan import PlannedPlugin
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.plugins.loading import Loader
from turnbuckle.startup.plugins.requested import PluginRequests

__all__ = ["planned_plugins"]


def planned_plugins(
    root: CollectedScope, asked: PluginRequests, loader: Loader, builtin: frozenset[str]
) -> tuple[PlannedPlugin, ...]:
    """Return those that take part, scope by scope, then those that do not.

    Installed plugins are among them only if something had to be looked up: their metadata takes time to read.
    """
    enabled = tuple(_enabled(root, builtin))
    names = {plugin.name for plugin in enabled}
    quarantined = tuple(
        PlannedPlugin(name=name, state="quarantined", origin=loader.origin_of(name), note="it is optional, and failed")
        for name in dict.fromkeys(loader.quarantined)
    )
    disabled = tuple(
        PlannedPlugin(name=name, state="disabled", origin=origin, note=f"disabled by {origin.location}")
        for name, origin in asked.disabled.items()
    )
    names |= {plugin.name for plugin in (*quarantined, *disabled)}
    installed = tuple(
        PlannedPlugin(name=each.name, state="installed", origin=each.origin, note="not enabled")
        for each in loader.looked_up
        if each.name not in names
    )
    return enabled + quarantined + disabled + installed


def _enabled(root: CollectedScope, builtin: frozenset[str]) -> Iterator[PlannedPlugin]:
    for scope in root.walk():
        for plugin in scope.plugins:
            yield PlannedPlugin(
                name=plugin.name,
                state="builtin" if plugin.name in builtin else "enabled",
                origin=plugin.origin,
                api=plugin.info.api,
                scope=scope.declaration.prefix,
                hooks=plugin.hooks,
                requires=plugin.info.requires,
                after=plugin.info.after,
                conflicts=plugin.info.conflicts,
                asked_by=None if plugin.name in builtin else plugin.asked_by,
                seconds=plugin.seconds,
            )
