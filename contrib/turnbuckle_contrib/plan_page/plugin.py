"""The plugin: a route that shows the plan, to clients of this machine only, and not by accident.

A plan names files, plugins with their versions, and settings. So the plugin refuses to start outside of debug mode,
unless a guard protects the page or a setting permits it. By default, only clients on the loopback interface see the
page, and everyone else gets 404. A request with fields of a proxy comes from elsewhere, and a request for another host
than this machine may come from a page of another site that has changed the address of its name (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Final, final

import attrs

from turnbuckle import (
    Diagnostic,
    NotFound,
    Origin,
    Plan,
    PlannedRoute,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Route,
    RouteDocs,
    Setup,
    TrustedAddresses,
    plan_as_json,
)
from turnbuckle_contrib.local_requests import PROXY_FIELDS, is_local_host
from turnbuckle_contrib.plan_page.page import POLICY, render_page

__all__ = ["PlanPageConfig", "PlanPagePlugin"]

_LOOPBACK: Final = ("127.0.0.0/8", "::1")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value.startswith("/") or len(value) < 2 or value.endswith("/") or set(value) & set("{}?#"):
        raise ValueError(f"{attribute.name} must be a plain path, such as '/-/plan', not {value!r}")


def _are_networks(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(entry for entry in value if entry != "*")


@attrs.frozen(kw_only=True)
class PlanPageConfig:
    """Settings of the plugin.

    Attributes:
        path: path of the page if the plugin is enabled for the whole app; in a scope, the prefix is the path.
        clients: addresses and networks that see the page; "unix" for clients of a Unix socket, and "*" for all.
        without_debug: whether the page is served outside of debug mode although no guard protects it.
    """

    path: str = attrs.field(default="/-/plan", validator=_is_path)
    clients: tuple[str, ...] = attrs.field(default=_LOOPBACK, converter=tuple, validator=_are_networks)
    without_debug: bool = False


@final
class PlanPagePlugin(Plugin[PlanPageConfig]):
    """Show how the app is composed, and why: what ``turnbuckle plan`` prints, as a page."""

    info = PluginInfo(name="plan_page")

    def provide_routes(self, setup: Setup[PlanPageConfig]) -> list[Route]:
        """Return the route."""
        path = "/" if setup.is_scoped else setup.config.path
        page = _PlanPage(self, setup.config)
        return [Route(path=path, handler=page.show, docs=RouteDocs(in_schema=False))]

    def review_plan(self, plan: Plan) -> Iterator[Diagnostic]:
        """Give the plan to the pages, and report pages that may be public."""
        for planned, _ in plan.routes():
            page = getattr(planned.route.handler, "__self__", None)
            if isinstance(page, _PlanPage) and page.owner is self:
                page.plan = plan
                if not plan.settings.debug and not page.config.without_debug and not planned.signature.guards:
                    yield _may_be_public(planned)


def _may_be_public(planned: PlannedRoute) -> Diagnostic:
    return Diagnostic(
        level="error",
        code="TB453",
        text=f"the plan page at {planned.route.path!r} may be public",
        why="it names files, plugins and settings; debug mode is off, and no guard protects it",
        fix="install it in a scope with guards=[...], set debug, or set plugin.plan_page.without_debug to true",
        origins=(planned.route.origin or Origin(plugin="plan_page"),),
    )


@attrs.define(eq=False)
class _PlanPage:
    """The page of one route. The review of the plan sets the plan.

    Attributes:
        owner: the plugin, which sets the plan.
        config: the settings.
        plan: the plan.
    """

    owner: PlanPagePlugin
    config: PlanPageConfig
    plan: Plan | None = None
    _addresses: TrustedAddresses = attrs.field(init=False)

    @_addresses.default
    def _make_addresses(self) -> TrustedAddresses:
        return TrustedAddresses(entry for entry in self.config.clients if entry != "*")

    async def show(self, request: Request) -> Response:
        """Return the page, or the plan as JSON for programs."""
        if self.plan is None or not self._may_see(request):
            raise NotFound
        if request.accepts("text/html", "application/json") == "application/json":
            data = plan_as_json(self.plan)
            return Response(json.dumps(data, default=str), headers=_HEADERS, content_type="application/json")
        page = await asyncio.to_thread(render_page, self.plan)
        return Response(page, headers=_HEADERS, content_type="text/html; charset=utf-8")

    def _may_see(self, request: Request) -> bool:
        clients = self.config.clients
        is_forwarded = any(field in request.headers for field in PROXY_FIELDS)
        if clients == _LOOPBACK and (is_forwarded or not is_local_host(request.host)):
            return False
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            # The script of another site, which might read the answer if CORS permits that.
            return False
        return "*" in clients or self._addresses.trusts(request.client)
