"""The test suite for plugins of any kind (``turnbuckle.hookspecs`` documents the contract).

The provided parts have their own suites. This suite tests that a plugin works well beside others: it has a description,
a fast import, hooks that return frozen records, and no state that two apps would share.
"""

from __future__ import annotations

import abc
import inspect
import sys
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

import attrs
import click

from turnbuckle.hookspecs import API, Hooks
from turnbuckle.plan import Plan
from turnbuckle.plugin import Plugin, PluginInfo, config_class
from turnbuckle.records import MiddlewareChain
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.collector import HOOK_RECORDS
from turnbuckle.startup.plugins.discovery import installed_plugins
from turnbuckle.testing.conformance.base import ConfiguredSuite
from turnbuckle.testing.conformance.importing import import_apart

__all__ = ["PluginConformance"]

_RECORDS: Final[Mapping[str, type]] = {
    **{hook: record for hook, record in HOOK_RECORDS.items() if hook != "review_plan"},
    "provide_commands": click.Command,
}
# Another app may enable the plugin of the named middleware, or choose the chain.
_HARMLESS: Final = frozenset({"TB409", "TB445"})
_TRIES: Final = 3
_CHANGEABLE: Final = (list, dict, set, bytearray, int, str, type(None))


class PluginConformance(ConfiguredSuite, abc.ABC):
    """Tests of a plugin; derive ``TestMyPlugin`` and define ``make_plugin``.

    Attributes:
        config: settings that the plugin needs to start, as under ``[plugin.NAME]``.
        import_seconds: the allowed processor time of importing its module, without the modules that every app imports.
        import_beforehand: modules whose import does not count, such as the library that the plugin adapts.
        is_installed: whether a distribution has an entry point for the plugin.
    """

    config: ClassVar[Mapping[str, object]] = {}  # narrower: the class of the settings is known
    import_seconds: ClassVar[float] = 0.05
    import_beforehand: ClassVar[tuple[str, ...]] = ()
    is_installed: ClassVar[bool] = True

    @abc.abstractmethod
    def make_plugin(self) -> Plugin:
        """Return a new instance of the plugin."""

    def _resolve(self) -> Plan:
        return self.resolve_plugin(self.make_plugin())

    # -- description -----------------------------------------------------------------------------------------------

    def test_says_what_it_is(self) -> None:
        """Name, generation of hooks, docstring and relations are valid."""
        plugin = self.make_plugin()
        assert isinstance(plugin, Plugin), f"{plugin!r} does not derive from turnbuckle.Plugin"
        info: object = getattr(type(plugin), "info", None)
        assert isinstance(info, PluginInfo), f"{type(plugin).__name__}.info must be a PluginInfo, not {info!r}"
        fits = info.name.isidentifier() and info.name == info.name.lower()
        assert fits, f"the name must be words in lower case joined by underscores, not {info.name!r}"
        assert info.api == API, f"the plugin is for generation {info.api} of the hooks, and this is {API}"
        assert (type(plugin).__doc__ or "").strip(), f"{type(plugin).__name__} has no docstring for its users"
        for relation in ("requires", "after", "conflicts"):
            assert info.name not in getattr(info, relation), f"the plugin names itself in {relation!r}"

    def test_has_settings_that_can_be_checked(self) -> None:
        """The settings are a frozen attrs class with a docstring, which becomes the settings reference."""
        config = config_class(self.make_plugin())
        if config is None:
            assert not self.config, f"the plugin takes no settings, but {dict(self.config)!r} are given"
            return
        assert attrs.has(config), f"{config.__name__} must be an attrs class"
        made = self._resolve().root.configs[self.make_plugin().info.name]
        assert _is_frozen(made), f"{config.__name__} must be frozen: settings do not change"
        assert (config.__doc__ or "").strip(), f"{config.__name__} has no docstring, which is the reference of settings"

    def test_is_found_by_name(self) -> None:
        """A distribution has an entry point with the name of the plugin that refers to its class."""
        if not self.is_installed:
            return
        kind = type(self.make_plugin())
        found = [plugin for plugin in installed_plugins() if plugin.name == kind.info.name]
        assert found, f"no distribution has an entry point {kind.info.name!r} in the group turnbuckle.plugins"
        loaded = found[0].entry_point.load()
        assert loaded is kind, f"the entry point {found[0].value!r} leads to {loaded!r}, not to {kind!r}"

    # -- the import --------------------------------------------------------------------------------------------------

    def test_is_imported_without_doing_anything(self) -> None:
        """The import opens no sockets, starts no threads or processes, and writes no files."""
        done = import_apart(type(self.make_plugin()).__module__, self.import_beforehand).done
        assert not done, f"importing the plugin does {', '.join(dict.fromkeys(done))}"

    def test_is_imported_in_no_time(self) -> None:
        """The import is fast, because each enabled plugin delays the start; the best of a few tries counts."""
        module = type(self.make_plugin()).__module__
        seconds = 0.0
        for attempt in range(_TRIES):
            seconds = import_apart(module, self.import_beforehand, again=attempt > 0).seconds
            if seconds <= self.import_seconds:
                return
        raise AssertionError(
            f"importing {module} takes {seconds * 1000:.0f} ms, and {self.import_seconds * 1000:.0f} at most"
        )

    # -- the hooks ---------------------------------------------------------------------------------------------------

    def test_starts(self) -> None:
        """An app with only the plugin and its requirements starts without a warning about the plugin.

        Remarks are no warnings, and neither are names of middleware that other plugins provide (TB409).
        """
        plan = self._resolve()
        name = self.make_plugin().info.name
        warnings = [
            found for found in plan.diagnostics if found.level in {"error", "warning"} and found.code not in _HARMLESS
        ]
        about = [found for found in warnings if any(origin.plugin == name for origin in found.origins)]
        assert not about, "an app with the plugin starts with warnings:\n" + "\n".join(map(str, about))
        assert any(plugin.name == name and plugin.state == "enabled" for plugin in plan.plugins), (
            f"{name!r} is not enabled"
        )

    def test_answers_with_frozen_records(self) -> None:
        """Each hook returns frozen records of its kind."""
        for hook, records in self._answers().items():
            for record in records:
                expected = MiddlewareChain if isinstance(record, MiddlewareChain) else _RECORDS[hook]
                assert isinstance(record, expected), f"{hook} must return {expected.__name__}s, not {record!r}"
                assert _is_frozen(record), f"{hook} returns {record!r}, which can be changed"

    def test_answers_the_same_again(self) -> None:
        """A hook that is called again, as another app does, returns the same."""
        plugin = self.make_plugin()
        first, second = self._answers(plugin), self._answers(plugin)
        for hook, records in first.items():
            names, again = _names(records), _names(second[hook])
            assert names == again, f"{hook} answered with {names}, and when asked again with {again}"

    def test_provides_something(self) -> None:
        """The plugin implements at least one hook; otherwise a method name may be misspelt."""
        plugin = self.make_plugin()
        defines = type(plugin).hookspecs is not None
        assert defines or _overridden(plugin), f"{type(plugin).__name__} overrides no hook of turnbuckle.Plugin"

    def _answers(self, plugin: Plugin | None = None) -> dict[str, tuple[object, ...]]:
        plugin = plugin or self.make_plugin()
        name = plugin.info.name
        config = self._resolve().root.configs.get(name)
        # No other plugin is enabled here, so its own hooks have no implementations.
        setup = Setup(settings=Settings(), plugin=name, config=config, call_hook=lambda hook, **arguments: ())
        hooks = [hook for hook in _overridden(plugin) if hook in _RECORDS]
        return {hook: tuple(getattr(plugin, hook)(**_only_setup(plugin, hook, setup))) for hook in hooks}

    # -- shared state ------------------------------------------------------------------------------------------------

    def test_keeps_apps_apart(self) -> None:
        """Two apps in one process share no state through the plugin's module, its class, or its first instance."""
        kind = type(self.make_plugin())
        first = _plan_names(self._resolve())
        # State that the first app leaves behind once, such as a cache, is allowed.
        before = _globals(kind)
        second = _plan_names(self._resolve())
        assert second == first, f"with a first app the plugin provides {first}, and with a second one {second}"
        after = _globals(kind)
        changed = [name for name, text in before.items() if after.get(name) != text]
        assert not changed, f"resolving an app changes {', '.join(changed)}, which other apps share"


