"""The frozen records that hooks return, and the callables they hold.

A plugin speaks once, at startup, by returning these; it never touches the app. Every record may be built by hand, too:
``App(...)`` and ``app.scope(...)`` take the same ones. ``turnbuckle.hookspecs`` says which hook returns which record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from turnbuckle.http.events import ParserFactory
    from turnbuckle.setup import Setup
    from turnbuckle.web.request.request import Request
    from turnbuckle.web.response.response import Response

__all__ = [
    "ZONES",
    "Component",
    "Diagnostic",
    "ErrorHandler",
    "Handler",
    "Level",
    "Lifespan",
    "Match",
    "Middleware",
    "Origin",
    "ParserProvider",
    "PluginInfo",
    "ProtocolProvider",
    "ResourceKey",
    "ResponseType",
    "Route",
    "Router",
    "RouterProvider",
    "Zone",
]

T_co = TypeVar("T_co", covariant=True)

Handler: TypeAlias = "Callable[[Request], Awaitable[Response]]"
"""What middleware wraps and a route ends in, once compiled."""

MiddlewareFactory: TypeAlias = "Callable[[Handler, Setup], Handler]"
"""Called once at startup with the next handler; may return that very handler, and then costs nothing."""

Zone: TypeAlias = Literal["edge", "security", "session", "transform", "app"]
ZONES: Final[tuple[Zone, ...]] = ("edge", "security", "session", "transform", "app")
"""The zones of the middleware chain, outermost first."""

Level: TypeAlias = Literal["error", "warning", "info"]


def _as_tuple(value: Iterable[str]) -> tuple[str, ...]:
    # A lone name is an easy slip for a tuple of one; its letters never are what was meant.
    return (value,) if isinstance(value, str) else tuple(value)


def _as_needs(
    value: str | ResourceKey[object] | Iterable[str | ResourceKey[object]],
) -> tuple[str | ResourceKey[object], ...]:
    return (value,) if isinstance(value, str | ResourceKey) else tuple(value)


def _as_set(value: Iterable[str]) -> frozenset[str]:
    return frozenset(_as_tuple(value))


@attrs.frozen(kw_only=True)
class Origin:
    """Where a record came from.

    Attributes:
        plugin: name of the plugin, or ``"app"`` for what the application wrote down itself.
        location: ``file:line`` of the code that is responsible, or "" when unknown.
        hook: name of the hook that returned it, or "" when it was passed by value.
        distribution: name and version of the distribution, as ``"name 1.2"``, or "".
        scope: prefix of the scope it belongs to, "" for the whole app.
    """

    plugin: str
    location: str = ""
    hook: str = ""
    distribution: str = ""
    scope: str = ""

    def __str__(self) -> str:
        parts = [f"plugin {self.plugin!r}" if self.plugin != "app" else "the app"]
        if self.distribution:
            parts.append(f"({self.distribution})")
        if self.hook:
            parts.append(f"in {self.hook}")
        if self.location:
            parts.append(f"at {self.location}")
        return " ".join(parts)


@attrs.frozen(kw_only=True)
class Diagnostic:
    """One finding about how an app is put together.

    Attributes:
        level: ``"error"`` stops the start, ``"warning"`` is shown, ``"info"`` is shown on request.
        code: ``TB`` and three digits; each has a page in the documentation.
        text: what is wrong, in one sentence without a full stop.
        why: the rule behind it.
        fix: what to do about it.
        origins: the places concerned, the offender first.
    """

    level: Level
    code: str
    text: str
    why: str = ""
    fix: str = ""
    origins: tuple[Origin, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.code} {self.text}"]
        # Two of them may be the same place: a line of a list that names something twice, for one.
        lines += dict.fromkeys(f"  {origin}" for origin in self.origins)
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


@attrs.frozen(kw_only=True)
class PluginInfo:
    """What a plugin says about itself.

    Attributes:
        name: unique, lower case with underscores; the name of its entry point.
        api: the generation of hooks that it was written for.
        config: an attrs class for the settings under ``[plugin.NAME]``, or None if it takes none.
        requires: plugins that must be enabled as well.
        after: plugins that come before it in dependency order when they are enabled.
        conflicts: plugins that must not be enabled beside it.
    """

    name: str
    api: int = 1
    config: type | None = None
    requires: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    after: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    conflicts: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)


@attrs.frozen
class ParserProvider:
    """A parser to choose from: ``factory(limits)`` makes one for each connection."""

    name: str
    factory: ParserFactory


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


@attrs.frozen
class RouterProvider:
    """A router to choose from: ``factory(setup)`` makes one for a scope."""

    name: str
    factory: Callable[[Setup], Router]


@attrs.frozen
class Middleware:
    """A link of the chain around every handler.

    Attributes:
        name: unique among the middleware of an app.
        factory: ``factory(next_handler, setup) -> handler``, called once.
        zone: where in the chain it belongs.
        before: names of middleware in the same zone that it must be outside of.
        after: names of middleware in the same zone that it must be inside of.
        reads_body: it reads the content of requests.
        buffers_response: it holds whole responses in memory, so streams stop being streams.
        needs: request-state keys or middleware names that must be there outside of it; keys of resources that some
            lifespan must provide.
        provides: request-state keys that it sets for those inside of it.
    """

    name: str
    factory: MiddlewareFactory
    zone: Zone = attrs.field(default="app", kw_only=True, validator=attrs.validators.in_(ZONES))
    before: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_as_tuple)
    after: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_as_tuple)
    reads_body: bool = attrs.field(default=False, kw_only=True)
    buffers_response: bool = attrs.field(default=False, kw_only=True)
    needs: tuple[str | ResourceKey[object], ...] = attrs.field(default=(), kw_only=True, converter=_as_needs)
    provides: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_as_tuple)


@attrs.frozen
class ResponseType:
    """How a handler's return value of one type becomes a response.

    Attributes:
        type: the exact type; subclasses follow it unless they have an entry of their own.
        render: called with the value, returns the response.
        media_type: what ``render`` produces, for documentation.
    """

    type: type
    render: Callable[..., Response]
    media_type: str = ""


@attrs.frozen
class ErrorHandler:
    """What answers when a handler raises: ``await handler(request, exception)``, whose value has a response type."""

    exception: type[Exception]
    handler: Callable[..., object]


@attrs.frozen(kw_only=True)
class ProtocolProvider:
    """Another protocol for a connection, by ALPN name or by token of the ``Upgrade`` field (RFC 9110, section 7.8).

    Attributes:
        name: for messages.
        factory: by upgrade token, it is called once with the next handler and the setup, as the factory of middleware
            is. The handler that it returns gets every request that offers the token, inside the middleware of the app
            and before routing. It returns a ``SwitchProtocols`` response, any other one to refuse, or what the next
            handler returns, which goes on as if nothing had been offered. By ALPN name, it is called once with the
            handler of the whole app and the setup, and returns ``make(peer)``, which is called for each connection that
            agreed on the name, and gives an ``asyncio.Protocol``. That has the connection for itself.
        alpn: name of the protocol in the handshake of TLS, such as ``"h2"``; it is offered before ``http/1.1``.
        upgrade: token of the ``Upgrade`` field, such as ``"websocket"``; without a version, it stands for all of them.
    """

    name: str
    factory: Callable[..., object]
    alpn: str = ""
    upgrade: str = ""


@attrs.frozen
class Component:
    """A part of some kind, of which one is chosen: json, loop, templates, a session store, ..."""

    kind: str
    name: str
    factory: Callable[[Setup], object]


@attrs.frozen
class ResourceKey(Generic[T_co]):
    """What a resource is asked for by: ``DATABASE: Final = ResourceKey("database", Store)``.

    Attributes:
        name: for messages; keys of one name and type are the same key.
        type: what the resource is an instance of.
    """

    name: str
    type: type[T_co] = attrs.field(validator=attrs.validators.instance_of(type))

    def __str__(self) -> str:
        return f"resource {self.name!r}"


def _as_key(value: ResourceKey[object] | None) -> ResourceKey[object] | None:
    if value is not None and not isinstance(value, ResourceKey):
        raise TypeError(f"a resource is named by a ResourceKey, not {value!r}")
    return value


def _as_keys(value: ResourceKey[object] | Iterable[ResourceKey[object]]) -> tuple[ResourceKey[object], ...]:
    keys = (value,) if isinstance(value, ResourceKey) else tuple(value)
    for each in keys:
        _as_key(each)
    return keys


@attrs.frozen
class Lifespan:
    """A context entered on the serving loop before the first request and left after the last.

    Attributes:
        name: for messages and the log.
        factory: makes the async context manager.
        provides: key that the value of the context is reached by, while it is entered.
        needs: keys of resources that must be there before it is entered.
    """

    name: str
    factory: Callable[[Setup], AbstractAsyncContextManager[object]]
    provides: ResourceKey[object] | None = attrs.field(default=None, kw_only=True, converter=_as_key)
    needs: tuple[ResourceKey[object], ...] = attrs.field(default=(), kw_only=True, converter=_as_keys)
