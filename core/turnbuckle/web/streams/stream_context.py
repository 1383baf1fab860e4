"""Provide the clock of the server, and its stop, to streams that a handler returns.

A handler makes a stream without its request. So the server sets a context variable once, and each request starts with
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Protocol, final

import attrs

from turnbuckle.web.peer import LazyEvent

__all__ = ["STREAM_CONTEXT", "StreamClock", "StreamContext", "StreamTimer", "current_stream_context"]


class StreamTimer(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Cancel the call; do nothing if it has run."""


class StreamClock(Protocol):
    """The clock of the server, as streams use it."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> StreamTimer:
        """Call ``callback`` once, on the serving loop, ``delay`` seconds from now."""


@attrs.frozen
class StreamContext:
    """The parts of a server that streams use.

    Attributes:
        clock: the clock of the server.
        stopping: set once the server begins to stop.
    """

    clock: StreamClock
    stopping: LazyEvent


STREAM_CONTEXT: Final[ContextVar[StreamContext]] = ContextVar("turnbuckle_stream_context")


def current_stream_context() -> StreamContext:
    """Return the parts of the server that serves the current request; outside of a server, one that never stops."""
    context = STREAM_CONTEXT.get(None)
    return StreamContext(_LoopClock(), LazyEvent()) if context is None else context


@final
class _LoopClock:
    """The clock of the running loop."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.monotonic = loop.time
        self.call_later = loop.call_later
