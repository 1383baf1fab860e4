"""The router: find the route for a method and a path, and build the path of a named route.

A static route is found by one look-up of the path as received and one of the method; its match is made when the router
is frozen. A route with one parameter after a static prefix is found by the ``leaves`` of the prefix. All other requests
(more parameters, needless escapes, a missing or extra slash, an unknown method) go through the tree in ``nodes``.
There, a route that lacks the method does not end the search: with ``GET /users/me`` and ``POST /users/{name}``, the
latter matches ``POST /users/me``. This router ignores hosts; ``hosts`` has a router for each host.
"""

from __future__ import annotations

from typing import Final, final

from turnbuckle.errors import MethodNotAllowed, NotFound, RouteConflict, RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters
from turnbuckle.routing.escapes import decode_path
from turnbuckle.routing.leaves import Leaves, compile_leaves
from turnbuckle.routing.methods import allowed_methods, check_methods
from turnbuckle.routing.nodes import Hit, MatchParts, Node, Reached, TreeEntry, find_first, walk
from turnbuckle.routing.patterns import parse_pattern
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.slashes import SlashRedirect, TrailingSlash, check_policy, other_form
from turnbuckle.routing.unreachable import UnreachableRoute, find_unreachable
from turnbuckle.routing.urls import build_path


