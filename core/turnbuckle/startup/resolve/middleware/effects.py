"""Check middleware's declared effects on bodies against the handlers' declared or detected streaming.

A handler streams its response if it is an async generator, if its annotated return type is an async iterable or
``Stream`` (also ``SSE``, ``NDJSON`` and ``CSV``), or if its route declares ``streams_response``. A handler streams the
content of requests only if its route declares ``streams_body``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from types import UnionType
from typing import Annotated, Final, Union, get_args, get_origin

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import PlannedRoute
from turnbuckle.records import Middleware
from turnbuckle.routing.records import Route
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.web.handlers import is_async_generator_function
from turnbuckle.web.response.response import Stream

__all__ = ["check_effects", "streams_response"]

# An annotation that cannot be evaluated remains a text, and the text names the type.
_STREAM: Final = re.compile(r"(\w+\.)*(AsyncIterator|AsyncIterable|AsyncGenerator|Stream|SSE|NDJSON|CSV)\b")


def check_effects(
    links: Iterable[Sourced[Middleware]], routes: Iterable[PlannedRoute], diagnostics: Diagnostics
) -> None:
    """Report middleware that keeps a response or content in memory while the handler streams it.

    Args:
        links: the middleware of the scope and of the scopes around it.
        routes: the routes of the scope.
        diagnostics: where to report.
    """
    buffering = [link for link in links if link.record.buffers_response]
    reading = [link for link in links if link.record.reads_body]
    for planned in routes if buffering or reading else ():
        route = planned.route
        if buffering and streams_response(route):
            for link in _running(buffering, planned):
                _report_buffering(link, route, diagnostics)
        if route.streams_body:
            for link in _running(reading, planned):
                _report_reading(link, route, diagnostics)


def _running(links: Iterable[Sourced[Middleware]], planned: PlannedRoute) -> Iterator[Sourced[Middleware]]:
    selection = planned.selection
    return (link for link in links if selection is None or any(link is running for running in selection.links))


def streams_response(route: Route) -> bool:
    """Return whether a route is known to stream its responses."""
    handler = route.handler
    if route.streams_response or is_async_generator_function(handler):
        return True
    return _is_stream(_return_annotation(handler))


def _return_annotation(handler: Callable[..., object]) -> object:
    try:
        return inspect.signature(handler, eval_str=True).return_annotation
    except Exception:  # noqa: BLE001  # evaluating an annotation may raise anything
        return inspect.signature(handler).return_annotation


def _is_stream(annotation: object) -> bool:
    if isinstance(annotation, str):
        return any(_STREAM.fullmatch(part.split("[")[0].strip()) for part in annotation.split("|"))
    origin = get_origin(annotation) or annotation
    if origin in {Union, UnionType, Annotated}:
        return any(_is_stream(argument) for argument in get_args(annotation))
    return isinstance(origin, type) and issubclass(origin, AsyncIterable | Stream)


def _report_buffering(link: Sourced[Middleware], route: Route, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB413",
        f"middleware {link.record.name!r} buffers the response of {route.describe()}, which streams",
        link.origin,
        *((route.origin,) if route.origin is not None else ()),
        why="the client receives nothing until the stream ends, and the whole response is in memory by then",
        fix=f"write without=[{link.record.name!r}] for the route, or move the middleware into another scope",
        level="warning",
    )


def _report_reading(link: Sourced[Middleware], route: Route, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB425",
        f"middleware {link.record.name!r} reads the content of requests for {route.describe()}, which streams it",
        link.origin,
        *((route.origin,) if route.origin is not None else ()),
        why="the handler receives nothing until the content is complete, and all of it is in memory by then; the route"
        " declares streams_body=True, and the middleware reads_body=True",
        fix=f"write without=[{link.record.name!r}] for the route, or move the middleware into another scope",
        level="warning",
    )
