"""The frozen records that hooks return.

A plugin returns these records once, at startup; it never changes the app. ``App(...)`` and ``app.scope(...)`` take the
same records. ``turnbuckle.hookspecs`` lists the hooks with the record that each of them returns.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast, overload

import attrs

from turnbuckle.diagnostics import Origin, ResourceKey

if TYPE_CHECKING:
    from turnbuckle.http.events import ParserFactory
    from turnbuckle.routing.records import Router
    from turnbuckle.setup import Setup
    from turnbuckle.web.response.response import Response
    from turnbuckle.web.types import Handler, MiddlewareFunction
    from turnbuckle.web.websocket.socket import WebSocket

__all__ = [
    "LIFETIMES",
    "ZONES",
    "Component",
    "ErrorHandler",
    "Lifespan",
    "Lifetime",
    "MarkedParameter",
    "Middleware",
    "MiddlewareChain",
    "Mount",
    "MountProvider",
    "MountedApp",
    "ParameterProvider",
    "ParserProvider",
    "ProtocolProvider",
    "ResponseType",
    "RouterProvider",
    "Zone",
    "middleware",
]

MiddlewareFactory: TypeAlias = "Callable[[Handler, Setup[Any]], Handler]"
"""Called once at startup with the next handler; it may return the next handler itself, which then costs nothing."""

Zone: TypeAlias = Literal["edge", "security", "session", "transform", "app"]
ZONES: Final[tuple[Zone, ...]] = ("edge", "security", "session", "transform", "app")
"""The zones of the middleware chain, outermost first."""

Lifetime: TypeAlias = Literal["request", "app"]
LIFETIMES: Final[tuple[Lifetime, ...]] = ("request", "app")
"""How long a supplied value lives."""


def _as_tuple(value: Iterable[str]) -> tuple[str, ...]:
    # A single name is an easy slip for a tuple with one name; its letters are never meant.
    return (value,) if isinstance(value, str) else tuple(value)


def _as_needs(
    value: str | ResourceKey[object] | Iterable[str | ResourceKey[object]],
) -> tuple[str | ResourceKey[object], ...]:
    return (value,) if isinstance(value, str | ResourceKey) else tuple(value)


@attrs.frozen
class ParserProvider:
    """A candidate for the parser slot: ``factory(limits)`` makes a parser for each connection."""

    name: str
    factory: ParserFactory


@attrs.frozen
class ParameterProvider:
    """The supplier of parameters of one type, or of parameters with one marker, for a request.

    Attributes:
        type: the annotation of the parameters: a class, a ``NewType`` or another type; or the class of a marker, whose
            instances are in the annotation, as in ``Annotated[str, Marker(...)]``.
        value: returns the value. Its own parameters are supplied like the parameters of a handler. It is a function, an
            ``async def``, or one of them with a single ``yield``, whose rest runs after the response.
        factory: for markers, instead of ``value``: called at startup with the ``MarkedParameter``, it returns such a
            function for this parameter. An exception that it raises is reported as a problem of the parameter.
        description: short description of the value, for documentation.
        per: ``"request"`` for one value per request, or ``"app"`` for one value that is made when the server starts.
        in_thread: whether a plain ``def`` runs in a thread, because it blocks. By default, one with a ``yield`` does,
            and any other one is called on the event loop.
    """

    type: object
    value: Callable[..., object] | None = None
    factory: Callable[[MarkedParameter], Callable[..., object]] | None = attrs.field(default=None, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)
    per: Lifetime = attrs.field(default="request", kw_only=True, validator=attrs.validators.in_(LIFETIMES))
    in_thread: bool | None = attrs.field(default=None, kw_only=True)


@attrs.frozen(kw_only=True)
class MarkedParameter:
    """A parameter with the marker of a plugin.

    Attributes:
        name: name of the parameter.
        annotation: its type, without the marker.
        marker: the marker, an instance of the class in ``ParameterProvider.type``.
        is_required: whether it has no default.
        default: its default; None if it has none.
    """

    name: str
    annotation: object
    marker: object
    is_required: bool = True
    default: object = None


@attrs.frozen
class RouterProvider:
    """A candidate for the router slot: ``factory(setup)`` makes the router of a scope."""

    name: str
    factory: Callable[[Setup[Any]], Router]


@attrs.frozen
class Middleware:
    """A middleware in the chain around every handler.

    Attributes:
        name: name that is unique among the middleware of an app.
        factory: ``factory(next_handler, setup) -> handler``, called once.
        zone: its zone in the chain.
        before: names of middleware in the same zone that it must enclose.
        after: names of middleware in the same zone that must enclose it.
        reads_body: whether it reads the content of requests.
        buffers_response: whether it holds whole responses in memory, so that streams are no longer streamed.
        needs: request-state keys and names of middleware that must enclose it; keys of resources that a lifespan must
            provide.
        provides: request-state keys that it sets for the middleware and handlers inside it.
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


