"""Fill the routers with routes: one router for the app, and one for each scope with its own router.

Resolution fills the routers to find problems of the routes. The first compilation takes these routers over and replaces
the handlers in them by compiled ones; see ``PreparedRouters``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.errors import ConflictingRoute, RouteConflict, RouteError
from turnbuckle.plan import Choice, PlannedRoute, PlannedScope
from turnbuckle.records import RouterProvider
from turnbuckle.routing.converters import Converters
from turnbuckle.routing.hosts import HostRouter, LinkingRouter
from turnbuckle.routing.methods import WEBSOCKET
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.routing.records import Route, Router
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.routing.unreachable import UnreachableRoute
from turnbuckle.runtime.route_lookup import add_default_names, compile_lookup, compile_url_builder
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.runtime.shared_router import SharedRouter
from turnbuckle.setup import Setup
from turnbuckle.startup.model.diagnostics import Diagnostics, format_error
from turnbuckle.startup.plugins.error_hints import explain_error
from turnbuckle.startup.plugins.import_errors import error_location
from turnbuckle.web.request.context import UrlBuilder
from turnbuckle.web.request.request import Request

__all__ = [
    "HandlerOf",
    "MountedRouter",
    "check_reachable",
    "mount_routers",
    "route_lookup",
    "url_builder",
    "websocket_lookup",
]

_MAX_NAMED: Final = 5

_ROUTER_METHODS: Final = ("add", "freeze", "match")

HandlerOf = Callable[[PlannedRoute, PlannedScope], Callable[..., Any]]


@attrs.frozen
class MountedRouter:
    """A router with its routes, and the scope that it serves.

    Attributes:
        scope: the scope that it serves.
        matcher: matches the requests that are passed to it; None for the router of the app.
        router: the router.
        links: names of the routes whose paths the router itself builds.
        websockets: the router of its routes for WebSockets; None if it has none.
    """

    scope: PlannedScope
    matcher: ScopeMatcher | None
    router: Router | HostRouter
    links: frozenset[str] = frozenset()
    websockets: Router | HostRouter | None = None


def mount_routers(
    root: PlannedScope, setup: Setup, handler_of: HandlerOf, diagnostics: Diagnostics
) -> tuple[MountedRouter, ...]:
    """Fill the routers of an app.

    Args:
        root: the app.
        setup: the setup for factories, without the scope.
        handler_of: returns the handler to store for a route.
        diagnostics: where unusable routers and routes are reported.

    Returns:
        The routers, narrower scopes first, the app last.
    """
    mounted = []
    for choice, scopes in _groups(root):
        scope = scopes[0]
        matcher = ScopeMatcher.of(scope.prefix, scope.host, setup.converters) if scope is not root else None
        if scope is not root and matcher is None:
            _report_unmatchable(scope, diagnostics)
            continue
        routes = [(planned, scope) for scope in scopes for planned in scope.routes]
        here = _setup_of(choice, scope, root, setup)
        filler = _RouterFiller(choice, here, handler_of, diagnostics)
        # Routes for WebSockets have their own router, so that HTTP requests never see them, for example in Allow.
        requests = [(planned, inner) for planned, inner in routes if not planned.route.is_websocket]
        sockets = [(planned, inner) for planned, inner in routes if planned.route.is_websocket]
        plain = _make(choice, here, diagnostics)
        router = filler.fill(plain, requests) if plain is not None else None
        if plain is None or router is None:
            continue
        links = {planned.route.name for planned, _ in requests} if isinstance(plain, LinkingRouter) else ()
        websockets = filler.fill(_another(plain, choice, here), sockets) if sockets else None
        mounted.append(MountedRouter(scope, matcher, router, frozenset(links), websockets))
    _check_distinct_scopes(mounted, diagnostics)
    return tuple(sorted(mounted, key=lambda entry: (entry.matcher is None, entry.matcher and entry.matcher.order)))


@attrs.frozen
class _RouterFiller:
    """Fills the routers of one scope.

    Attributes:
        choice: the provider of the routers.
        setup: the setup for their factories.
        handler_of: returns the handler to store for a route.
        diagnostics: where unusable routes are reported.
    """

    choice: Choice[RouterProvider]
    setup: Setup
    handler_of: HandlerOf
    diagnostics: Diagnostics

    def fill(self, plain: Router, routes: Sequence[tuple[PlannedRoute, PlannedScope]]) -> Router | HostRouter | None:
        """Add routes to a router and freeze it; return the router, or None if that failed."""
        has_hosts = any(planned.route.host for planned, _ in routes)
        router = _with_hosts(plain, self.choice, self.setup) if has_hosts else plain
        for planned, scope in routes:
            _add(router, attrs.evolve(planned.route, handler=self.handler_of(planned, scope)), self.diagnostics)
        return router if _freeze(router, self.choice, self.diagnostics) else None


def _another(router: Router, choice: Choice[RouterProvider], setup: Setup) -> Router:
    """Return a second router of the kind of a router."""
    if isinstance(router, SharedRouter):
        # There is only one router object, and it is in use.
        return TreeRouter(converters=setup.converters)
    return choice.provider.factory(setup)


def websocket_lookup(mounted: Sequence[MountedRouter]) -> Callable[[Request], MatchParts] | None:
    """Return the function that finds the handler of a WebSocket, or None if the app has no routes for WebSockets."""
    if not any(entry.websockets for entry in mounted):
        return None
    *inner, main = mounted
    empty = TreeRouter()
    empty.freeze()
    mounts = [(entry.matcher, entry.websockets or empty) for entry in inner if entry.matcher is not None]
    return compile_lookup(main.websockets or empty, mounts, method=WEBSOCKET)


def route_lookup(mounted: Sequence[MountedRouter]) -> Callable[[Request], MatchParts]:
    """Return the function that finds the handler of a request in the routers of an app."""
    *inner, main = mounted
    mounts = [(entry.matcher, entry.router) for entry in inner if entry.matcher is not None]
    return compile_lookup(main.router, mounts)


def url_builder(root: PlannedScope, mounted: Sequence[MountedRouter], converters: Converters) -> UrlBuilder:
    """Return the function that builds the paths of named routes."""
    named, ambiguous = add_default_names(planned.route for scope in root.walk() for planned in scope.routes)
    named += [mount.route for scope in root.walk() for mount in scope.mounts if mount.route.name]
    routers = {name: entry.router for entry in mounted for name in entry.links if name}
    return compile_url_builder(named, routers, converters, ambiguous)


def check_reachable(mounted: Sequence[MountedRouter], diagnostics: Diagnostics) -> None:
    """Report the routes that no request can reach."""
    for entry in mounted:
        routers = (router for router in (entry.router, entry.websockets) if isinstance(router, LinkingRouter))
        for unreachable in [found for router in routers for found in _unreachable_in(entry, router, diagnostics)]:
            diagnostics.add(
                "TB407",
                f"{unreachable.route.describe()} can never be reached",
                *_origins(unreachable.route, *unreachable.by),
                why=f"{_named(unreachable.by)} each of its paths and come{'s' * (len(unreachable.by) == 1)} first, "
                f"for example {unreachable.witness!r}",
                fix="remove it, or make the pattern of another narrower",
                level="warning",
            )


def _setup_of(choice: Choice[RouterProvider], scope: PlannedScope, root: PlannedScope, setup: Setup) -> Setup:
    plugin = choice.origin.plugin
    if plugin == "app":
        return attrs.evolve(setup, scope=scope.prefix)
    config = scope.configs.get(plugin, root.configs.get(plugin))
    return attrs.evolve(setup, scope=scope.prefix, plugin=plugin, config=config)


def _report_unmatchable(scope: PlannedScope, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB421",
        f"a scope at {scope.host}{scope.prefix} cannot have its own router",
        scope.origin,
        why="requests are passed to it by the first segments of their path and by their host, and this prefix or host"
        " cannot be compared with them",
        fix="give the scope a prefix of plain segments and parameters of one segment each, and a valid host",
    )


def _check_distinct_scopes(mounted: Sequence[MountedRouter], diagnostics: Diagnostics) -> None:
    first: dict[object, MountedRouter] = {}
    for entry in mounted:
        key = entry.matcher.key if entry.matcher is not None else None
        if first.setdefault(key, entry) is not entry:
            diagnostics.add(
                "TB421",
                f"two scopes at {entry.scope.host}{entry.scope.prefix} have their own routers",
                entry.scope.origin,
                first[key].scope.origin,
                why="requests are passed to a router by their path and host, so the second router would never be used",
                fix="open one scope with the router, and further scopes inside it",
            )


def _unreachable_in(
    entry: MountedRouter, router: LinkingRouter, diagnostics: Diagnostics
) -> Sequence[UnreachableRoute]:
    try:
        return tuple(router.unreachable_routes())
    except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
        if entry.scope.router is not None:
            _report_broken(entry.scope.router, f"unreachable_routes() failed: {format_error(error)}", diagnostics)
        return ()


def _freeze(router: Router | HostRouter, choice: Choice[RouterProvider], diagnostics: Diagnostics) -> bool:
    try:
        router.freeze()
    except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
        _report_broken(choice, f"freeze() failed: {format_error(error)}", diagnostics)
        return False
    return True


def _report_broken(choice: Choice[RouterProvider], fault: str, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB502",
        f"router {choice.name!r} cannot be used: {fault}",
        choice.origin,
        why="before serving, each router is made, filled, frozen and checked for unreachable routes",
        fix=f'correct {fault.partition(" failed")[0]} of its class ({choice.origin.location}), or write router="tree"',
    )


def _named(routes: Sequence[Route]) -> str:
    """Return the routes as the subject and verb of a sentence; of many routes only the first few."""
    names = [route.describe() for route in routes[:_MAX_NAMED]]
    if len(routes) > len(names):
        names.append(f"{len(routes) - len(names)} more")
    return f"{names[0]} has" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} together have"


def _groups(root: PlannedScope) -> Iterator[tuple[Choice[RouterProvider], list[PlannedScope]]]:
    groups: list[tuple[Choice[RouterProvider], list[PlannedScope]]] = []

    def visit(scope: PlannedScope, group: list[PlannedScope]) -> None:
        if scope.router is not None:
            group = []
            groups.append((scope.router, group))
        group.append(scope)
        for inner in scope.scopes:
            visit(inner, group)

    visit(root, [])
    yield from groups


def _make(choice: Choice[RouterProvider], setup: Setup, diagnostics: Diagnostics) -> Router | None:
    missing: list[str] = []
    try:
        router = choice.provider.factory(setup)
        missing = [name for name in _ROUTER_METHODS if not callable(getattr(router, name, None))]
        if missing:
            raise TypeError(f"{router!r} has no {', '.join(missing)}")
        return router
    except Exception as error:  # noqa: BLE001  # a foreign factory may raise anything
        diagnostics.add(
            "TB502",
            f"router {choice.name!r} cannot be made: {format_error(error)}",
            choice.origin,
            why="its factory takes the setup, and returns a router with add, freeze and match",
            fix=_fix_of_router(error, missing, choice),
        )
        return None


def _fix_of_router(error: Exception, missing: Sequence[str], choice: Choice[RouterProvider]) -> str:
    if missing:
        methods = {"add": "add(self, route)", "freeze": "freeze(self)", "match": "match(self, request)"}
        return f"define {', '.join(methods[name] for name in missing)} in the class of the router"
    location = error_location(error) or choice.origin.location
    _, fix = explain_error(error, location)
    return f'{fix}, or write router="tree"'


def _with_hosts(router: Router, choice: Choice[RouterProvider], setup: Setup) -> HostRouter:
    if isinstance(router, SharedRouter):
        # There is only one router object, and it serves any host.
        return HostRouter(router, lambda: TreeRouter(converters=setup.converters), setup.converters)
    return HostRouter(router, lambda: choice.provider.factory(setup), setup.converters)


def _add(router: Router | HostRouter, route: Route, diagnostics: Diagnostics) -> None:
    try:
        router.add(route)
    except RouteConflict as conflict:
        if conflict.first.name and conflict.first.name == conflict.second.name:
            # Reported for all routers together (``Resolver.check_names``), because names are looked up in all of them.
            return
        diagnostics.add(
            "TB406",
            str(conflict),
            *_origins(conflict.second, conflict.first),
            why="the answer to a request must not depend on the order of routes",
            fix="change or remove one of them",
        )
    except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
        reason = str(error) if isinstance(error, RouteError) else format_error(error)
        diagnostics.add(
            "TB405",
            f"route {route.path!r} cannot be used: {reason}",
            *_origins(route),
            why="the router rejects it",
            fix=getattr(error, "fix", "") or "correct the route",
        )


def _origins(*routes: ConflictingRoute) -> tuple[Origin, ...]:
    return tuple(route.origin for route in routes if route.origin is not None)
