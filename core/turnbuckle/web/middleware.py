"""Make middleware, and fold a chain of it around an endpoint; which order it stands in is decided elsewhere.

After the fold a request passes from one plain callable to the next: a hop is one call, and nothing looks at the chain.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar, overload

from turnbuckle.records import Handler, Middleware, ResourceKey, Zone
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

__all__ = ["MiddlewareFunction", "compose", "middleware"]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)

MiddlewareFunction: TypeAlias = Callable[[Request, Handler], Awaitable[Response]]
"""``async def m(request, call_next)``: calls ``await call_next(request)``, or does not, and returns a response."""


class Link(Protocol[S_contra]):
    """What a chain is made of; ``Middleware`` is one whose factory takes a ``Setup``."""

    @property
    def name(self) -> str:
        """Return the name for messages."""

    @property
    def factory(self) -> Callable[[Handler, S_contra], Handler]:
        """Return what puts a handler around the next one."""


def compose(links: Sequence[tuple[Link[S], S]], endpoint: Handler) -> Handler:
    """Fold middleware around an endpoint.

    Args:
        links: each middleware with the setup that its factory is to see; the outermost first.
        endpoint: what the innermost calls.

    Raises:
        TypeError: a factory returned something that cannot be called.
    """
    handler = endpoint
    for link, setup in reversed(links):
        outer = link.factory(handler, setup)
        if not callable(outer):
            raise TypeError(f"the factory of middleware {link.name!r} {_fault(outer)}")
        handler = outer
    return handler


def _fault(outer: object) -> str:
    if inspect.iscoroutine(outer):
        # Nobody will await it, of which Python would warn.
        outer.close()
        return "is an 'async def'; one that takes (request, call_next) is decorated with @turnbuckle.middleware"
    return f"returned {outer!r}, which is no handler"


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
