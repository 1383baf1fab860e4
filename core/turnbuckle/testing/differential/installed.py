"""Find the parsers of all installed plugins.

Each plugin is asked separately, so plugins that conflict in one app can still be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import final

import attrs

from turnbuckle.http.events import ParserFactory
from turnbuckle.plugin import Plugin, config_class
from turnbuckle.records import ParserProvider
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.plugins.discovery import InstalledPlugin, installed_plugins

__all__ = ["InstalledParsers", "installed_parsers"]


@final
@attrs.frozen
class InstalledParsers:
    """Parsers by name, and the errors of plugins that could not be loaded, by plugin."""

    parsers: Mapping[str, ParserFactory]
    notes: Mapping[str, str]


def installed_parsers(found: Iterable[EntryPoint] | None = None) -> InstalledParsers:
    """Import all installed plugins and return their parsers.

    Args:
        found: entry points to use instead of the installed ones.
    """
    parsers: dict[str, ParserFactory] = {}
    notes: dict[str, str] = {}
    for installed in installed_plugins(found):
        try:
            provided = _ask(installed)
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything; the other plugins are compared
            notes[installed.name] = _why(installed, error)
            continue
        parsers.update((provider.name, provider.factory) for provider in provided)
    return InstalledParsers(parsers, notes)


def _ask(installed: InstalledPlugin) -> list[ParserProvider]:
    value: object = installed.entry_point.load()
    plugin = value() if isinstance(value, type) else value
    # A plugin that does not implement the hook has no parser, and its settings do not matter.
    if not isinstance(plugin, Plugin) or type(plugin).provide_parsers is Plugin.provide_parsers:
        return []
    cls = config_class(plugin)
    config = cls() if cls is not None else None
    return list(plugin.provide_parsers(Setup(settings=Settings(), config=config, plugin=installed.name)))


def _why(installed: InstalledPlugin, error: Exception) -> str:
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError) and installed.extra:
        name = installed.distribution.partition(" ")[0]
        return f"{why}; pip install '{name}[{installed.extra}]', or '.[{installed.extra}]' in a clone"
    return why
