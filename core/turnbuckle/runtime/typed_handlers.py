"""Compile handlers with typed parameters, or with a typed result, into the closures that routes call.

The result is encoded by the declared type, so a value of a derived class shows no more than the declared fields. A
value that does not fit is an error of the handler.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, TypeAlias

from turnbuckle.plan import PlannedResult, PlannedSignature
from turnbuckle.runtime.arguments import compile_arguments, compile_call, has_contexts
from turnbuckle.runtime.stream_contexts import BodyInContexts, open_streams, take_streams
from turnbuckle.schema.faults import SchemaError
from turnbuckle.web.annotations import annotated_classes, show_annotation
from turnbuckle.web.handlers import BoundHandler, awaitable_function, describe_handler
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.file_body import FileBody
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.response_types import Renderer, Unrendered
from turnbuckle.web.types import Handler

Respond: TypeAlias = Callable[[Request, object], Awaitable[Response]]

__all__ = ["compile_error_handler", "compile_middleware", "compile_typed_handler", "with_result"]

_JSON: Final = "application/json"
# Values of these types have a response without JSON. They are not encoded if the annotation allows them.
_NOT_ENCODED: Final = frozenset({str, bytes, type(None)})


def compile_typed_handler(
    handler: Callable[..., object], signature: PlannedSignature, render: Renderer, *, is_negotiated: bool = False
) -> BoundHandler:
    """Return the function that calls a handler with its arguments and returns its result.

    Args:
        handler: the handler.
        signature: its parameters, its guards and its result.
        render: turns values into responses.
        is_negotiated: whether the app has its own codec of JSON, or further codecs, so that ``render`` encodes values.
    """
    if has_contexts(signature):
        return _in_contexts(handler, signature, _responder(handler, signature.result, render, is_negotiated))
    call = compile_call(handler, signature, has_lead=False)
    return with_result(call, handler, signature.result, render, is_negotiated=is_negotiated)


def with_result(
    call: BoundHandler,
    handler: Callable[..., object],
    result: PlannedResult,
    render: Renderer,
    *,
    is_negotiated: bool = False,
) -> BoundHandler:
    """Return a call of a handler whose result has the declared type and status; the call itself if it declares none.

    See ``compile_typed_handler`` for the arguments.
    """
    if result.schema is None and result.status is None:
        return call
    respond = _responder(handler, result, render, is_negotiated)
    if result.schema is None or is_negotiated:

        async def responding(request: Request) -> Response:
            return await respond(request, await call(request))

        return responding
    encode, status = result.schema.encode_json, result.status or 200

    async def encoding(request: Request) -> Response:
        # The common case of ``respond``, without its call.
        value = await call(request)
        if type(value) not in _NOT_ENCODED and not isinstance(value, Response):
            try:
                response = Response(encode(value), 200, None, _JSON)
                # The constructor checks every status but 200, and this one was checked at startup.
                response.status = status
                return response
            except SchemaError:
                pass
        return await respond(request, value)

    return encoding


def _responder(handler: Callable[..., object], result: PlannedResult, render: Renderer, is_negotiated: bool) -> Respond:
    """Return the function that turns a value of a handler into a response."""
    schema, status = result.schema, result.status
    plain = _plain_types(result.annotation)

    async def respond(request: Request, value: object) -> Response:
        if isinstance(value, Response):
            return value
        if schema is not None and not isinstance(value, plain):
            try:
                if not is_negotiated:
                    return Response(schema.encode_json(value), status or 200, content_type=_JSON)
                value = schema.to_builtins(value)
            except SchemaError as error:
                raise TypeError(
                    f"handler {describe_handler(handler)} returned a value that does not fit "
                    f"'-> {show_annotation(result.annotation)}': {error}"
                ) from None
        response = render(value, handler)
        if type(response) is Unrendered:
            response = await response.finish(request)
        if status is not None:
            response.status = status
        return response

    return respond


def _plain_types(annotation: object) -> tuple[type, ...]:
    """Return the types without JSON that a handler may return beside its declared classes, as in ``-> Note | str``.

    None is always one of them, because its own error names the missing ``return``.
    """
    classes = annotated_classes(annotation)
    return type(None), *(plain for plain in (str, bytes) if any(issubclass(kind, plain) for kind in classes))


def _in_contexts(
    handler: Callable[..., object], signature: PlannedSignature, respond: Respond
) -> Callable[..., Awaitable[Response]]:
    """Return the call of a function whose arguments open contexts, which are left after the response."""
    function: Callable[..., Awaitable[object]] = awaitable_function(handler)
    arguments = compile_arguments(signature)

    async def call(request: Request, *lead: object) -> Response:
        stack = AsyncExitStack()
        streams, known = open_streams(request), request.supplied
        begin, outer = len(streams), known.copy()
        try:
            values = await arguments.values(request, stack)
            result: Awaitable[object] = arguments.call(function, values, lead)  # type: ignore[assignment]
            response = await respond(request, await result)
        except BaseException as error:
            # A context may replace the exception, but it cannot replace the response.
            take_streams(streams, begin, stack)
            await stack.__aexit__(type(error), error, error.__traceback__)
            raise
        take_streams(streams, begin, stack)
        body = response.body
        if isinstance(body, bytes | FileBody):
            # Before the response is sent, so that the client does not see success if the contexts fail, for example
            # because a transaction cannot be committed.
            await stack.aclose()
        else:
            # A middleware may call the handler again, which then opens its own contexts.
            for key in known.keys() - outer.keys():
                del known[key]
            response.body = stream = BodyInContexts(body, stack)
            streams.append(stream)
        return response

    return call


def compile_middleware(function: Callable[..., object], signature: PlannedSignature, next_handler: Handler) -> Handler:
    """Return the handler for a middleware function with further parameters.

    Args:
        function: takes the request, the next handler, and the parameters.
        signature: its further parameters.
        next_handler: the handler that it calls.
    """
    if has_contexts(signature):
        call_in_contexts = _in_contexts(function, signature, _unchanged)
        return lambda request: call_in_contexts(request, request, next_handler)
    call: Callable[..., Awaitable[Response]] = compile_call(function, signature)  # type: ignore[assignment]
    return lambda request: call(request, request, next_handler)


async def _unchanged(request: Request, value: object) -> Response:
    if not isinstance(value, Response):
        raise TypeError(f"middleware returned {value!r:.80}, which is not a Response")
    return value


def compile_error_handler(function: Callable[..., object], signature: PlannedSignature) -> Callable[..., object]:
    """Return ``handler(request, exception)`` for an error handler with further parameters.

    The contexts that supply them are left when it returns.

    Args:
        function: takes the request, the exception, and the parameters.
        signature: its further parameters.
    """
    arguments = compile_arguments(signature)

    @functools.wraps(function)
    async def handler(request: Request, exception: Exception) -> object:
        async with AsyncExitStack() as stack:
            values = await arguments.values(request, stack)
            result = arguments.call(function, values, (request, exception))
            return await result if inspect.isawaitable(result) else result

    return handler
