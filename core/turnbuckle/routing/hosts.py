"""Route requests by host, with a separate router for each host pattern.

Routers are tried in this order: the router of the exact host; the routers of host patterns, the most specific first;
the default router, which has the routes for any host. If a router does not have the path, or not with the method, the
next one is tried: routes without a host apply to every host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, Protocol, final, runtime_checkable

import attrs

from turnbuckle.errors import MethodNotAllowed, NotFound, RouteConflict, RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters
from turnbuckle.routing.host_patterns import HostPattern, normalize_host, parse_host_pattern
from turnbuckle.routing.records import Match, Route, Router
from turnbuckle.routing.segments import Values
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle.routing.unreachable import UnreachableRoute

_PARAMETER: Final = re.compile(r"\{(\w+)")
# No route has this method, so that matching it raises MethodNotAllowed with all methods of a path.
_NO_METHOD: Final = ""


@runtime_checkable
class LinkingRouter(Router, Protocol):
    """A router that can also build the paths of its routes, and find its unreachable routes."""

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route."""

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """Return the routes that no request can reach."""


@attrs.frozen(eq=False)
class _HostEntry:
    """A host pattern, as first written, and its router."""

    pattern: HostPattern
    router: Router


@final
class HostRouter:
    """A router of routers: each host pattern has a router; routes without a host are in ``default``.

    Args:
        default: router for the routes without a host.
        make: function that makes the router for a host pattern.
        converters: converters for host patterns, which add to or replace the built-in ones.
    """

    def __init__(self, default: Router, make: Callable[[], Router], converters: Converters | None = None) -> None:
        self._default: Final = default
        self._make: Final = make
        self._converters: Final[Converters] = {**BUILTIN_CONVERTERS, **(converters or {})}
        self._entries: Final[dict[object, _HostEntry]] = {}
        self._exact: Final[dict[str, Router]] = {}
        self._patterns: tuple[_HostEntry, ...] = ()
        self._hosts: Final[dict[str, HostPattern]] = {}
        self._routes: Final[list[Route]] = []
        self._named: Final[dict[str, Route]] = {}

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of all hosts, in the order in which they were added."""
        return tuple(self._routes)

    def add(self, route: Route, /) -> None:
        """Add a route to the router for its host.

        Raises:
            RouteError: its host pattern cannot be used, or its router refuses the route.
            RouteConflict: another route claims the same requests, or has the same name.
        """
        if route.name in self._named:
            raise RouteConflict(self._named[route.name], route, f"both are named {route.name!r}")
        self._router_for(route).add(route)
        self._routes.append(route)
        if route.name:
            self._named[route.name] = route

    def freeze(self) -> None:
        """Prepare for matching; no route is added after this call."""
        for entry in self._entries.values():
            if entry.pattern.is_static:
                self._exact[entry.pattern.write({})] = entry.router
        patterns = (entry for entry in self._entries.values() if not entry.pattern.is_static)
        self._patterns = tuple(sorted(patterns, key=lambda entry: entry.pattern.order))
        for router in self._routers():
            router.freeze()

    def match(self, method: str, path: str, /) -> Match:
        """Find the handler for an unknown host, among the routes for any host."""
        return self._default.match(method, path)

    def match_host(self, method: str, path: str, host: str, /) -> Match:
        """Find the handler for a method, a path and a host.

        Args:
            method: as received.
            path: as received, still percent-encoded, without the query.
            host: the value of the ``Host`` field, or the authority of the target.

        Returns:
            The match; its ``path_params`` include the parameters of the host.

        Raises:
            NotFound: no route for this host has this path; ``SlashRedirect`` if the router of the host raises it.
            MethodNotAllowed: routes have this path, but with other methods; ``allowed`` has all of them.
        """
        redirect: SlashRedirect | None = None
        allowed: set[str] = set()
        for entry, router, values in self._candidates(host):
            try:
                found = router.match(method, path)
            except MethodNotAllowed as error:
                allowed.update(error.allowed)
            except SlashRedirect as error:
                redirect = redirect or error
            except NotFound:
                continue
            else:
                return found if entry is None or not values else self._joined(found, entry, values)
        raise MethodNotAllowed(allowed) if allowed else redirect or NotFound()

    def allowed(self, path: str, host: str = "", /) -> frozenset[str]:
        """Return the methods of a path at a host; none if no route has the path."""
        try:
            self.match_host(_NO_METHOD, path, host)
        except MethodNotAllowed as error:
            return frozenset(error.allowed)
        except NotFound:
            pass
        return frozenset()

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route; for a route with a host ``//host/path``, which keeps the scheme.

        Raises:
            RouteError: no route has this name; a parameter is missing or unknown, or its value has no text.
        """
        route = self._named.get(name)
        if route is None:
            raise RouteError(f"no route is named {name!r}")
        router = self._router_for(route)
        if not isinstance(router, LinkingRouter):
            raise RouteError(f"the router of route {name!r} cannot build paths")
        if not route.host:
            return router.url_for(name, **params)
        pattern = self._hosts[route.host]
        others = {key: value for key, value in params.items() if key not in pattern.names}
        return f"//{pattern.write(params)}{router.url_for(name, **others)}"

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """Return the routes that no request can reach, router by router."""
        linking = (router for router in self._routers() if isinstance(router, LinkingRouter))
        return tuple(unreachable for router in linking for unreachable in router.unreachable_routes())

    def _routers(self) -> Iterator[Router]:
        for entry in self._entries.values():
            yield entry.router
        yield self._default

    def _router_for(self, route: Route) -> Router:
        if not route.host:
            return self._default
        pattern = self._hosts.get(route.host) or parse_host_pattern(route.host, self._converters)
        twice = sorted(set(pattern.names).intersection(_PARAMETER.findall(route.path)))
        if twice:
            raise RouteError(f"{route.describe()}: parameter {twice[0]!r} is in host and path")
        self._hosts[route.host] = pattern
        if pattern.key not in self._entries:
            self._entries[pattern.key] = _HostEntry(pattern, self._make())
        return self._entries[pattern.key].router

    def _candidates(self, authority: str) -> Iterator[tuple[_HostEntry | None, Router, Values]]:
        """Return the routers to try, with the values that their host patterns have read."""
        host = normalize_host(authority)
        if host is not None:
            if host in self._exact:
                yield None, self._exact[host], ()
            for entry in self._patterns:
                values = entry.pattern.read(host)
                if values is not None:
                    yield entry, entry.router, values
        yield None, self._default, ()

    def _joined(self, match: Match, entry: _HostEntry, values: Values) -> Match:
        """Return the match with the parameters of the host, by the names in the host pattern of its route."""
        pattern = self._hosts.get(match.route.host, entry.pattern) if match.route else entry.pattern
        params = dict(zip(pattern.names, values, strict=True))
        return attrs.evolve(match, path_params={**params, **match.path_params})
