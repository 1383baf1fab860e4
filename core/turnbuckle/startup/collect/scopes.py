"""Load, configure and ask the plugins of each scope, outer scopes first: what resolution then decides upon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import attrs

from turnbuckle.routing.converters import Converters
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.adapt import AdaptedPart, inject_router
from turnbuckle.startup.collect.collector import Answers, Collector
from turnbuckle.startup.collect.hook_registry import Registry
from turnbuckle.startup.model.declaration import Declaration, ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.model.plugin_records import LoadedPlugin, PluginRequest
from turnbuckle.startup.plugins.dependencies import check_left_out, check_relations, in_dependency_order
from turnbuckle.startup.plugins.loading import Loader
from turnbuckle.startup.plugins.requested import asked_in_code
from turnbuckle.startup.settings.builder import Configurator

__all__ = ["CollectedScope", "ScopeCollector"]


@attrs.frozen(kw_only=True)
class CollectedScope:
    """One scope with all that its plugins returned.

    Attributes:
        declaration: what the app wrote down for it.
        plugins: those that take part in it, in dependency order.
        answers: what they returned.
        collector: to ask them again, for ``review_plan``.
        router: what its ``router=`` means.
        scopes: the scopes within.
    """

    declaration: ScopeDeclaration
    plugins: Sequence[LoadedPlugin]
    answers: Answers
    collector: Collector
    router: AdaptedPart
    scopes: tuple[CollectedScope, ...] = ()

    def walk(self) -> Iterator[CollectedScope]:
        """Yield this scope and all within, outer ones first."""
        yield self
        for scope in self.scopes:
            yield from scope.walk()


@attrs.frozen(kw_only=True)
class ScopeCollector:
    """Goes through the scopes of one app.

    Attributes:
        declaration: the app.
        settings: its settings.
        configurator: for the settings of plugins.
        loader: for plugins.
        diagnostics: where mistakes are noted.
        converters: those that patterns may name.
    """

    declaration: Declaration
    settings: Settings
    configurator: Configurator
    loader: Loader
    diagnostics: Diagnostics
    converters: Converters

    def gather(
        self,
        scope: ScopeDeclaration,
        more: Sequence[PluginRequest] = (),
        around: Mapping[str, LoadedPlugin] | None = None,
    ) -> CollectedScope:
        """Return a scope and all within, gathered.

        Args:
            scope: what the app wrote down.
            more: plugins beside those written in the scope.
            around: plugins of the scopes around it.
        """
        router = inject_router(scope.router, self.diagnostics)
        adapters = [router.adapter] if router.adapter is not None else []
        wanted = [*more, *asked_in_code(scope), *adapters]
        loaded = self.loader.load(wanted)
        plugins = check_relations(loaded, around or {}, self.loader.quarantined, self.diagnostics)
        plugins = self._configured(in_dependency_order(plugins, self.diagnostics), scope.prefix)
        answers, collector = self._asked(plugins, around or {})
        plugins = list(collector.plugins)
        check_left_out(plugins, self.loader.quarantined, self.diagnostics)
        inside = {**(around or {}), **{plugin.name: plugin for plugin in plugins}}
        return CollectedScope(
            declaration=scope,
            plugins=plugins,
            answers=answers,
            collector=collector,
            router=router,
            scopes=tuple(self.gather(each, (), inside) for each in scope.scopes),
        )

    def _configured(self, plugins: Sequence[LoadedPlugin], prefix: str) -> list[LoadedPlugin]:
        configured = self._spare(plugins, partial(self._configure, prefix=prefix))
        # A plugin without the settings that it relies on would only fail again, in words of its own.
        return [each for each in configured if _is_configured(each)]

    def _configure(self, plugin: LoadedPlugin, prefix: str) -> None:
        configurator = attrs.evolve(self.configurator, scope=prefix)
        plugin.setup = Setup(
            settings=self.settings,
            config=configurator.plugin(plugin),
            plugin=plugin.name,
            app_name=self.declaration.name,
            debug=self.settings.debug,
            scope=prefix,
            converters=self.converters,
        )

    def _asked(self, plugins: Sequence[LoadedPlugin], around: Mapping[str, LoadedPlugin]) -> tuple[Answers, Collector]:
        registry = Registry([*around.values(), *plugins], self.diagnostics)
        admitted = self._spare(plugins, registry.admit)
        collector = Collector(admitted, registry, self.diagnostics)
        answers = Answers()
        alive = []
        for plugin in admitted:
            mark = len(self.diagnostics.entries)
            entries = collector.ask(plugin)
            if not self._is_quarantined(plugin, mark):
                answers.take(entries)
                alive.append(plugin)
        collector.plugins = alive
        return answers, collector

    def _spare(self, plugins: Sequence[LoadedPlugin], step: Callable[[LoadedPlugin], None]) -> list[LoadedPlugin]:
        alive = []
        for plugin in plugins:
            mark = len(self.diagnostics.entries)
            step(plugin)
            if not self._is_quarantined(plugin, mark):
                alive.append(plugin)
        return alive

    def _is_quarantined(self, plugin: LoadedPlugin, mark: int) -> bool:
        quarantined = plugin.name in self.loader.optional and self.diagnostics.quarantine(mark, plugin.name)
        if quarantined:
            self.loader.quarantined.append(plugin.name)
        return quarantined


def _is_configured(plugin: LoadedPlugin) -> bool:
    return plugin.info.config is None or (plugin.setup is not None and plugin.setup.config is not None)
