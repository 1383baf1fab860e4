"""The types of the callables that a request passes through, once an app is compiled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Concatenate, TypeAlias

from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

__all__ = ["Handler", "MiddlewareFunction"]

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
"""The callable that middleware wraps; the innermost one calls the handler of a route."""

MiddlewareFunction: TypeAlias = Callable[Concatenate[Request, Handler, ...], Awaitable[Response]]
"""``async def m(request, call_next)``: returns a response, and may call ``await call_next(request)`` to get one.

Further parameters with annotations are supplied like the parameters of handlers.
"""
