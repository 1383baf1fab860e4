"""Find the mounted app that serves a request: the mount with the longest prefix, if no route of the app answers.

A route takes precedence for its own methods. A request with another method goes to the mount, as does a path that
differs from a route in its trailing slash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import attrs

from turnbuckle.errors import MethodNotAllowed, NotFound
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.runtime.dispatch import CompiledRoute
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.web.request.request import Request

__all__ = ["MountEntry", "compile_mount_lookup"]


@final
@attrs.frozen(eq=False)
class MountEntry:
    """A mount, ready for requests.

    Attributes:
        matcher: matches the requests below its path.
        route: its compiled handler, and the record that becomes ``request.route``.
    """

    matcher: ScopeMatcher
    route: CompiledRoute

    def read(self, request: Request) -> MatchParts | None:
        """Return the handler with the parameters in the path and host; None if the request is outside of the mount."""
        params = self.matcher.read(request)
        return None if params is None else (self.route, params, self.route.route)


def compile_mount_lookup(
    find: Callable[[Request], MatchParts] | None, mounts: Sequence[MountEntry]
) -> Callable[[Request], MatchParts]:
    """Return the function that finds the handler of a request in the routers of an app, and then among its mounts.

    Args:
        find: finds the handler of a route; None for an app without routes.
        mounts: the mounts, narrower ones first.
    """
    readers = tuple(mount.read for mount in mounts)

    def find_mount(request: Request) -> MatchParts | None:
        # The targets "*" and "host:port" have no path.
        if request.raw_path[:1] == "/":
            for read in readers:
                if (found := read(request)) is not None:
                    return found
        return None

    def find_only_mount(request: Request) -> MatchParts:
        found = find_mount(request)
        if found is None:
            raise NotFound
        return found

    if find is None:
        return find_only_mount

    def find_route_or_mount(request: Request) -> MatchParts:
        try:
            return find(request)
        except (NotFound, MethodNotAllowed):
            found = find_mount(request)
            if found is None:
                raise
            return found

    return find_route_or_mount