def _as_members(value: str | Middleware | Iterable[str | Middleware]) -> tuple[str | Middleware, ...]:
    return (value,) if isinstance(value, str | Middleware) else tuple(value)


@attrs.frozen
class MiddlewareChain:
    """A named set of middleware, which an app, a scope or a route chooses: ``App(chain="web")``.

    Its order is solved together with all other middleware of the app. A chain that is not chosen has no effect.

    Attributes:
        name: name that is unique among the chains of an app.
        members: names of plugins, whose middleware belongs to the chain, and further middleware. A plugin that is not
            enabled is enabled by the choice of the chain, and its middleware then runs in such chains only.
        description: short description of its purpose.
    """

    name: str
    members: tuple[str | Middleware, ...] = attrs.field(converter=_as_members)
    description: str = ""


@overload
def middleware(function: MiddlewareFunction, /) -> Middleware: ...
@overload
def middleware(
    *,
    name: str = "",
    zone: Zone = "app",
    before: Iterable[str] = (),
    after: Iterable[str] = (),
    reads_body: bool = False,
    buffers_response: bool = False,
    needs: str | ResourceKey[object] | Iterable[str | ResourceKey[object]] = (),
    provides: Iterable[str] = (),
) -> Callable[[MiddlewareFunction], Middleware]: ...
def middleware(  # noqa: PLR0913 - one keyword for each attribute of the record
    function: MiddlewareFunction | None = None,
    /,
    *,
    name: str = "",
    zone: Zone = "app",
    before: Iterable[str] = (),
    after: Iterable[str] = (),
    reads_body: bool = False,
    buffers_response: bool = False,
    needs: str | ResourceKey[object] | Iterable[str | ResourceKey[object]] = (),
    provides: Iterable[str] = (),
) -> Middleware | Callable[[MiddlewareFunction], Middleware]:
    """Turn ``async def m(request, call_next)`` into a ``Middleware`` record; use it with or without arguments.

    Further parameters with annotations are supplied like the parameters of handlers.

    Args:
        function: the function, if the decorator is used without arguments.
        name: name of the middleware; the name of the function if empty.
        zone: see ``Middleware``, which describes all further arguments.
        before: names of middleware.
        after: names of middleware.
        reads_body: whether it reads the content of requests.
        buffers_response: whether it holds whole responses in memory.
        needs: request-state keys, names of middleware, and keys of resources.
        provides: request-state keys.

    Raises:
        TypeError: the function is not async, or cannot be called with a request and the next handler.
    """

    def decorate(function: MiddlewareFunction) -> Middleware:
        _check(function)
        return Middleware(
            name or _name_of(function),
            _MiddlewareFactory(function),
            zone=zone,
            before=before,
            after=after,
            reads_body=reads_body,
            buffers_response=buffers_response,
            needs=needs,
            provides=provides,
        )

    return decorate if function is None else decorate(function)


