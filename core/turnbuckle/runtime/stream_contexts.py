"""Leave the contexts that supply the values of a streamed response: at the end of its body, or of the request.

Theory of operation: the body of a streamed response owns the contexts of its handler (``BodyInContexts``), and the
server closes each body that it is given. Middleware may drop a response, for example because it raises, or because it
calls the next handler twice. So each request records its open bodies. A middleware function with contexts, and the
outermost chain of middleware, take the bodies that were opened inside of them and close those first, because their
values may depend on the values of outer contexts.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, cast, final

from turnbuckle.web.request.request import Request
from turnbuckle.web.response.file_body import FileBody
from turnbuckle.web.response.response import Response

__all__ = ["BodyInContexts", "leave_dropped", "leave_failed", "open_streams", "take_streams"]

# The key of the open bodies among the supplied values, whose keys are numbers.
_STREAMS: Final = "open streams"


@final
class BodyInContexts:
    """A streamed body, with the contexts to leave behind it."""

    def __init__(self, body: AsyncIterable[bytes | str], stack: AsyncExitStack) -> None:
        self._body: Final = body
        self._stack: Final = stack
        self._reading: AsyncGenerator[bytes | str, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes | str]:
        """Yield the body in pieces, and leave the contexts."""
        self._reading = self._pieces()
        return self._reading

    async def aclose(self) -> None:
        """Close the body and leave the contexts; the server calls this at the end of every response."""
        await self.leave(None, None, None)

    async def leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the body and leave the contexts, with the exception that ended the request, if any."""
        try:
            if self._reading is not None:
                # It is not left to the garbage collector, whose task would leave the contexts at the same time.
                await self._reading.aclose()
            await self._close_body()
        finally:
            await self._stack.__aexit__(kind, error, trace)

    async def _pieces(self) -> AsyncGenerator[bytes | str, None]:
        try:
            async for piece in self._body:
                yield piece
        except BaseException as error:
            try:
                # First, because its ``finally`` blocks may use the values of the contexts.
                await self._close_body()
            finally:
                await self._stack.__aexit__(type(error), error, error.__traceback__)
            raise
        await self._stack.aclose()

    async def _close_body(self) -> None:
        close = getattr(self._body, "aclose", None)
        if close is not None:
            await close()


def open_streams(request: Request) -> list[BodyInContexts]:
    """Return the bodies with contexts that were opened for a request and not taken, in their order."""
    return cast("list[BodyInContexts]", request.supplied.setdefault(_STREAMS, []))


def take_streams(streams: list[BodyInContexts], begin: int, stack: AsyncExitStack) -> None:
    """Move the bodies that were opened since ``begin`` to a stack, which closes them before its own contexts."""
    for stream in streams[begin:]:
        stack.push_async_exit(stream.leave)
    del streams[begin:]


async def leave_dropped(request: Request, response: Response) -> None:
    """Leave the contexts of bodies that are not in the response of a request; otherwise after its body."""
    streams, body = open_streams(request), response.body
    if not streams or (len(streams) == 1 and streams[0] is body):
        return
    stack = AsyncExitStack()
    take_streams(streams, 0, stack)
    if isinstance(body, bytes | FileBody):
        await stack.aclose()
    else:
        # The body may contain one of them, for example after a compression.
        response.body = BodyInContexts(body, stack)


async def leave_failed(request: Request, error: BaseException) -> None:
    """Leave the contexts of all bodies of a request that ended with an exception."""
    stack = AsyncExitStack()
    take_streams(open_streams(request), 0, stack)
    await stack.__aexit__(type(error), error, error.__traceback__)
