"""List the requests for plugins: in the code of an app, in settings, environment and command line, and beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import SettingValue
from turnbuckle.settings import Settings
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, format_error
from turnbuckle.startup.model.plugin_records import PluginRequest, PluginRequests
from turnbuckle.startup.model.sources import SettingsSources
from turnbuckle.startup.plugins.discovery import LOCAL_FILE, InstalledPlugin, local_plugins
from turnbuckle.startup.plugins.error_hints import explain_error
from turnbuckle.startup.plugins.import_errors import error_location
from turnbuckle.startup.plugins.loading import Loader

__all__ = ["local_requests", "requests_from_settings", "requests_in_code", "requests_of_providers"]

_VARIABLE: Final = "TURNBUCKLE_PLUGINS"
_NO: Final = "no:"


def requests_in_code(scope: ScopeDeclaration) -> tuple[PluginRequest, ...]:
    """Return the requests in the declaration of one scope; ``(plugin, {...})`` is a plugin with its settings."""
    requests = []
    for declared in scope.plugins:
        ref, config = declared.record, {}
        if isinstance(ref, tuple) and len(ref) == 2 and isinstance(ref[1], Mapping):
            ref, config = ref[0], dict(ref[1])
        requests.append(PluginRequest(ref=ref, origin=declared.origin, config=config))
    return tuple(requests)


def requests_from_settings(
    settings: Settings, values: Mapping[str, SettingValue], sources: SettingsSources
) -> PluginRequests:
    """Return the plugins that settings, environment and command line enable and disable."""
    enabled: dict[str, Origin] = {}
    disabled: dict[str, Origin] = {}
    for key, names_of in (("enabled", enabled), ("optional", enabled), ("disabled", disabled)):
        source = values[f"plugins.{key}"].source
        for name in cast("tuple[str, ...]", getattr(settings.plugins, key)):
            names_of.setdefault(name, Origin(plugin=name, location=f"plugins.{key} ({source})"))
    for switch, location in _switches(sources):
        names_of = disabled if switch.startswith(_NO) else enabled
        name = switch.removeprefix(_NO)
        names_of.setdefault(name, Origin(plugin=name, location=location))
    requests = tuple(PluginRequest(ref=name, origin=origin) for name, origin in enabled.items())
    return PluginRequests(requests, disabled, frozenset(settings.plugins.optional))


def requests_of_providers(settings: Settings, loader: Loader, builtin: frozenset[str]) -> list[PluginRequest]:
    """Return requests for the installed plugins that provide the parts named in the settings.

    Args:
        settings: the settings of the app.
        loader: knows the installed plugins.
        builtin: names of the built-in plugins.
    """
    parts = (("parser", settings.parser.name), ("parser", settings.parser.shadow), ("router", settings.router))
    requests: list[PluginRequest] = []
    for kind, name in parts:
        # The name of a part stands for the plugin that provides it; naming both would be redundant.
        if name and name not in builtin:
            requests += _installed(name, loader) + _installed(f"{name}_{kind}", loader)
    if settings.parser.shadow and settings.components.get("shadow_parser", "threaded") == "threaded":
        requests += _installed("shadow_parser", loader)
    if settings.plugins.autoload:
        # The plugins of the framework itself are rivals for each slot.
        requests += [_request(plugin) for plugin in loader.installed if not plugin.is_bundled]
    return requests


def local_requests(sources: SettingsSources, diagnostics: Diagnostics) -> list[PluginRequest]:
    """Import the project's ``turnbuckle_plugin.py``, and return requests for the plugins in it."""
    path = sources.folder / LOCAL_FILE if sources.folder is not None else None
    if path is None or not path.is_file():
        return []
    origin = Origin(plugin="app", location=str(path))
    try:
        plugins = local_plugins(path)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a project's file may raise anything
        location = error_location(error) or str(path)
        why, fix = explain_error(error, location)
        diagnostics.add(
            "TB103",
            f"{LOCAL_FILE} cannot be imported: {format_error(error)}",
            attrs.evolve(origin, location=location),
            why=why,
            fix=fix,
        )
        return []
    if not plugins:
        diagnostics.add(
            "TB104",
            f"{LOCAL_FILE} defines no plugin",
            origin,
            why="it is imported for the classes derived from turnbuckle.Plugin that it defines",
            fix="define one, or remove the file",
        )
    return [PluginRequest(ref=plugin, origin=origin) for plugin in plugins]


def _switches(sources: SettingsSources) -> Iterator[tuple[str, str]]:
    for name in sources.environ.get(_VARIABLE, "").replace(",", " ").split():
        yield name, f"${_VARIABLE}"
    for name in sources.plugins:
        yield name, f"-p {name}"


def _installed(name: str, loader: Loader) -> list[PluginRequest]:
    found = {plugin.name: plugin for plugin in loader.installed if plugin.name == name}
    return [_request(plugin) for plugin in found.values()]


def _request(plugin: InstalledPlugin) -> PluginRequest:
    return PluginRequest(ref=plugin.name, origin=plugin.origin)
