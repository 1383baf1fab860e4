"""List all plugins that there are with how they stand, even where an app cannot be put together.

Without an app nothing is imported at all: metadata and settings say enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from turnbuckle.diagnostics import Diagnostic, Origin
from turnbuckle.hookspecs import Hooks
from turnbuckle.plan import PlannedPlugin, PluginState
from turnbuckle.plugin import Plugin
from turnbuckle.settings import Settings
from turnbuckle.startup.collect.builtin import BUILTIN
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.model.declaration import Declaration, ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean
from turnbuckle.startup.model.locations import place_of
from turnbuckle.startup.model.sources import SettingsSources
from turnbuckle.startup.plugins.discovery import InstalledPlugin, installed_plugins
from turnbuckle.startup.plugins.loading import Loader
from turnbuckle.startup.plugins.local_plugin import FILE_NAME
from turnbuckle.startup.plugins.requested import PluginRequests, requests_from_settings
from turnbuckle.startup.settings.builder import Configurator
from turnbuckle.startup.settings.layers import read_layers

__all__ = ["PluginInventory", "planned_plugins", "survey_without_app", "with_failures"]

_NOWHERE = Origin(plugin="app")


@attrs.frozen(kw_only=True)
class PluginInventory:
    """The plugins, and every problem that was met on the way to them."""

    plugins: tuple[PlannedPlugin, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


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


def with_failures(
    plugins: Sequence[PlannedPlugin],
    asked_for: dict[str, Origin],
    installed: Sequence[InstalledPlugin],
    findings: Diagnostics,
) -> PluginInventory:
    """Return a survey in which plugins that have an error, or came to nothing, stand as failed.

    Args:
        plugins: as the plan of an app without errors would list them.
        asked_for: names of all plugins that somebody asked for, with who did.
        installed: what is installed.
        findings: of the way so far.
    """
    distributions = {each.name: each.distribution for each in installed}
    takes_part = {each.name for each in plugins if each.state != "installed"}
    lost = [name for name in asked_for if name and name not in takes_part]
    shown = [_judged(each, findings) for each in plugins if each.name not in lost]
    for name in lost:
        origin = attrs.evolve(asked_for[name], plugin=name, distribution=distributions.get(name, ""))
        shown.append(PlannedPlugin(name=name, state="failed", origin=origin, note=_problem_of(name, findings)))
    plugins = [_with_distribution(each, distributions) for each in shown]
    return PluginInventory(plugins=tuple(plugins), diagnostics=tuple(findings.entries))


def survey_without_app(sources: SettingsSources) -> PluginInventory:
    """Return what is installed, and what settings, environment and command line make of it; nothing is imported."""
    findings = Diagnostics()
    declaration = Declaration(
        name="", root=ScopeDeclaration(prefix="", host="", origin=_NOWHERE), origin=attrs.evolve(_NOWHERE)
    )
    configurator = Configurator(read_layers(declaration, sources, findings), findings)
    settings = configurator.build(Settings, (), {}) or Settings()
    asked = requests_from_settings(settings, configurator.values, sources)
    plugins = [*_builtin(), *_local(sources), *_known(asked, settings.plugins.autoload, sources)]
    return PluginInventory(plugins=tuple(plugins), diagnostics=tuple(findings.entries))


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


def _judged(plugin: PlannedPlugin, findings: Diagnostics) -> PlannedPlugin:
    if plugin.state == "quarantined":
        return attrs.evolve(plugin, note=_quarantined(plugin.name, findings) or plugin.note)
    errors = [each for each in findings.errors if each.origins and each.origins[0].plugin == plugin.name]
    if plugin.state != "enabled" or not errors:
        return plugin
    return attrs.evolve(plugin, state="failed", note=_short(errors[0]))


def _quarantined(name: str, findings: Diagnostics) -> str:
    prefix = f"optional plugin {name!r} is left out: "
    texts = [each.text for each in findings.others if each.text.startswith(prefix)]
    return texts[0].removeprefix(prefix) if texts else ""


def _problem_of(name: str, findings: Diagnostics) -> str:
    about = [each for each in findings.errors if f"plugin {name!r}" in each.text]
    about += [each for each in findings.errors if any(origin.plugin == name for origin in each.origins)]
    return _short(about[0]) if about else "it does not take part"


def _short(found: Diagnostic) -> str:
    return f"{found.code} {found.text}"


def _with_distribution(plugin: PlannedPlugin, distributions: dict[str, str]) -> PlannedPlugin:
    if plugin.origin.distribution or plugin.state in {"builtin", "enabled"}:
        return plugin
    origin = attrs.evolve(plugin.origin, distribution=distributions.get(plugin.name, ""))
    return attrs.evolve(plugin, origin=origin)


# -- without an app


def _builtin() -> Iterator[PlannedPlugin]:
    for cls in BUILTIN:
        yield PlannedPlugin(
            name=cls.info.name,
            state="builtin",
            origin=Origin(plugin=cls.info.name, location=place_of(cls)),
            api=cls.info.api,
            hooks=_hooks_of(cls),
        )


def _hooks_of(cls: type[Plugin]) -> tuple[str, ...]:
    return tuple(sorted(name for name in vars(cls) if hasattr(Hooks, name) and not name.startswith("_")))


def _local(sources: SettingsSources) -> Iterator[PlannedPlugin]:
    path = sources.folder / FILE_NAME if sources.folder is not None else None
    if path is not None and path.is_file() and not sources.only_builtin:
        note = "its plugins are enabled wherever an app is put together"
        yield PlannedPlugin(name=FILE_NAME, state="enabled", origin=Origin(plugin="app", location=str(path)), note=note)


def _known(asked: PluginRequests, autoload: bool, sources: SettingsSources) -> Iterator[PlannedPlugin]:
    installed = installed_plugins()
    names = {each.name for each in installed}
    enabled = {str(each.ref): each.origin for each in asked.enabled} if not sources.only_builtin else {}
    for each in installed:
        rivals = sum(one.name == each.name for one in installed)
        if each.name in asked.disabled:
            yield PlannedPlugin(
                name=each.name,
                state="disabled",
                origin=each.origin,
                note=f"disabled by {asked.disabled[each.name].location}",
            )
        elif rivals > 1:
            note = f"TB102 {rivals} distributions offer plugin {each.name!r}"
            yield PlannedPlugin(name=each.name, state=_failed(each.name, asked), origin=each.origin, note=note)
        elif each.name in enabled or (autoload and not each.is_ours and not sources.only_builtin):
            by = enabled[each.name].location if each.name in enabled else "plugins.autoload"
            yield PlannedPlugin(name=each.name, state="enabled", origin=each.origin, note=f"enabled by {by}")
        else:
            yield PlannedPlugin(name=each.name, state="installed", origin=each.origin, note="not enabled")
    for name in enabled.keys() - names - asked.disabled.keys():
        note = f"TB101 unknown plugin {name!r}{did_you_mean(name, names)}"
        yield PlannedPlugin(name=name, state=_failed(name, asked), origin=enabled[name], note=note)


def _failed(name: str, asked: PluginRequests) -> PluginState:
    return "quarantined" if name in asked.optional else "failed"
