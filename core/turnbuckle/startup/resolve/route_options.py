"""Give each route the options that plugins read, converted, and report options that no enabled plugin declares.

A plugin declares options in ``PluginInfo.route_options``; it must be enabled in the scope of the route or in a scope
around it. Routes of plugins may have options of any plugin: the option of a plugin that is not enabled has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.routing.records import Route
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, candidates, format_error, nearest
from turnbuckle.startup.model.plugin_records import LoadedPlugin

__all__ = ["DeclaredOption", "OptionReader", "options_declared"]

_WHY: Final = "an option is read by the plugin that declares it, and has no effect without it"


@attrs.frozen
class DeclaredOption:
    """An option of routes that a plugin declares.

    Attributes:
        convert: returns a value as ``Route.options`` has it.
        plugin: name of the plugin.
        origin: origin of the plugin.
    """

    convert: Callable[[Any], object]
    plugin: str
    origin: Origin


def options_declared(
    around: Mapping[str, DeclaredOption], plugins: Iterable[LoadedPlugin], diagnostics: Diagnostics
) -> Mapping[str, DeclaredOption]:
    """Return the options that routes of a scope may have, and report names that two plugins declare.

    Args:
        around: the options of the scopes around it.
        plugins: the plugins of the scope.
        diagnostics: where to report.
    """
    declared = dict(around)
    for plugin in plugins:
        for name, convert in plugin.info.route_options.items():
            first = declared.get(name)
            if first is not None and first.plugin != plugin.name:
                diagnostics.add(
                    "TB440",
                    f"plugins {first.plugin!r} and {plugin.name!r} both declare the option {name!r} of routes",
                    plugin.origin,
                    first.origin,
                    why="the value of an option is meant for one plugin",
                    fix="disable one of them, or rename the option of one",
                )
            declared[name] = DeclaredOption(convert, plugin.name, plugin.origin)
    return declared


@attrs.frozen(kw_only=True)
class OptionReader:
    """Reads the options that scopes and routes declare.

    Attributes:
        declared: the options that plugins of the scope, and of the scopes around it, declare.
        elsewhere: the options that plugins of other scopes declare.
        left_out: names of plugins that were requested, and are left out; their options are unknown.
        diagnostics: where options that cannot be used are reported.
    """

    declared: Mapping[str, DeclaredOption]
    elsewhere: Sequence[tuple[str, LoadedPlugin]]
    left_out: Collection[str]
    diagnostics: Diagnostics

    def of_scope(self, around: Mapping[str, object], declaration: ScopeDeclaration) -> Mapping[str, object]:
        """Return the options of a scope, on top of the options around it."""
        what = f"scope {declaration.prefix or '/'!r}" if declaration.prefix or declaration.host else "the app"
        return self._merged(around, declaration.options, declaration.origin, what)

    def of_route(self, around: Mapping[str, object], route: Route) -> Route:
        """Return a route with its options, on top of the options of its scope."""
        if not around and not route.options:
            return route
        origin = route.origin or Origin(plugin="app")
        return attrs.evolve(route, options=self._merged(around, route.options, origin, f"route {route.path!r}"))

    def _merged(
        self, around: Mapping[str, object], given: Mapping[str, object], origin: Origin, what: str
    ) -> Mapping[str, object]:
        if not given:
            return around
        options = dict(around)
        for name, value in given.items():
            declared = self.declared.get(name)
            if declared is None:
                if origin.plugin == "app":
                    self._report_unknown(name, origin, what)
                continue
            try:
                options[name] = declared.convert(value)
            except Exception as error:  # noqa: BLE001  # a function of a plugin may raise anything
                reason = str(error) if isinstance(error, TypeError | ValueError) else format_error(error)
                self.diagnostics.add(
                    "TB439",
                    f"option {name!r} of {what} cannot be {value!r:.60}: {reason}",
                    origin,
                    declared.origin,
                    why=f"plugin {declared.plugin!r} reads it, and checks it at startup",
                    fix="correct the value, or remove the option",
                )
        return options

    def _report_unknown(self, name: str, origin: Origin, what: str) -> None:
        near = nearest(str(name), self.declared)
        scopes = [plugin for option, plugin in self.elsewhere if option == name]
        hint, fix = candidates(str(name), self.declared), "correct the name, or remove the option"
        if near:
            fix = f"write {near!r}"
        elif scopes:
            scope = scopes[0].setup.scope if scopes[0].setup is not None else ""
            hint = f"; plugin {scopes[0].name!r} declares it, and is enabled in scope {scope or '/'!r} only"
            fix = f"enable {scopes[0].name!r} for the whole app, or move the route into its scope"
        elif not self.declared:
            hint, fix = "", f"enable the plugin that declares it, as in App(plugins=[{name!r}]), or remove the option"
        self.diagnostics.add(
            "TB438",
            f"{what} has the option {name!r}, which no enabled plugin declares{hint}",
            origin,
            *(plugin.origin for plugin in scopes[:1]),
            why=_WHY,
            fix=fix,
            # A plugin that is left out may declare it.
            level="warning" if self.left_out and not near else "error",
        )
