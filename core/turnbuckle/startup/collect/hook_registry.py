"""Register the hooks of one scope with pluggy, and report mistakes that pluggy reports late, unclearly, or never.

There is one registry for each scope of one resolution. Overriding a hook of ``Plugin`` is enough to implement it.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

import attrs
import pluggy

from turnbuckle.diagnostics import Origin
from turnbuckle.hookspecs import PROJECT, Hooks
from turnbuckle.plugin import Plugin
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, nearest
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.model.plugin_records import LoadedPlugin

__all__ = ["HookCall", "Registry"]

HookCall = Callable[[Mapping[str, object]], object]
"""Calls an implementation with the arguments that it takes."""

_OPTIONS: Final = f"{PROJECT}_impl"
_SPEC: Final = f"{PROJECT}_spec"
_LOOKS_LIKE_A_HOOK: Final = ("provide_", "provides_", "provider_", "providers_", "review_")


class Registry(pluggy.PluginManager):
    """The plugins of one scope, with the hooks that they implement."""

    def __init__(self, definers: Iterable[LoadedPlugin], diagnostics: Diagnostics) -> None:
        super().__init__(PROJECT)
        self._diagnostics: Final = diagnostics
        self.add_hookspecs(Hooks)
        # All definitions come before any implementation: the order of plugins must not decide which hooks exist.
        # A plugin that is enabled in a scope and around it defines its hooks only once.
        for definer in {id(definer.plugin.hookspecs): definer for definer in definers}.values():
            self._define(definer)
        self._accepted: dict[str, Mapping[str, Any]] = {}
        self._implemented: Final[dict[tuple[str, str], pluggy.HookImpl]] = {}

    def admit(self, plugin: LoadedPlugin) -> LoadedPlugin:
        """Register the hooks of a plugin, and return the plugin with their names.

        A hook that cannot be called is reported, and left out.
        """
        self._accepted = dict(self._implementations(plugin))
        hooks = tuple(sorted(options.get("specname") or name for name, options in self._accepted.items()))
        plugin = attrs.evolve(plugin, hooks=hooks)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.register(plugin.plugin, plugin.name)
        for hook in plugin.hooks:
            newest_first = reversed(getattr(self.hook, hook).get_hookimpls())
            own = next(call for call in newest_first if call.plugin_name == plugin.name)
            self._implemented[plugin.name, hook] = own
        for warning in caught:
            self._diagnostics.add(
                "TB311",
                str(warning.message),
                self._warned_at(plugin, warning),
                level="warning",
                why="it will be removed in a later generation of hooks",
                fix="see the text",
            )

        return plugin

    def retain(self, names: Iterable[str]) -> None:
        """Forget the hooks of all plugins except some."""
        kept = frozenset(names)
        for name, hook in list(self._implemented):
            if name not in kept:
                del self._implemented[name, hook]

    def _warned_at(self, plugin: LoadedPlugin, warning: warnings.WarningMessage) -> Origin:
        # pluggy reports the location of the function, but not the hook that it implements.
        for hook in plugin.hooks:
            function = self._implemented[plugin.name, hook].function
            if (function.__code__.co_filename, function.__code__.co_firstlineno) == (warning.filename, warning.lineno):
                return _at(plugin, function, hook)
        return plugin.origin

    def calls(self, plugin: LoadedPlugin) -> Iterator[tuple[str, Callable[..., object], HookCall]]:
        """Yield each hook of a plugin: its name, its function, and a function that calls it."""
        for name in plugin.hooks:
            implementation = self._implemented.get((plugin.name, name))
            if implementation is not None:
                yield name, implementation.function, _call_of(implementation)

    def known_hooks(self) -> frozenset[str]:
        """Return the names of all hooks."""
        return frozenset(name for name, caller in vars(self.hook).items() if caller.has_spec())

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """Return the options of an accepted implementation; pluggy calls this for each attribute."""
        return self._accepted.get(name)

    # -- hooks that plugins define

    def _define(self, definer: LoadedPlugin) -> None:
        spec = definer.plugin.hookspecs
        if spec is None:
            return
        problem = self._problem_of(spec)
        if not problem:
            self.add_hookspecs(spec)
            return
        self._diagnostics.add(
            "TB305",
            f"plugin {definer.name!r} defines hooks that cannot be used: {problem}",
            _at(definer, spec),
            why="every hook is called once on each plugin, and all of its results are kept",
            fix="define plain functions in a class, each marked with @hookspec",
        )

    def _problem_of(self, spec: type) -> str:
        marked = {name: options for name in dir(spec) if (options := getattr(getattr(spec, name), _SPEC, None))}
        if not marked:
            return f"{spec!r} has no function marked with @hookspec"
        for name, options in marked.items():
            if options.get("firstresult") or options.get("historic"):
                return f"{name!r} is firstresult or historic"
            if name in self.known_hooks():
                return f"{name!r} is defined already"
        return ""

    # -- implementations

    def _implementations(self, plugin: LoadedPlugin) -> Iterator[tuple[str, Mapping[str, Any]]]:
        known = self.known_hooks()
        for name, value in sorted(_members(plugin.plugin).items()):
            options = _options_of(value)
            # A hook that another plugin defines is overridden by name, without a marker, like the hooks of Plugin.
            if options is None and not _is_override(value, name) and (name not in known or hasattr(Hooks, name)):
                if not hasattr(Hooks, name):
                    self._check_spelling(plugin, name, value, known)
                continue
            options = options or {}
            hook = options.get("specname") or name
            if hook not in known:
                if not options.get("optionalhook"):
                    self._unknown(plugin, hook, value, known)
            elif self._is_usable(plugin, name, value, options):
                yield name, dict(options)

    def _check_spelling(self, plugin: LoadedPlugin, name: str, value: object, known: frozenset[str]) -> None:
        function = getattr(value, "__func__", value)
        if not callable(function) or name.startswith("_"):
            return
        if name.startswith(_LOOKS_LIKE_A_HOOK) or nearest(name, known, cutoff=0.85):
            self._unknown(plugin, name, value, known)

    def _unknown(self, plugin: LoadedPlugin, name: str, value: object, known: frozenset[str]) -> None:
        self._diagnostics.add(
            "TB301",
            f"plugin {plugin.name!r} implements hook {name!r}, which does not exist{did_you_mean(name, known)}",
            _at(plugin, value, name),
            why="a misspelt hook would never be called, and the mistake would go unnoticed",
            fix="correct its name; a method that is no hook must not be named like one",
        )

    def _is_usable(self, plugin: LoadedPlugin, attribute: str, value: object, options: Mapping[str, Any]) -> bool:
        name = options.get("specname") or attribute
        function = getattr(value, "__func__", value)
        at = _at(plugin, value, name)
        if not inspect.isfunction(function):
            self._diagnostics.add(
                "TB309",
                f"hook {name!r} of plugin {plugin.name!r} is {value!r:.60}, not a function",
                at,
                why="a hook is a function that returns records",
                fix=f"write def {name}(self, setup) and return the records",
            )
            return False
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            self._diagnostics.add(
                "TB303",
                f"hook {name!r} of plugin {plugin.name!r} is async",
                at,
                why="hooks are called before there is an event loop",
                fix="write it as a plain 'def'; await in a Lifespan",
            )
            return False
        if options.get("wrapper") or options.get("hookwrapper"):
            self._diagnostics.add(
                "TB304",
                f"hook {name!r} of plugin {plugin.name!r} is a wrapper",
                at,
                why="a wrapper hides which plugin supplied a record; every record keeps its origin",
                fix="return your own records; use review_plan to check the records of other plugins",
            )
            return False
        self._warn_of_rank(plugin, name, options, at)
        return self._takes_arguments(plugin, name, attribute, at)

    def _warn_of_rank(self, plugin: LoadedPlugin, name: str, options: Mapping[str, Any], at: Origin) -> None:
        for option in ("tryfirst", "trylast"):
            if options.get(option):
                self._diagnostics.add(
                    "TB310",
                    f"{option} of hook {name!r} of plugin {plugin.name!r} has no effect",
                    at,
                    why="hooks are called in dependency order of their plugins",
                    fix="set 'after' or 'requires' in info, or 'before' and 'after' in the record",
                    level="warning",
                )

    def _takes_arguments(self, plugin: LoadedPlugin, name: str, attribute: str, at: Origin) -> bool:
        given = cast("pluggy.HookCaller", getattr(self.hook, name)).spec.argnames  # type: ignore[union-attr]
        bound: Callable[..., object] = getattr(plugin.plugin, attribute)
        if (first := _first_of(bound)) in given:
            self._diagnostics.add(
                "TB302",
                f"hook {name!r} of plugin {plugin.name!r} takes {first!r} where 'self' belongs",
                at,
                why="the first argument of a method is its object",
                fix=f"write def {name}(self, {', '.join(given)})",
            )
            return False
        parameters = inspect.signature(bound).parameters.values()
        wrong = [parameter for parameter in parameters if _is_never_filled(parameter, given)]
        for parameter in wrong:
            known = parameter.name in given
            way = " by keyword or with a default, so that it never gets a value" if known else ", which does not exist"
            self._diagnostics.add(
                "TB302",
                f"hook {name!r} of plugin {plugin.name!r} takes {parameter.name!r}{way}"
                + ("" if known else did_you_mean(parameter.name, given)),
                at,
                why=f"the hook is called with {', '.join(given)}",
                fix=f"write def {name}(self, {', '.join(given)})",
            )
        return not wrong


def _members(plugin: Plugin) -> dict[str, object]:
    # The same result as inspect.getattr_static for each name of dir(), in a tenth of the time.
    members: dict[str, object] = {}
    for cls in reversed(type(plugin).__mro__[:-1]):
        members.update(vars(cls))
    members.update(getattr(plugin, "__dict__", {}))
    return members


def _first_of(bound: Callable[..., object]) -> str:
    function = getattr(bound, "__func__", None)
    return next(iter(inspect.signature(function).parameters), "") if function is not None else ""


def _is_never_filled(parameter: inspect.Parameter, given: Iterable[str]) -> bool:
    # pluggy passes no value to a parameter with a default, so that the hook would always see the default.
    if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
        return False
    is_plain = parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    return parameter.name not in given or not is_plain or parameter.default is not parameter.empty


def _options_of(value: object) -> Mapping[str, Any] | None:
    options = getattr(value, _OPTIONS, None) or getattr(getattr(value, "__func__", None), _OPTIONS, None)
    return options if isinstance(options, Mapping) else None


def _is_override(value: object, name: str) -> bool:
    spec = vars(Hooks).get(name)
    return spec is not None and value is not spec and hasattr(spec, _SPEC)


def _at(plugin: LoadedPlugin, value: object, hook: str = "") -> Origin:
    function = getattr(value, "__func__", value)
    function = getattr(value, "fget", function)  # a property
    location = (
        location_of(function) if inspect.isfunction(function) or isinstance(function, type) else plugin.origin.location
    )
    return Origin(
        plugin=plugin.name,
        location=location,
        hook=hook,
        distribution=plugin.origin.distribution,
        scope=plugin.origin.scope,
    )


def _call_of(implementation: pluggy.HookImpl) -> HookCall:
    def call(arguments: Mapping[str, object]) -> object:
        return implementation.function(*(arguments[name] for name in implementation.argnames))

    return call