@final
class TreeRouter:
    """The built-in router.

    Args:
        trailing_slash: policy for a path that differs from a route only in its trailing slash; see ``slashes``.
        converters: converters by name, which add to or replace the built-in ones.
    """

    def __init__(self, trailing_slash: TrailingSlash = "strict", converters: Converters | None = None) -> None:
        check_policy(trailing_slash)
        self._trailing_slash: Final = trailing_slash
        self._converters: Final[Converters] = {**BUILTIN_CONVERTERS, **(converters or {})}
        self._root: Final = Node()
        self._entries: Final[list[TreeEntry]] = []
        self._named: Final[dict[str, TreeEntry]] = {}
        self._ready: Final[dict[str, dict[str, TreeEntry]]] = {}
        self._leaves: Leaves = {}
        self._is_frozen = False

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes, in the order in which they were added."""
        return tuple(entry.route for entry in self._entries)

    def add(self, route: Route, /) -> None:
        """Add a route.

        Raises:
            RouteError: its pattern or its methods cannot be used, or the router is frozen.
            RouteConflict: another route has the same path and one of the methods, or the same name.
        """
        if self._is_frozen:
            raise RouteError(f"{route.describe()} cannot be added: the router is frozen")
        check_methods(route.methods)
        entry = TreeEntry.of(route, parse_pattern(route.path, self._converters))
        self._check_name(route)
        node = self._root.descend(entry.pattern, len(self._entries))
        _check_methods_are_free(node, route)
        node.entries.update(dict.fromkeys(route.methods, entry))
        self._entries.append(entry)
        if route.name:
            self._named[route.name] = entry

    def freeze(self) -> None:
        """Prepare for matching; no route is added after this call."""
        if self._is_frozen:
            return
        self._is_frozen = True
        self._root.sort()
        self._prepare()
        self._leaves = compile_leaves(self._root)

    def match(self, method: str, path: str, /) -> Match:
        """Find the handler for a method and a path.

        Args:
            method: as received; methods are case-sensitive.
            path: as received, still percent-encoded, without the query; ``"*"`` is the server as a whole.

        Raises:
            NotFound: no route has this path, or its escapes are malformed; ``SlashRedirect`` if the policy is
                ``redirect`` and a route has the other form.
            MethodNotAllowed: routes have this path, but with other methods; ``allowed`` has all of them, with OPTIONS,
                and with HEAD if there is GET.
        """
        ready = self._ready.get(path)
        if ready is not None:
            entry = ready.get(method)
            if entry is not None and entry.ready is not None:
                return entry.ready
        found = self._leaf(method, path)
        if found is not None:
            return Match(*found)
        entry, values = self._search(method, path)
        return entry.match(values)

    def find(self, method: str, path: str, /) -> MatchParts:
        """Return the parts of the match for a method and a path, which costs a request less than ``match``.

        Raises:
            NotFound: as ``match``.
            MethodNotAllowed: as ``match``.
        """
        ready = self._ready.get(path)
        if ready is not None:
            entry = ready.get(method)
            if entry is not None and entry.found is not None:
                return entry.found
        # As in ``_leaf``: a call less counts.
        cut = path.rfind("/") + 1
        leaves = self._leaves.get(path[:cut])
        if leaves is not None:
            leaf = leaves.get(method)
            if leaf is not None:
                found = leaf(path[cut:])
                if found is not None:
                    return found
        entry, values = self._search(method, path)
        return entry.parts(values)

    def _leaf(self, method: str, path: str) -> MatchParts | None:
        cut = path.rfind("/") + 1
        leaves = self._leaves.get(path[:cut])
        leaf = None if leaves is None else leaves.get(method)
        return None if leaf is None else leaf(path[cut:])

    def allowed(self, path: str, /) -> frozenset[str]:
        """Return the methods of a path; none if no route has the path."""
        if path == "*":
            # RFC 9110, section 9.3.7: OPTIONS * is about the server as a whole.
            return allowed_methods({method for route in self.routes for method in route.methods})
        forms = [path, other_form(path)] if self._trailing_slash == "ignore" else [path]
        return frozenset(method for form in forms for node, _ in self._reach(form) for method in node.allowed)

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the percent-encoded path of a named route; matching it returns ``params`` again.

        An exception is a path that a more specific route matches: beside ``/users/me``, ``/users/{name}`` never matches
        with the name ``me``.

        Raises:
            RouteError: no route has this name; a parameter is missing or unknown, or its value has no text.
        """
        entry = self._named.get(name)
        if entry is None:
            raise RouteError(f"no route is named {name!r}")
        return build_path(entry.pattern, params)

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """Return the routes that no request can reach; the router must be frozen."""
        if not self._is_frozen:
            raise RuntimeError("call freeze() before unreachable_routes()")
        alone = self._root.leads_only_to
        return tuple(find_unreachable(list(self._root.in_order()), self._entry_at, is_reached=alone))

    def _check_name(self, route: Route) -> None:
        if route.name and route.name in self._named:
            raise RouteConflict(self._named[route.name].route, route, f"both are named {route.name!r}")

    def _prepare(self) -> None:
        """Store the entries of static routes by their paths as clients send them."""
        for entry in self._entries:
            if entry.ready is not None:
                table = self._ready.setdefault(entry.pattern.static_path, {})
                table.update(dict.fromkeys(entry.route.methods, entry))
        for table in self._ready.values():
            if "GET" in table:
                table.setdefault("HEAD", table["GET"])
        if self._trailing_slash == "ignore":
            self._ready.update(self._other_forms())

    def _other_forms(self) -> dict[str, dict[str, TreeEntry]]:
        """Return the tables for the other forms of static paths, except for forms that have a route themselves."""
        others = {other_form(path): table for path, table in self._ready.items()}
        return {path: table for path, table in others.items() if not any(self._reach(path))}

    def _search(self, method: str, path: str) -> Hit:
        allowed: set[str] = set()
        hit = self._find(method, path, allowed)
        if hit is None and self._trailing_slash == "ignore":
            hit = self._find(method, other_form(path), allowed)
        if hit is not None:
            return hit
        if path == "*":
            allowed |= self.allowed(path)
        if allowed:
            raise MethodNotAllowed(allowed)
        if self._trailing_slash == "redirect" and any(self._reach(other_form(path))):
            raise SlashRedirect(other_form(path))
        raise NotFound

    def _find(self, method: str, path: str, allowed: set[str]) -> Hit | None:
        """Return the hit; without one, add the methods of this exact path to ``allowed`` and return None."""
        segments = self._segments(path)
        return None if segments is None else find_first(self._root, segments, 0, (), method, allowed)

    def _reach(self, path: str) -> Reached:
        segments = self._segments(path)
        return iter(()) if segments is None else walk(self._root, segments, 0, ())

    def _segments(self, path: str) -> list[str] | None:
        if not self._is_frozen:
            raise RuntimeError("call freeze() before match()")
        return decode_path(path)

    def _entry_at(self, method: str, path: str) -> TreeEntry | None:
        hit = self._find(method, path, set())
        return None if hit is None else hit[0]


def _check_methods_are_free(node: Node, route: Route) -> None:
    taken = sorted(route.methods & node.entries.keys())
    if taken:
        raise RouteConflict(node.entries[taken[0]].route, route, f"both answer {', '.join(taken)} at the same paths")
