"""Shared by the tests of routers: the router classes, and short forms of routes."""

from collections.abc import Callable
from typing import Any

from turnbuckle.routing.records import Route
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.web.request.request import Request
from turnbuckle_plugins.regex_router import RegexRouter
from turnbuckle_plugins.werkzeug_router import WerkzeugRouter

AnyRouter = TreeRouter | RegexRouter | WerkzeugRouter
RouterBuilder = Callable[..., AnyRouter]

KINDS: tuple[type[AnyRouter], ...] = (TreeRouter, RegexRouter, WerkzeugRouter)


def endpoint(request: Request) -> Request:
    return request


def as_route(text: str, **facts: Any) -> Route:
    methods, _, path = text.rpartition(" ") if not text.startswith("/") else ("", "", text)
    return Route(path=path, handler=endpoint, methods=methods.split(",") if methods else ["GET"], **facts)


def builder(kind: type[AnyRouter]) -> RouterBuilder:
    """Return a function that makes frozen routers; a route is ``"/path"``, ``"GET,POST /path"``, or a Route."""

    def router(*routes: str | Route, **options: Any) -> AnyRouter:
        made = kind(**options)
        for route in routes:
            made.add(route if isinstance(route, Route) else as_route(route))
        made.freeze()
        return made

    router.kind = kind
    return router


router = builder(TreeRouter)


def found(router: AnyRouter, path: str, method: str = "GET") -> tuple[str, dict[str, object]]:
    match = router.match(method, path)
    return match.route.path, dict(match.path_params)
