"""Let one router object, passed to an app by value, serve one resolution after another.

A router takes each route once and then is frozen; an app may be resolved several times, each time with new compiled
handlers. So the object is given cells that stay, and what is in a cell changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

import attrs

from turnbuckle.routing.hosts import LinkingRouter
from turnbuckle.routing.records import Match, Route, Router
from turnbuckle.routing.unreachable import UnreachableRoute
from turnbuckle.web.handlers import bind_handler

__all__ = ["SharedLinkingRouter", "SharedRouter", "share"]


def share(router: Router) -> SharedRouter:
    """Return a router around one that was passed by value, which can do what that one can."""
    return SharedLinkingRouter(router) if isinstance(router, LinkingRouter) else SharedRouter(router)


@final
@attrs.define(eq=False)
class _Cell:
    """What the router holds in place of a handler."""

    route: Route

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call the handler that is in the cell now."""
        return self.route.handler(*args, **kwargs)


class SharedRouter:
    """A router around one that was passed by value.

    Args:
        router: what was passed; it may hold routes of its own, whose handlers are called as any other.
    """

    def __init__(self, router: Router) -> None:
        self.name: Final = type(router).__name__
        self._router: Final = router
        self._cells: Final[dict[Route, _Cell]] = {}
        self._added: set[Route] = set()
        self._foreign: Final[dict[Callable[..., object], Callable[..., object]]] = {}
        self._is_frozen = False

    def begin(self) -> SharedRouter:
        """Take the routes of one more resolution."""
        self._added = set()
        return self

    def add(self, route: Route, /) -> None:
        """Take one more route, or a new handler for one that was taken before."""
        key = attrs.evolve(route, handler=_no_handler)
        cell = self._cells.get(key)
        if cell is not None and key not in self._added:
            cell.route = route
        else:
            cell = _Cell(route)
            self._router.add(attrs.evolve(route, handler=cell))
            self._cells[key] = cell
        self._added.add(key)

    def freeze(self) -> None:
        """Prepare for matching."""
        if not self._is_frozen:
            self._router.freeze()
            self._is_frozen = True

    def match(self, method: str, path: str, /) -> Match:
        """Find the handler for a method and a path."""
        match = self._router.match(method, path)
        if isinstance(match.handler, _Cell):
            route = match.handler.route
            return Match(route.handler, match.path_params, route)
        return Match(self._bound(match.handler), match.path_params, match.route)

    def _bound(self, handler: Callable[..., object]) -> Callable[..., object]:
        bound = self._foreign.get(handler)
        if bound is None:
            bound = self._foreign[handler] = bind_handler(handler)
        return bound


@final
class SharedLinkingRouter(SharedRouter):
    """A router around one that can also write paths and tell which routes are out of reach."""

    def __init__(self, router: LinkingRouter) -> None:
        super().__init__(router)
        self._linking: Final = router

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route."""
        return self._linking.url_for(name, **params)

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """Return the routes that no request can reach."""
        return tuple(
            attrs.evolve(unreachable, route=_uncelled(unreachable.route), by=tuple(map(_uncelled, unreachable.by)))
            for unreachable in self._linking.unreachable_routes()
        )


def _uncelled(route: Route) -> Route:
    return route.handler.route if isinstance(route.handler, _Cell) else route


def _no_handler() -> None:
    """Stand for a handler where only the rest of a route counts."""
