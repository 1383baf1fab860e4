"""Answer errors with Problem Details, which programs can read: ``application/problem+json`` (RFC 9457).

An exception, or a refusal by other middleware, is otherwise answered with a line of text, or with a page of an error
handler. This middleware replaces the content of such responses, and keeps their status and all other fields. A response
that a handler returns with an error status stays as it is, and so does a page with a traceback in debug mode.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Final, final

from turnbuckle import Handler, HTTPError, Middleware, Plugin, PluginInfo, Request, Response, Setup
from turnbuckle_contrib.problem_response import problem_response

__all__ = ["ProblemDetailsPlugin"]

_TYPE: Final = "application/problem+json"
# These fields describe the content that is replaced (RFC 9110, section 8).
_OF_CONTENT: Final = frozenset(
    {
        "accept-ranges",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-range",
        "content-type",
        "etag",
        "last-modified",
    }
)
_MOST: Final = 500


@final
class ProblemDetailsPlugin(Plugin):
    """Provide the middleware ``problem_details`` in the edge zone."""

    info = PluginInfo(name="problem_details")

    def provide_middleware(self, setup: Setup) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("problem_details", _around, zone="edge", after=("request_id",))]


def _around(next_handler: Handler, setup: Setup) -> Handler:
    shows_tracebacks = setup.debug

    async def describe(request: Request) -> Response:
        try:
            response = await next_handler(request)
        except HTTPError as error:
            # Middleware has refused the request; the error handlers of the app would answer further outside.
            request.exception = error
            return _refused(request, error)
        if response.status < 400 or (shows_tracebacks and response.status == 500):
            return response
        return _described(request, response)

    return describe


def _refused(request: Request, error: HTTPError) -> Response:
    problem = _problem(request, error.status, error.detail, error.problem)
    for headers in (error.headers, request.error_headers):
        _add_fields(problem, headers.items())
    return problem


def _described(request: Request, response: Response) -> Response:
    is_text = (response.content_type or "").startswith("text/plain")
    # Without a route, middleware has refused the request.
    is_refusal = request.exception is not None or (request.route is None and is_text)
    if not is_refusal or response.content_type == _TYPE or isinstance(response.body, AsyncIterable):
        return response
    error = request.exception
    if isinstance(error, HTTPError) and error.status == response.status:
        problem = _problem(request, response.status, error.detail, error.problem)
    else:
        # Nothing of any other exception reaches a client.
        text = _text(response) if error is None and is_text else ""
        problem = _problem(request, response.status, text)
    _add_fields(problem, response.headers.items())
    return problem


def _problem(request: Request, status: int, detail: str, members: Mapping[str, object] | None = None) -> Response:
    identity = {"request_id": request.id} if request.id else {}
    return problem_response(status, detail, members={**identity, **(members or {})})


def _add_fields(problem: Response, fields: Iterable[tuple[str, str]]) -> None:
    for name, value in fields:
        if name.lower() == "set-cookie":
            problem.headers.add(name, value)
        elif name.lower() not in _OF_CONTENT:
            problem.headers.set(name, value)


def _text(response: Response) -> str:
    return response.body[:_MOST].decode("utf-8", "replace").strip() if isinstance(response.body, bytes) else ""