@attrs.frozen
class _MiddlewareFactory:
    """The factory of a middleware function; unlike a closure, it can be compared and pickled.

    The compiler replaces it if the function takes further parameters.
    """

    function: MiddlewareFunction

    def __call__(self, next_handler: Handler, _setup: object) -> Handler:
        function = self.function
        # The lambda returns the coroutine itself; an async def would wrap it in a second coroutine.
        return lambda request: function(request, next_handler)

    def __reduce__(self) -> tuple[Callable[..., _MiddlewareFactory], tuple[object, ...]]:
        """Pickle by the name of the record if the decorator replaced the function: pickle cannot find the function."""
        module = getattr(self.function, "__module__", "")
        name = getattr(self.function, "__qualname__", "")
        record = getattr(sys.modules.get(module), name, None)
        if isinstance(record, Middleware) and record.factory is self:
            return _factory_of, (module, name)
        return _MiddlewareFactory, (self.function,)


def _factory_of(module: str, name: str) -> _MiddlewareFactory:
    """Return the factory of the middleware of that name in a module."""
    record: Middleware = getattr(importlib.import_module(module), name)
    return cast(_MiddlewareFactory, record.factory)


def _check(function: MiddlewareFunction) -> None:
    from turnbuckle.web.middleware_check import fault_of_function

    if fault := fault_of_function(function):
        raise TypeError(f"middleware {_name_of(function)!r} {fault}")


def _name_of(function: MiddlewareFunction) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


@attrs.frozen
class ResponseType:
    """The conversion of return values of one type into responses.

    Attributes:
        type: the type; it includes subclasses without their own entry.
        render: function that takes the value and returns the response. An ``async def`` takes the value and the
            request; each request of an app with such a type costs one more call.
        media_type: media type that ``render`` produces, for documentation.
    """

    type: type
    render: Callable[..., Response | Awaitable[Response]]
    media_type: str = ""


@attrs.frozen
class ErrorHandler:
    """The handler for exceptions of one type.

    ``handler(request, exception)``, async or not, returns a value that has a response type. Further parameters with
    annotations are supplied like the parameters of handlers.
    """

    exception: type[Exception]
    handler: Callable[..., object]


@attrs.frozen(kw_only=True)
class ProtocolProvider:
    """Another protocol for a connection: by upgrade token, by ALPN name, or by the first bytes of a connection.

    With an upgrade token (RFC 9110, section 7.8), the factory is called once with the next handler and the setup, like
    the factory of a middleware. It returns a handler for all requests that offer the token; this handler runs inside
    the middleware of the app and before routing. The handler returns a ``SwitchProtocols`` response to switch, any
    other response to refuse, or the response of the next handler to ignore the offer.

    With an ALPN name or a preface, the factory is called once with the handler of the whole app and the setup. It
    returns ``make(link)``, which is called for each connection that negotiated the name, or that begins with the
    preface. ``make`` returns an ``asyncio.Protocol``, which takes over the connection; a ``ProtocolLink`` serves the
    requests that it reads. The server calls two methods of the protocol if it has them: ``expire(now)`` at the deadline
    that it has set, and ``close_when_idle()`` when the server stops.

    Attributes:
        name: name for messages.
        factory: see above.
        alpn: name of the protocol in the TLS handshake, such as ``"h2"``; it is offered before ``http/1.1``.
        upgrade: token of the ``Upgrade`` field, such as ``"websocket"``; a token without a version covers all versions.
        preface: the first bytes of each connection of the protocol, for connections without TLS.
        version: the name of the protocol in logs and in ``request.peer.protocol``, such as ``"HTTP/2"``; ``name`` if it
            is empty.
    """

    name: str
    factory: Callable[..., object]
    alpn: str = ""
    upgrade: str = ""
    preface: bytes = b""
    version: str = ""


@attrs.frozen
class Component:
    """A candidate for the slot of its kind: json, loop, templates, a session store, ...

    ``factory(setup)`` returns an object. A class is refused, because it is nearly always a forgotten call; only the
    kinds ``loop`` and ``shadow_parser`` are called, and may be classes.
    """

    kind: str
    name: str
    factory: Callable[[Setup[Any]], object]


def _as_key(value: ResourceKey[object] | None) -> ResourceKey[object] | None:
    if value is not None and not isinstance(value, ResourceKey):
        raise TypeError(f"the key of a resource must be a ResourceKey, not {value!r}")
    return value


