"""Resolve collected records into the decisions of a plan: slots, order, tables, conflicts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plan import Choice, PlannedScope, SettingValue
from turnbuckle.records import (
    Component,
    ErrorHandler,
    Middleware,
    MountProvider,
    ParameterProvider,
    ParserProvider,
    ProtocolProvider,
    ResponseType,
    RouterProvider,
)
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters
from turnbuckle.schema.nodes.provided import SchemaProvider
from turnbuckle.schema.schema import SchemaCompiler
from turnbuckle.settings import Settings
from turnbuckle.startup.collect.adapt import AdaptedPart
from turnbuckle.startup.collect.builtin import BUILTIN_COMMANDS
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.parameters.declared_suppliers import check_suppliers, provider_of
from turnbuckle.startup.parameters.middleware_signatures import further_signatures
from turnbuckle.startup.parameters.signatures import SignatureResolver
from turnbuckle.startup.parameters.suppliers import Suppliers
from turnbuckle.startup.resolve.middleware.chains import ChainPlanner
from turnbuckle.startup.resolve.middleware.effects import check_effects
from turnbuckle.startup.resolve.middleware.order import order_middleware
from turnbuckle.startup.resolve.mounts import MountPlanner, check_mounts
from turnbuckle.startup.resolve.precedence import report_duplicates
from turnbuckle.startup.resolve.resources import Provided, order_lifespans
from turnbuckle.startup.resolve.response_tables import ResponseTables
from turnbuckle.startup.resolve.route_options import DeclaredOption, OptionReader, options_declared
from turnbuckle.startup.resolve.route_overrides import OverrideReader, RouteOverrides
from turnbuckle.startup.resolve.routes import RoutePlanner
from turnbuckle.startup.resolve.slots import Slot, choose
from turnbuckle.startup.resolve.supplier_overrides import SupplierOverrides
from turnbuckle.startup.settings.toml_lines import dotted_key
from turnbuckle.web.handlers import BoundHandler

__all__ = ["Resolver"]

_APP_WIDE_HOOKS: Final = {
    "provide_parsers": "parser",
    "provide_components": "component",
    "provide_protocols": "protocol",
    "provide_commands": "command",
}


@attrs.frozen(kw_only=True)
class Inherited:
    """The records that a scope inherits from the scopes around it.

    Attributes:
        middleware: outermost first.
        response_types: in effect, one per type.
        error_handlers: in effect, one per exception class.
        parameters: the providers of parameters in effect, one per type.
        schemas: the providers of schemas, innermost scope first.
        guards: the functions that are called before handlers, outermost first.
        mounts: the providers of mounts.
        router: name of the plugin whose router serves the scope.
        routers: the routers that plugins of the scopes provide, innermost scope first.
        resources: the resources that lifespans provide, with their providers.
        overrides: limits and deadlines that differ from the settings.
        declared: the options of routes that plugins declare, by name.
        options: the options of all routes of the scopes, converted.
    """

    middleware: tuple[Sourced[Middleware], ...] = ()
    response_types: tuple[Sourced[ResponseType], ...] = ()
    error_handlers: tuple[Sourced[ErrorHandler], ...] = ()
    parameters: tuple[Sourced[ParameterProvider], ...] = ()
    schemas: tuple[SchemaProvider, ...] = ()
    guards: tuple[Sourced[Callable[..., object]], ...] = ()
    mounts: tuple[Sourced[MountProvider], ...] = ()
    router: str = ""
    routers: tuple[Sourced[RouterProvider], ...] = ()
    resources: Provided = attrs.field(factory=dict)
    overrides: RouteOverrides = attrs.field(factory=dict)
    declared: Mapping[str, DeclaredOption] = attrs.field(factory=dict)
    options: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Resolver:
    """Resolves the records of one app.

    Attributes:
        settings: the settings of the app.
        values: the same settings with their sources.
        builtin: names of the built-in plugins.
        diagnostics: where conflicts are reported.
        converters: the converters that patterns may name.
        calls: the functions that call the handlers of routes, by the ``id`` of the planned route; filled by ``scope``.
        replaced: the values that replace suppliers and resources in a test.
        failed: names of the enabled plugins that could not be loaded.
        left_out: names of all plugins that were requested and do not take part: failed, disabled or quarantined.
        roots: the scopes in the order of ``scope``, the app first.
        chains: the middleware chains of the app; filled by ``scope``.
        keys: the keys of the suppliers of parameters.
    """

    settings: Settings
    values: Mapping[str, SettingValue]
    builtin: frozenset[str]
    diagnostics: Diagnostics
    converters: Converters = BUILTIN_CONVERTERS
    replaced: SupplierOverrides | None = None
    failed: Collection[str] = ()
    left_out: Collection[str] = ()
    calls: dict[int, BoundHandler] = attrs.field(factory=dict, init=False)
    roots: list[CollectedScope] = attrs.field(factory=list, init=False)
    chains: list[ChainPlanner] = attrs.field(factory=list, init=False)
    keys: dict[object, int] = attrs.field(factory=dict, init=False)

    def parser(self, root: CollectedScope, adapted: AdaptedPart) -> Choice[ParserProvider] | None:
        """Return the parser of every connection.

        Args:
            root: the app.
            adapted: the value that was passed as ``App(parser=...)``.
        """
        candidates: Sequence[Sourced[ParserProvider]] = root.answers.of("provide_parsers")
        slot, shadow = self._slot("parser", adapted, candidates), self.settings.parser.shadow
        if not slot.requested and slot.passed is None:
            # A plugin that provides only the shadow parser is no candidate for the parser.
            candidates = [
                candidate
                for candidate in candidates
                if candidate.record.name != shadow or candidate.origin.plugin in self.builtin
            ]
        return choose(slot, candidates, self.diagnostics)

    def shadow(self, root: CollectedScope, parser: Choice[ParserProvider] | None) -> Choice[ParserProvider] | None:
        """Return the parser that some connections are compared with, or None if the settings name none."""
        name = self.settings.parser.shadow
        if not name:
            return None
        requested_by = f"setting parser.shadow ({self.values['parser.shadow'].source})"
        if parser is not None and parser.name == name:
            self.diagnostics.add(
                "TB202",
                f"setting 'parser.shadow' names {name!r}, which is the parser itself",
                Origin(plugin="app", location=self.values["parser.shadow"].source),
                parser.origin,
                why="comparing a parser with itself shows nothing",
                fix="name another parser, or none",
            )
            return None
        slot: Slot[ParserProvider] = Slot(
            kind="shadow parser", key="parser.shadow", requested=name, requested_by=requested_by, builtin=self.builtin
        )
        return choose(slot, root.answers.of("provide_parsers"), self.diagnostics)

    def components(self, root: CollectedScope) -> Mapping[str, Choice[Component]]:
        """Return the chosen component of each kind."""
        candidates: Sequence[Sourced[Component]] = root.answers.of("provide_components")
        source = self.values["components"].source
        chosen = {}
        kinds = {candidate.record.kind for candidate in candidates}
        named = self.settings.components.items()
        requested = {kind: (name, f"setting {dotted_key('components', kind)} ({source})") for kind, name in named}
        if self.settings.parser.shadow and "shadow_parser" not in kinds:
            by = f"setting parser.shadow ({self.values['parser.shadow'].source})"
            requested.setdefault("shadow_parser", ("threaded", by))
        for kind in sorted(kinds | set(requested)):
            name, requested_by = requested.get(kind, ("", ""))
            slot: Slot[Component] = Slot(
                kind=f"{kind} component",
                key=dotted_key("components", kind),
                requested=name,
                requested_by=requested_by,
                builtin=self.builtin,
            )
            of_kind = [candidate for candidate in candidates if candidate.record.kind == kind]
            choice = choose(slot, of_kind, self.diagnostics)
            if choice is not None:
                chosen[kind] = choice
        return chosen

    def protocols(self, root: CollectedScope) -> tuple[Sourced[ProtocolProvider], ...]:
        """Return all protocols, and report tokens that two of them claim."""
        entries: tuple[Sourced[ProtocolProvider], ...] = root.answers.of("provide_protocols")
        alpn = [entry for entry in entries if entry.record.alpn]
        report_duplicates(alpn, lambda record: record.alpn.lower(), "TB416", "alpn token", self.diagnostics)
        upgrade = [entry for entry in entries if entry.record.upgrade]
        report_duplicates(upgrade, lambda record: record.upgrade.lower(), "TB416", "upgrade token", self.diagnostics)
        preface = [entry for entry in entries if entry.record.preface]
        report_duplicates(preface, lambda record: _start_of(record, preface), "TB416", "preface", self.diagnostics)
        return entries

    def commands(self, root: CollectedScope) -> tuple[Sourced[Any], ...]:
        """Return all commands, and report names that two of them claim."""
        entries = root.answers.of("provide_commands")
        report_duplicates(entries, lambda command: command.name, "TB417", "command", self.diagnostics)
        for entry in entries:
            if entry.record.name in BUILTIN_COMMANDS:
                self.diagnostics.add(
                    "TB417",
                    f"command {entry.record.name!r} has the name of a built-in command",
                    entry.origin,
                    Origin(plugin="turnbuckle", location=f"turnbuckle.cli.commands.{entry.record.name}"),
                    why="plugins cannot replace built-in commands, as some of these repair a broken set of plugins",
                    fix="give the command of the plugin another name",
                )
        return entries

    def check_names(self, root: PlannedScope) -> None:
        """Report names that two routes or mounts share; names are looked up in the app as a whole."""
        routes = [planned.route for scope in root.walk() for planned in scope.routes if planned.route.name]
        routes += [planned.route for scope in root.walk() for planned in scope.mounts if planned.route.name]
        entries = [Sourced(route, route.origin or root.origin) for route in routes]
        report_duplicates(entries, lambda route: route.name, "TB420", "route name", self.diagnostics)

    def check_mounts(self, root: PlannedScope) -> None:
        """Report mounts that claim the same requests."""
        check_mounts(root, self.converters, self.diagnostics)

    def scope(self, collected: CollectedScope, around: Inherited | None = None) -> PlannedScope:
        """Return the plan of a scope and of all scopes inside it.

        Args:
            collected: the scope.
            around: what the scope inherits; None for the app itself.
        """
        outer = around or Inherited()
        self.roots.append(collected)
        declaration = collected.declaration
        router = self._router(collected, outer, is_root=around is None)
        entries = [*collected.answers.of("provide_lifespans"), *declaration.lifespans]
        if self.replaced is not None:
            entries = list(self.replaced.lifespans(entries))
        lifespans, resources = order_lifespans(entries, outer.resources, self.diagnostics)
        overrides = OverrideReader(self.values, self.diagnostics)
        inner = self._inherited(collected, outer, resources, router, is_root=around is None)
        options = self._option_reader(collected, outer)
        inner = attrs.evolve(
            inner,
            overrides=overrides.of_scope(outer.overrides, declaration),
            declared=options.declared,
            options=options.of_scope(outer.options, declaration),
        )
        if self.replaced is not None:
            inner = attrs.evolve(inner, parameters=tuple(self.replaced.providers(inner.parameters)))
        if around is not None:
            self._check_app_wide_hooks(collected)
        signatures = SignatureResolver(
            suppliers=Suppliers(providers=inner.parameters, resources=resources),
            schemas=SchemaCompiler(providers=inner.schemas),
            keys=self.keys,
        )
        own = [entry for entry in inner.parameters if entry.origin.plugin == "app" and entry not in outer.parameters]
        check_suppliers(own, signatures, self.diagnostics)
        chains, links = self._chain_planner, inner.middleware
        planner = self._route_planner(inner, overrides, options, signatures)
        planner = attrs.evolve(planner, select=lambda route: chains.selection(collected, links, route))
        routes = tuple(planner.routes(collected, inner.router, inner.overrides, inner.options))
        mount_planner = self._mount_planner(inner, overrides, options, signatures)
        mounts = mount_planner.mounts(declaration.mounts, inner.overrides, inner.options)
        mounts = [attrs.evolve(entry, selection=chains.selection(collected, links, entry.mount)) for entry in mounts]
        check_effects(links, routes, self.diagnostics)
        own_links = links[len(outer.middleware) :]
        return PlannedScope(
            prefix=declaration.prefix,
            host=declaration.host,
            origin=declaration.origin,
            router=router,
            middleware=own_links,
            routes=routes,
            response_types=inner.response_types,
            error_handlers=inner.error_handlers,
            parameters=inner.parameters,
            schemas=inner.schemas,
            lifespans=lifespans,
            signatures=further_signatures(own_links, inner.error_handlers, signatures, self.diagnostics),
            configs={plugin.name: plugin.setup.config for plugin in collected.plugins if plugin.setup is not None},
            chains=chains.provided_in(collected),
            selection=chains.selection(collected, links),
            mounts=tuple(mounts),
            scopes=tuple(self.scope(scope, inner) for scope in collected.scopes),
        )

    def _option_reader(self, collected: CollectedScope, outer: Inherited) -> OptionReader:
        return OptionReader(
            declared=options_declared(outer.declared, collected.plugins, self.diagnostics),
            elsewhere=[
                (name, plugin)
                for scope in self.roots[0].walk()
                for plugin in scope.plugins
                for name in plugin.info.route_options
            ],
            left_out=self.left_out,
            diagnostics=self.diagnostics,
        )

    def _route_planner(
        self, inner: Inherited, overrides: OverrideReader, options: OptionReader, signatures: SignatureResolver
    ) -> RoutePlanner:
        return RoutePlanner(
            builtin=self.builtin,
            converters=self.converters,
            overrides=overrides,
            options=options,
            diagnostics=self.diagnostics,
            root=self.roots[0],
            renderable=[entry.record.type for entry in inner.response_types],
            own_types=[entry.record.type for entry in inner.response_types if entry.origin.plugin not in self.builtin],
            calls=self.calls,
            signatures=signatures,
            guards=inner.guards,
        )

    def _mount_planner(
        self, inner: Inherited, overrides: OverrideReader, options: OptionReader, signatures: SignatureResolver
    ) -> MountPlanner:
        return MountPlanner(
            providers=inner.mounts,
            converters=self.converters,
            overrides=overrides,
            options=options,
            diagnostics=self.diagnostics,
            signatures=signatures,
            guards=inner.guards,
            failed=self.failed,
        )

    def _inherited(
        self,
        collected: CollectedScope,
        outer: Inherited,
        resources: Provided,
        router: Choice[RouterProvider] | None,
        *,
        is_root: bool,
    ) -> Inherited:
        """Return the records that the routes and inner scopes of a scope inherit, except the overrides."""
        answers, declaration = collected.answers, collected.declaration
        tables = ResponseTables(self.builtin, self.diagnostics)
        types = tables.response_types(
            outer.response_types, [*answers.of("provide_response_types"), *declaration.response_types]
        )
        handlers = [*answers.of("provide_error_handlers"), *declaration.error_handlers]
        tables.check_returns(handlers, types)
        found = (provider_of(entry, self.diagnostics) for entry in declaration.suppliers)
        supplied = [entry for entry in found if entry is not None]
        return Inherited(
            middleware=outer.middleware + self._middleware(collected, outer, resources, is_root=is_root),
            response_types=types,
            error_handlers=tables.error_handlers(outer.error_handlers, handlers),
            parameters=tables.parameters(outer.parameters, [*answers.of("provide_parameters"), *supplied]),
            schemas=(*(entry.record for entry in answers.of("provide_schemas")), *outer.schemas),
            guards=outer.guards + declaration.guards,
            mounts=outer.mounts + answers.of("provide_mounts"),
            router=router.origin.plugin if router is not None else outer.router,
            routers=(*answers.of("provide_routers"), *outer.routers),
            resources=resources,
        )

    def _check_app_wide_hooks(self, collected: CollectedScope) -> None:
        for hook, noun in _APP_WIDE_HOOKS.items():
            for entry in collected.answers.of(hook):
                self.diagnostics.add(
                    "TB426",
                    f"{noun} {entry.record.name!r} of plugin {entry.origin.plugin!r} has no effect in a scope",
                    entry.origin,
                    collected.declaration.origin,
                    why=f"{noun}s belong to the app as a whole, not to a scope",
                    fix="enable the plugin for the whole app, beside the scope or instead",
                    level="warning",
                )

    # -- slots

    def _slot(self, kind: str, adapted: AdaptedPart, candidates: Sequence[Sourced[Any]]) -> Slot[Any]:
        passed = adapted.provider
        if adapted.adapter is not None:
            name = getattr(adapted.adapter.ref, "info").name  # noqa: B009  # a plugin, though the record says object
            passed = next((candidate for candidate in candidates if candidate.origin.plugin == name), None)
        requested, requested_by = adapted.name, f"App({kind}={adapted.name!r})"
        if not requested:
            key = "parser.name" if kind == "parser" else kind
            requested = self.settings.parser.name if kind == "parser" else self.settings.router
            requested_by = f"setting {kind} ({self.values[key].source})"
        return Slot(
            kind=kind, key=kind, passed=passed, requested=requested, requested_by=requested_by, builtin=self.builtin
        )

    def _router(self, collected: CollectedScope, outer: Inherited, *, is_root: bool) -> Choice[RouterProvider] | None:
        candidates: Sequence[Sourced[RouterProvider]] = collected.answers.of("provide_routers")
        slot = self._slot("router", collected.router, candidates)
        if is_root:
            return choose(slot, candidates, self.diagnostics)
        name = collected.router.name
        if name and not any(candidate.record.name == name for candidate in candidates):
            # A scope may ask by name for a router that a scope around it has, such as the built-in one.
            candidates = (*candidates, *outer.routers)
        if slot.passed is None and not name:
            # The setting chooses the router of the app. A scope has its own router only if the scope or one of its
            # plugins provides it.
            slot = attrs.evolve(slot, requested="")
        choice = choose(slot, candidates, self.diagnostics) if candidates or slot.passed or slot.requested else None
        if choice is not None and not (collected.declaration.prefix or collected.declaration.host):
            self.diagnostics.add(
                "TB421",
                "a scope with its own router needs a prefix or a host",
                collected.declaration.origin,
                choice.origin,
                why="requests are passed to its router by their path and host",
                fix="give the scope a prefix, or give the router to the app",
            )
            return None
        return choice

    # -- middleware

    def _middleware(
        self, collected: CollectedScope, outer: Inherited, resources: Provided, *, is_root: bool
    ) -> tuple[Sourced[Middleware], ...]:
        links = self._chain_planner.links_of(collected)
        order, source = self.settings.middleware.order, self.values["middleware.order"].source
        ordered = order_middleware(links, order if is_root else (), self.diagnostics, source)
        needs = self._chain_planner.needs
        if self._chain_planner.is_used:
            # Each selection is checked by itself.
            needs.check_resources(ordered, resources.keys())
        else:
            needs.check(outer.middleware, ordered, resources.keys())
        return ordered

    @property
    def _chain_planner(self) -> ChainPlanner:
        if not self.chains:
            self.chains.append(
                ChainPlanner(
                    root=self.roots[0],
                    settings=self.settings,
                    values=self.values,
                    left_out=self.left_out,
                    diagnostics=self.diagnostics,
                )
            )
        return self.chains[0]

    def check_chains(self) -> None:
        """Report removals of middleware without an effect, and chains that nothing chooses."""
        self._chain_planner.check_removals()
        self._chain_planner.check_chosen()


def _start_of(record: ProtocolProvider, entries: Sequence[Sourced[ProtocolProvider]]) -> bytes:
    """Return the shortest preface that the preface of a record begins with: the same bytes must not announce two."""
    return min((entry.record.preface for entry in entries if record.preface.startswith(entry.record.preface)), key=len)
