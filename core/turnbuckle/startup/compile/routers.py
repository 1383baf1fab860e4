"""Fill routers with routes: one for the app, one for each scope that has a router of its own.

Resolution fills them to find what is wrong with the routes. The first compilation takes these routers over and replaces
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
from turnbuckle.routing.records import Match, Route, Router
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.routing.unreachable import UnreachableRoute
from turnbuckle.runtime.route_lookup import compile_lookup, compile_url_builder
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.runtime.shared_router import SharedRouter
from turnbuckle.setup import Setup
from turnbuckle.startup.model.diagnostics import Diagnostics, format_error
from turnbuckle.web.request.request import Request, UrlBuilder

__all__ = ["HandlerOf", "MountedRouter", "build_tables", "check_reach", "route_lookup", "url_builder"]

_MAX_NAMED: Final = 5

_ROUTER_METHODS: Final = ("add", "freeze", "match")

HandlerOf = Callable[[PlannedRoute, PlannedScope], Callable[..., Any]]


@attrs.frozen
class MountedRouter:
    """One router, filled.

    Attributes:
        scope: the scope that it answers for.
        matcher: the requests that are handed to it; None for the router of the app.
        router: the router.
        links: names of the routes whose paths the router itself writes.
    """

    scope: PlannedScope
    matcher: ScopeMatcher | None
    router: Router | HostRouter
    links: frozenset[str] = frozenset()


def build_tables(
    root: PlannedScope, setup: Setup, handler_of: HandlerOf, diagnostics: Diagnostics
) -> tuple[MountedRouter, ...]:
    """Return the routers, that of the app last, those of smaller territories first.

    Args:
        root: the app.
        setup: what factories are given, but for the scope.
        handler_of: gives the handler for a route.
        diagnostics: where routes that cannot be used are noted.
    """
    tables = []
    for choice, scopes in _groups(root):
        scope = scopes[0]
        matcher = ScopeMatcher.of(scope.prefix, scope.host, setup.converters) if scope is not root else None
        if scope is not root and matcher is None:
            _has_no_territory(scope, diagnostics)
            continue
        routes = [(each, scope) for scope in scopes for each in scope.routes]
        here = attrs.evolve(setup, scope=scope.prefix)
        plain = _make(choice, here, diagnostics)
        if plain is None:
            continue
        router = _with_hosts(plain, choice, here) if any(planned.route.host for planned, _ in routes) else plain
        for planned, inner in routes:
            _add(router, attrs.evolve(planned.route, handler=handler_of(planned, inner)), diagnostics)
        if not _freeze(router, choice, diagnostics):
            continue
        links = {planned.route.name for planned, _ in routes} if isinstance(plain, LinkingRouter) else ()
        tables.append(MountedRouter(scope, matcher, router, frozenset(links)))
    _check_apart(tables, diagnostics)
    return tuple(sorted(tables, key=lambda table: (table.matcher is None, table.matcher and table.matcher.order)))


def route_lookup(tables: Sequence[MountedRouter]) -> Callable[[Request], Match]:
    """Return the function that finds the handler of a request in the routers of an app."""
    *mounted, main = tables
    return compile_lookup(
        main.router, [(table.matcher, table.router) for table in mounted if table.matcher is not None]
    )


def url_builder(root: PlannedScope, tables: Sequence[MountedRouter], converters: Converters) -> UrlBuilder:
    """Return the function that builds the paths of named routes."""
    named = [planned.route for scope in root.walk() for planned in scope.routes if planned.route.name]
    return compile_url_builder(named, {name: table.router for table in tables for name in table.links}, converters)


def check_reach(tables: tuple[MountedRouter, ...], diagnostics: Diagnostics) -> None:
    """Note the routes that no request can reach."""
    for table in tables:
        if not isinstance(table.router, LinkingRouter):
            continue
        for unreachable in _unreachable_in(table, table.router, diagnostics):
            diagnostics.add(
                "TB407",
                f"{unreachable.route.describe()} can never be reached",
                *_origins(unreachable.route, *unreachable.by),
                why=f"{_named(unreachable.by)} each of its paths and come{'s' * (len(unreachable.by) == 1)} first, "
                f"for example {unreachable.witness!r}",
                fix="remove it, or make the pattern of another narrower",
                level="warning",
            )


def _has_no_territory(scope: PlannedScope, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB421",
        f"a scope at {scope.host}{scope.prefix} cannot have a router of its own",
        scope.origin,
        why="requests are handed to it by their first segments and their host, which this prefix does not tell",
        fix="give the scope a prefix of plain segments and parameters of one segment each, and a host that can be read",
    )


def _check_apart(tables: Sequence[MountedRouter], diagnostics: Diagnostics) -> None:
    first: dict[object, MountedRouter] = {}
    for table in tables:
        key = table.matcher.key if table.matcher is not None else None
        if first.setdefault(key, table) is not table:
            diagnostics.add(
                "TB421",
                f"two scopes at {table.scope.host}{table.scope.prefix} have routers of their own",
                table.scope.origin,
                first[key].scope.origin,
                why="requests are handed to a router by path and host, and the other one would never be asked",
                fix="open one scope with the router, and further scopes within it",
            )


def _unreachable_in(
    table: MountedRouter, router: LinkingRouter, diagnostics: Diagnostics
) -> Sequence[UnreachableRoute]:
    try:
        return tuple(router.unreachable_routes())
    except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
        if table.scope.router is not None:
            _broken(table.scope.router, f"unreachable_routes() failed: {format_error(error)}", diagnostics)
        return ()


def _freeze(router: Router | HostRouter, choice: Choice[RouterProvider], diagnostics: Diagnostics) -> bool:
    try:
        router.freeze()
    except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
        _broken(choice, f"freeze() failed: {format_error(error)}", diagnostics)
        return False
    return True


def _broken(choice: Choice[RouterProvider], fault: str, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB502",
        f"router {choice.name!r} cannot be used: {fault}",
        choice.origin,
        why="it is made, filled, frozen and asked for unreachable routes before anything is served",
        fix="correct it, or choose another router",
    )


def _named(routes: Sequence[Route]) -> str:
    """Return the routes as the subject of a sentence; of very many only the first few."""
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
            fix="correct its factory, or choose another router",
        )
        return None


def _with_hosts(router: Router, choice: Choice[RouterProvider], setup: Setup) -> HostRouter:
    if isinstance(router, SharedRouter):
        # There is one object only, and it answers for any host.
        return HostRouter(router, lambda: TreeRouter(converters=setup.converters), setup.converters)
    return HostRouter(router, lambda: choice.provider.factory(setup), setup.converters)


def _add(router: Router | HostRouter, route: Route, diagnostics: Diagnostics) -> None:
    try:
        router.add(route)
    except RouteConflict as conflict:
        if conflict.first.name and conflict.first.name == conflict.second.name:
            # Told for all routers together, as names are looked up in all of them.
            return
        diagnostics.add(
            "TB406",
            str(conflict),
            *_origins(conflict.second, conflict.first),
            why="which of them answers must not depend on their order",
            fix="change or remove one of them",
        )
    except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
        reason = str(error) if isinstance(error, RouteError) else format_error(error)
        diagnostics.add(
            "TB405",
            f"route {route.path!r} cannot be used: {reason}",
            *_origins(route),
            why="the router that is in use refuses it",
            fix="correct the route",
        )


def _origins(*routes: ConflictingRoute) -> tuple[Origin, ...]:
    return tuple(route.origin for route in routes if route.origin is not None)
