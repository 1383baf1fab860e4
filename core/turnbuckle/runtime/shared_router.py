"""Wrap a router object that was passed to an app, so that it can serve several resolutions of the app.

A router takes each route once and is frozen afterwards, but an app may be resolved several times, each time with new
compiled handlers. So the router stores cells as handlers, and each resolution changes the content of the cells.
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
    """Return a router with the abilities of the router that was passed, for several resolutions."""
    return SharedLinkingRouter(router) if isinstance(router, LinkingRouter) else SharedRouter(router)


@final
@attrs.define(eq=False)
class _Cell:
    """The object that the router stores as the handler of a route."""

    route: Route

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call the current handler of the cell."""
        return self.route.handler(*args, **kwargs)


class SharedRouter:
    """Wraps a router that was passed to an app.

    Args:
        router: the router. It may have its own routes; their handlers are called like all others.
    """

    def __init__(self, router: Router) -> None:
        self.name: Final = type(router).__name__
        self._router: Final = router
        self._cells: Final[dict[Route, _Cell]] = {}
        self._added: set[Route] = set()
        self._foreign: Final[dict[Callable[..., object], Callable[..., object]]] = {}
        self._is_frozen = False

    def begin(self) -> SharedRouter:
        """Begin another resolution."""
        self._added = set()
        return self

    def add(self, route: Route, /) -> None:
        """Add a route, or replace the handler of a route that an earlier resolution added."""
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
        """Freeze the router, in the first resolution only."""
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
    """Wraps a router that can also build paths and list unreachable routes."""

    def __init__(self, router: LinkingRouter) -> None:
        super().__init__(router)
        self._linking: Final = router

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route."""
        return self._linking.url_for(name, **params)

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """Return the routes that no request can reach."""
        return tuple(
            attrs.evolve(unreachable, route=_route_of(unreachable.route), by=tuple(map(_route_of, unreachable.by)))
            for unreachable in self._linking.unreachable_routes()
        )


def _route_of(route: Route) -> Route:
    return route.handler.route if isinstance(route.handler, _Cell) else route


def _no_handler() -> None:
    """Placeholder for the handler when routes are compared without it."""
