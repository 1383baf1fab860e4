"""The records of routes and matches, and the interface of routers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, TypeAlias, cast

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.errors import HTTPError

__all__ = ["NO_DOCS", "DeclaredError", "Match", "Route", "RouteDocs", "Router"]

DeclaredError: TypeAlias = type[HTTPError] | int
"""An error that a handler may answer with: a class such as ``NotFound``, or a status such as 409."""


def _as_tuple(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _as_errors(value: DeclaredError | Iterable[DeclaredError]) -> tuple[DeclaredError, ...]:
    errors: tuple[object, ...] = tuple(value) if isinstance(value, Iterable) else (value,)
    for error in errors:
        is_class = isinstance(error, type) and issubclass(error, HTTPError)
        is_status = isinstance(error, int) and not isinstance(error, bool) and 400 <= error <= 599
        if not is_class and not is_status:
            hint = f"; write {type(error).__name__}, without a call" if isinstance(error, HTTPError) else ""
            raise TypeError(f"errors are classes of HTTPError, or statuses from 400 to 599, not {error!r:.80}{hint}")
    return cast("tuple[DeclaredError, ...]", errors)


def _as_responses(value: Mapping[int, object]) -> Mapping[int, object]:
    for status in value:
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise TypeError(f"responses are types by their status, and not by {status!r:.80}")
    return dict(value)


@attrs.frozen(kw_only=True)
class RouteDocs:
    """The description of a route for API documents, such as the document of the plugin ``openapi``.

    Nothing else reads it. A scope has the attributes ``tags``, ``deprecated``, ``in_schema`` and ``errors`` for all of
    its routes.

    Attributes:
        summary: one line about the operation; if empty, the first line of the docstring of the handler.
        description: a text in CommonMark; if empty, the rest of the docstring.
        tags: names of groups; without one, the routes of a scope are one group.
        deprecated: whether clients should stop calling it.
        in_schema: whether API documents include it.
        operation_id: unique name of the operation for generated clients; if empty, the name of the route or handler.
        errors: errors that the handler may answer with.
        responses: further responses by status: the type of the content, or None for a response without content.
    """

    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    deprecated: bool = False
    in_schema: bool = True
    operation_id: str = ""
    errors: tuple[DeclaredError, ...] = attrs.field(default=(), converter=_as_errors)
    responses: Mapping[int, object] = attrs.field(factory=dict, converter=_as_responses)

    def within(self, scope: RouteDocs) -> RouteDocs:
        """Return this description with the attributes of a scope around the route added."""
        if scope is NO_DOCS:
            return self
        return attrs.evolve(
            self,
            tags=self.tags or scope.tags,
            deprecated=self.deprecated or scope.deprecated,
            in_schema=self.in_schema and scope.in_schema,
            errors=tuple(dict.fromkeys((*scope.errors, *self.errors))),
        )


NO_DOCS: Final = RouteDocs()
"""The description of a route without one."""


def _as_set(value: Iterable[str]) -> frozenset[str]:
    # A single name is an easy slip for a tuple with one name; its letters are never meant.
    return frozenset((value,) if isinstance(value, str) else value)


def _as_functions(value: Iterable[Callable[..., object]]) -> tuple[Callable[..., object], ...]:
    return tuple(value)


@attrs.frozen(kw_only=True)
class Route:
    """A handler at a path.

    Attributes:
        path: a pattern such as ``"/users/{id:int}"``; it starts with a slash.
        handler: the function that handles requests: it takes the request and the path parameters, and returns a value
            that has a response type. Routers return it unchanged in ``Match.handler``.
        methods: method names in upper case; ``"WEBSOCKET"`` for a route of WebSockets.
        status: status of the response, unless the handler returns a ``Response``; None for 200, or 204 for None.
        name: name for ``url_for``; if empty, ``url_for`` takes the name of the handler.
        host: a host pattern such as ``"{tenant}.example.com"``; "" for any host.
        streams_response: whether the handler streams its responses. It is detected for async generators and for
            handlers that are annotated to return an async iterable or a ``Stream``.
        streams_body: whether the handler reads the content of requests in pieces, with ``request.stream()``.
        limits: values for this route of settings in the section ``limits``, such as ``{"content": 1_000_000}``.
        timeouts: values for this route of settings in the section ``timeouts``, such as ``{"handler": 5.0}``.
        guards: functions that are called before the handler, after the guards of its scopes. Their parameters are
            supplied like the parameters of a handler, their results are ignored, and their exceptions are the answer.
        options: values that plugins read, such as ``{"cache_control": "public, max-age=60"}``, by the names that they
            declare in ``PluginInfo.route_options``. The route that requests see has the values of its scopes as well,
            and all of them as the plugins have converted them.
        url_query: returns the query that ``url_for`` adds to the path, such as ``"v=3f2a"``; it takes the parameters
            of the path.
        chain: name of the middleware chain that its requests run through, in place of the chain of its scope; "" for no
            chain, and None for the chain of the scope.
        without: names of middleware, or of plugins, that its requests do not run through.
        docs: the description for API documents; it does not count when routes are compared.
        origin: origin of the route; startup sets it, and it does not count when routes are compared.
    """

    path: str
    handler: Callable[..., object]
    methods: frozenset[str] = attrs.field(default=("GET",), converter=_as_set)
    status: int | None = None
    name: str = ""
    host: str = ""
    streams_response: bool = False
    streams_body: bool = False
    limits: Mapping[str, int] = attrs.field(factory=dict, eq=False)
    timeouts: Mapping[str, float] = attrs.field(factory=dict, eq=False)
    guards: tuple[Callable[..., object], ...] = attrs.field(default=(), converter=_as_functions, eq=False)
    options: Mapping[str, object] = attrs.field(factory=dict, eq=False)
    url_query: Callable[[Mapping[str, object]], str] | None = attrs.field(default=None, eq=False)
    chain: str | None = attrs.field(default=None, eq=False)
    without: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple, eq=False)
    docs: RouteDocs = attrs.field(default=NO_DOCS, eq=False)
    origin: Origin | None = attrs.field(default=None, eq=False)

    @property
    def is_websocket(self) -> bool:
        """Return whether it is a route for WebSockets: its only method is ``"WEBSOCKET"``, which no request has."""
        return "WEBSOCKET" in self.methods

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
