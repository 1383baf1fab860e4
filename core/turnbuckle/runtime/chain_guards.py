"""Compile the guards of middleware that not all requests of an app run through.

Theory of operation: all middleware of an app is composed once, in one order. Neighbouring middleware that the same
requests run through is a group. A group that some requests do not run through has a guard, which passes such requests
on to the next handler. The guards of the app itself run before the dispatch, so the first of them looks up the route;
the others, and the dispatch, use the result again. If middleware in between changes the request, the next guard looks
again: each guard decides by the request that it passes on. The guards of scopes run after the dispatch, and each route
has their decisions.

A request without a route runs through the middleware of the narrowest scope around its path. If routes with other
methods have the path, as for 405 and OPTIONS, it runs through their middleware.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs

from turnbuckle.errors import MethodNotAllowed
from turnbuckle.routing.records import Route
from turnbuckle.runtime.found_route import route_of
from turnbuckle.web.request.found_route import FindParts, FoundRoute
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

__all__ = ["Select", "compile_chain_guard", "compile_scope_guard", "compile_select", "routes_with_other_methods"]

Select = Callable[[Request], FoundRoute]
"""Looks up the route of a request, and decides which groups of middleware the request runs through."""


def compile_chain_guard(number: int, select: Select, handler: Handler, next_handler: Handler) -> Handler:
    """Return the guard of a group of middleware of the app.

    Args:
        number: number of the group.
        select: decides for requests that have no decision yet.
        handler: the outermost middleware of the group.
        next_handler: the handler inside of the group.
    """

    def guarded(request: Request) -> Awaitable[Response]:
        found, head = request.found_route, request.head
        if (
            found is None
            or found.links is None
            or found.head is not head
            or found.method is not head.method
            or found.target is not head.target
            or found.peer is not request.peer
        ):
            found = select(request)
        assert found.links is not None
        return (handler if found.links[number] else next_handler)(request)

    return guarded


def compile_scope_guard(number: int, handler: Handler, next_handler: Handler) -> Handler:
    """Return the guard of a group of middleware of a scope; the decision is set when the scope is entered."""
    return lambda request: (handler if request.links[number] else next_handler)(request)


def compile_select(
    find_route: Callable[[Request], Route | None],
    routes: Mapping[int, Sequence[bool]],
    scopes: Sequence[tuple[Callable[[Request], object], Sequence[bool]]],
    default: Sequence[bool],
    find: FindParts,
) -> Select:
    """Return the function that decides which groups of middleware a request runs through.

    Args:
        find_route: finds the route that a request will be dispatched to.
        routes: the decisions for routes and mounts, by the ``id`` of the route.
        scopes: for scopes, narrower ones first: a function that returns None for a request outside, and the decisions.
        default: the decisions for all other requests.
        find: finds the handler of a request.
    """

    def select(request: Request) -> FoundRoute:
        route = find_route(request)
        found = request.found_route
        assert found is not None
        links = routes.get(id(route))
        found.links = links if links is not None else without_route(request, found.error)
        return found

    def without_route(request: Request, error: Exception | None) -> Sequence[bool]:
        if isinstance(error, MethodNotAllowed):
            others = routes_with_other_methods(request, error, find)
            decisions = [routes[id(route)] for route in others if id(route) in routes]
            if decisions and all(decision == decisions[0] for decision in decisions):
                return decisions[0]
        return next((links for read, links in scopes if read(request) is not None), default)

    return select


def routes_with_other_methods(request: Request, error: MethodNotAllowed, find: FindParts) -> list[Route]:
    """Return the routes that have the path of a request, and other methods.

    A preflight request of CORS names the method that it asks for; then it is the route of this method.

    Args:
        request: the request.
        error: the exception of the router.
        find: finds the handler of a request, or raises an exception.
    """
    asked = request.headers.get("access-control-request-method", "") if request.method == "OPTIONS" else ""
    methods = [asked] if asked in error.allowed else list(error.allowed)
    found: list[Route] = []
    for method in methods:
        other = Request(attrs.evolve(request.head, method=method.encode("latin-1")), None, request.peer)
        try:
            route = route_of(find(other))
        except Exception:  # noqa: BLE001  # a router of a plugin may raise anything; OPTIONS and HEAD may have no route
            continue
        if route is not None and not any(route is before for before in found):
            found.append(route)
    return found
