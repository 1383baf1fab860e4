"""List all plugins with their states, even if the app cannot be resolved.

Without an app, nothing is imported: metadata and settings are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from turnbuckle.diagnostics import Diagnostic, Origin
from turnbuckle.hookspecs import Hooks
from turnbuckle.plan import PlannedPlugin, PluginState
from turnbuckle.plugin import Plugin
from turnbuckle.settings import Settings
from turnbuckle.startup.collect.builtin import BUILTIN_PLUGINS
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.model.declaration import Declaration, ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.model.plugin_records import PluginRequests
from turnbuckle.startup.model.sources import SettingsSources
from turnbuckle.startup.plugins.discovery import LOCAL_FILE, InstalledPlugin, installed_plugins
from turnbuckle.startup.plugins.loading import Loader
from turnbuckle.startup.plugins.requested import requests_from_settings
from turnbuckle.startup.settings.builder import build_settings
from turnbuckle.startup.settings.layers import read_layers

__all__ = ["PluginInventory", "inventory_without_app", "planned_plugins", "with_failures"]

_NOWHERE = Origin(plugin="app")


@attrs.frozen(kw_only=True)
class PluginInventory:
    """The plugins, and all diagnostics of collecting them."""

    plugins: tuple[PlannedPlugin, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def planned_plugins(
    root: CollectedScope, requests: PluginRequests, loader: Loader, builtin: frozenset[str]
) -> tuple[PlannedPlugin, ...]:
    """Return the plugins that take part, scope by scope, then the others.

    Installed plugins that are not enabled are included only if a name had to be looked up: reading metadata takes time.

    Args:
        root: the collected app.
        requests: the plugins that the settings enable and disable.
        loader: the loader of plugins.
        builtin: names of the built-in plugins.
    """
    enabled = tuple(_enabled(root, builtin))
    names = {plugin.name for plugin in enabled}
    quarantined = tuple(
        PlannedPlugin(name=name, state="quarantined", origin=loader.origin_of(name), note="it is optional, and failed")
        for name in dict.fromkeys(loader.quarantined)
    )
    disabled = tuple(
        PlannedPlugin(name=name, state="disabled", origin=origin, note=f"disabled by {origin.location}")
        for name, origin in requests.disabled.items()
    )
    names |= {plugin.name for plugin in (*quarantined, *disabled)}
    installed = tuple(
        PlannedPlugin(name=plugin.name, state="installed", origin=plugin.origin, note="not enabled")
        for plugin in loader.looked_up
        if plugin.name not in names
    )
    return enabled + quarantined + disabled + installed


def with_failures(
    plugins: Sequence[PlannedPlugin],
    requested: dict[str, Origin],
    installed: Sequence[InstalledPlugin],
    diagnostics: Diagnostics,
) -> PluginInventory:
    """Return the inventory of an app, in which plugins with an error, or not loaded at all, have the state "failed".

    Args:
        plugins: the plugins as a plan without errors lists them.
        requested: names of all plugins that the app or the settings ask for, with the origin of the request.
        installed: the installed plugins.
        diagnostics: the diagnostics so far.
    """
    distributions = {plugin.name: plugin.distribution for plugin in installed}
    takes_part = {plugin.name for plugin in plugins if plugin.state != "installed"}
    missing = [name for name in requested if name and name not in takes_part]
    shown = [_with_state(plugin, diagnostics) for plugin in plugins if plugin.name not in missing]
    for name in missing:
        origin = attrs.evolve(requested[name], plugin=name, distribution=distributions.get(name, ""))
        shown.append(PlannedPlugin(name=name, state="failed", origin=origin, note=_problem_of(name, diagnostics)))
    plugins = [_with_distribution(plugin, distributions) for plugin in shown]
    return PluginInventory(plugins=tuple(plugins), diagnostics=tuple(diagnostics.entries))


def inventory_without_app(sources: SettingsSources) -> PluginInventory:
    """Return the installed plugins with the states that settings, environment and command line give them.

    Nothing is imported.
    """
    diagnostics = Diagnostics()
    declaration = Declaration(
        name="", root=ScopeDeclaration(prefix="", host="", origin=_NOWHERE), origin=attrs.evolve(_NOWHERE)
    )
    built = build_settings(Settings, read_layers(declaration, sources, diagnostics), diagnostics)
    settings = built.instance or Settings()
    requests = requests_from_settings(settings, built.values, sources)
    plugins = [*_builtin(), *_local(sources), *_known(requests, settings.plugins.autoload, sources)]
    return PluginInventory(plugins=tuple(plugins), diagnostics=tuple(diagnostics.entries))


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
                requested_by=None if plugin.name in builtin else plugin.requested_by,
                seconds=plugin.seconds,
                note="a chosen middleware chain has it" if plugin.by_chain else "",
            )


def _with_state(plugin: PlannedPlugin, diagnostics: Diagnostics) -> PlannedPlugin:
    if plugin.state == "quarantined":
        return attrs.evolve(plugin, note=_reason_left_out(plugin.name, diagnostics) or plugin.note)
    errors = [error for error in diagnostics.errors if error.origins and error.origins[0].plugin == plugin.name]
    if plugin.state != "enabled" or not errors:
        return plugin
    return attrs.evolve(plugin, state="failed", note=_short(errors[0]))


def _reason_left_out(name: str, diagnostics: Diagnostics) -> str:
    prefix = f"optional plugin {name!r} is left out: "
    texts = [found.text for found in diagnostics.others if found.text.startswith(prefix)]
    return texts[0].removeprefix(prefix) if texts else ""


def _problem_of(name: str, diagnostics: Diagnostics) -> str:
    about = [error for error in diagnostics.errors if f"plugin {name!r}" in error.text]
    about += [error for error in diagnostics.errors if any(origin.plugin == name for origin in error.origins)]
    return _short(about[0]) if about else "it does not take part"


def _short(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.code} {diagnostic.text}"


def _with_distribution(plugin: PlannedPlugin, distributions: dict[str, str]) -> PlannedPlugin:
    if plugin.origin.distribution or plugin.state in {"builtin", "enabled"}:
        return plugin
    origin = attrs.evolve(plugin.origin, distribution=distributions.get(plugin.name, ""))
    return attrs.evolve(plugin, origin=origin)


# -- without an app


def _builtin() -> Iterator[PlannedPlugin]:
    for cls in BUILTIN_PLUGINS:
        yield PlannedPlugin(
            name=cls.info.name,
            state="builtin",
            origin=Origin(plugin=cls.info.name, location=location_of(cls)),
            api=cls.info.api,
            hooks=_hooks_of(cls),
        )


def _hooks_of(cls: type[Plugin]) -> tuple[str, ...]:
    return tuple(sorted(name for name in vars(cls) if hasattr(Hooks, name) and not name.startswith("_")))


def _local(sources: SettingsSources) -> Iterator[PlannedPlugin]:
    path = sources.folder / LOCAL_FILE if sources.folder is not None else None
    if path is not None and path.is_file() and not sources.only_builtin:
        note = "its plugins are enabled in each app"
        yield PlannedPlugin(
            name=LOCAL_FILE, state="enabled", origin=Origin(plugin="app", location=str(path)), note=note
        )


def _known(requests: PluginRequests, autoload: bool, sources: SettingsSources) -> Iterator[PlannedPlugin]:
    installed = installed_plugins()
    names = {plugin.name for plugin in installed}
    enabled = {str(request.ref): request.origin for request in requests.enabled} if not sources.only_builtin else {}
    for plugin in installed:
        rivals = sum(other.name == plugin.name for other in installed)
        if plugin.name in requests.disabled:
            yield PlannedPlugin(
                name=plugin.name,
                state="disabled",
                origin=plugin.origin,
                note=f"disabled by {requests.disabled[plugin.name].location}",
            )
        elif rivals > 1:
            note = f"TB102 {rivals} distributions offer plugin {plugin.name!r}"
            yield PlannedPlugin(name=plugin.name, state=_failed(plugin.name, requests), origin=plugin.origin, note=note)
        elif plugin.name in enabled or (autoload and not plugin.is_bundled and not sources.only_builtin):
            by = enabled[plugin.name].location if plugin.name in enabled else "plugins.autoload"
            yield PlannedPlugin(name=plugin.name, state="enabled", origin=plugin.origin, note=f"enabled by {by}")
        else:
            yield PlannedPlugin(name=plugin.name, state="installed", origin=plugin.origin, note="not enabled")
    for name in enabled.keys() - names - requests.disabled.keys():
        note = f"TB101 unknown plugin {name!r}{did_you_mean(name, names)}"
        yield PlannedPlugin(name=name, state=_failed(name, requests), origin=enabled[name], note=note)


def _failed(name: str, requests: PluginRequests) -> PluginState:
    return "quarantined" if name in requests.optional else "failed"
