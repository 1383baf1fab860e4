"""The router: from a method and a path to a route, and from a route's name to a path.

Static routes are found by one look-up of the path as it came and one of the method, and their match is made
beforehand. What that misses (parameters, escapes where none are needed, a slash too many or too few, a method
that is not there) goes through the tree in ``nodes``. There a route that lacks the method does not end the
search: with ``GET /users/me`` and ``POST /users/{name}``, ``POST /users/me`` is answered by the latter. Hosts
are not looked at; ``hosts`` gives each a router.
"""

from __future__ import annotations

from typing import Final, final

from turnbuckle.errors import MethodNotAllowed, NotFound, RouteConflict, RouteError
from turnbuckle.routing.converters import BUILTIN, Converters
from turnbuckle.routing.escapes import decode_path
from turnbuckle.routing.methods import allowed_methods, check_methods
from turnbuckle.routing.nodes import Node, Reached, TreeEntry, walk
from turnbuckle.routing.patterns import parse_pattern
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.slashes import SlashRedirect, TrailingSlash, check_policy, other_form
from turnbuckle.routing.unreachable import UnreachableRoute, find_unreachable
from turnbuckle.routing.urls import build_path


@final
class TreeRouter:
    """The router that the core brings along.

    Args:
        trailing_slash: what to do when only a slash at the end is wrong; see ``slashes``.
        converters: converters by name, beside the built-in ones or in place of them.
    """

    def __init__(self, trailing_slash: TrailingSlash = "strict", converters: Converters | None = None) -> None:
        check_policy(trailing_slash)
        self._trailing_slash: Final = trailing_slash
        self._converters: Final[Converters] = {**BUILTIN, **(converters or {})}
        self._root: Final = Node()
        self._endpoints: Final[list[TreeEntry]] = []
        self._named: Final[dict[str, TreeEntry]] = {}
        self._ready: Final[dict[str, dict[str, Match]]] = {}
        self._is_frozen = False

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes, in the order in which they were added."""
        return tuple(endpoint.route for endpoint in self._endpoints)

    def add(self, route: Route, /) -> None:
        """Take one more route.

        Raises:
            RouteError: its pattern or its methods cannot be used, or the router is frozen.
            RouteConflict: another route has the same path and one of the methods, or the same name.
        """
        if self._is_frozen:
            raise RouteError(f"{route.describe()} comes too late: the router is frozen")
        check_methods(route.methods)
        endpoint = TreeEntry.of(route, parse_pattern(route.path, self._converters))
        self._check_name(route)
        node = self._root.descend(endpoint.pattern, len(self._endpoints))
        _check_methods_are_free(node, route)
        node.endpoints.update(dict.fromkeys(route.methods, endpoint))
        self._endpoints.append(endpoint)
        if route.name:
            self._named[route.name] = endpoint

    def freeze(self) -> None:
        """Prepare for matching; no route is added afterwards."""
        if self._is_frozen:
            return
        self._is_frozen = True
        self._root.sort()
        self._prepare()

    def match(self, method: str, path: str, /) -> Match:
        """Find the handler for a method and a path.

        Args:
            method: as received; methods are case-sensitive.
            path: as received, still percent-encoded, without the query; ``"*"`` stands for the server as a
                whole.

        Raises:
            NotFound: no route has this path, or its escapes are malformed; ``SlashRedirect`` if the policy is
                to redirect and a route has the other form.
            MethodNotAllowed: some route has, with other methods; ``allowed`` names them all, with OPTIONS,
                and HEAD where there is GET.
        """
        ready = self._ready.get(path)
        if ready is not None:
            found = ready.get(method)
            if found is not None:
                return found
        return self._search(method, path)

    def allowed(self, path: str, /) -> frozenset[str]:
        """Return the methods that ``path`` answers; none if no route has it."""
        if path == "*":
            # RFC 9110, section 9.3.7: OPTIONS * asks about the server as a whole.
            return allowed_methods({method for route in self.routes for method in route.methods})
        forms = [path, other_form(path)] if self._trailing_slash == "ignore" else [path]
        return frozenset(method for form in forms for node, _ in self._reach(form) for method in node.allowed)

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the percent-encoded path of a named route; matching it gives ``params`` back.

        That is, unless a more specific route takes this path: ``/users/{name}`` cannot have ``me`` beside
        ``/users/me``.

        Raises:
            RouteError: no route has this name; a parameter is missing, unknown, or has a value that cannot be
                written.
        """
        endpoint = self._named.get(name)
        if endpoint is None:
            raise RouteError(f"no route is named {name!r}")
        return build_path(endpoint.pattern, params)

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """Return the routes that no request can reach; the router has to be frozen."""
        if not self._is_frozen:
            raise RuntimeError("freeze() comes before unreachable_routes()")
        return tuple(find_unreachable(list(self._root.in_order()), self._endpoint_at))

    def _check_name(self, route: Route) -> None:
        if route.name and route.name in self._named:
            raise RouteConflict(self._named[route.name].route, route, f"both are named {route.name!r}")

    def _prepare(self) -> None:
        """Make the matches of static routes beforehand, by their paths as clients write them."""
        for endpoint in self._endpoints:
            if endpoint.ready is not None:
                table = self._ready.setdefault(endpoint.pattern.static_path, {})
                table.update(dict.fromkeys(endpoint.route.methods, endpoint.ready))
        for table in self._ready.values():
            if "GET" in table:
                table.setdefault("HEAD", table["GET"])
        if self._trailing_slash == "ignore":
            self._ready.update(self._other_forms())

    def _other_forms(self) -> dict[str, dict[str, Match]]:
        """Return the tables for the other forms of static paths, but where a route has that form itself."""
        others = {other_form(path): table for path, table in self._ready.items()}
        return {path: table for path, table in others.items() if not any(self._reach(path))}

    def _search(self, method: str, path: str) -> Match:
        allowed: set[str] = set()
        found = self._find(method, path, allowed)
        if found is None and self._trailing_slash == "ignore":
            found = self._find(method, other_form(path), allowed)
        if found is not None:
            return found
        if path == "*":
            allowed |= self.allowed(path)
        if allowed:
            raise MethodNotAllowed(allowed)
        if self._trailing_slash == "redirect" and any(self._reach(other_form(path))):
            raise SlashRedirect(other_form(path))
        raise NotFound

    def _find(self, method: str, path: str, allowed: set[str]) -> Match | None:
        """Return the match, or None after adding what this very path allows to ``allowed``."""
        for node, values in self._reach(path):
            endpoint = node.endpoints.get(method)
            if endpoint is not None:
                return endpoint.match(values)
            allowed |= node.allowed
        return None

    def _reach(self, path: str) -> Reached:
        if not self._is_frozen:
            raise RuntimeError("freeze() comes before match()")
        segments = decode_path(path)
        return iter(()) if segments is None else walk(self._root, segments, 0, ())

    def _endpoint_at(self, method: str, path: str) -> TreeEntry | None:
        endpoints = (node.endpoints.get(method) for node, _ in self._reach(path))
        return next((endpoint for endpoint in endpoints if endpoint is not None), None)


def _check_methods_are_free(node: Node, route: Route) -> None:
    taken = sorted(route.methods & node.endpoints.keys())
    if taken:
        raise RouteConflict(node.endpoints[taken[0]].route, route, f"both answer {', '.join(taken)} at the same paths")
