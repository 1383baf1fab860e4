"""Load and configure the plugins of each scope and call their hooks, outer scopes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from turnbuckle.routing.converters import Converters
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.adapt import AdaptedPart, adapt_router
from turnbuckle.startup.collect.chain_members import ChosenChain, load_members
from turnbuckle.startup.collect.collector import Answers, Collector
from turnbuckle.startup.collect.hook_registry import Registry
from turnbuckle.startup.model.declaration import Declaration, ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.model.plugin_records import LoadedPlugin, PluginRequest
from turnbuckle.startup.plugins.dependencies import check_left_out, check_relations, in_dependency_order
from turnbuckle.startup.plugins.loading import Loader
from turnbuckle.startup.plugins.requested import requests_in_code
from turnbuckle.startup.settings.builder import BuiltSettings, build_plugin_settings
from turnbuckle.startup.settings.layers import Layers

__all__ = ["CollectedScope", "ScopeCollector"]


@attrs.frozen(kw_only=True)
class CollectedScope:
    """One scope with all records that its plugins returned.

    Attributes:
        declaration: the scope as the app declares it.
        plugins: the plugins that take part in it, in dependency order.
        answers: the records that they returned.
        collector: calls them again, for ``review_plan``.
        router: the meaning of its ``router=``.
        built_settings: the settings of its plugins, including plugins that were quarantined afterwards.
        scopes: the scopes within.
    """

    declaration: ScopeDeclaration
    plugins: Sequence[LoadedPlugin]
    answers: Answers
    collector: Collector
    router: AdaptedPart
    built_settings: tuple[BuiltSettings[object], ...] = ()
    scopes: tuple[CollectedScope, ...] = ()

    def walk(self) -> Iterator[CollectedScope]:
        """Yield this scope and all within, outer ones first."""
        yield self
        for scope in self.scopes:
            yield from scope.walk()


@attrs.frozen(kw_only=True)
class ScopePlace:
    """The place of a scope in the app: its prefix, and whether it is the app itself."""

    prefix: str
    is_root: bool


@attrs.frozen(kw_only=True)
class ScopeCollector:
    """Collects the records of all scopes of one app.

    Attributes:
        declaration: the app.
        settings: the settings of the app.
        layers: the sources of the settings of plugins.
        loader: loads plugins.
        diagnostics: collects the problems.
        converters: the converters that patterns may name.
        chosen: the middleware chains that the app and its scopes, routes and mounts choose.
    """

    declaration: Declaration
    settings: Settings
    layers: Layers
    loader: Loader
    diagnostics: Diagnostics
    converters: Converters
    chosen: tuple[ChosenChain, ...] = ()

    def collect(
        self,
        scope: ScopeDeclaration,
        more: Sequence[PluginRequest] = (),
        around: Mapping[str, LoadedPlugin] | None = None,
    ) -> CollectedScope:
        """Collect the records of a scope and of all scopes within.

        Args:
            scope: the scope as the app declares it.
            more: requests for plugins beside those in the declaration.
            around: the plugins of the scopes around it, by name.
        """
        outer = around or {}
        router = adapt_router(scope.router, self.diagnostics)
        adapters = [router.adapter] if router.adapter is not None else []
        loaded = self.loader.load([*more, *requests_in_code(scope), *adapters])
        if around is None and self.chosen:
            loaded = load_members(loaded, self.chosen, self.loader, self._setup_before)
        related = check_relations(loaded, outer, self.loader.quarantined, self.diagnostics)
        built: list[BuiltSettings[object]] = []
        place = ScopePlace(prefix=scope.prefix, is_root=around is None)
        configured = self._configured(in_dependency_order(related, self.diagnostics), place, built)
        answers, collector = self._answers(configured, outer)
        check_left_out(collector.plugins, self.loader.quarantined, self.diagnostics)
        inside = {**outer, **{plugin.name: plugin for plugin in collector.plugins}}
        return CollectedScope(
            declaration=scope,
            plugins=collector.plugins,
            answers=answers,
            collector=collector,
            router=router,
            built_settings=tuple(built),
            scopes=tuple(self.collect(inner, (), inside) for inner in scope.scopes),
        )

    def _configured(
        self, plugins: Sequence[LoadedPlugin], place: ScopePlace, built: list[BuiltSettings[object]]
    ) -> list[LoadedPlugin]:
        configured = []
        for plugin in plugins:
            mark = len(self.diagnostics.entries)
            settings = build_plugin_settings(plugin, self.layers, self.diagnostics, place.prefix)
            built.append(settings)
            # A plugin without the settings that it relies on would only fail again, with another message.
            is_usable = plugin.info.config is None or settings.instance is not None
            if not self._is_quarantined(plugin, mark) and is_usable:
                configured.append(attrs.evolve(plugin, setup=self._setup(plugin, settings.instance, place)))
        return configured

    def _setup_before(self, plugin: LoadedPlugin) -> Setup | None:
        """Return the setup of a plugin before the plugins are configured; None if its settings are wrong."""
        config = build_plugin_settings(plugin, self.layers, Diagnostics(), "").instance
        if plugin.info.config is not None and config is None:
            return None
        return self._setup(plugin, config, ScopePlace(prefix="", is_root=True))

    def _setup(self, plugin: LoadedPlugin, config: object, place: ScopePlace) -> Setup:
        return Setup(
            settings=self.settings,
            config=config,
            plugin=plugin.name,
            app_name=self.declaration.name,
            debug=self.settings.debug,
            scope=place.prefix,
            is_scoped=not place.is_root,
            converters=self.converters,
        )

    def _answers(
        self, plugins: Sequence[LoadedPlugin], around: Mapping[str, LoadedPlugin]
    ) -> tuple[Answers, Collector]:
        registry = Registry([*around.values(), *plugins], self.diagnostics)
        admitted = self._admitted(plugins, registry)
        collector = Collector(admitted, registry, self.diagnostics)
        answers = Answers()
        called = []
        for plugin in admitted:
            mark = len(self.diagnostics.entries)
            done, entries = collector.ask(plugin)
            if not self._is_quarantined(plugin, mark):
                answers.take(entries)
                called.append(done)
        # Only after the loop, because the plugins in it may call the hooks of a plugin that failed before them.
        registry.retain(plugin.name for plugin in called)
        return answers, attrs.evolve(collector, plugins=called)

    def _admitted(self, plugins: Sequence[LoadedPlugin], registry: Registry) -> list[LoadedPlugin]:
        admitted = []
        for plugin in plugins:
            mark = len(self.diagnostics.entries)
            registered = registry.admit(plugin)
            if not self._is_quarantined(plugin, mark):
                admitted.append(registered)
        return admitted

    def _is_quarantined(self, plugin: LoadedPlugin, mark: int) -> bool:
        quarantined = plugin.name in self.loader.optional and self.diagnostics.quarantine(mark, plugin.name)
        if quarantined:
            self.loader.quarantined.append(plugin.name)
        return quarantined