def _overridden(plugin: Plugin) -> list[str]:
    hooks = [name for name in vars(Hooks) if name.startswith(("provide_", "review_"))]
    return [name for name in hooks if getattr(type(plugin), name) is not getattr(Hooks, name)]


def _only_setup(plugin: Plugin, hook: str, setup: Setup) -> dict[str, Setup]:
    # pluggy lets an implementation omit arguments.
    return {"setup": setup} if "setup" in inspect.signature(getattr(plugin, hook)).parameters else {}


def _is_frozen(record: object) -> bool:
    kind = type(record)
    try:
        for field in attrs.fields(kind) if attrs.has(kind) else ():
            setattr(record, field.name, getattr(record, field.name))
            return False
    except attrs.exceptions.FrozenError:
        pass
    return True


def _names(records: Iterable[object]) -> list[str]:
    keys = ("name", "path", "type", "exception")
    return [
        str(next((getattr(record, key) for key in keys if getattr(record, key, None)), record)) for record in records
    ]


def _plan_names(plan: Plan) -> list[list[str]]:
    scope = plan.root
    tables: tuple[tuple[object, ...], ...] = (
        scope.middleware,
        scope.response_types,
        scope.error_handlers,
        scope.lifespans,
    )
    named = [_names(getattr(entry, "record", entry) for entry in table) for table in tables]
    routes = [planned.route.describe() for planned, _ in plan.routes()]
    return [*named, routes, sorted(plan.components), [entry.record.name for entry in plan.protocols]]


def _globals(kind: type) -> dict[str, str]:
    """Return the mutable values in the module and the class of a plugin, as text."""
    module = vars(sys.modules[kind.__module__])
    found = {f"{kind.__module__}.{name}": value for name, value in module.items() if not name.startswith("__")}
    found |= {f"{kind.__qualname__}.{name}": value for name, value in vars(kind).items() if not name.startswith("__")}
    return {name: repr(value) for name, value in found.items() if isinstance(value, _CHANGEABLE)}
