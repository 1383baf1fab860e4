"""Decide once how a route handler is called: with which arguments, and on the event loop or in a thread.

``bind_handler`` returns the cheapest callable that suits the handler. Nothing is inspected while requests are served.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from types import CodeType, MethodType
from typing import Final, Literal, TypeAlias, TypeVar, cast

import attrs

from turnbuckle.web.annotations import annotated_classes, evaluate_annotation
from turnbuckle.web.parameters.markers import has_marker
from turnbuckle.web.request.request import Request

__all__ = [
    "VARIABLE",
    "BoundHandler",
    "Parameters",
    "accepted_names",
    "awaitable_function",
    "bind_handler",
    "call_in_thread",
    "call_plain_handler",
    "code_of",
    "describe_handler",
    "handler_signatures",
    "is_async_function",
    "is_async_generator_function",
    "passes_names_on",
    "request_parameter",
    "uncompiled_call",
]

Args: TypeAlias = tuple[object, ...]
KwArgs: TypeAlias = Mapping[str, object]
BoundHandler: TypeAlias = Callable[[Request], Awaitable[object]]
Parameters: TypeAlias = tuple[inspect.Parameter, ...]

_REQUEST: Final = "request"
_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)
VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
# Functions that wrap each other in a circle have no end.
_MAX_WRAPPERS: Final = 100


@attrs.frozen(kw_only=True)
class _Signature:
    """How a handler takes the request, and which path parameters it takes; ``accepted`` is None if it takes all."""

    request: Literal["first", "by name", "not"]
    accepted: frozenset[str] | None
    required: frozenset[str]


def bind_handler(
    handler: Callable[..., object],
    path_params: Collection[str] | None = None,
    signatures: Sequence[Parameters] = (),
) -> BoundHandler:
    """Return a callable that takes a request and calls the handler with the arguments that it declares.

    The request is passed to the parameter named ``request``, or else to the first parameter if it is not a path
    parameter. Path parameters are passed by name, if the handler accepts them. A plain ``def`` runs in a thread, with
    the context variables of the caller.

    Args:
        handler: any callable: a function, a bound method, an object with ``__call__``, an async generator function.
        path_params: the names in the path; None if the router does not report them, so they are only known from each
            match.
        signatures: the result of ``handler_signatures`` for the handler, if the caller has it.

    Raises:
        ValueError: the handler requires an argument that is not available, or its signature cannot be read.
    """
    signature = _read_signature(handler, signatures or handler_signatures(handler), path_params or ())
    if path_params is not None and (missing := signature.required.difference(path_params)):
        names = ", ".join(repr(name) for name in sorted(missing))
        raise ValueError(f"handler {describe_handler(handler)} requires {names}, which its path does not give")
    return _compile(handler, signature, path_params)


async def uncompiled_call(request: Request) -> object:
    """Stand for the call of a handler until it is compiled."""
    raise RuntimeError(f"{request!r} is answered before the app is compiled")


def describe_handler(handler: object) -> str:
    """Return the module and qualified name of a handler, for messages."""
    named = handler.func if isinstance(handler, functools.partial) else handler
    named = named if hasattr(named, "__qualname__") else type(named)
    return f"{getattr(named, '__module__', '?')}.{getattr(named, '__qualname__', '?')}"


def code_of(function: object) -> CodeType | None:
    """Return the code of a function, method or callable object, or None."""
    if not hasattr(function, "__code__") and not hasattr(function, "__func__"):
        function = getattr(type(function), "__call__", None)  # noqa: B004  # its code is needed
    code: object = getattr(getattr(function, "__func__", function), "__code__", None)
    return code if isinstance(code, CodeType) else None


def handler_signatures(handler: object) -> Sequence[Parameters]:
    """Return the parameters of a handler, and then of the functions that it wraps (``functools.wraps``).

    The first signature is the one that is called. A wrapped function is of interest as far as its wrapper passes on
    all keyword arguments.

    Raises:
        ValueError: no signature can be read.
    """
    target, rebuild = _split(handler)
    signatures: list[Parameters] = []
    for _ in range(_MAX_WRAPPERS):
        # Some callables that are written in C have no signature, but have a function that they wrap.
        with suppress(TypeError, ValueError):
            signature = inspect.signature(rebuild(cast("Callable[..., object]", target)), follow_wrapped=False)
            signatures.append(tuple(signature.parameters.values()))
        target = getattr(target, "__wrapped__", None)
        if target is None:
            break
    if not signatures:
        raise ValueError(f"the signature of handler {describe_handler(handler)} cannot be read")
    return signatures


def _split(handler: object) -> tuple[object, Callable[[Callable[..., object]], Callable[..., object]]]:
    """Return the function of a handler, and a function that binds another function in the same way."""
    if isinstance(handler, MethodType):
        return handler.__func__, lambda function: MethodType(function, handler.__self__)
    if isinstance(handler, functools.partial):
        target, rebuild = _split(handler.func)
        args, kwargs = handler.args, handler.keywords
        return target, lambda function: functools.partial(rebuild(function), *args, **kwargs)
    return handler, lambda function: function


def _read_signature(
    handler: Callable[..., object], signatures: Sequence[Parameters], path_params: Collection[str]
) -> _Signature:
    called = signatures[0]
    taker, for_request = request_parameter(signatures, path_params, handler)
    by_name = [parameter for parameter in called if parameter is not for_request and parameter.kind not in VARIABLE]
    for parameter in by_name:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            error = ValueError(f"handler {describe_handler(handler)}: {parameter.name!r} cannot be passed by name")
            error.add_note(f"fix: remove the '/' behind {parameter.name!r} from its parameters")
            raise error
    if for_request is not None and for_request.name in path_params:
        raise ValueError(f"handler {describe_handler(handler)}: {_REQUEST!r} cannot be the name of a path parameter")
    return _Signature(
        request="not" if for_request is None else "first" if _is_first(for_request, taker) else "by name",
        accepted=accepted_names(signatures, for_request),
        required=frozenset(parameter.name for parameter in by_name if parameter.default is parameter.empty),
    )


def _is_first(parameter: inspect.Parameter, parameters: Parameters) -> bool:
    return parameter is parameters[0] and parameter.kind is not parameter.KEYWORD_ONLY


def accepted_names(signatures: Sequence[Parameters], for_request: inspect.Parameter | None) -> frozenset[str] | None:
    """Return the names of the path parameters that a handler is called with, or None for all."""
    names: set[str] = set()
    for parameters in signatures:
        names.update(parameter.name for parameter in parameters if parameter.kind not in VARIABLE)
        if not passes_names_on(parameters):
            return frozenset(names - {_REQUEST, for_request.name if for_request is not None else _REQUEST})
    return None


def passes_names_on(parameters: Parameters) -> bool:
    """Return whether a function takes all keyword arguments, as wrappers do that pass them on."""
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def request_parameter(
    signatures: Sequence[Parameters], path_params: Collection[str], function: object = None
) -> tuple[Parameters, inspect.Parameter | None]:
    """Return the parameter that receives the request, or None, with the signature that decides about it.

    It is the parameter ``request``, or else the first parameter, if its annotation allows a request.
    """
    parameters: Parameters = ()
    found: inspect.Parameter | None = None
    for parameters in signatures:
        found = _request_in(parameters, path_params, function)
        passes_on = found is not None and found.kind is found.VAR_POSITIONAL and passes_names_on(parameters)
        if not passes_on:
            break
    return parameters, found


def _request_in(parameters: Parameters, path_params: Collection[str], function: object) -> inspect.Parameter | None:
    for parameter in parameters:
        if parameter.name == _REQUEST and parameter.kind not in VARIABLE:
            return parameter
    first = parameters[0] if parameters else None
    # A first parameter *args counts, because decorators that pass on all arguments have one.
    if first is None or first.kind not in _POSITIONAL or first.name in path_params:
        return None
    return first if _may_be_request(first, function) else None


def _may_be_request(parameter: inspect.Parameter, function: object) -> bool:
    """Return whether the annotation of a first parameter does not exclude the request."""
    annotation = parameter.annotation
    if annotation in (parameter.empty, Request):
        return True
    try:
        evaluated = evaluate_annotation(annotation, function)
    except Exception:  # noqa: BLE001  # the code of an annotation may raise anything
        return False
    if has_marker(evaluated):
        return False
    if isinstance(evaluated, TypeVar):
        # Only the bound says that it is a request.
        evaluated = evaluated.__bound__ or int
    if inspect.isfunction(evaluated):
        return False
    classes = annotated_classes(evaluated, function)
    return any(issubclass(Request, kind) for kind in classes if kind is not type(None))


def _compile(
    handler: Callable[..., object], signature: _Signature, path_params: Collection[str] | None
) -> BoundHandler:
    call = awaitable_function(handler)
    if signature.request == "by name":
        call = _with_request_by_name(call)
    accepted = signature.accepted
    if accepted is None or (path_params and accepted.issuperset(path_params)):
        if signature.request == "not":
            return lambda request: call(**request.path_params)
        return lambda request: call(request, **request.path_params)
    if not accepted or (path_params is not None and accepted.isdisjoint(path_params)):
        return call if signature.request != "not" else lambda request: call()
    if signature.request == "not":
        return lambda request: call(**_only(accepted, request))
    return lambda request: call(request, **_only(accepted, request))


def _only(names: frozenset[str], request: Request) -> dict[str, object]:
    return {name: value for name, value in request.path_params.items() if name in names}


def _with_request_by_name(call: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    return lambda request, **path_params: call(request=request, **path_params)


def awaitable_function(handler: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    """Return a function with an awaitable result: an ``async def`` itself; a plain ``def`` runs in a thread."""
    call = getattr(handler, "__call__", handler)  # noqa: B004 - the question is whether __call__ is async
    if inspect.iscoroutinefunction(handler):
        return handler
    if inspect.iscoroutinefunction(call):
        return call
    if is_async_generator_function(handler):
        return _streaming(handler)
    return _in_thread(handler)


def is_async_function(function: object) -> bool:
    """Return whether a function is an ``async def``, or an object is one whose ``__call__`` is."""
    call = getattr(function, "__call__", None)  # noqa: B004 - the question is whether __call__ is async
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def is_async_generator_function(function: object) -> bool:
    """Return whether a function is an ``async def`` that yields, or an object is one whose ``__call__`` is."""
    call = getattr(function, "__call__", None)  # noqa: B004 - as above
    return inspect.isasyncgenfunction(function) or inspect.isasyncgenfunction(call)


def _streaming(handler: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    async def start(*args: object, **kwargs: object) -> object:
        return handler(*args, **kwargs)

    return start


def _in_thread(handler: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    return lambda *args, **kwargs: call_in_thread(handler, args, kwargs)


async def call_in_thread(handler: Callable[..., object], args: Args, kwargs: KwArgs) -> object:
    """Call a plain handler in a thread. While it runs, that thread has a frame of ``call_plain_handler``."""
    try:
        result = await asyncio.to_thread(call_plain_handler, handler, args, kwargs)
    except asyncio.CancelledError:
        # The thread cannot be cancelled, but it must not wait for content without an end.
        for argument in (*args, *kwargs.values()):
            if isinstance(argument, Request):
                argument.sync.cancel()
        raise
    # A plain function may wrap an async function, for example because of a decorator.
    return await result if inspect.isawaitable(result) else result


def call_plain_handler(handler: Callable[..., object], args: Args, kwargs: KwArgs) -> object:
    """Call a plain handler. Reports on blocked threads find the handler and its arguments in this frame."""
    try:
        return handler(*args, **kwargs)
    except StopIteration as error:
        # A future cannot store a StopIteration, so the caller would wait for ever.
        raise RuntimeError(f"handler {describe_handler(handler)} raised StopIteration") from error
