"""Routes, matches, and the interface of a router."""

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
        handler: what the author wrote: takes the request and the path parameters, returns anything that has a response
            type. Routers hand it back untouched in ``Match.handler``.
        methods: method names in upper case.
        name: for ``url_for``; "" for none.
        host: a host pattern such as ``"{tenant}.example.com"``; "" for any host.
        streams_response: the handler streams its responses; one that is an async generator, or annotated to return an
            async iterable or a ``Stream``, need not say so.
        streams_body: the handler takes the content of requests piece by piece, with ``request.stream()``.
        limits: its own values of settings in the section ``limits``, such as ``{"content": 1_000_000}``.
        timeouts: the same for the section ``timeouts``, such as ``{"handler": 5.0}``.
        origin: where it was written; filled in at startup, and no part of its identity.
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
        """Return methods, host, path and place in one line, for messages."""
        where = f" ({self.origin.location})" if self.origin and self.origin.location else ""
        return f"{','.join(sorted(self.methods))} {self.host}{self.path}{where}"


@attrs.frozen
class Match:
    """What a router found.

    Attributes:
        handler: the handler of the route.
        path_params: converted path parameters by name.
        route: the route itself, for introspection; None if the router has none.
    """

    handler: Callable[..., object]
    path_params: Mapping[str, object] = attrs.field(factory=dict)
    route: Route | None = None


class Router(Protocol):
    """What the core asks of a router. ``add`` and ``freeze`` are called at startup only."""

    def add(self, route: Route, /) -> None:
        """Take one more route.

        Raises:
            RouteError: the pattern cannot be used; ``RouteConflict`` when another route already claims it.
        """

    def freeze(self) -> None:
        """Prepare for matching; no route is added afterwards."""

    def match(self, method: str, path: str, /) -> Match:
        """Find the handler for a method and a path.

        Args:
            method: as received, for example ``"GET"``.
            path: as received, still percent-encoded, without the query.

        Raises:
            NotFound: no route has this path.
            MethodNotAllowed: some route has, with other methods; ``allowed`` names them all.
        """
