"""The closures that a request runs through: find the handler, call it, turn what it returns into a response.

Nothing here is a hook, and nothing looks anything up that could have been looked up at startup.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, final

import attrs

from turnbuckle.errors import HTTPError, MethodNotAllowed, NotFound
from turnbuckle.routing.methods import REGISTERED_METHODS
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle.web.content.json import ENCODE, STANDARD_JSON, JSONCodec
from turnbuckle.web.request.request import Request, UrlBuilder
from turnbuckle.web.response.errors import ErrorTable
from turnbuckle.web.response.response import Redirect, Response
from turnbuckle.web.response.response_types import Renderer
from turnbuckle.web.types import Handler

__all__ = [
    "CompiledRoute",
    "Fallback",
    "answer_miss",
    "checked_render",
    "compile_dispatch",
    "compile_endpoint",
    "compile_entry",
    "compile_miss",
    "compile_step",
    "guard",
    "with_json_codec",
]


@final
@attrs.define(eq=False)
class CompiledRoute:
    """What a router holds for a route: the route as it was written, and what is called for it.

    Attributes:
        route: with the handler that the author wrote; requests show it as ``request.route``.
        call: returns the response, or anything that has a response type.
    """

    route: Route
    call: Callable[[Request], Awaitable[object]]

    def __call__(self, request: Request) -> Awaitable[object]:
        """Call the handler, for whoever does not know about endpoints."""
        return self.call(request)


@attrs.frozen
class Fallback:
    """What answers requests in a scope that no route takes.

    Attributes:
        read: gives the parameters in prefix and host of the scope, or None for a request that is not in it.
        handler: sends a request through the chains of the scope to ``answer_miss``.
    """

    read: Callable[[Request], Mapping[str, object] | None]
    handler: Handler


def compile_dispatch(
    find: Callable[[Request], Match], miss: Handler, render: Renderer, errors: ErrorTable, url_for: UrlBuilder
) -> Handler:
    """Return the innermost handler of the app, which knows all routes.

    Args:
        find: finds the handler for a request.
        miss: answers when that failed; the exception is in ``request.exception``.
        render: turns what handlers return into responses.
        errors: answers for what handlers raise.
        url_for: makes paths of named routes.
    """
    respond = errors.respond

    async def dispatch(request: Request) -> Response:
        request.url_builder = url_for
        try:
            match = find(request)
        except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
            request.exception = error
            return await miss(request)
        request.path_params = match.path_params
        endpoint = match.handler
        try:
            if type(endpoint) is CompiledRoute:
                request.route = route = endpoint.route
                return render(await endpoint.call(request), route.handler)
            # A router with handlers of its own, such as an adapter.
            request.route = match.route
            return render(await endpoint(request), endpoint)  # type: ignore[misc]  # it is a handler
        except Exception as error:  # noqa: BLE001  # whatever a handler raises is answered
            return await respond(request, error)

    return dispatch


def compile_endpoint(
    route: Route, call: Callable[[Request], Awaitable[object]], render: Renderer, errors: ErrorTable
) -> Handler:
    """Return the innermost handler of a route whose scope has something of its own around it."""
    respond, handler = errors.respond, route.handler

    async def endpoint(request: Request) -> Response:
        try:
            return render(await call(request), handler)
        except Exception as error:  # noqa: BLE001  # as above
            return await respond(request, error)

    return endpoint


def compile_entry(chains: Sequence[Handler], endpoint: Handler) -> Handler:
    """Return what sends a request through the chains of its scopes to an endpoint.

    Args:
        chains: outermost first; each ends in a step.
        endpoint: a compiled endpoint, or what answers a miss.
    """
    if not chains:
        return endpoint
    first, steps = chains[0], (*chains, endpoint)

    def enter(request: Request) -> Awaitable[Response]:
        request.steps = steps
        return first(request)

    return enter


def compile_step(number: int) -> Handler:
    """Return the innermost handler of a scope's chain, which goes on to wherever this request is bound for.

    A place in the steps belongs to one scope, and nothing is used up: middleware may call the next handler twice, and
    what is inside of it runs twice.
    """
    return lambda request: request.steps[number](request)


def compile_miss(fallbacks: Sequence[Fallback], answer: Handler) -> Handler:
    """Return what answers requests that no route takes; inside a scope, its middleware gets to see them.

    Args:
        fallbacks: those of smaller scopes first.
        answer: for requests outside of all scopes.
    """

    async def miss(request: Request) -> Response:
        for fallback in fallbacks:
            params = fallback.read(request)
            if params is not None:
                request.path_params = params
                return await fallback.handler(request)
        return await answer(request)

    return miss


def answer_miss(errors: ErrorTable, known: Collection[str] = REGISTERED_METHODS) -> Handler:
    """Return the handler for what a router raised: OPTIONS is answered, a slash is corrected, the rest is an error.

    Args:
        errors: answers the errors.
        known: methods that the app has heard of; for others the answer is 501, whatever the path.
    """

    async def answer(request: Request) -> Response:
        error = request.exception
        if isinstance(error, MethodNotAllowed) and request.method == "OPTIONS":
            request.exception = None
            return Response(b"", 204, {"Allow": ", ".join(error.allowed)})
        if isinstance(error, MethodNotAllowed | NotFound) and request.method not in known:
            # RFC 9110, section 9.1: 405 is for methods that are recognized.
            return await errors.respond(request, HTTPError(501))
        if isinstance(error, SlashRedirect):
            request.exception = None
            return Redirect(error.path + ("?" + request.query if request.query else ""), 308)
        if not isinstance(error, Exception):
            raise TypeError(f"nothing went wrong with {request!r}, yet somebody asks for an answer")
        return await errors.respond(request, error)

    return answer


def checked_render(render: Callable[..., Response], kind: type) -> Callable[..., Response]:
    """Return a render function of a response type that owns up to returning something else."""

    def checked(value: object) -> Response:
        response: object = render(value)
        if isinstance(response, Response):
            return response
        raise TypeError(f"the response type for {kind.__qualname__} made {response!r:.80}, which is no response")

    return checked


def guard(handler: Handler, errors: ErrorTable, app_name: str) -> Handler:
    """Return a chain that never raises, and always gives a response, whatever its middleware does."""
    respond = errors.respond
    complaint: Final = f"a middleware of app {app_name!r} returned %r, which is no response"

    async def guarded(request: Request) -> Response:
        try:
            response: object = await handler(request)
        except Exception as error:  # noqa: BLE001  # whatever middleware raises is answered
            return await respond(request, error)
        if isinstance(response, Response):
            return response
        return await respond(request, TypeError(complaint % (response,)))

    return guarded


def with_json_codec(handler: Handler, codec: JSONCodec) -> Handler:
    """Return a handler in whose requests JSON is encoded by an app's codec; the handler itself for the standard one."""
    if codec is STANDARD_JSON:
        return handler
    encode = codec.encode

    def with_codec(request: Request) -> Awaitable[Response]:
        # Each request has its own context, so this applies to everything that serves the request.
        ENCODE.set(encode)
        return handler(request)

    return with_codec
