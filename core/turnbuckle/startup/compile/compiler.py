"""Compile a plan into closures: the last stage of the start, after which no hook is called.

Each middleware factory is called once per scope, not once per route. A limiter or a counter in its closure therefore
counts for the whole scope. A chain is composed once for each scope, and a route only stores the chains to run through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from turnbuckle.diagnostics import Diagnostic, Sourced
from turnbuckle.errors import StartupError
from turnbuckle.plan import Plan, PlannedMount, PlannedRoute, PlannedScope, SettingValue
from turnbuckle.records import Lifespan, Middleware, ResponseType
from turnbuckle.routing.methods import REGISTERED_METHODS, WEBSOCKET
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.runtime.dispatch import (
    CompiledRoute,
    Fallback,
    answer_miss,
    checked_async_render,
    checked_render,
    compile_async_endpoint,
    compile_dispatch,
    compile_endpoint,
    compile_entry,
    compile_miss,
    compile_step,
    guard,
    with_json_codec,
)
from turnbuckle.runtime.found_route import compile_find_route
from turnbuckle.runtime.route_limits import with_content_limit, with_overrides
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.runtime.typed_handlers import (
    compile_error_handler,
    compile_typed_handler,
    with_result,
)
from turnbuckle.runtime.upgrade import compile_upgrade
from turnbuckle.runtime.websockets import compile_websocket_handler, for_hosts, ignore_offer
from turnbuckle.server.model.application import Application, ReadyLifespan
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.builtin import BUILTIN_PLUGINS
from turnbuckle.startup.compile.app_values import carries_websockets, opens_contexts, values_of_app
from turnbuckle.startup.compile.chain_guards import ChainGuards
from turnbuckle.startup.compile.components import (
    Components,
    check_factories,
    check_kinds,
    codecs_of,
    json_codec_of,
    loop_factory_of,
    make_others,
    websocket_options_of,
)
from turnbuckle.startup.compile.factories import FactoryFailures
from turnbuckle.startup.compile.lifespans import ready_lifespan
from turnbuckle.startup.compile.middleware_links import place_of_link, with_parameters
from turnbuckle.startup.compile.mounts import (
    AdaptedMount,
    adapt_mounts,
    for_websocket,
    may_have_routes,
    mount_options,
    with_mounts,
)
from turnbuckle.startup.compile.parsers import parser_factory
from turnbuckle.startup.compile.protocols import WEBSOCKET_TOKEN, connection_protocols, upgrade_protocols
from turnbuckle.startup.compile.resolution import Resolution
from turnbuckle.startup.compile.routers import MountedRouter, mount_routers, route_lookup, websocket_lookup
from turnbuckle.startup.compile.scope_chains import ScopeContext, fallback_scopes
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.parameters.results import has_classes
from turnbuckle.startup.plugins.event_loops import noting_event_loops
from turnbuckle.startup.quarantine import plugins_to_quarantine
from turnbuckle.startup.resolve.resources import planned_resources
from turnbuckle.startup.resolve.route_overrides import (
    content_limit_of,
    json_limit_of,
    largest_content,
    own_timeouts,
    timeouts_of,
)
from turnbuckle.startup.settings.checks import secret_texts
from turnbuckle.web.content.codecs import Codecs
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec
from turnbuckle.web.handlers import is_async_function, uncompiled_call
from turnbuckle.web.middleware import compose
from turnbuckle.web.middleware_blame import LinkPlace
from turnbuckle.web.request.context import FindRoute, no_route
from turnbuckle.web.request.request import Request
from turnbuckle.web.resources import Resources
from turnbuckle.web.response.errors import ErrorTable
from turnbuckle.web.response.response_types import (
    Render,
    Renderer,
    compile_renderer,
    with_codecs,
    with_json,
)
from turnbuckle.web.types import Handler
from turnbuckle.web.websocket.options import WebSocketOptions

__all__ = ["compile_application", "compile_resolution"]

_BUILTIN_NAMES: Final = frozenset(plugin.info.name for plugin in BUILTIN_PLUGINS)


def compile_application(resolution: Resolution) -> Application:
    """Return the application that a server runs.

    Raises:
        StartupError: a factory failed.
    """
    return _Compiler(resolution, resolution.plan).application()


def compile_resolution(resolution: Resolution) -> tuple[Resolution, Application]:
    """Compile a resolution, without the optional plugins that fail in this stage.

    Returns:
        The resolution that was compiled in the end, and its application.

    Raises:
        StartupError: a part that is not optional cannot be made.
    """
    while True:
        plan = resolution.plan
        found: list[Diagnostic] = []
        try:
            with noting_event_loops(found):
                compiler = _Compiler(resolution, resolution.plan)
                application = compiler.application()
            found += compiler.diagnostics.others
            shown = attrs.evolve(plan, diagnostics=(*plan.diagnostics, *found))
            return (attrs.evolve(resolution, plan=shown) if found else resolution), application
        except StartupError as error:
            errors = [problem.diagnostic for problem in error.problems]
            more = plugins_to_quarantine(errors, frozenset(plan.settings.plugins.optional), plan.quarantined)
            if not more:
                raise
            resolution = resolution.retry_without(more)


@attrs.define(eq=False)
class _Compiler:
    """Compiles one application."""

    resolution: Resolution
    plan: Plan
    diagnostics: Diagnostics = attrs.field(factory=Diagnostics)
    failures: FactoryFailures = attrs.field(init=False)
    guards: ChainGuards = attrs.field(init=False)
    resources: Resources = attrs.field(init=False)
    components: Components = attrs.field(init=False)
    json: JSONCodec = attrs.field(init=False)
    codecs: Codecs = attrs.field(init=False)
    methods: frozenset[str] = attrs.field(init=False)
    largest_content: int = attrs.field(init=False)
    opens_contexts: bool = attrs.field(init=False)
    websockets: WebSocketOptions = attrs.field(init=False)
    upgrades: frozenset[str] = frozenset()
    find_websocket: Callable[[Request], MatchParts] | None = None
    find_route: FindRoute = no_route
    contexts: dict[int, ScopeContext] = attrs.field(factory=dict)
    mounts: list[AdaptedMount] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.failures = FactoryFailures(self.diagnostics)
        self.guards = ChainGuards(self.plan)
        self.resources = planned_resources(self.plan.root)
        self.methods = REGISTERED_METHODS.union(*(planned.route.methods for planned, _ in self.plan.routes()))
        self.methods -= {WEBSOCKET}
        self.largest_content = largest_content(self.plan)
        self.opens_contexts = opens_contexts(self.plan)
        self.components = Components(self.plan, self._setup(self.plan.root, ""))
        check_factories(self.plan, self.diagnostics)
        self.json = json_codec_of(self.components, self.diagnostics)
        self.codecs = Codecs(self.json, codecs_of(self.components, self.diagnostics))
        self.websockets = websocket_options_of(self.components, self.diagnostics)

    def application(self) -> Application:
        """Compile all parts, then raise all errors together."""
        plan = self.plan
        self._add_contexts(plan.root, None)
        loop = loop_factory_of(self.components, self.diagnostics)
        self.mounts += adapt_mounts(plan, self._setup, self.diagnostics)
        handle = with_json_codec(self._chain(), self.json)
        parser = parser_factory(plan, self.components, self.diagnostics, self.failures.report)
        protocols = tuple(connection_protocols(plan, handle, self._setup_of_app, self.failures.report))
        lifespans = (
            *(self._ready(entry, scope) for scope in plan.root.walk() for entry in scope.lifespans),
            *values_of_app(plan, self.resources),
            *(self._ready(entry, mount.scope) for mount in self.mounts for entry in mount.lifespans),
        )
        make_others(self.components, self.diagnostics)
        check_kinds(self.components, self.diagnostics)
        self.diagnostics.raise_errors()
        return Application(
            handle=handle,
            parser_factory=parser,
            limits=attrs.evolve(plan.settings.limits, content=self.largest_content),
            content_limit=plan.settings.limits.content,
            forms=plan.settings.forms,
            timeouts=plan.settings.timeouts,
            own_timeouts=own_timeouts(plan),
            capacity=plan.settings.capacity,
            threads=plan.settings.server.threads,
            lifespans=lifespans,
            resources=self.resources,
            json=self.json,
            codecs=self.codecs.others,
            config=plan.config,
            find_route=self.find_route,
            url_for=self.resolution.url_for,
            alpn={record.alpn: protocol for record, protocol in protocols if record.alpn},
            prefaces={record.preface: protocol for record, protocol in protocols if record.preface},
            upgrades=self.upgrades,
            loop_factory=loop,
            access_log=plan.settings.log.access,
            log_queries=plan.settings.log.queries,
            secrets=secret_texts(plan.setting_values.values()),
            cancel_on_disconnect=plan.settings.server.cancel_on_disconnect,
            watchdog=plan.settings.server.watchdog,
        )

    # -- scopes

    def _add_contexts(self, scope: PlannedScope, outer: ScopeContext | None) -> None:
        render, errors = self._tables_of(scope, outer)
        chains: tuple[Handler, ...] = ()
        if outer is not None:
            # The chain of the app itself is around the dispatch to all routes, so routes do not enter it.
            chains = outer.chains
            if scope.middleware:
                is_inner = bool(chains or self.plan.root.middleware)
                chains += (self._chain_of(scope, compile_step(len(chains) + 1), errors, is_inner=is_inner),)
        # With codecs, dicts and lists are encoded in the format that the request accepts.
        is_async = bool(self.codecs.others) or any(
            is_async_function(entry.record.render) for entry in scope.response_types
        )
        context = ScopeContext(scope, render, errors, chains, is_async)
        self.contexts[id(scope)] = context
        for inner in scope.scopes:
            self._add_contexts(inner, context)

    def _tables_of(self, scope: PlannedScope, outer: ScopeContext | None) -> tuple[Renderer, ErrorTable]:
        if outer is not None and scope.response_types == outer.scope.response_types:
            render = outer.render
            if scope.error_handlers == outer.scope.error_handlers and not scope.signatures.keys() & {
                id(entry.record.handler) for entry in scope.error_handlers
            }:
                return render, outer.errors
        else:
            render = compile_renderer({entry.record.type: self._render_of(entry) for entry in scope.response_types})
        handlers = {}
        for entry in scope.error_handlers:
            handler, signature = entry.record.handler, scope.signatures.get(id(entry.record.handler))
            handlers[entry.record.exception] = compile_error_handler(handler, signature) if signature else handler
        return render, ErrorTable(handlers, self.plan.settings.debug, render=render)

    def _render_of(self, entry: Sourced[ResponseType]) -> Render:
        record = entry.record
        render: Callable[..., Any] = record.render
        if is_async_function(render):
            return checked_async_render(render, record.type)
        if entry.origin.plugin not in _BUILTIN_NAMES:
            return checked_render(render, record.type)
        if self.codecs.others:
            return with_codecs(render, self.codecs)
        return render if self.json is STANDARD_JSON else with_json(render, self.json)

    def _setup(self, scope: PlannedScope, plugin: str) -> Setup:
        return Setup(
            settings=self.plan.settings,
            config=scope.configs.get(plugin) if plugin not in ("", "app") else self.plan.config,
            plugin=plugin or "app",
            app_name=self.plan.app_name,
            debug=self.plan.settings.debug,
            scope=scope.prefix,
            converters=self.plan.converters,
            components=self._component,
            resources=self.resources,
        )

    def _ready(self, entry: Sourced[Lifespan], scope: PlannedScope) -> ReadyLifespan:
        return ready_lifespan(entry, self._setup(scope, entry.origin.plugin), self.diagnostics)

    def _component(self, kind: str) -> object:
        return self.components.get(kind)

    # -- middleware and routes

    def _chain(self) -> Handler:
        root = self.contexts[id(self.plan.root)]
        mounted = self._mounted_routers()
        self.find_websocket = websocket_lookup(mounted) if carries_websockets(self.plan) else None
        # If a router could not be made, the error stops the start before a handler is called.
        find = self._lookup(mounted) if mounted else None
        dispatch = self._answer_miss(root) if find is None else self._dispatch(find, root)
        find_websocket = self._websocket_lookup(mounted)
        websockets = self._websockets(find_websocket, dispatch, root)
        dispatch = self._with_upgrades(dispatch, websockets, root.errors)
        if find is not None:
            self.find_route = compile_find_route(find, find_websocket, self.upgrades)
            self.guards.use_lookup(self.find_route, find)
        is_bare = not self.plan.root.middleware
        return dispatch if is_bare else self._chain_of(self.plan.root, dispatch, root.errors, is_inner=False)

    def _mounted_routers(self) -> tuple[MountedRouter, ...]:
        mounted = self.resolution.routers.take(self._call, self.plan.routes())
        if mounted is None:
            setup = self._setup(self.plan.root, "")
            mounted = mount_routers(self.plan.root, setup, self._compiled_route, self.diagnostics)
        return mounted

    def _chain_of(self, scope: PlannedScope, innermost: Handler, errors: ErrorTable, *, is_inner: bool) -> Handler:
        handler, places = innermost, list[LinkPlace]()
        for group in reversed(self.guards.groups(scope)):
            next_handler = handler
            for link in reversed(group.links):
                handler = self._linked(scope, link, handler, places)
            if group.is_guarded and handler is not next_handler:
                handler = self.guards.guard(group, handler, next_handler, is_root=scope is self.plan.root)
        # Only the outermost chain of a request leaves contexts, because others may keep responses for it.
        leaves = self.opens_contexts and not is_inner
        return guard(handler, errors, self.plan.app_name, places[::-1], leaves_contexts=leaves)

    def _linked(
        self, scope: PlannedScope, link: Sourced[Middleware], handler: Handler, places: list[LinkPlace]
    ) -> Handler:
        """Wrap a handler in a middleware, and add the place of the middleware."""
        try:
            record = with_parameters(link.record, scope)
            outer = compose([(record, self._setup(scope, link.origin.plugin))], handler)
        except Exception as error:  # noqa: BLE001  # a factory may raise anything
            self.failures.report("TB501", f"middleware {link.record.name!r}", link.origin, error)
            return handler
        # A factory that returns the next handler itself takes no part.
        places += [place_of_link(link, outer)] if outer is not handler else []
        return outer

    def _websocket_lookup(self, mounted: tuple[MountedRouter, ...]) -> Callable[[Request], MatchParts] | None:
        find = websocket_lookup(mounted)
        mounts = [mount for mount in self.mounts if mount.app.websocket is not None]
        return with_mounts(find, self.plan, mounts, self._socket_call) if mounts else find

    def _websockets(
        self, find: Callable[[Request], MatchParts] | None, dispatch: Handler, root: ScopeContext
    ) -> Handler | None:
        """Return the handler for requests of WebSockets, or None if the app has no routes for them."""
        if find is None:
            return None
        # A server may ignore the offer of another protocol (RFC 9110, section 7.8).
        return compile_dispatch(find, ignore_offer(dispatch), root.render, root.errors)

    def _with_upgrades(self, dispatch: Handler, websockets: Handler | None, errors: ErrorTable) -> Handler:
        leaves = self.opens_contexts and not self.plan.root.middleware
        made = upgrade_protocols(self.plan, dispatch, websockets, self._setup_of_app, self.failures.report)
        # Without a plugin for the protocol, an ASGI host carries WebSockets.
        protocols = {} if websockets is None else {WEBSOCKET_TOKEN: for_hosts(websockets, dispatch)}
        protocols = {token: guard(handler, errors, self.plan.app_name) for token, handler in protocols.items()}
        for token, handler in made:
            protocols[token] = guard(handler, errors, self.plan.app_name, leaves_contexts=leaves)
        self.upgrades = frozenset(protocols)
        return compile_upgrade(protocols, dispatch) if protocols else dispatch

    def _setup_of_app(self, plugin: str) -> Setup:
        return self._setup(self.plan.root, plugin)

    def _dispatch(self, find: Callable[[Request], MatchParts], root: ScopeContext) -> Handler:
        scopes = fallback_scopes(self.plan.root, self.plan.converters)
        fallbacks = [self._fallback(matcher, chain[-1]) for matcher, chain in scopes]
        miss = guard(compile_miss(fallbacks, self._answer_miss(root)), root.errors, self.plan.app_name)
        return compile_dispatch(find, miss, root.render, root.errors)

    def _lookup(self, mounted: tuple[MountedRouter, ...]) -> Callable[[Request], MatchParts]:
        find = route_lookup(mounted)
        if not self.mounts:
            return find
        return with_mounts(find if may_have_routes(self.plan) else None, self.plan, self.mounts, self._mount_call)

    def _mount_call(self, mount: AdaptedMount) -> Callable[..., Any]:
        planned, context = mount.planned, self.contexts[id(mount.scope)]
        call: Callable[..., Any] = mount.app.handler
        if planned.signature.guards:
            call = compile_typed_handler(call, planned.signature, context.render)
        return self._in_scope(call, planned, context)

    def _socket_call(self, mount: AdaptedMount) -> Callable[..., Any]:
        handler, planned = mount.app.websocket, mount.planned
        assert handler is not None
        call = compile_websocket_handler(handler, for_websocket(planned), mount_options(self.plan, self.websockets))
        return self._in_scope(call, planned, self.contexts[id(mount.scope)])

    def _fallback(self, matcher: ScopeMatcher, scope: PlannedScope) -> Fallback:
        context = self.contexts[id(scope)]
        links = self.guards.entry_decisions(scope.selection)
        return Fallback(matcher.read, compile_entry(context.chains, self._answer_miss(context), links))

    def _answer_miss(self, context: ScopeContext) -> Handler:
        return answer_miss(context.errors, self.methods, self.find_websocket)

    def _compiled_route(self, planned: PlannedRoute, scope: PlannedScope) -> CompiledRoute:
        return CompiledRoute(planned.route, self._call(planned, scope))

    def _call(self, planned: PlannedRoute, scope: PlannedScope) -> Callable[..., Any]:
        context = self.contexts[id(scope)]
        return self._in_scope(self._handler_call(planned, context), planned, context)

    def _in_scope(
        self, call: Callable[..., Any], planned: PlannedRoute | PlannedMount, context: ScopeContext
    ) -> Callable[..., Any]:
        """Return a call within the limits, middleware and error handlers of its route and scope."""
        route, overrides = planned.route, planned.overrides
        links = self.guards.entry_decisions(planned.selection)
        root = self.contexts[id(self.plan.root)]
        content = self._content_limit(overrides)
        call = with_content_limit(call, content)
        if context.is_async:
            endpoint = compile_async_endpoint(route, call, context.render, context.errors)
            call = compile_entry(context.chains, endpoint, links)
        elif context.chains or context.render is not root.render or context.errors is not root.errors:
            endpoint = compile_endpoint(route, call, context.render, context.errors)
            call = compile_entry(context.chains, endpoint, links)
        timeouts = timeouts_of(self.plan.settings, overrides)
        own = None if timeouts is self.plan.settings.timeouts else timeouts
        return with_overrides(call, content, own, json_limit_of(overrides))

    def _handler_call(self, planned: PlannedRoute, context: ScopeContext) -> Callable[..., Any]:
        """Return the call of a handler; one that only takes the request costs nothing more."""
        call, handler, signature = self.resolution.routers.bound(planned), planned.route.handler, planned.signature
        result = signature.result
        has_own_json = self.json is not STANDARD_JSON
        if has_own_json and result.schema is not None and not has_classes(result.annotation):
            # The codec of the app decides about plain data, such as NaN.
            signature = attrs.evolve(signature, result=attrs.evolve(result, schema=None))
        negotiated = has_own_json or bool(self.codecs.others)
        if planned.route.is_websocket:
            return compile_websocket_handler(handler, signature, self.websockets)
        if call is uncompiled_call:
            return compile_typed_handler(handler, signature, context.render, is_negotiated=negotiated)
        return with_result(call, handler, signature.result, context.render, is_negotiated=negotiated)

    def _content_limit(self, overrides: Mapping[str, SettingValue]) -> int | None:
        # If no route allows more content than the settings, the connection has already rejected larger content.
        default = self.plan.settings.limits.content
        limit = content_limit_of(self.plan.settings, overrides)
        return None if limit == default == self.largest_content else limit
