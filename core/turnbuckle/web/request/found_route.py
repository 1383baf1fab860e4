"""The result of looking up the route of a request before it is dispatched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, final

import attrs

from turnbuckle.http.events import RequestHead
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.web.peer import Peer

__all__ = ["FindParts", "FoundRoute"]

FindParts: TypeAlias = Callable[..., MatchParts]
"""``find(request)`` returns the handler of a request, with its path parameters and its route."""


@final
@attrs.define(eq=False)
class FoundRoute:
    """The result of a lookup, with everything that it depends on.

    Attributes:
        find: the function that found it.
        head: the head of the request at that time.
        method: its method.
        target: its target.
        peer: the peer of the request, which may have its host.
        parts: the handler, its path parameters and its route; None if there is none.
        error: the exception of the router; None if it found a handler.
        links: whether the request runs through each group of middleware that not all requests run through; None before
            that is decided.
    """

    find: FindParts
    head: RequestHead
    method: bytes
    target: bytes
    peer: Peer
    parts: MatchParts | None = None
    error: Exception | None = None
    links: Sequence[bool] | None = None

    def is_for(self, head: RequestHead, peer: Peer, find: FindParts) -> bool:
        """Return whether another lookup with a function would have the same result."""
        return (
            self.find is find
            and self.head is head
            and self.method == head.method
            and self.target == head.target
            and self.peer is peer
        )
