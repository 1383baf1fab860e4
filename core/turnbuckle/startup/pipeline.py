"""Run the stages of startup in order: configure, load and collect, resolve. The result is frozen.

Settings come first because they enable plugins. No stage stops at its first problem: all are reported together.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from typing import Final

import attrs

from turnbuckle.diagnostics import Diagnostic, Origin
from turnbuckle.errors import StartupError
from turnbuckle.plan import Plan, PlannedScope, SettingValue
from turnbuckle.plugin import Plugin
from turnbuckle.routing.converters import Converters
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.adapt import AdaptedPart, adapt_parser
from turnbuckle.startup.collect.builtin import BUILTIN_PLUGINS
from turnbuckle.startup.collect.chain_members import ChosenChain, chosen_chains
from turnbuckle.startup.collect.converters import checked_converters
from turnbuckle.startup.collect.scopes import CollectedScope, ScopeCollector
from turnbuckle.startup.compile.resolution import PreparedRouters, Resolution
from turnbuckle.startup.compile.routers import MountedRouter, check_reachable, url_builder
from turnbuckle.startup.model.declaration import Declaration, ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, quarantine_diagnostic
from turnbuckle.startup.model.plugin_records import PluginRequest, PluginRequests
from turnbuckle.startup.model.sources import SettingsSources
from turnbuckle.startup.parameters.sockets import check_carrier
from turnbuckle.startup.plugins.discovery import installed_plugins
from turnbuckle.startup.plugins.event_loops import noting_event_loops
from turnbuckle.startup.plugins.extras import check_extras
from turnbuckle.startup.plugins.loading import Loader
from turnbuckle.startup.plugins.requested import local_requests, requests_from_settings, requests_of_providers
from turnbuckle.startup.quarantine import plugins_to_quarantine
from turnbuckle.startup.report.inventory import PluginInventory, planned_plugins, with_failures
from turnbuckle.startup.resolve.resolver import Resolver
from turnbuckle.startup.resolve.resource_check import check_requested_resources
from turnbuckle.startup.resolve.supplier_overrides import SupplierOverrides
from turnbuckle.startup.settings.builder import BuiltSettings, build_app_settings, build_settings
from turnbuckle.startup.settings.checks import check_exposure, check_idle_timeout, check_listeners, check_unused
from turnbuckle.startup.settings.layers import Layers, read_layers
from turnbuckle.web.request.context import UrlBuilder

__all__ = ["plugin_inventory", "resolve"]

_BUILTIN_NAMES: Final = frozenset(plugin.info.name for plugin in BUILTIN_PLUGINS)


def resolve(declaration: Declaration, sources: SettingsSources | None = None) -> Resolution:
    """Resolve an app.

    Args:
        declaration: the app.
        sources: the other sources of settings and plugins; None for the code only.

    Raises:
        StartupError: with every problem that was found.
    """
    return _resolve(declaration, sources or SettingsSources(), {})


def plugin_inventory(declaration: Declaration, sources: SettingsSources) -> PluginInventory:
    """Return all plugins with their status in an app, even if the app has errors; nothing is resolved.

    Args:
        declaration: the app.
        sources: the other sources of settings and plugins.
    """
    quarantined: Mapping[str, Diagnostic] = {}
    while True:
        run = _Run(declaration, sources, quarantined)
        configured = run.configure()
        inventory = run.plugin_inventory(configured)
        more = plugins_to_quarantine(run.diagnostics.errors, configured.requests.optional, quarantined)
        if not more:
            return inventory
        quarantined = {**quarantined, **more}


def _resolve(declaration: Declaration, sources: SettingsSources, quarantined: Mapping[str, Diagnostic]) -> Resolution:
    while True:
        run = _Run(declaration, sources, quarantined)
        configured = run.configure()
        try:
            return run.resolve(configured)
        except StartupError as error:
            errors = [problem.diagnostic for problem in error.problems]
            more = plugins_to_quarantine(errors, configured.requests.optional, quarantined)
            if not more:
                raise
            quarantined = {**quarantined, **more}


@attrs.frozen(kw_only=True)
class _Configured:
    """The settings of an app, and the plugins that they name.

    Attributes:
        settings: the settings of the server and the app.
        layers: the sources of settings.
        built: the same settings with their sources.
        own: the app's own settings, with their sources.
        requests: the plugins named outside the code.
        converters: the converters that patterns may name.
        seconds: the time that this stage took.
    """

    settings: Settings
    layers: Layers
    built: BuiltSettings[Settings]
    own: BuiltSettings[object]
    requests: PluginRequests
    converters: Converters
    seconds: float


@attrs.frozen(kw_only=True)
class _Collected:
    """Everything that is to be resolved.

    Attributes:
        root: the app as a scope, with the records of its plugins.
        parser: the meaning of ``App(parser=...)``.
        loader: knows the installed plugins, and those that failed.
        values: all settings, including plugins' settings, with their sources.
        seconds: the time that this stage took.
    """

    root: CollectedScope
    parser: AdaptedPart
    loader: Loader
    values: Mapping[str, SettingValue]
    seconds: float


@attrs.frozen
class _Run:
    """One run through the stages.

    Attributes:
        declaration: the app.
        sources: the other sources of settings and plugins.
        quarantined: the optional plugins to leave out, with their errors in an earlier run.
        diagnostics: collects the problems of all stages.
    """

    declaration: Declaration
    sources: SettingsSources
    quarantined: Mapping[str, Diagnostic]
    diagnostics: Diagnostics = attrs.field(factory=Diagnostics)

    def configure(self) -> _Configured:
        """Read the settings."""
        start = time.perf_counter()
        self.diagnostics.entries += self.sources.found
        layers = read_layers(self.declaration, self.sources, self.diagnostics)
        built = build_settings(Settings, layers, self.diagnostics)
        settings = built.instance or Settings()
        check_listeners(settings, built.values, self.diagnostics)
        check_exposure(settings, built.values, self.diagnostics)
        check_idle_timeout(settings, built.values, self.diagnostics)
        if not _only_mounts(self.declaration.root):
            check_extras(self.diagnostics)
        requests = requests_from_settings(settings, built.values, self.sources)
        self.diagnostics.entries += [quarantine_diagnostic(name, error) for name, error in self.quarantined.items()]
        return _Configured(
            settings=settings,
            layers=layers,
            built=built,
            own=build_app_settings(self.declaration, layers, self.diagnostics),
            requests=requests,
            converters=checked_converters(self.declaration, self.diagnostics),
            seconds=time.perf_counter() - start,
        )

    def collect(self, configured: _Configured) -> _Collected:
        """Load the plugins, and call their hooks."""
        start = time.perf_counter()
        parser = adapt_parser(self.declaration.parser, self.diagnostics)
        loader = self._loader(configured.requests)
        collector = ScopeCollector(
            declaration=self.declaration,
            settings=configured.settings,
            layers=configured.layers,
            loader=loader,
            diagnostics=self.diagnostics,
            converters=configured.converters,
            chosen=() if self.sources.only_builtin else self._chosen(configured),
        )
        declared = self.declaration.root
        with noting_event_loops(self.diagnostics.entries):
            root = collector.collect(
                _without_plugins(declared) if self.sources.only_builtin else declared,
                self._requests(configured, parser, loader),
            )
        built = [
            configured.built,
            configured.own,
            *(settings for scope in root.walk() for settings in scope.built_settings),
        ]
        values = {label: value for settings in built for label, value in settings.values.items()}
        enabled = {plugin.name for scope in root.walk() for plugin in scope.plugins}
        self._check_disabled(configured.requests, enabled, loader)
        check_unused(
            configured.layers,
            values,
            frozenset().union(*(settings.claims for settings in built)),
            frozenset({*enabled, *configured.requests.disabled, *loader.requested}),
            self.diagnostics,
        )
        return _Collected(root=root, parser=parser, loader=loader, values=values, seconds=time.perf_counter() - start)

    def resolve(self, configured: _Configured) -> Resolution:
        """Collect the records of the plugins, and decide which of them take effect.

        Raises:
            StartupError: with every problem that was found.
        """
        collected = self.collect(configured)
        start = time.perf_counter()
        resolver = Resolver(
            settings=configured.settings,
            values=collected.values,
            builtin=_BUILTIN_NAMES,
            diagnostics=self.diagnostics,
            converters=configured.converters,
            replaced=self._replaced(),
            failed=collected.loader.failed,
            left_out=self._left_out(collected.loader),
        )
        plan, routers, url_for = self._resolved(resolver, configured, collected)
        seconds = {
            "configure": configured.seconds,
            "load and collect": collected.seconds,
            "resolve": time.perf_counter() - start,
        }
        return Resolution(
            plan=attrs.evolve(self._reviewed(plan, collected.root), seconds=seconds),
            routers=routers,
            url_for=url_for,
            retry_without=lambda more: _resolve(self.declaration, self.sources, {**self.quarantined, **more}),
        )

    def plugin_inventory(self, configured: _Configured) -> PluginInventory:
        """Collect the records of the plugins, and list the plugins."""
        collected = self.collect(configured)
        loader = collected.loader
        # Read first: planned_plugins() lists installed plugins only once they have been looked up.
        installed = loader.installed
        plugins = planned_plugins(collected.root, configured.requests, loader, _BUILTIN_NAMES)
        return with_failures(plugins, loader.requested, installed, self.diagnostics)

    # -- which plugins

    def _loader(self, requests: PluginRequests) -> Loader:
        return Loader(
            diagnostics=self.diagnostics,
            disabled=frozenset(requests.disabled),
            optional=requests.optional,
            excluded=self.quarantined.keys(),
            discover=installed_plugins if self.sources.entry_points else tuple,
        )

    def _requests(self, configured: _Configured, parser: AdaptedPart, loader: Loader) -> list[PluginRequest]:
        requests = [_builtin_request(plugin) for plugin in BUILTIN_PLUGINS]
        if parser.adapter is not None:
            requests.append(parser.adapter)
        if not self.sources.only_builtin:
            requests += local_requests(self.sources, self.diagnostics)
            requests += configured.requests.enabled
            requests += requests_of_providers(configured.settings, loader, _BUILTIN_NAMES)
        return requests

    def _check_disabled(self, requests: PluginRequests, enabled: Set[str], loader: Loader) -> None:
        for name, origin in requests.disabled.items():
            if name in loader.requested:
                continue
            installed = {plugin.name for plugin in loader.installed}
            if name not in installed:
                hint = did_you_mean(name, enabled | installed)
                self.diagnostics.add(
                    "TB112",
                    f"plugin {name!r} is disabled, but there is no such plugin{hint}",
                    origin,
                    why="no enabled or installed plugin has this name",
                    fix="correct the name, or remove it",
                    level="warning",
                )

    def _chosen(self, configured: _Configured) -> tuple[ChosenChain, ...]:
        return chosen_chains(self.declaration.root, configured.settings, configured.built.values)

    def _left_out(self, loader: Loader) -> Set[str]:
        """Return the names of the plugins that were requested, and do not take part."""
        left_out = {*loader.failed, *loader.quarantined, *(loader.disabled & loader.requested.keys())}
        return left_out | ({"plugins"} if self.sources.only_builtin else set())

    def _replaced(self) -> SupplierOverrides | None:
        supply = self.declaration.supply
        return SupplierOverrides(supply.record, supply.origin, self.diagnostics) if supply is not None else None

    # -- the plan

    def _resolved(
        self, resolver: Resolver, configured: _Configured, collected: _Collected
    ) -> tuple[Plan, PreparedRouters, UrlBuilder]:
        root = collected.root
        parser = resolver.parser(root, collected.parser)
        shadow = resolver.shadow(root, parser)
        planned = resolver.scope(root)
        components, protocols = resolver.components(root), resolver.protocols(root)
        commands = resolver.commands(root)
        resolver.check_names(planned)
        resolver.check_mounts(planned)
        resolver.check_chains()
        if not self.sources.carries_messages:
            check_carrier(planned, protocols, collected.loader.failed, self.diagnostics)
        if resolver.replaced is not None:
            resolver.replaced.check(planned)
        check_requested_resources(planned, self.diagnostics)
        routers = PreparedRouters(resolver.calls)
        tables = self._tables(routers, planned, configured)
        self.diagnostics.raise_errors()
        # The core itself offers a parser: without one, some diagnostic is an error.
        assert parser is not None
        plan = Plan(
            app_name=self.declaration.name,
            settings=resolver.settings,
            setting_values=resolver.values,
            plugins=planned_plugins(root, configured.requests, collected.loader, _BUILTIN_NAMES),
            parser=parser,
            shadow=shadow,
            root=planned,
            components=components,
            protocols=protocols,
            commands=commands,
            converters=configured.converters,
            quarantined=frozenset(self.quarantined),
            config=configured.own.instance,
        )
        return plan, routers, url_builder(planned, tables, configured.converters)

    def _tables(
        self, routers: PreparedRouters, root: PlannedScope, configured: _Configured
    ) -> tuple[MountedRouter, ...]:
        if root.router is None:
            return ()
        setup = Setup(
            settings=configured.settings,
            config=configured.own.instance,
            app_name=self.declaration.name,
            debug=configured.settings.debug,
            converters=configured.converters,
        )
        tables = routers.prepare(root, setup, self.diagnostics)
        check_reachable(tables, self.diagnostics)
        return tables

    def _reviewed(self, plan: Plan, root: CollectedScope) -> Plan:
        shown = attrs.evolve(plan, diagnostics=self.diagnostics.others)
        collectors = [scope.collector for scope in root.walk()]
        for collector in collectors:
            collector.others.extend(other for other in collectors if other is not collector)
        for collector in collectors:
            collector.review(shown)
        self.diagnostics.raise_errors()
        return attrs.evolve(shown, diagnostics=self.diagnostics.others)


def _without_plugins(scope: ScopeDeclaration) -> ScopeDeclaration:
    return attrs.evolve(scope, plugins=(), scopes=tuple(_without_plugins(inner) for inner in scope.scopes))


def _only_mounts(scope: ScopeDeclaration) -> bool:
    """Return whether an app has no handlers that could read a form."""
    return bool(scope.mounts) and not scope.routes and not scope.scopes


def _builtin_request(plugin: type[Plugin]) -> PluginRequest:
    return PluginRequest(ref=plugin, origin=Origin(plugin=plugin.info.name), builtin=True)