def _as_keys(value: ResourceKey[object] | Iterable[ResourceKey[object]]) -> tuple[ResourceKey[object], ...]:
    keys = (value,) if isinstance(value, ResourceKey) else tuple(value)
    for key in keys:
        _as_key(key)
    return keys


@attrs.frozen
class Lifespan:
    """A context that is entered on the serving loop before the first request and left after the last one.

    Attributes:
        name: name for messages and the log.
        factory: makes the async context manager.
        provides: key of the resource that the context yields; the resource is available while the context is entered.
        needs: keys of resources that must be available before it is entered.
    """

    name: str
    factory: Callable[[Setup[Any]], AbstractAsyncContextManager[object]]
    provides: ResourceKey[object] | None = attrs.field(default=None, kw_only=True, converter=_as_key)
    needs: tuple[ResourceKey[object], ...] = attrs.field(default=(), kw_only=True, converter=_as_keys)


@attrs.frozen(kw_only=True)
class Mount:
    """An app of another framework below a path; ``app.mount(...)`` makes it.

    Attributes:
        path: the prefix of all its paths, from the root, without a slash at its end; it may have parameters.
        app: the app.
        host: a host pattern; "" for any host.
        kind: name of the provider that serves it; "" for the provider that accepts it.
        name: name for ``url_for`` and for messages.
        limits: values for its requests of settings in the section ``limits``.
        timeouts: values for its requests of settings in the section ``timeouts``.
        options: values that plugins read; see ``Route``.
        chain: name of the middleware chain of its requests; None for the chain of the scope; see ``Route``.
        without: names of middleware that its requests do not run through.
        origin: origin of the mount.
    """

    path: str
    app: object = attrs.field(repr=False)
    host: str = ""
    kind: str = ""
    name: str = ""
    limits: Mapping[str, int] = attrs.field(factory=dict, eq=False)
    timeouts: Mapping[str, float] = attrs.field(factory=dict, eq=False)
    options: Mapping[str, object] = attrs.field(factory=dict, eq=False)
    chain: str | None = attrs.field(default=None, eq=False)
    without: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple, eq=False)
    origin: Origin | None = attrs.field(default=None, eq=False)

    def root_of(self, raw_path: str) -> str:
        """Return the part of a path that belongs to the mount; the app sees the rest.

        Args:
            raw_path: path of a request to the mount, percent-encoded.
        """
        path = self.path
        if raw_path.startswith(path) and raw_path[len(path) : len(path) + 1] in {"", "/"}:
            return path
        # The mount has parameters, or the client has encoded the prefix in another way.
        return "/".join(raw_path.split("/")[: path.count("/") + 1])

    def describe(self) -> str:
        """Return host, path and location in one line, for messages."""
        where = f" ({self.origin.location})" if self.origin and self.origin.location else ""
        return f"{self.host}{self.path or '/'}{where}"


@attrs.frozen(kw_only=True)
class MountedApp:
    """The functions that serve a mounted app.

    Attributes:
        handler: handles all its requests, with any method, at any path below the mount.
        websocket: handles its WebSockets like the handler of a WebSocket route; None if the app has none. A request for
            a WebSocket then goes to ``handler``, which ignores the offer.
        lifespans: contexts of the app, which are entered after all lifespans of its scope.
    """

    handler: Handler
    websocket: Callable[[WebSocket], Awaitable[object]] | None = None
    lifespans: tuple[Lifespan, ...] = ()


@attrs.frozen
class MountProvider:
    """A part that serves mounted apps of one kind.

    Attributes:
        name: name of the kind, such as ``"asgi"``; ``app.mount(..., kind=...)`` names it.
        accepts: returns whether an object is such an app. Exactly one enabled provider must accept a mounted app.
        adapt: called once at startup for each mount with the ``Mount`` and the setup.
    """

    name: str
    accepts: Callable[[object], bool]
    adapt: Callable[[Mount, Setup[Any]], MountedApp]
