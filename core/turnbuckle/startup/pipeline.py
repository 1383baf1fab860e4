"""Run the stages in order: discover, load, configure, collect, resolve. What comes out is frozen, or every problem.

Settings come first, as they say which plugins are enabled. No stage stops at its first problem: all are told together.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import attrs

from turnbuckle.diagnostics import Diagnostic, Origin
from turnbuckle.errors import StartupError
from turnbuckle.plan import Plan
from turnbuckle.routing.converters import BUILTIN as BUILTIN_CONVERTERS, Converters
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.adapt import AdaptedPart, adapt_parser
from turnbuckle.startup.collect.builtin import BUILTIN
from turnbuckle.startup.collect.converters import checked_converters
from turnbuckle.startup.collect.scopes import CollectedScope, ScopeCollector
from turnbuckle.startup.compile.routers import MountedRouter, PreparedTables, check_reach, url_builder
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

__all__ = ["resolve", "survey"]

_BUILTIN_NAMES: Final = frozenset(plugin.info.name for plugin in BUILTIN)


def resolve(declaration: Declaration, sources: SettingsSources | None = None) -> Plan:
    """Return the plan of an app.

    Args:
        declaration: what the app wrote down.
        sources: what else counts; nothing but the code when None.

    Raises:
        StartupError: with every problem that was found.
    """
    return _resolve(declaration, sources or SettingsSources(), {})


def survey(declaration: Declaration, sources: SettingsSources) -> PluginInventory:
    """Return all plugins with how they stand in an app, whatever is wrong with it; nothing is resolved.

    Args:
        declaration: what the app wrote down.
        sources: what else counts.
    """
    quarantined: Mapping[str, Diagnostic] = {}
    while True:
        resolution = _Resolution(declaration, sources, quarantined)
        found = resolution.survey()
        more = resolution.plugins_to_quarantine(resolution.diagnostics.errors)
        if not more:
            return found
        quarantined = {**quarantined, **more}


def _resolve(declaration: Declaration, sources: SettingsSources, quarantined: Mapping[str, Diagnostic]) -> Plan:
    while True:
        resolution = _Resolution(declaration, sources, quarantined)
        try:
            return resolution.run()
        except StartupError as error:
            more = resolution.plugins_to_quarantine(problem.diagnostic for problem in error.problems)
            if not more:
                raise
            quarantined = {**quarantined, **more}


@attrs.frozen(kw_only=True)
class _Collected:
    """What there is to resolve."""

    settings: Settings
    configurator: Configurator
    asked: PluginRequests
    parser: AdaptedPart
    loader: Loader
    root: CollectedScope


@attrs.define
class _Resolution:
    """One run of the pipeline.

    Attributes:
        spared: optional plugins that it does without, with what was wrong in an earlier run.
        optional: names of optional plugins; set once the settings are read.
        converters: those that patterns may name; set once they are checked.
    """

    declaration: Declaration
    sources: SettingsSources
    quarantined: Mapping[str, Diagnostic]
    optional: frozenset[str] = frozenset()
    converters: Converters = BUILTIN_CONVERTERS
    diagnostics: Diagnostics = attrs.field(factory=Diagnostics)
    seconds: dict[str, float] = attrs.field(factory=dict)

    def plugins_to_quarantine(self, errors: Iterable[Diagnostic]) -> Mapping[str, Diagnostic]:
        """Return the optional plugins to do without in another run."""
        return plugins_to_quarantine(errors, self.optional, self.quarantined)

    def run(self) -> Plan:
        """Go through all stages."""
        collected = self._collected()
        with self._timed("resolve"):
            resolver = Resolver(
                settings=collected.settings,
                values=collected.configurator.values,
                builtin=_BUILTIN_NAMES,
                diagnostics=self.diagnostics,
                converters=self.converters,
            )
            plan = self._plan(resolver, collected.root, collected.parser)
            plugins = planned_plugins(collected.root, collected.asked, collected.loader, _BUILTIN_NAMES)
            return self._reviewed(attrs.evolve(plan, plugins=plugins), collected.root)

    def survey(self) -> PluginInventory:
        """Go as far as asking the plugins, and list them."""
        collected = self._collected()
        installed = collected.loader.installed
        plugins = planned_plugins(collected.root, collected.asked, collected.loader, _BUILTIN_NAMES)
        return with_failures(plugins, collected.loader.seen, installed, self.diagnostics)

    def _collected(self) -> _Collected:
        with self._timed("configure"):
            configurator = Configurator(read_layers(self.declaration, self.sources, self.diagnostics), self.diagnostics)
            settings = configurator.build(Settings, (), configurator.layers.code) or Settings()
            check_exposure(settings, configurator.values, self.diagnostics)
            asked = requests_from_settings(settings, configurator.values, self.sources)
            self.optional = asked.optional
            self.diagnostics.entries += [quarantine_diagnostic(name, error) for name, error in self.quarantined.items()]
        self.converters = checked_converters(self.declaration, self.diagnostics)
        with self._timed("load and collect"):
            parser = adapt_parser(self.declaration.parser, self.diagnostics)
            loader = self._loader(asked)
            gatherer = ScopeCollector(
                declaration=self.declaration,
                settings=settings,
                configurator=configurator,
                loader=loader,
                diagnostics=self.diagnostics,
                converters=self.converters,
            )
            root = gatherer.gather(self._root(), self._wanted(settings, parser, asked, loader))
            self._check_names(root, asked, configurator, loader)
        return _Collected(
            settings=settings, configurator=configurator, asked=asked, parser=parser, loader=loader, root=root
        )

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

    def _plan(self, resolver: Resolver, root: CollectedScope, injected: AdaptedPart) -> Plan:
        parser = resolver.parser(root, injected)
        shadow = resolver.shadow(root, parser)
        planned = resolver.scope(root)
        components, protocols = resolver.components(root), resolver.protocols(root)
        commands = resolver.commands(root)
        resolver.check_names(planned)
        tables: tuple[MountedRouter, ...] = ()
        prepared = PreparedTables()
        if planned.router is not None:
            setup = Setup(
                settings=resolver.settings,
                app_name=self.declaration.name,
                debug=resolver.settings.debug,
                converters=self.converters,
            )
            tables = prepared.prepare(planned, setup, self.diagnostics)
            check_reach(tables, self.diagnostics)
        self.diagnostics.raise_errors()
        # The core itself offers a parser: without one, some finding has told why.
        assert parser is not None
        return Plan(
            app_name=self.declaration.name,
            settings=resolver.settings,
            setting_values=dict(resolver.values),
            plugins=(),
            parser=parser,
            shadow=shadow,
            root=planned,
            components=components,
            protocols=protocols,
            commands=commands,
            seconds=self.seconds,
            url_builder=url_builder(planned, tables, self.converters),
            converters=self.converters,
            prepared=prepared,
            quarantined=frozenset(self.quarantined),
            without=lambda more: _resolve(self.declaration, self.sources, {**self.quarantined, **more}),
        )

    def _reviewed(self, plan: Plan, root: CollectedScope) -> Plan:
        shown = attrs.evolve(plan, diagnostics=self.diagnostics.others)
        for scope in root.walk():
            scope.collector.review(shown)
        self.diagnostics.raise_errors()
        return attrs.evolve(shown, diagnostics=self.diagnostics.others)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[phase] = time.perf_counter() - start


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
