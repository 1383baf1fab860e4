"""Find the route of a request before it is dispatched, and keep the result for the dispatch.

Middleware of the app runs before the dispatch. ``request.find_route()`` looks the route up there; the dispatch uses the
result again, unless middleware has changed the request in between. The dispatch of a request that was not looked up
only reads one attribute more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias, final

import attrs

from turnbuckle.http.events import RequestHead
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.routing.records import Route
from turnbuckle.runtime.upgrade import offered_protocols
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.context import UrlBuilder
from turnbuckle.web.request.request import Request

__all__ = ["FoundRoute", "compile_find_route", "find_again"]

FindParts: TypeAlias = Callable[[Request], MatchParts]

_WEBSOCKET = "websocket"


@final
@attrs.define(eq=False)
class FoundRoute:
    """The result of a lookup, with everything that it depends on.

    Attributes:
        find: the function that found it.
        head: the head of the request at that time.
        method: its method.
        target: its target.
        peer: the peer of the request, which may have its host.
        parts: the handler, its path parameters and its route; None if there is none.
        error: the exception of the router; None if it found a handler.
    """

    find: FindParts
    head: RequestHead
    method: bytes
    target: bytes
    peer: Peer
    parts: MatchParts | None = None
    error: Exception | None = None

    def is_for(self, request: Request, find: FindParts) -> bool:
        """Return whether another lookup with a function would have the same result."""
        head = request.head
        return (
            self.find is find
            and self.head is head
            and self.method == head.method
            and self.target == head.target
            and self.peer is request.peer
        )


def _found_before(request: Request, find: FindParts) -> FoundRoute | None:
    # Few requests have it. Initializing the slot would cost time on every request.
    found: FoundRoute | None = getattr(request, "found_route", None)
    return found if found is not None and found.is_for(request, find) else None


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
    url_for: UrlBuilder,
    find_websocket: FindParts | None = None,
    upgrades: Collection[str] = (),
) -> Callable[[Request], Route | None]:
    """Return the function that finds the route that a request will be dispatched to.

    Args:
        find: finds the handler of a request.
        url_for: builds the paths of named routes.
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
        # From now on, the dispatch looks for the result.
        request.url_builder = url_for
        if find_websocket is not None and _offers_websocket(request, upgrades):
            found = lookup(request, find_websocket)
            if found.parts is not None:
                return _route_of(found.parts)
        parts = lookup(request, find).parts
        return None if parts is None else _route_of(parts)

    return find_route


def _offers_websocket(request: Request, upgrades: Collection[str]) -> bool:
    upgrade = request.head.upgrade
    return bool(upgrade) and _WEBSOCKET in upgrades and _WEBSOCKET in offered_protocols(upgrade)


def _route_of(parts: MatchParts) -> Route | None:
    endpoint, _, found = parts
    # The handler of a route is compiled, with the route as it was declared.
    route: Route | None = getattr(endpoint, "route", found)
    return route
