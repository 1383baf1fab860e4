"""Wrap an endpoint in a chain of middleware. The order of the chain is decided elsewhere.

Afterwards a request passes from one plain callable to the next. Each middleware costs one call, and the chain itself is
not read any more.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from turnbuckle.web.middleware_check import fault_of_factory, fault_of_link
from turnbuckle.web.types import Handler

__all__ = ["compose"]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Link(Protocol[S_contra]):
    """A member of a chain; ``Middleware`` is one whose factory takes a ``Setup``."""

    @property
    def name(self) -> str:
        """Return the name for messages."""

    @property
    def factory(self) -> Callable[[Handler, S_contra], Handler]:
        """Return the function that wraps the next handler."""


def compose(links: Sequence[tuple[Link[S], S]], endpoint: Handler) -> Handler:
    """Wrap an endpoint in middleware and return the outermost handler.

    Args:
        links: each middleware with the setup that is passed to its factory, outermost first.
        endpoint: the handler that the innermost middleware calls.

    Raises:
        TypeError: a factory returned an object that is no handler, or that would fail in each request.
    """
    handler = endpoint
    for link, setup in reversed(links):
        if fault := fault_of_factory(link.factory):
            raise TypeError(f"the factory of middleware {link.name!r} {fault}")
        outer = link.factory(handler, setup)
        if not callable(outer):
            raise TypeError(f"the factory of middleware {link.name!r} {_describe_mistake(outer)}")
        if outer is not handler and (fault := fault_of_link(link.factory, outer, handler)):
            raise TypeError(f"middleware {link.name!r} {fault}")
        handler = outer
    return handler


def _describe_mistake(outer: object) -> str:
    if inspect.iscoroutine(outer):
        # Close the coroutine, because Python warns about coroutines that are never awaited.
        outer.close()
        return "is an 'async def'; decorate a function that takes (request, call_next) with @turnbuckle.middleware"
    return f"returned {outer!r}, which is not a handler"
