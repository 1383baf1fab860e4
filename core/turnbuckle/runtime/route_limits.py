"""Wrap the handlers of routes whose limits or deadlines differ from the settings.

Other routes are not wrapped, so a request for one of them does nothing extra.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from turnbuckle.errors import ContentTooLarge
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.request.request import Request

__all__ = ["with_content_limit", "with_overrides"]

Call = Callable[[Request], Awaitable[Any]]


def with_content_limit(call: Call, content: int | None) -> Call:
    """Wrap a handler so that it is not called for a request whose Content-Length exceeds the limit.

    Args:
        call: the handler.
        content: the limit in bytes; None for no check, and then the handler itself is returned.
    """
    if content is None:
        return call

    def checked(request: Request) -> Awaitable[Any]:
        length = request.content_length
        if length is not None and length > content:
            raise ContentTooLarge
        return call(request)

    return checked


def with_overrides(call: Call, content: int | None, timeouts: Timeouts | None, json: int | None = None) -> Call:
    """Wrap a handler so that the route's limits and deadlines apply from the moment it is called.

    Args:
        call: the handler.
        content: the limit of the content in bytes; None for the limit in the settings.
        timeouts: the deadlines; None for the deadlines in the settings.
        json: the limit of JSON content in bytes; None for the limit in the settings.
    """
    if content is None and timeouts is None and json is None:
        return call

    def begin(request: Request) -> Awaitable[Any]:
        if content is not None:
            request.content_limit = content
        if json is not None:
            request.json_limit = json
        if timeouts is not None and request.exchange is not None:
            request.exchange.use_timeouts(timeouts)
        return call(request)

    return begin
