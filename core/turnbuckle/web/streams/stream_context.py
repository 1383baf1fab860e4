"""Provide the clock of the server, and its stop, to streams that a handler returns.

A handler makes a stream without its request. So the server sets a context variable once, and each request starts with
it.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Final, final

import attrs

from turnbuckle.web.peer import LazyEvent
from turnbuckle.web.streams.sweep import StreamClock, Sweep

__all__ = ["STREAM_CONTEXT", "StreamContext", "current_stream_context"]


@attrs.frozen
class StreamContext:
    """The parts of a server that streams use.

    Attributes:
        clock: the clock of the server.
        stopping: set once the server begins to stop.
        sweep: acts on the deadlines of WebSockets.
    """

    clock: StreamClock
    stopping: LazyEvent
    sweep: Sweep = attrs.field(init=False)

    @sweep.default
    def _sweep_of_clock(self) -> Sweep:
        return Sweep(self.clock)


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
