"""Run the stages in order: discover, load, configure, collect, resolve. What comes out is frozen, or every problem.

Settings come first, as they say which plugins are enabled. No stage stops at its first problem: all are told together.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import attrs

from turnbuckle.diagnostics import Diagnostic, Origin
from turnbuckle.errors import StartupError
from turnbuckle.plan import Plan, PlannedScope
from turnbuckle.routing.converters import Converters
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.adapt import AdaptedPart, adapt_parser
from turnbuckle.startup.collect.builtin import BUILTIN
from turnbuckle.startup.collect.converters import checked_converters
from turnbuckle.startup.collect.scopes import CollectedScope, ScopeCollector
from turnbuckle.startup.compile.resolution import PreparedRouters, Resolution
from turnbuckle.startup.compile.routers import MountedRouter, check_reachable, url_builder
from turnbuckle.startup.model.declaration import Declaration, ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, format_error, quarantine_diagnostic
from turnbuckle.startup.model.plugin_records import PluginRequest
from turnbuckle.startup.model.sources import SettingsSources
from turnbuckle.startup.plugins.discovery import installed_plugins
from turnbuckle.startup.plugins.loading import Loader, place_of_error
from turnbuckle.startup.plugins.local_plugin import FILE_NAME, local_plugins
from turnbuckle.startup.plugins.requested import PluginRequests, requests_from_settings
from turnbuckle.startup.quarantine import plugins_to_quarantine
from turnbuckle.startup.report.inventory import PluginInventory, planned_plugins, with_failures
from turnbuckle.startup.resolve.resolver import Resolver
from turnbuckle.startup.settings.builder import Configurator
from turnbuckle.startup.settings.exposure import check_exposure
from turnbuckle.startup.settings.layers import read_layers
from turnbuckle.web.request.request import UrlBuilder

__all__ = ["resolve", "survey"]

_BUILTIN_NAMES: Final = frozenset(plugin.info.name for plugin in BUILTIN)


def resolve(declaration: Declaration, sources: SettingsSources | None = None) -> Resolution:
    """Resolve an app.

    Args:
        declaration: the app.
        sources: the other sources of settings and plugins; None for the code only.

    Raises:
        StartupError: with every problem that was found.
    """
    return _resolve(declaration, sources or SettingsSources(), {})


def survey(declaration: Declaration, sources: SettingsSources) -> PluginInventory:
    """Return all plugins with their status in an app, even if the app has errors; nothing is resolved.

    Args:
        declaration: the app.
        sources: the other sources of settings and plugins.
    """
    quarantined: Mapping[str, Diagnostic] = {}
    while True:
        run = _Run(declaration, sources, quarantined)
        configured = run.configure()
        inventory = run.survey(configured)
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
        configurator: builds the settings of plugins.
        requests: the plugins named outside the code.
        converters: the converters that patterns may name.
        seconds: the time that this stage took.
    """

    settings: Settings
    configurator: Configurator
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
        seconds: the time that this stage took.
    """

    root: CollectedScope
    parser: AdaptedPart
    loader: Loader
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
        configurator = Configurator(read_layers(self.declaration, self.sources, self.diagnostics), self.diagnostics)
        settings = configurator.build(Settings, (), configurator.layers.code) or Settings()
        check_exposure(settings, configurator.values, self.diagnostics)
        requests = requests_from_settings(settings, configurator.values, self.sources)
        self.diagnostics.entries += [quarantine_diagnostic(name, error) for name, error in self.quarantined.items()]
        return _Configured(
            settings=settings,
            configurator=configurator,
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
            configurator=configured.configurator,
            loader=loader,
            diagnostics=self.diagnostics,
            converters=configured.converters,
        )
        root = collector.gather(self._root(), self._wanted(configured.settings, parser, configured.requests, loader))
        self._check_names(root, configured.requests, configured.configurator, loader)
        return _Collected(root=root, parser=parser, loader=loader, seconds=time.perf_counter() - start)

    def resolve(self, configured: _Configured) -> Resolution:
        """Collect the records of the plugins, and decide which of them take effect.

        Raises:
            StartupError: with every problem that was found.
        """
        collected = self.collect(configured)
        start = time.perf_counter()
        resolver = Resolver(
            settings=configured.settings,
            values=configured.configurator.values,
            builtin=_BUILTIN_NAMES,
            diagnostics=self.diagnostics,
            converters=configured.converters,
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

    def survey(self, configured: _Configured) -> PluginInventory:
        """Collect the records of the plugins, and list the plugins."""
        collected = self.collect(configured)
        loader = collected.loader
        plugins = planned_plugins(collected.root, configured.requests, loader, _BUILTIN_NAMES)
        return with_failures(plugins, loader.seen, loader.installed, self.diagnostics)

    # -- which plugins

    def _loader(self, asked: PluginRequests) -> Loader:
        return Loader(
            diagnostics=self.diagnostics,
            disabled=frozenset(asked.disabled),
            optional=asked.optional,
            excluded=self.quarantined.keys(),
            discover=installed_plugins if self.sources.entry_points else tuple,
        )

    def _root(self) -> ScopeDeclaration:
        root = self.declaration.root
        return _without_plugins(root) if self.sources.only_builtin else root

    def _wanted(
        self, settings: Settings, parser: AdaptedPart, asked: PluginRequests, loader: Loader
    ) -> list[PluginRequest]:
        wanted = [PluginRequest(ref=plugin, origin=Origin(plugin=plugin.info.name), builtin=True) for plugin in BUILTIN]
        if parser.adapter is not None:
            wanted.append(parser.adapter)
        if self.sources.only_builtin:
            return wanted
        wanted += self._local()
        wanted += asked.enabled
        for kind, name in (
            ("parser", settings.parser.name),
            ("parser", settings.parser.shadow),
            ("router", settings.router),
        ):
            wanted += _provider_of(kind, name, loader)
        if settings.parser.shadow and settings.components.get("shadow_parser", "threaded") == "threaded":
            wanted += _installed("shadow_parser", loader)
        if settings.plugins.autoload:
            # What comes with the framework holds rivals for each slot.
            wanted += [
                PluginRequest(ref=each.name, origin=each.origin) for each in loader.installed if not each.is_ours
            ]
        return wanted

    def _local(self) -> list[PluginRequest]:
        path = self.sources.folder / FILE_NAME if self.sources.folder is not None else None
        if path is None or not path.is_file():
            return []
        at = Origin(plugin="app", location=str(path))
        try:
            found = local_plugins(path)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a project's file may raise anything
            self.diagnostics.add(
                "TB103",
                f"{FILE_NAME} cannot be imported: {format_error(error)}",
                attrs.evolve(at, location=place_of_error(error) or str(path)),
                why="a file of that name beside the settings counts as enabled",
                fix="correct the file",
            )
            return []
        if not found:
            self.diagnostics.add(
                "TB104",
                f"{FILE_NAME} defines no plugin",
                at,
                why="it is imported for the classes derived from turnbuckle.Plugin that it defines",
                fix="define one, or remove the file",
            )
        return [PluginRequest(ref=each, origin=at) for each in found]

    def _check_names(
        self, root: CollectedScope, asked: PluginRequests, configurator: Configurator, loader: Loader
    ) -> None:
        enabled = {plugin.name for scope in root.walk() for plugin in scope.plugins}
        self._check_disabled(asked, enabled, loader)
        configurator.leftovers(frozenset({*enabled, *asked.disabled, *loader.seen}))

    def _check_disabled(self, asked: PluginRequests, enabled: set[str], loader: Loader) -> None:
        for name, origin in asked.disabled.items():
            if name in loader.seen or any(each.name == name for each in loader.installed):
                continue
            known = enabled | {each.name for each in loader.installed}
            self.diagnostics.add(
                "TB112",
                f"plugin {name!r} is disabled, but there is no such plugin{did_you_mean(name, known)}",
                origin,
                why="nothing that is enabled or installed has this name",
                fix="correct the name, or remove it",
                level="warning",
            )

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
        )
        return plan, routers, url_builder(planned, tables, configured.converters)

    def _tables(
        self, routers: PreparedRouters, root: PlannedScope, configured: _Configured
    ) -> tuple[MountedRouter, ...]:
        if root.router is None:
            return ()
        setup = Setup(
            settings=configured.settings,
            app_name=self.declaration.name,
            debug=configured.settings.debug,
            converters=configured.converters,
        )
        tables = routers.prepare(root, setup, self.diagnostics)
        check_reachable(tables, self.diagnostics)
        return tables

    def _reviewed(self, plan: Plan, root: CollectedScope) -> Plan:
        shown = attrs.evolve(plan, diagnostics=self.diagnostics.others)
        for scope in root.walk():
            scope.collector.review(shown)
        self.diagnostics.raise_errors()
        return attrs.evolve(shown, diagnostics=self.diagnostics.others)


def _without_plugins(scope: ScopeDeclaration) -> ScopeDeclaration:
    return attrs.evolve(scope, plugins=(), scopes=tuple(_without_plugins(each) for each in scope.scopes))


def _provider_of(kind: str, name: str, loader: Loader) -> list[PluginRequest]:
    # Who asks for a parser by name wants the plugin that has it; naming both would say the same thing twice.
    if not name or name in _BUILTIN_NAMES:
        return []
    return _installed(name, loader) + _installed(f"{name}_{kind}", loader)


def _installed(name: str, loader: Loader) -> list[PluginRequest]:
    found: Mapping[str, Origin] = {each.name: each.origin for each in loader.installed if each.name == name}
    return [PluginRequest(ref=each, origin=origin) for each, origin in found.items()]
