"""Find the route of a request before it is dispatched, and keep the result for the dispatch.

Middleware of the app runs before the dispatch. ``request.find_route()`` looks the route up there; the dispatch uses the
result again, unless middleware has changed the request in between. The dispatch of a request that was not looked up
only reads one attribute more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from turnbuckle.routing.nodes import MatchParts
from turnbuckle.routing.records import Route
from turnbuckle.runtime.upgrade import offered_protocols
from turnbuckle.web.request.found_route import FindParts, FoundRoute
from turnbuckle.web.request.request import Request

__all__ = ["compile_find_route", "find_again", "route_of"]

_WEBSOCKET: Final = "websocket"


def _found_before(request: Request, find: FindParts) -> FoundRoute | None:
    found = request.found_route
    return found if found is not None and found.is_for(request.head, request.peer, find) else None


def find_again(request: Request, find: FindParts) -> MatchParts:
    """Return the handler of a request that may have been looked up before, with its path parameters and its route.

    Raises:
        Exception: the exception of the router.
    """
    found = _found_before(request, find)
    if found is None:
        return find(request)
    if found.parts is None:
        assert found.error is not None
        raise found.error
    return found.parts


def compile_find_route(
    find: FindParts,
    find_websocket: FindParts | None = None,
    upgrades: Collection[str] = (),
) -> Callable[[Request], Route | None]:
    """Return the function that finds the route that a request will be dispatched to.

    Args:
        find: finds the handler of a request.
        find_websocket: finds the handler of a WebSocket; None if the app has none.
        upgrades: the protocols that a request may switch to, in lower case.
    """

    def lookup(request: Request, find: FindParts) -> FoundRoute:
        found = _found_before(request, find)
        if found is not None:
            return found
        head = request.head
        found = FoundRoute(find, head, head.method, head.target, request.peer)
        try:
            found.parts = find(request)
        except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
            found.error = error
        request.found_route = found
        return found

    def find_route(request: Request) -> Route | None:
        if find_websocket is not None and _offers_websocket(request, upgrades):
            found = lookup(request, find_websocket)
            if found.parts is not None:
                return route_of(found.parts)
        parts = lookup(request, find).parts
        return None if parts is None else route_of(parts)

    return find_route


def _offers_websocket(request: Request, upgrades: Collection[str]) -> bool:
    upgrade = request.head.upgrade
    return bool(upgrade) and _WEBSOCKET in upgrades and _WEBSOCKET in offered_protocols(upgrade)


def route_of(parts: MatchParts) -> Route | None:
    """Return the route of a found handler; None if the router does not know it."""
    endpoint, _, found = parts
    # The handler of a route is compiled, with the route as it was declared.
    route = getattr(endpoint, "route", None)
    return route if isinstance(route, Route) else found
