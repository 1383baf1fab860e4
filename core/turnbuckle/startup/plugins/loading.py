"""Import the requested plugins, and no others; make one instance of each.

Each failure is reported with the distribution and the line of its plugin, and does not hide failures of other plugins.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Final

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plugin import Plugin, PluginInfo, config_class, config_in_bases
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, format_error
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.model.plugin_records import LoadedPlugin, PluginRequest
from turnbuckle.startup.plugins.discovery import InstalledPlugin, distribution_of, installed_plugins
from turnbuckle.startup.plugins.error_hints import explain_error
from turnbuckle.startup.plugins.extras import check_packages
from turnbuckle.startup.plugins.import_errors import error_location, import_locations
from turnbuckle.startup.plugins.plugin_values import describe_value, plugin_fix
from turnbuckle.startup.plugins.validate import shown
from turnbuckle.web.annotations import show_annotation

__all__ = ["Loader"]

# The result of a constructor that fails: None could be a value that was passed.
_NOT_MADE: Final = object()


@attrs.define(slots=False)
class Loader:
    """Loads requested plugins.

    Attributes:
        diagnostics: collects the failures.
        disabled: names of disabled plugins.
        optional: names of plugins whose failure is a warning.
        excluded: names of optional plugins that are left out because a start with them failed.
        quarantined: names of the optional plugins that were left out so far.
        requested: names of all plugins requested so far, with their origins.
        failed: names of the plugins that were requested and could not be loaded, which is reported.
        discover: lists the installed plugins; called at most once, and only when a name has to be looked up.
    """

    diagnostics: Diagnostics
    disabled: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    excluded: Collection[str] = ()
    quarantined: list[str] = attrs.field(factory=list)
    requested: dict[str, Origin] = attrs.field(factory=dict)
    failed: set[str] = attrs.field(factory=set)
    discover: Callable[[], tuple[InstalledPlugin, ...]] = installed_plugins

    @cached_property
    def installed(self) -> tuple[InstalledPlugin, ...]:
        """All installed plugins, from metadata only."""
        return self.discover()

    @property
    def looked_up(self) -> tuple[InstalledPlugin, ...]:
        """The installed plugins if they have been looked up, otherwise none."""
        return self.installed if "installed" in vars(self) else ()

    def origin_of(self, name: str) -> Origin:
        """Return where a plugin is requested."""
        return self.requested.get(name, Origin(plugin=name))

    def load(self, requests: Sequence[PluginRequest]) -> list[LoadedPlugin]:
        """Return the plugins of one scope, in the order of their requests."""
        loaded: dict[str, LoadedPlugin] = {}
        tried: set[str] = set()
        # Classes and instances first: a name may mean a plugin that the code passes as a class.
        for request in sorted(requests, key=lambda request: isinstance(request.ref, str)):
            name = request.ref if isinstance(request.ref, str) else _name_of(request.ref)
            self.requested.setdefault(name, request.origin)
            if name in self.disabled and not request.builtin:
                continue
            if name in self.excluded and not request.builtin:
                self.quarantined.append(name)
                continue
            if isinstance(request.ref, str) and name in tried:
                if name in loaded:
                    loaded[name] = _with_config(loaded[name], request)
                continue
            tried.add(name)
            mark = len(self.diagnostics.entries)
            plugin = self._load_timed(request)
            if name in self.optional and self.diagnostics.quarantine(mark, name):
                self.quarantined.append(name)
            elif plugin is None:
                self.failed.add(name)
            elif not self._is_twice(plugin, loaded):
                loaded[plugin.name] = plugin
        return list(loaded.values())

    def _is_twice(self, plugin: LoadedPlugin, loaded: dict[str, LoadedPlugin]) -> bool:
        first = loaded.get(plugin.name)
        if first is None:
            return False
        self.diagnostics.add(
            "TB105",
            f"plugin {plugin.name!r} is enabled twice",
            plugin.origin,
            first.origin,
            why="plugins are identified by name; a plugin may be enabled once in each scope",
            fix="remove one of them, or give it another name",
        )
        return True

    def _load_timed(self, request: PluginRequest) -> LoadedPlugin | None:
        start = time.perf_counter()
        loaded = self._load(request)
        return None if loaded is None else attrs.evolve(loaded, seconds=time.perf_counter() - start)

    def _load(self, request: PluginRequest) -> LoadedPlugin | None:
        if not isinstance(request.ref, str):
            return self._instance(request.ref, request, "")
        installed = self._find(request.ref, request.origin)
        if installed is None:
            return None
        check_packages(installed, self.diagnostics)
        try:
            value = installed.entry_point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin's module may raise anything
            self._failed_import(installed, error)
            return None
        loaded = self._instance(value, request, installed.distribution)
        if loaded is not None and loaded.name != installed.name:
            self.diagnostics.add(
                "TB111",
                f"plugin {loaded.name!r} has the entry point {installed.name!r}",
                loaded.origin,
                installed.origin,
                why="a plugin is enabled by the name of its entry point, and configured by the name in its info",
                fix="make the two names the same",
            )
            return None
        return loaded

    def _find(self, name: str, origin: Origin) -> InstalledPlugin | None:
        found = [plugin for plugin in self.installed if plugin.name == name]
        if len(found) > 1:
            owners = {plugin.distribution for plugin in found}
            offer = (
                f"{len(found)} distributions offer" if len(owners) > 1 else f"{min(owners)} has two entry points for"
            )
            self.diagnostics.add(
                "TB102",
                f"{offer} plugin {name!r}",
                *(plugin.origin for plugin in found),
                why="the name does not say which of them is meant",
                fix="uninstall one of them" if len(owners) > 1 else "remove one of the two from its metadata",
            )
        if not found:
            self._unknown(name, origin)
        return found[0] if len(found) == 1 else None

    def _unknown(self, name: str, origin: Origin) -> None:
        hint = did_you_mean(name, {plugin.name for plugin in self.installed})
        why = "no installed distribution has an entry point of that name in the group turnbuckle.plugins"
        fix = "correct the name, or install the distribution; 'turnbuckle plugins' lists the installed plugins"
        module, _, attribute = name.replace(":", ".").rpartition(".")
        if module:
            same = [
                plugin.name for plugin in self.installed if plugin.value.replace(":", ".") == f"{module}.{attribute}"
            ]
            hint = f"; did you mean {same[0]!r}?" if same else ""
            why = "a text is the name of an entry point, and not the path of a module or class"
            if same:
                fix = f"write {same[0]!r}"
            elif attribute.islower():
                fix = f"pass the class of the plugin in App(plugins=[...]), after importing it from {name}"
            else:
                fix = f"pass the class in App(plugins=[{attribute}]), after 'from {module} import {attribute}'"
        self.diagnostics.add("TB101", f"unknown plugin {name!r}{hint}", origin, why=why, fix=fix)

    def _failed_import(self, installed: InstalledPlugin, error: BaseException) -> None:
        own, innermost = import_locations(error, installed.entry_point.module)
        why, fix = explain_error(error, own)
        fix += ", or disable the plugin with -p no:" + installed.name
        if isinstance(error, ModuleNotFoundError) and installed.extra:
            name = installed.distribution.partition(" ")[0]
            fix = f"pip install '{name}[{installed.extra}]', or '.[{installed.extra}]' in a clone"
        self.diagnostics.add(
            "TB103",
            f"plugin {installed.name!r} cannot be imported: {format_error(error)}",
            attrs.evolve(installed.origin, location=own or installed.value),
            why=(why if own else f"its entry point is {installed.value}")
            + (f"; the import fails at {innermost}" if innermost != own else ""),
            fix=fix,
        )

    def _instance(self, value: object, request: PluginRequest, distribution: str) -> LoadedPlugin | None:
        if value is Plugin:
            self._not_a_plugin(value, request, distribution)
            return None
        plugin = self._make(value, request.origin) if isinstance(value, type) else value
        if plugin is _NOT_MADE:
            return None
        if not isinstance(plugin, Plugin):
            self._not_a_plugin(value, request, distribution)
            return None
        info = _info_of(plugin)
        origin = Origin(
            plugin=_name_of(plugin) or type(plugin).__name__,
            location=location_of(plugin),
            distribution=distribution or ("" if request.builtin else distribution_of(type(plugin).__module__)),
        )
        if not isinstance(info, PluginInfo) or not _is_name(info.name):
            self._no_info(plugin, info, origin)
            return None
        if fault := _fault_of(info):
            self._wrong_info(plugin, fault, origin)
            return None
        if not _is_config_of(config_in_bases(type(plugin)), info):
            self._wrong_config(plugin, info, origin)
            return None
        return LoadedPlugin(
            plugin=plugin,
            info=attrs.evolve(info, config=config_class(plugin)),
            origin=origin,
            config=request.config,
            builtin=request.builtin,
            requested_by=request.origin,
            by_chain=request.by_chain,
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
                Origin(plugin=_name_of(cls) or cls.__qualname__, location=error_location(error) or location_of(cls)),
                origin,
                why="a plugin that is enabled by class or by name is made without arguments",
                fix="give its arguments defaults, take them from its settings, or pass an instance",
            )
            return _NOT_MADE

    def _not_a_plugin(self, value: object, request: PluginRequest, distribution: str) -> None:
        origin, name = request.origin, request.ref if isinstance(request.ref, str) else ""
        text, why = describe_value(value), "a plugin is a name, a class derived from turnbuckle.Plugin, or an instance"
        if name:
            # The distribution is at fault, not the code or the settings that request the plugin by name.
            location = location_of(value) or getattr(value, "__file__", None) or origin.location
            origin = Origin(plugin=name, location=location, distribution=distribution)
            text, why = f"{text}, the entry point of {name!r},", "an entry point leads to a class of a plugin"
        self.diagnostics.add(
            "TB104",
            f"{text} is not a plugin",
            attrs.evolve(origin, location=origin.location or location_of(value)),
            why=why,
            fix=plugin_fix(value, name),
        )

    def _wrong_info(self, plugin: Plugin, fault: str, origin: Origin) -> None:
        self.diagnostics.add(
            "TB111",
            f"plugin {type(plugin).__qualname__} {fault}",
            origin,
            why="plugins refer to each other by name, so that no plugin has to import another",
            fix='write names of plugins, such as requires=["sessions"]',
        )

    def _wrong_config(self, plugin: Plugin, info: PluginInfo, origin: Origin) -> None:
        declared = config_in_bases(type(plugin))
        name, shown_class = type(plugin).__qualname__, show_annotation(declared)
        text, why = (
            f"derives from Plugin[{shown_class}]",
            "setup.config would not have the type that it is declared with",
        )
        if info.config is not None:
            text += f", but its info has config={show_annotation(info.config)}"
            fix = f"write config={shown_class} in its info, or leave config out"
        else:
            text += ", which is no class"
            fix = f"define the class of its settings above {name}, and write it in the brackets without quotes"
        self.diagnostics.add("TB111", f"plugin {name} {text}", origin, why=why, fix=fix)

    def _no_info(self, plugin: Plugin, info: object, origin: Origin) -> None:
        name = _suggested_name(type(plugin).__name__)
        fix = f'write info = PluginInfo(name="{name}") in the class'
        if isinstance(info, PluginInfo):
            text, why = (
                f"has the name {shown(info.name)}",
                "names of plugins are lower case words joined by underscores",
            )
            if info.name == "app":
                why = "'app' is the name of the app itself in messages and settings"
            elif isinstance(info.name, str):
                name = _suggested_name(info.name)
            fix = f'write name="{name}" in its info'
        elif info is None:
            text, why = "has no info", "its info has the name by which it is enabled and configured"
        else:
            text, why = f"has {shown(info)} as its info", f"info is a PluginInfo, not {_kind_of(info)}"
        self.diagnostics.add("TB111", f"plugin {type(plugin).__qualname__} {text}", origin, why=why, fix=fix)


def _with_config(plugin: LoadedPlugin, request: PluginRequest) -> LoadedPlugin:
    return attrs.evolve(plugin, config={**request.config, **plugin.config})


def _fault_of(info: PluginInfo) -> str:
    for field in ("requires", "after", "conflicts"):
        wrong = [name for name in getattr(info, field) if not isinstance(name, str)]
        if wrong:
            return f"names {shown(wrong[0])} in {field!r} of its info, which is no text"
    return ""


def _is_config_of(declared: object, info: PluginInfo) -> bool:
    if declared is None:
        return True
    if not isinstance(declared, type):
        return info.config is not None
    # The checks of settings report a config that is no class.
    return not isinstance(info.config, type) or issubclass(info.config, declared)


def _kind_of(info: object) -> str:
    if isinstance(info, type):
        return f"the class {info.__qualname__}; the parentheses are missing" if info is PluginInfo else "a class"
    if isinstance(info, Exception):
        return f"a property that raises {type(info).__name__}"
    return f"a {type(info).__qualname__}"


def _suggested_name(text: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text.removesuffix("Plugin") or text)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return name if _is_name(name) else f"my_{name}".rstrip("_")


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and name == name.lower() and name != "app"


def _info_of(ref: object) -> object:
    try:
        return getattr(ref, "info", None)
    except Exception as error:  # noqa: BLE001  # a property of a plugin may raise anything
        return error  # the message shows it in place of the info


def _name_of(ref: object) -> str:
    info = _info_of(ref)
    return info.name if isinstance(info, PluginInfo) and isinstance(info.name, str) else ""
