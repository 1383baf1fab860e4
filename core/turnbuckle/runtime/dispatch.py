"""Compile the closures that a request runs through: find the handler, call it, render its value as a response.

No hook is called here, and nothing is looked up that can be looked up at startup.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Never, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.diagnostics import file_location
from turnbuckle.errors import HTTPError, MethodNotAllowed, NotFound
from turnbuckle.routing.methods import REGISTERED_METHODS
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.routing.records import Route
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle.runtime.found_route import find_again
from turnbuckle.runtime.stream_contexts import leave_dropped, leave_failed
from turnbuckle.runtime.upgrade import upgrade_required
from turnbuckle.web.content.json import ENCODE, STANDARD_JSON, JSONCodec
from turnbuckle.web.handlers import code_of, describe_handler
from turnbuckle.web.headers import FixedHeaders
from turnbuckle.web.middleware_blame import LinkPlace, describe_culprit, describe_returned, note_on_failure
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.errors import ErrorTable
from turnbuckle.web.response.response import Redirect, Response
from turnbuckle.web.response.response_types import AsyncRender, Render, Renderer, Unrendered
from turnbuckle.web.types import Handler

__all__ = [
    "CompiledRoute",
    "Fallback",
    "answer_miss",
    "checked_async_render",
    "checked_render",
    "compile_async_endpoint",
    "compile_dispatch",
    "compile_endpoint",
    "compile_entry",
    "compile_miss",
    "compile_step",
    "guard",
    "with_json_codec",
]

_log: Final = SafeLogger("turnbuckle.server")


@final
@attrs.define(eq=False)
class CompiledRoute:
    """The handler that a router stores for a route: the route as declared, and its compiled handler.

    Attributes:
        route: the route with the handler as declared; it becomes ``request.route``.
        call: the compiled handler; it returns a response, or a value that has a response type.
    """

    route: Route
    call: Callable[[Request], Awaitable[object]]

    def __call__(self, request: Request) -> Awaitable[object]:
        """Call the handler, so that a compiled route can stand for it everywhere."""
        return self.call(request)


@attrs.frozen
class Fallback:
    """The handler for requests in a scope that match no route.

    Attributes:
        read: returns the parameters in the prefix and host of the scope, or None for a request outside of the scope.
        handler: runs the request through the middleware of the scope to the handler of ``answer_miss``.
    """

    read: Callable[[Request], Mapping[str, object] | None]
    handler: Handler


def compile_dispatch(
    find: Callable[[Request], MatchParts], miss: Handler, render: Renderer, errors: ErrorTable
) -> Handler:
    """Return the innermost handler of the app, which finds the route of a request and calls its handler.

    Args:
        find: finds the handler of a request, with its path parameters and its route.
        miss: answers a request without a route; the router's exception is in ``request.exception``.
        render: turns values that handlers return into responses.
        errors: answers exceptions that handlers raise.
    """
    respond = errors.respond

    async def dispatch(request: Request) -> Response:
        try:
            if request.found_route is None:
                endpoint, params, found = find(request)
            else:
                # Middleware has looked the route up.
                endpoint, params, found = find_again(request, find)
        except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
            request.exception = error
            return await miss(request)
        request.path_params = params
        try:
            if type(endpoint) is CompiledRoute:
                request.route = route = endpoint.route
                return render(await endpoint.call(request), route.handler)
            # The router has its own handlers, as an adapter does.
            request.route = found
            response = render(await endpoint(request), endpoint)  # type: ignore[misc]  # it is a handler
            return await response.finish(request) if type(response) is Unrendered else response
        except Exception as error:  # noqa: BLE001  # each exception of a handler is answered
            return await respond(request, error)

    return dispatch


def compile_endpoint(
    route: Route, call: Callable[[Request], Awaitable[object]], render: Renderer, errors: ErrorTable
) -> Handler:
    """Return the innermost handler of a route in a scope with its own middleware, renderer or error handlers."""
    respond, handler = errors.respond, route.handler

    async def endpoint(request: Request) -> Response:
        try:
            return render(await call(request), handler)
        except Exception as error:  # noqa: BLE001  # as above
            return await respond(request, error)

    return endpoint


def compile_async_endpoint(
    route: Route, call: Callable[[Request], Awaitable[object]], render: Renderer, errors: ErrorTable
) -> Handler:
    """Return the innermost handler of a route in a scope with a response type that needs the request."""
    respond, handler = errors.respond, route.handler

    async def endpoint(request: Request) -> Response:
        try:
            response = render(await call(request), handler)
            return await response.finish(request) if type(response) is Unrendered else response
        except Exception as error:  # noqa: BLE001  # as above
            return await respond(request, error)

    return endpoint


def compile_entry(chains: Sequence[Handler], endpoint: Handler, links: Sequence[bool] | None = None) -> Handler:
    """Return the handler that runs a request through the chains of its scopes to an endpoint.

    Args:
        chains: the middleware of the scopes, outermost first; each chain ends in a step (``compile_step``).
        endpoint: a compiled endpoint, or the handler of ``answer_miss``.
        links: which groups of middleware the request runs through; None if the chains have no guards.
    """
    if not chains:
        return endpoint
    first, steps = chains[0], (*chains, endpoint)
    if links is not None:
        decided = links

        def enter_decided(request: Request) -> Awaitable[Response]:
            request.links = decided
            request.steps = steps
            return first(request)

        return enter_decided

    def enter(request: Request) -> Awaitable[Response]:
        request.steps = steps
        return first(request)

    return enter


def compile_step(number: int) -> Handler:
    """Return the innermost handler of a scope's chain, which calls the next of the request's own steps.

    Each scope has a fixed position in the steps, and the steps do not change. So middleware may call the next handler
    twice, and everything inside of it then runs twice.
    """
    return lambda request: request.steps[number](request)


def compile_miss(fallbacks: Sequence[Fallback], answer: Handler) -> Handler:
    """Return the handler for requests that match no route. A request inside a scope runs through its middleware.

    Args:
        fallbacks: the fallbacks of the scopes, narrower scopes first.
        answer: the handler for requests outside of all scopes.
    """

    async def miss(request: Request) -> Response:
        for fallback in fallbacks:
            params = fallback.read(request)
            if params is not None:
                request.path_params = params
                return await fallback.handler(request)
        return await answer(request)

    return miss


def answer_miss(
    errors: ErrorTable,
    known: Collection[str] = REGISTERED_METHODS,
    find_websocket: Callable[[Request], MatchParts] | None = None,
) -> Handler:
    """Return the handler that answers a router's exception: OPTIONS with 204, a wrong trailing slash with a redirect.

    Other exceptions go to the error handlers.

    Args:
        errors: the error handlers.
        known: methods that the app supports on some path; requests with other methods are answered with 501.
        find_websocket: finds the handler of a WebSocket; None if no connection carries WebSockets.
    """

    async def answer(request: Request) -> Response:
        error = request.exception
        if isinstance(error, MethodNotAllowed) and request.method == "OPTIONS":
            request.exception = None
            return Response(b"", 204, {"Allow": ", ".join(error.allowed)})
        if isinstance(error, MethodNotAllowed | NotFound) and request.method not in known:
            # RFC 9110, section 9.1: 405 is for methods that are recognized.
            return await errors.respond(request, HTTPError(501))
        if find_websocket is not None and isinstance(error, NotFound):
            required = upgrade_required(request, find_websocket)
            if required is not None:
                _log.debug("%s has no Upgrade, and only a WebSocket has its path; a proxy may have dropped it", request)
                return await errors.respond(request, required)
        if isinstance(error, SlashRedirect):
            request.exception = None
            return Redirect(request.with_prefix(error.path, request.query), 308)
        if not isinstance(error, Exception):
            raise TypeError(f"no exception to answer for {request!r} (a bug in the compiled app)")
        return await errors.respond(request, error)

    return answer


def checked_render(render: Callable[..., object], kind: type) -> Render:
    """Return a response type's render function that raises TypeError when it does not return a Response."""

    def checked(value: object) -> Response:
        response = render(value)
        return response if isinstance(response, Response) else _raise_no_response(render, kind, response)

    return checked


