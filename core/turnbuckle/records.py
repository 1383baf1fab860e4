"""The frozen records that hooks return, and the callables they hold.

A plugin speaks once, at startup, by returning these; it never touches the app. Every record may be built by hand, too:
``App(...)`` and ``app.scope(...)`` take the same ones. ``turnbuckle.hookspecs`` says which hook returns which record.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, overload

import attrs

from turnbuckle.diagnostics import ResourceKey

if TYPE_CHECKING:
    from turnbuckle.http.events import ParserFactory
    from turnbuckle.routing.records import Router
    from turnbuckle.setup import Setup
    from turnbuckle.web.response.response import Response
    from turnbuckle.web.types import Handler, MiddlewareFunction

__all__ = [
    "ZONES",
    "Component",
    "ErrorHandler",
    "Lifespan",
    "Middleware",
    "ParserProvider",
    "ProtocolProvider",
    "ResponseType",
    "RouterProvider",
    "Zone",
    "middleware",
]

MiddlewareFactory: TypeAlias = "Callable[[Handler, Setup], Handler]"
"""Called once at startup with the next handler; may return that very handler, and then costs nothing."""

Zone: TypeAlias = Literal["edge", "security", "session", "transform", "app"]
ZONES: Final[tuple[Zone, ...]] = ("edge", "security", "session", "transform", "app")
"""The zones of the middleware chain, outermost first."""


def _as_tuple(value: Iterable[str]) -> tuple[str, ...]:
    # A lone name is an easy slip for a tuple of one; its letters never are what was meant.
    return (value,) if isinstance(value, str) else tuple(value)


def _as_needs(
    value: str | ResourceKey[object] | Iterable[str | ResourceKey[object]],
) -> tuple[str | ResourceKey[object], ...]:
    return (value,) if isinstance(value, str | ResourceKey) else tuple(value)


@attrs.frozen
class ParserProvider:
    """A parser to choose from: ``factory(limits)`` makes one for each connection."""

    name: str
    factory: ParserFactory


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
def middleware(  # noqa: PLR0913 - one keyword for each attribute of the record that it makes
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
    """Turn ``async def m(request, call_next)`` into a ``Middleware`` record; use with or without arguments.

    Args:
        function: the function, when used without arguments.
        name: the function's own name by default.
        zone: see ``Middleware``, as for all that follow.
        before: names.
        after: names.
        reads_body: whether it reads the content of requests.
        buffers_response: whether it holds whole responses in memory.
        needs: names, and keys of resources.
        provides: names.

    Raises:
        TypeError: the function is not async, or cannot be called with a request and the next handler.
    """

    def decorate(function: MiddlewareFunction) -> Middleware:
        _check(function)
        return Middleware(
            name or _name_of(function),
            _factory_of(function),
            zone=zone,
            before=before,
            after=after,
            reads_body=reads_body,
            buffers_response=buffers_response,
            needs=needs,
            provides=provides,
        )

    return decorate if function is None else decorate(function)


def _factory_of(function: MiddlewareFunction) -> Callable[[Handler, object], Handler]:
    # A lambda that returns the coroutine, where an async def that awaits it would put a second one around it.
    return lambda next_handler, _setup: lambda request: function(request, next_handler)


def _check(function: MiddlewareFunction) -> None:
    call = getattr(function, "__call__", None)  # noqa: B004 - an object whose __call__ is async is welcome, too
    if not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)):
        raise TypeError(f"middleware {function!r} is not an async function")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise TypeError(f"middleware {_name_of(function)!r} must take (request, call_next)") from error


def _name_of(function: MiddlewareFunction) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


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
