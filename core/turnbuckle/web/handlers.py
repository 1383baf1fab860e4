"""Decide, once, how a route handler is called: with which arguments, and on the loop or in a thread.

What ``bind`` returns is as small as the handler allows; nothing is inspected while requests are served.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import attrs

from turnbuckle.web.request.request import Request

__all__ = ["BoundHandler", "bind", "call_here", "call_in_thread", "describe_handler"]

Args: TypeAlias = tuple[object, ...]
KwArgs: TypeAlias = Mapping[str, object]
BoundHandler: TypeAlias = Callable[[Request], Awaitable[object]]

_REQUEST: Final = "request"
_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)
_VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@attrs.frozen(kw_only=True)
class _Shape:
    """How a handler takes the request, and which path parameters it takes; ``accepted`` is None for all of them."""

    request: Literal["first", "by name", "not"]
    accepted: frozenset[str] | None
    required: frozenset[str]


def bind(handler: Callable[..., object], path_params: Collection[str] | None = None) -> BoundHandler:
    """Return a callable that takes a request and calls the handler with what it asks for.

    The request goes to the parameter named ``request``, or else to the first one if that is no path parameter. Path
    parameters go by name to those that the handler takes. A plain ``def`` runs in a thread, with the caller's context.

    Args:
        handler: any callable: a function, a bound method, an object with ``__call__``, an async generator function.
        path_params: the names in the path; None if the router does not tell, and they are only known from each match.

    Raises:
        ValueError: the handler requires something that it would not be given, or its signature cannot be read.
    """
    shape = _shape_of(handler, path_params or ())
    if path_params is not None and (missing := shape.required.difference(path_params)):
        names = ", ".join(repr(name) for name in sorted(missing))
        raise ValueError(f"handler {describe_handler(handler)} requires {names}, which its path does not give")
    return _compile(handler, shape, path_params)


def describe_handler(handler: object) -> str:
    """Return module and name of a handler, for messages."""
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{getattr(named, '__module__', '?')}.{getattr(named, '__qualname__', '?')}"


def _shape_of(handler: Callable[..., object], path_params: Collection[str]) -> _Shape:
    parameters = _parameters_of(handler)
    takes = _request_parameter(parameters, path_params)
    by_name = [one for one in parameters if one is not takes and one.kind not in _VARIABLE]
    for parameter in by_name:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ValueError(f"handler {describe_handler(handler)}: {parameter.name!r} cannot be passed by name")
    if takes is not None and takes.name in path_params:
        raise ValueError(f"handler {describe_handler(handler)}: {_REQUEST!r} cannot be the name of a path parameter")
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return _Shape(
        request="not" if takes is None else "first" if takes is parameters[0] else "by name",
        accepted=None if takes_all else frozenset(one.name for one in by_name),
        required=frozenset(one.name for one in by_name if one.default is one.empty),
    )


def _request_parameter(
    parameters: Sequence[inspect.Parameter], path_params: Collection[str]
) -> inspect.Parameter | None:
    for parameter in parameters:
        if parameter.name == _REQUEST and parameter.kind not in _VARIABLE:
            return parameter
    first = parameters[0] if parameters else None
    # A first parameter *args counts: it belongs to a decorator that passes everything on.
    return first if first and first.kind in _POSITIONAL and first.name not in path_params else None


def _parameters_of(handler: Callable[..., object]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(handler).parameters.values())
    except (TypeError, ValueError) as error:
        raise ValueError(f"the signature of handler {describe_handler(handler)} cannot be read") from error


def _compile(handler: Callable[..., object], shape: _Shape, path_params: Collection[str] | None) -> BoundHandler:
    call = _awaitable(handler)
    if shape.request == "by name":
        call = _with_request_by_name(call)
    accepted = shape.accepted
    if accepted is None or (path_params and accepted.issuperset(path_params)):
        if shape.request == "not":
            return lambda request: call(**request.path_params)
        return lambda request: call(request, **request.path_params)
    if not accepted or (path_params is not None and accepted.isdisjoint(path_params)):
        return call if shape.request != "not" else lambda request: call()
    if shape.request == "not":
        return lambda request: call(**_only(accepted, request))
    return lambda request: call(request, **_only(accepted, request))


def _only(names: frozenset[str], request: Request) -> dict[str, object]:
    return {name: value for name, value in request.path_params.items() if name in names}


def _with_request_by_name(call: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    return lambda request, **path_params: call(request=request, **path_params)


def _awaitable(handler: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    call = getattr(handler, "__call__", handler)  # noqa: B004 - what is asked is whether __call__ is async
    if inspect.iscoroutinefunction(handler):
        return handler
    if inspect.iscoroutinefunction(call):
        return call
    if inspect.isasyncgenfunction(handler) or inspect.isasyncgenfunction(call):
        return _streaming(handler)
    return _in_thread(handler)


def _streaming(handler: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    async def start(*args: object, **kwargs: object) -> object:
        return handler(*args, **kwargs)

    return start


def _in_thread(handler: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    return lambda *args, **kwargs: call_in_thread(handler, args, kwargs)


async def call_in_thread(handler: Callable[..., object], args: Args, kwargs: KwArgs) -> object:
    """Call a plain handler in a thread; while it runs there, ``call_here`` is in the frames of that thread."""
    result = await asyncio.to_thread(call_here, handler, args, kwargs)
    # A plain function may wrap an async one, as careless decorators do.
    return await result if inspect.isawaitable(result) else result


def call_here(handler: Callable[..., object], args: Args, kwargs: KwArgs) -> object:
    """Call a plain handler; whoever asks what a thread does finds this frame, with the same arguments."""
    try:
        return handler(*args, **kwargs)
    except StopIteration as error:
        # A future cannot hold one: whoever waits for the thread would wait for ever.
        raise RuntimeError(f"handler {describe_handler(handler)} raised StopIteration") from error