def checked_async_render(render: Callable[..., Awaitable[object]], kind: type) -> Render:
    """Return a function that defers the async render function of a response type, which is checked likewise."""

    async def checked(value: object, request: Request) -> Response:
        response = await render(value, request)
        return response if isinstance(response, Response) else _raise_no_response(render, kind, response)

    deferred: AsyncRender = checked
    return lambda value: Unrendered(deferred, value)


def _raise_no_response(render: object, kind: type, returned: object) -> Never:
    raise TypeError(
        f"the response type for {kind.__qualname__} ({_place_of(render)}) returned {describe_returned(returned)}"
    )


def _place_of(function: object) -> str:
    """Return the name of a function for messages, with its ``file:line`` if that is known."""
    target = function.func if isinstance(function, functools.partial) else function
    # The line of an object that is called is the line of its method.
    code = code_of(target)
    place = f" at {file_location(code.co_filename, code.co_firstlineno)}" if code is not None else ""
    return describe_handler(target) + place


def guard(
    handler: Handler,
    errors: ErrorTable,
    app_name: str,
    links: Sequence[LinkPlace] = (),
    *,
    leaves_contexts: bool = False,
) -> Handler:
    """Return a chain that never raises and always returns a Response, even if its middleware fails.

    Args:
        handler: the chain.
        errors: answers the exceptions of its middleware.
        app_name: name of the app, for messages.
        links: its middleware, for messages.
        leaves_contexts: whether to leave the contexts of streamed responses that its middleware has dropped.
    """
    respond = errors.respond

    async def guarded(request: Request) -> Response:
        try:
            response: object = await handler(request)
            if leaves_contexts and hasattr(request, "_supplied") and isinstance(response, Response):
                await leave_dropped(request, response)
        except BaseException as error:  # each exception of middleware is answered
            if leaves_contexts and hasattr(request, "_supplied"):
                await leave_failed(request, error)
            if not isinstance(error, Exception):
                raise
            if note := note_on_failure(error, links, app_name):
                error.add_note(note)
            answer = await respond(request, error)
            return _with_error_headers(request, answer) if hasattr(request, "_error_headers") else answer
        if isinstance(response, Response):
            return response
        culprit = describe_culprit(links, app_name, response)
        return await respond(request, TypeError(f"{culprit} returned {describe_returned(response)}"))

    return guarded


def _with_error_headers(request: Request, response: Response) -> Response:
    """Return a response with the fields of the middleware that an exception has passed."""
    # An error handler may return the same response to other clients, and a field may be a cookie.
    response = response.copy()
    response.headers.add_missing(FixedHeaders(request.error_headers.items()))
    # A chain further outside may answer another exception.
    del request._error_headers
    return response


def with_json_codec(handler: Handler, codec: JSONCodec) -> Handler:
    """Return a handler that encodes JSON with the app's codec; with the standard codec, the handler itself."""
    if codec is STANDARD_JSON:
        return handler
    encode = codec.encode

    def with_codec(request: Request) -> Awaitable[Response]:
        # Each request has its own context, so this applies to everything that serves the request.
        ENCODE.set(encode)
        return handler(request)

    return with_codec
