"""Carry a plan from resolution to compilation, with the parts of an app that are no data: routers and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, final

import attrs

from turnbuckle.diagnostics import Diagnostic
from turnbuckle.plan import Plan, PlannedRoute, PlannedScope
from turnbuckle.runtime.dispatch import CompiledRoute
from turnbuckle.setup import Setup
from turnbuckle.startup.compile.routers import HandlerOf, MountedRouter, mount_routers
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.web.handlers import BoundHandler
from turnbuckle.web.request.context import UrlBuilder

__all__ = ["PreparedRouters", "Resolution"]


@final
class PreparedRouters:
    """The routers of an app, filled while it is resolved with routes whose handlers are not compiled yet.

    The first compilation takes the routers. Each further compilation of the same plan builds its own.

    Args:
        calls: the bound handlers, by the ``id`` of their ``PlannedRoute``.
    """

    def __init__(self, calls: Mapping[int, BoundHandler]) -> None:
        self._calls: Final = calls
        self._routers: tuple[MountedRouter, ...] | None = None
        self._routes: Final[dict[int, CompiledRoute]] = {}

    def prepare(self, root: PlannedScope, setup: Setup, diagnostics: Diagnostics) -> tuple[MountedRouter, ...]:
        """Fill the routers; ``mount_routers`` describes the arguments."""
        self._routers = mount_routers(root, setup, self._uncompiled, diagnostics)
        return self._routers

    def take(
        self, call_of: HandlerOf, routes: Iterable[tuple[PlannedRoute, PlannedScope]]
    ) -> tuple[MountedRouter, ...] | None:
        """Return the routers with compiled handlers, or None if an earlier compilation has taken them."""
        routers, self._routers = self._routers, None
        if routers is not None:
            for planned, scope in routes:
                self._routes[id(planned)].call = call_of(planned, scope)
        return routers

    def bound(self, planned: PlannedRoute) -> BoundHandler:
        """Return the function that calls the handler of a route with the arguments that the handler takes."""
        return self._calls[id(planned)]

    def _uncompiled(self, planned: PlannedRoute, scope: PlannedScope) -> CompiledRoute:
        route = self._routes[id(planned)] = CompiledRoute(planned.route, self.bound(planned))
        return route


@attrs.frozen(kw_only=True, eq=False)
class Resolution:
    """The result of resolving an app: the plan, which is data, and everything that is not.

    Attributes:
        plan: every decision.
        routers: the routers, for the compilation.
        url_for: builds the path of a named route; raises ``RouteError`` for an unknown name or a wrong parameter.
        retry_without: resolves the app again without some more optional plugins, given by name with their errors.
    """

    plan: Plan
    routers: PreparedRouters = attrs.field(repr=False)
    url_for: UrlBuilder = attrs.field(repr=False)
    retry_without: Callable[[Mapping[str, Diagnostic]], Resolution] = attrs.field(repr=False)
