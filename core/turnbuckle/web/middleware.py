"""Make middleware, and fold a chain of it around an endpoint; which order it stands in is decided elsewhere.

After the fold a request passes from one plain callable to the next: a hop is one call, and nothing looks at the chain.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from turnbuckle.web.types import Handler

__all__ = ["compose"]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Link(Protocol[S_contra]):
    """What a chain is made of; ``Middleware`` is one whose factory takes a ``Setup``."""

    @property
    def name(self) -> str:
        """Return the name for messages."""

    @property
    def factory(self) -> Callable[[Handler, S_contra], Handler]:
        """Return what puts a handler around the next one."""


def compose(links: Sequence[tuple[Link[S], S]], endpoint: Handler) -> Handler:
    """Fold middleware around an endpoint.

    Args:
        links: each middleware with the setup that its factory is to see; the outermost first.
        endpoint: what the innermost calls.

    Raises:
        TypeError: a factory returned something that cannot be called.
    """
    handler = endpoint
    for link, setup in reversed(links):
        outer = link.factory(handler, setup)
        if not callable(outer):
            raise TypeError(f"the factory of middleware {link.name!r} {_fault(outer)}")
        handler = outer
    return handler


def _fault(outer: object) -> str:
    if inspect.iscoroutine(outer):
        # Nobody will await it, of which Python would warn.
        outer.close()
        return "is an 'async def'; one that takes (request, call_next) is decorated with @turnbuckle.middleware"
    return f"returned {outer!r}, which is no handler"
