"""Find the handler of a request in the routers of an app, and build the paths of named routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import Converters
from turnbuckle.routing.hosts import HostRouter, LinkingRouter
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.routing.records import Route, Router
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.web.request.context import UrlBuilder
from turnbuckle.web.request.request import Request

__all__ = ["add_default_names", "compile_lookup", "compile_url_builder", "default_name"]


def compile_lookup(
    router: Router | HostRouter,
    mounts: Sequence[tuple[ScopeMatcher, Router | HostRouter]] = (),
    *,
    method: str = "",
) -> Callable[[Request], MatchParts]:
    """Return the function that finds the handler of a request, with its path parameters and its route.

    Args:
        router: the router of the app.
        mounts: the scopes that have their own router, with that router. Only the router of the first scope that
            contains the request is searched.
        method: the method to look up; "" for the method of the request.
    """
    find = _lookup_in(router, method)
    if not mounts:
        return find
    scopes = tuple((matcher.read, _lookup_in(mounted, method)) for matcher, mounted in mounts)

    def find_by_scope(request: Request) -> MatchParts:
        for read, find_in in scopes:
            if read(request) is not None:
                return find_in(request)
        return find(request)

    return find_by_scope


def _lookup_in(router: Router | HostRouter, method: str) -> Callable[[Request], MatchParts]:
    if isinstance(router, TreeRouter):
        find = router.find
        if method:
            return lambda request: find(method, request.raw_path)
        return lambda request: find(request.method, request.raw_path)
    match_host = router.match_host if isinstance(router, HostRouter) else None
    match = router.match

    def find_match(request: Request) -> MatchParts:
        if match_host is not None:
            found = match_host(method or request.method, request.raw_path, request.host)
        else:
            found = match(method or request.method, request.raw_path)
        return found.handler, found.path_params, found.route

    return find_match


def default_name(route: Route) -> str:
    """Return the name of a route without its own name: the name of its handler; "" if the handler has none."""
    name = str(getattr(route.handler, "__name__", ""))
    return name if name.isidentifier() else ""


def add_default_names(routes: Iterable[Route]) -> tuple[list[Route], dict[str, list[Route]]]:
    """Return the routes that have a name, and the routes that share a default name, by that name.

    Explicit names take precedence over default names, and routes of the app over routes of plugins. Routes that share
    their path also share its name.
    """
    routes = list(routes)
    named = [route for route in routes if route.name]
    taken = {route.name for route in named}
    unnamed: dict[str, list[Route]] = {}
    for route in routes:
        if not route.name and (name := default_name(route)) and name not in taken:
            unnamed.setdefault(name, []).append(route)
    ambiguous: dict[str, list[Route]] = {}
    for name, candidates in unnamed.items():
        own = [route for route in candidates if route.origin is None or route.origin.plugin == "app"] or candidates
        if len({(route.host, route.path) for route in own}) > 1:
            ambiguous[name] = own
        else:
            named.append(attrs.evolve(own[0], name=name))
    return named, ambiguous


def compile_url_builder(
    named: Iterable[Route],
    routers: Mapping[str, Router | HostRouter],
    converters: Converters,
    ambiguous: Mapping[str, Sequence[Route]] = MappingProxyType({}),
) -> UrlBuilder:
    """Return the function that builds the paths of named routes.

    Args:
        named: the routes that have a name.
        routers: the router that builds the path of a route itself, by the route's name. Paths of other routes are built
            as the tree router builds them.
        converters: the converters that patterns may name.
        ambiguous: the routes that share a default name, by that name.
    """
    links = HostRouter(TreeRouter(converters=converters), lambda: TreeRouter(converters=converters), converters)
    unreadable: set[str] = set()
    named = list(named)
    for number, route in enumerate(route for route in named if route.name not in routers):
        try:
            # Two routes may share a path and differ in their methods. Only names matter here, so each route gets its
            # own method.
            links.add(attrs.evolve(route, methods=[f"LINK{number}"]))
        except RouteError:
            unreadable.add(route.name)

    def url_for(name: str, /, **params: object) -> str:
        router = routers.get(name)
        if isinstance(router, LinkingRouter):
            return router.url_for(name, **params)
        if name in ambiguous:
            routes = " and ".join(route.describe() for route in ambiguous[name])
            raise RouteError(f"{routes} have the handler name {name!r}; give each its own name=")
        if name in unreadable:
            raise RouteError(f"the router of route {name!r} does not build paths")
        return links.url_for(name, **params)

    queries = {route.name: route.url_query for route in named if route.url_query is not None}
    return _with_queries(url_for, queries) if queries else url_for


def _with_queries(url_for: UrlBuilder, queries: Mapping[str, Callable[[Mapping[str, object]], str]]) -> UrlBuilder:
    """Return a function that also adds the queries of routes that have some."""

    def url_with_query(name: str, /, **params: object) -> str:
        path = url_for(name, **params)
        query = queries[name](params) if name in queries else ""
        return f"{path}?{query}" if query else path

    return url_with_query
