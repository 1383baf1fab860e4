"""The records of routes and matches, and the interface of routers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import attrs

from turnbuckle.diagnostics import Origin

__all__ = ["Match", "Route", "Router"]


def _as_set(value: Iterable[str]) -> frozenset[str]:
    # A single name is an easy slip for a tuple with one name; its letters are never meant.
    return frozenset((value,) if isinstance(value, str) else value)


@attrs.frozen(kw_only=True)
class Route:
    """A handler at a path.

    Attributes:
        path: a pattern such as ``"/users/{id:int}"``; it starts with a slash.
        handler: the function that handles requests: it takes the request and the path parameters, and returns a value
            that has a response type. Routers return it unchanged in ``Match.handler``.
        methods: method names in upper case.
        name: name for ``url_for``; if empty, ``url_for`` takes the name of the handler.
        host: a host pattern such as ``"{tenant}.example.com"``; "" for any host.
        streams_response: whether the handler streams its responses. It is detected for async generators and for
            handlers that are annotated to return an async iterable or a ``Stream``.
        streams_body: whether the handler reads the content of requests in pieces, with ``request.stream()``.
        limits: values for this route of settings in the section ``limits``, such as ``{"content": 1_000_000}``.
        timeouts: values for this route of settings in the section ``timeouts``, such as ``{"handler": 5.0}``.
        origin: origin of the route; startup sets it, and it does not count when routes are compared.
    """

    path: str
    handler: Callable[..., object]
    methods: frozenset[str] = attrs.field(default=("GET",), converter=_as_set)
    name: str = ""
    host: str = ""
    streams_response: bool = False
    streams_body: bool = False
    limits: Mapping[str, int] = attrs.field(factory=dict, eq=False)
    timeouts: Mapping[str, float] = attrs.field(factory=dict, eq=False)
    origin: Origin | None = attrs.field(default=None, eq=False)

    def describe(self) -> str:
        """Return methods, host, path and location in one line, for messages."""
        where = f" ({self.origin.location})" if self.origin and self.origin.location else ""
        return f"{','.join(sorted(self.methods))} {self.host}{self.path}{where}"


@attrs.frozen
class Match:
    """The result of routing a request.

    Attributes:
        handler: the handler of the route.
        path_params: converted path parameters by name.
        route: the route, for introspection; None if the router does not know it.
    """

    handler: Callable[..., object]
    path_params: Mapping[str, object] = attrs.field(factory=dict)
    route: Route | None = None


class Router(Protocol):
    """The interface of routers. ``add`` and ``freeze`` are called only at startup."""

    def add(self, route: Route, /) -> None:
        """Add a route.

        Raises:
            RouteError: the pattern cannot be used; ``RouteConflict`` if another route claims the same requests.
        """

    def freeze(self) -> None:
        """Prepare for matching; no route is added after this call."""

    def match(self, method: str, path: str, /) -> Match:
        """Find the handler for a method and a path.

        Args:
            method: as received, for example ``"GET"``.
            path: as received, still percent-encoded, without the query.

        Raises:
            NotFound: no route has this path.
            MethodNotAllowed: routes have this path, but with other methods; ``allowed`` has all of them.
        """
