"""Shared by the tests of routers: the router classes, and short forms of routes."""

from turnbuckle.routing.records import Route
from turnbuckle.routing.tree import TreeRouter
from turnbuckle_plugins.regex_router import RegexRouter
from turnbuckle_plugins.werkzeug_router import WerkzeugRouter

KINDS = (TreeRouter, RegexRouter, WerkzeugRouter)


def endpoint(request):
    return request


def as_route(text, **facts):
    methods, _, path = text.rpartition(" ") if not text.startswith("/") else ("", "", text)
    return Route(path=path, handler=endpoint, methods=methods.split(",") if methods else ["GET"], **facts)


def builder(kind):
    """Return a function that makes frozen routers; a route is ``"/path"``, ``"GET,POST /path"``, or a Route."""

    def router(*routes, **options):
        made = kind(**options)
        for route in routes:
            made.add(route if isinstance(route, Route) else as_route(route))
        made.freeze()
        return made

    router.kind = kind
    return router


router = builder(TreeRouter)


def found(router, path, method="GET"):
    match = router.match(method, path)
    return match.route.path, dict(match.path_params)
