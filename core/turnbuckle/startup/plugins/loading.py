"""Import the plugins that were asked for, and no others; make one instance of each.

Whatever goes wrong with one plugin is noted with its distribution and line, and hides nothing that others do.
"""

from __future__ import annotations

import importlib
import os
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final

import attr
import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plugin import Plugin, PluginInfo
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, format_error
from turnbuckle.startup.model.locations import file_place, place_of
from turnbuckle.startup.model.plugin_records import LoadedPlugin, PluginRequest
from turnbuckle.startup.plugins.discovery import InstalledPlugin, installed_plugins
from turnbuckle.startup.plugins.distributions import distribution_of
from turnbuckle.startup.plugins.import_errors import import_places
from turnbuckle.startup.plugins.validate import shown

__all__ = ["Loader", "place_of_error"]

_NOT_TO_BLAME: Final = tuple(
    str(folder) + os.sep
    for folder in (
        Path(__file__).parents[2],
        *(Path(module.__file__ or "").parent for module in (attr, attrs, importlib)),
    )
)
# What a constructor gave, where it gave nothing: None would be something that was passed.
_NOT_MADE: Final = object()


def place_of_error(error: BaseException, near: str = "") -> str:
    """Return the line that raised an exception, or the line that cannot be parsed.

    Args:
        error: the exception.
        near: a place beside which a line says more than the one of a library that it calls; "" for none.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return file_place(error.filename, error.lineno)
    return _innermost(error.__traceback__, _folder(near.rpartition(":")[0]) if near else None)


def _innermost(trace: TracebackType | None, folder: Path | None) -> str:
    # Neither the core nor attrs, which checks what it is given, is where anything has to be mended.
    frames = [each for each in traceback.extract_tb(trace) if not each.filename.startswith(("<", *_NOT_TO_BLAME))]
    own = [each for each in frames if _folder(each.filename) == folder]
    nearest = (own or frames)[-1:]
    return "".join(file_place(each.filename, each.lineno) for each in nearest)


def _folder(path: str) -> Path:
    return Path(path).resolve().parent


@attrs.define(slots=False)
class Loader:
    """Turns what was asked for into loaded plugins.

    Attributes:
        diagnostics: where failures are noted.
        disabled: names that stay out, with who said so.
        optional: names of plugins whose failure is a warning.
        excluded: optional plugins that stay out, as a start with them failed.
        quarantined: the optional plugins that failed.
        seen: names of all plugins that were asked for, with who asked.
        discover: lists the installed plugins; asked at most once, and only when a name has to be looked up.
    """

    diagnostics: Diagnostics
    disabled: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    excluded: Collection[str] = ()
    quarantined: list[str] = attrs.field(factory=list)
    seen: dict[str, Origin] = attrs.field(factory=dict)
    discover: Callable[[], tuple[InstalledPlugin, ...]] = installed_plugins

    @cached_property
    def installed(self) -> tuple[InstalledPlugin, ...]:
        """All installed plugins, from metadata alone."""
        return self.discover()

    @property
    def looked_up(self) -> tuple[InstalledPlugin, ...]:
        """The installed plugins, if they had to be looked up; none otherwise."""
        return self.installed if "installed" in vars(self) else ()

    def origin_of(self, name: str) -> Origin:
        """Return who asked for a plugin."""
        return self.seen.get(name, Origin(plugin=name))

    def load(self, wanted: Sequence[PluginRequest]) -> list[LoadedPlugin]:
        """Return the plugins of one scope, in the order in which they were asked for."""
        loaded: dict[str, LoadedPlugin] = {}
        tried: set[str] = set()
        # Values first: a name may mean a plugin that the code passes as a class.
        for each in sorted(wanted, key=lambda one: isinstance(one.ref, str)):
            name = each.ref if isinstance(each.ref, str) else _name_of(each.ref)
            self.seen.setdefault(name, each.origin)
            if name in self.disabled and not each.builtin:
                continue
            if name in self.excluded and not each.builtin:
                self.quarantined.append(name)
                continue
            if isinstance(each.ref, str) and name in tried:
                if name in loaded:
                    self._merge(loaded[name], each)
                continue
            tried.add(name)
            mark = len(self.diagnostics.entries)
            plugin = self._load_timed(each)
            if name in self.optional and self.diagnostics.quarantine(mark, name):
                self.quarantined.append(name)
            elif plugin is not None and not self._is_twice(plugin, loaded):
                loaded[plugin.name] = plugin
        return list(loaded.values())

    def _merge(self, plugin: LoadedPlugin, again: PluginRequest) -> None:
        plugin.config = {**again.config, **plugin.config}

    def _is_twice(self, plugin: LoadedPlugin, loaded: dict[str, LoadedPlugin]) -> bool:
        first = loaded.get(plugin.name)
        if first is None:
            return False
        self.diagnostics.add(
            "TB105",
            f"plugin {plugin.name!r} is enabled twice",
            plugin.origin,
            first.origin,
            why="plugins are told apart by name; one plugin may be enabled once in each scope",
            fix="remove one, or give the other a name of its own",
        )
        return True

    def _load_timed(self, wanted: PluginRequest) -> LoadedPlugin | None:
        start = time.perf_counter()
        loaded = self._load(wanted)
        if loaded is not None:
            loaded.seconds += time.perf_counter() - start
        return loaded

    def _load(self, wanted: PluginRequest) -> LoadedPlugin | None:
        if not isinstance(wanted.ref, str):
            return self._instance(wanted.ref, wanted, "")
        installed = self._find(wanted.ref, wanted.origin)
        if installed is None:
            return None
        try:
            value = installed.entry_point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin's module may raise anything
            self._failed_import(installed, error)
            return None
        loaded = self._instance(value, wanted, installed.distribution)
        if loaded is not None and loaded.name != installed.name:
            self.diagnostics.add(
                "TB111",
                f"plugin {loaded.name!r} has the entry point {installed.name!r}",
                loaded.origin,
                installed.origin,
                why="a plugin is enabled by the name of its entry point, and configured by its own",
                fix="make the two names the same",
            )
            return None
        return loaded

    def _find(self, name: str, origin: Origin) -> InstalledPlugin | None:
        found = [each for each in self.installed if each.name == name]
        if len(found) > 1:
            owners = {each.distribution for each in found}
            who = f"{len(found)} distributions offer" if len(owners) > 1 else f"{min(owners)} has two entry points for"
            self.diagnostics.add(
                "TB102",
                f"{who} plugin {name!r}",
                *(each.origin for each in found),
                why="which one is meant cannot be known",
                fix="uninstall one of them" if len(owners) > 1 else "remove one of the two from its metadata",
            )
        if not found:
            self.diagnostics.add(
                "TB101",
                f"unknown plugin {name!r}{did_you_mean(name, {each.name for each in self.installed})}",
                origin,
                why="no installed distribution has an entry point of that name in the group turnbuckle.plugins",
                fix="correct the name, or install the distribution; 'turnbuckle plugins' lists what is there",
            )
        return found[0] if len(found) == 1 else None

    def _failed_import(self, installed: InstalledPlugin, error: BaseException) -> None:
        place, innermost = import_places(error, installed.entry_point.module)
        fix = "correct the plugin, or disable it with -p no:" + installed.name
        if isinstance(error, ModuleNotFoundError) and installed.extra:
            name = installed.distribution.partition(" ")[0]
            fix = f"pip install '{name}[{installed.extra}]'"
        self.diagnostics.add(
            "TB103",
            f"plugin {installed.name!r} cannot be imported: {format_error(error)}",
            attrs.evolve(installed.origin, location=place or installed.value),
            why=f"its entry point is {installed.value}"
            + (f", and what failed is {innermost}" if innermost != place else ""),
            fix=fix,
        )

    def _instance(self, value: object, wanted: PluginRequest, distribution: str) -> LoadedPlugin | None:
        plugin = self._make(value, wanted.origin) if isinstance(value, type) else value
        if plugin is _NOT_MADE:
            return None
        if not isinstance(plugin, Plugin):
            self._not_a_plugin(value, wanted.origin, distribution)
            return None
        info = _info_of(plugin)
        origin = Origin(
            plugin=_name_of(plugin) or type(plugin).__name__,
            location=place_of(plugin),
            distribution=distribution or ("" if wanted.builtin else distribution_of(type(plugin).__module__)),
        )
        if not isinstance(info, PluginInfo) or not _is_name(info.name):
            self._no_info(plugin, info, origin)
            return None
        if fault := _fault_of(info):
            self._wrong_info(plugin, fault, origin)
            return None
        return LoadedPlugin(
            plugin=plugin,
            info=info,
            origin=origin,
            config=wanted.config,
            builtin=wanted.builtin,
            injected=wanted.injected,
            requested_by=wanted.origin,
        )

    def _make(self, cls: type, origin: Origin) -> object:
        if not issubclass(cls, Plugin):
            return cls
        try:
            return cls()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin's constructor may raise anything
            self.diagnostics.add(
                "TB104",
                f"plugin {cls.__qualname__} cannot be made: {format_error(error)}",
                Origin(plugin=_name_of(cls) or cls.__qualname__, location=place_of_error(error) or place_of(cls)),
                origin,
                why="a plugin that is enabled by class or by name is made without arguments",
                fix="give its arguments defaults, take them from its settings, or pass an instance",
            )
            return _NOT_MADE

    def _not_a_plugin(self, value: object, origin: Origin, distribution: str) -> None:
        if distribution:
            # Who asked for it by name has done nothing wrong.
            origin = attrs.evolve(origin, location=place_of(value) or origin.location, distribution=distribution)
        self.diagnostics.add(
            "TB104",
            f"{shown(value)} is not a plugin",
            attrs.evolve(origin, location=origin.location or place_of(value)),
            why="a plugin is a name, a class derived from turnbuckle.Plugin, or an instance of one",
            fix="derive its class from turnbuckle.Plugin",
        )

    def _wrong_info(self, plugin: Plugin, fault: str, origin: Origin) -> None:
        self.diagnostics.add(
            "TB111",
            f"plugin {type(plugin).__qualname__} {fault}",
            origin,
            why="plugins are known by name, so that none is imported for the sake of another",
            fix='write the names of plugins there, such as requires=["sessions"]',
        )

    def _no_info(self, plugin: Plugin, info: object, origin: Origin) -> None:
        text = "has no info" if info is None else f"has {shown(info)} for its info"
        if isinstance(info, PluginInfo):
            text = f"has the name {shown(info.name)}"
        self.diagnostics.add(
            "TB111",
            f"plugin {type(plugin).__qualname__} {text}",
            origin,
            why="names of plugins are lower case words joined by underscores",
            fix='write info = PluginInfo(name="...") in the class',
        )


def _fault_of(info: PluginInfo) -> str:
    for field in ("requires", "after", "conflicts"):
        wrong = [each for each in getattr(info, field) if not isinstance(each, str)]
        if wrong:
            return f"names {shown(wrong[0])} in {field!r} of its info, which is no text"
    return ""


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and name == name.lower() and name != "app"


def _info_of(ref: object) -> object:
    try:
        return getattr(ref, "info", None)
    except Exception as error:  # noqa: BLE001  # a property of a plugin may raise anything
        return error  # it is shown as what stands where the info should


def _name_of(ref: object) -> str:
    info = _info_of(ref)
    return info.name if isinstance(info, PluginInfo) and isinstance(info.name, str) else ""
