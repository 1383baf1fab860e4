"""The app around a middleware under test: probes outside and inside of it, and handlers that record observations.

It contains the app that the suite of middleware uses, and no assertions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Final

import attrs

from turnbuckle.app import App
from turnbuckle.errors import NotFound
from turnbuckle.records import ZONES, Middleware
from turnbuckle.setup import Setup
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

__all__ = ["MARK", "Probes", "Unforeseen"]

_OUTER: Final = "conformance_outer_probe"
_INNER: Final = "conformance_inner_probe"
_BLOCK: Final = b"b" * 65536

MARK: Final[ContextVar[str]] = ContextVar("MARK", default="")
"""Set by the outer probe and by the handlers."""


class Unforeseen(Exception):
    """An exception that no middleware knows."""


@attrs.define(eq=False)
class Probes:
    """One app under test, with the observations of its probes.

    Attributes:
        calls: number of calls of the inner probe, by path.
        raised: exceptions that the middleware raised instead of returning a response.
        cancelled: the places where ``CancelledError`` was seen.
        marks: values of the context variable that the outer probe found afterwards.
        strangers: state of other requests that handlers found in their request.
        go: releases the waiting handlers.
        started: set when a handler waits.
        closed: set when a stream was closed.
        to_raise: exception that the inner probe raises instead of calling the next handler.
        reuses_responses: whether ``repeated`` returns the same object for all requests.
        use: called with each request of ``repeated``, if it is given.
    """

    calls: dict[str, int] = attrs.field(factory=dict)
    raised: list[BaseException] = attrs.field(factory=list)
    cancelled: list[str] = attrs.field(factory=list)
    marks: list[str] = attrs.field(factory=list)
    strangers: list[str] = attrs.field(factory=list)
    go: asyncio.Event = attrs.field(factory=asyncio.Event)
    started: asyncio.Event = attrs.field(factory=asyncio.Event)
    closed: asyncio.Event = attrs.field(factory=asyncio.Event)
    to_raise: BaseException | None = None
    waiting: int = 0
    reuses_responses: bool = False
    use: Callable[[Request], None] | None = None
    responses: dict[str, Response] = attrs.field(factory=dict)

    def app(self, options: Mapping[str, object], tested: Sequence[Middleware]) -> App:
        """Return an app with middleware under test between the probes.

        Args:
            options: arguments of ``App`` that add the middleware.
            tested: the middleware records that they add.
        """
        outermost, innermost = (
            [record.name for record in tested if record.zone == zone] for zone in (ZONES[0], ZONES[-1])
        )
        app = App(**options)  # type: ignore[arg-type]  # App checks its arguments
        app.add_middleware(Middleware(_OUTER, self._outer, zone=ZONES[0], before=outermost))
        app.add_middleware(Middleware(_INNER, self._inner, zone=ZONES[-1], after=innermost))
        routes: Mapping[str, Callable[[Request], Awaitable[object]]] = {
            "plain": self.plain,
            "fails": self.fails,
            "missing": self.missing,
            "waits": self.waits,
            "streams": self.streams,
            "endless": self.endless,
            "together/{number}": self.together,
        }
        for path, handler in routes.items():
            app.get("/" + path)(handler)
        app.get("/repeated/{kind}")(self.repeated)
        app.post("/repeated/{kind}")(self.repeated)
        app.post("/echo")(self.echo)
        app.post("/first")(self.first)
        return app

    # -- probes

    def _outer(self, next_handler: Handler, setup: Setup) -> Handler:
        async def outer(request: Request) -> Response:
            MARK.set("outside")
            try:
                return await next_handler(request)
            except asyncio.CancelledError:
                self.cancelled.append("outside")
                raise
            except Exception as error:
                self.raised.append(error)
                raise
            finally:
                self.marks.append(MARK.get())

        return outer

    def _inner(self, next_handler: Handler, setup: Setup) -> Handler:
        async def inner(request: Request) -> Response:
            self.calls[request.path] = self.calls.get(request.path, 0) + 1
            if self.to_raise is not None:
                raise self.to_raise
            return await next_handler(request)

        return inner

    # -- handlers

    async def plain(self, request: Request) -> Response:
        """Return two cookies, an unusual status, and the value of the context variable."""
        response = Response(MARK.get(), 201, {"X-Probe": "plain"})
        response.set_cookie("one", "1")
        response.set_cookie("two", "2")
        MARK.set("inside")
        return response

    async def fails(self, request: Request) -> str:
        """Raise an unforeseen exception."""
        raise Unforeseen("on purpose")

    async def missing(self, request: Request) -> str:
        """Raise an error with a status."""
        raise NotFound("not here")

    async def waits(self, request: Request) -> str:
        """Wait until the test sets ``go``."""
        self.started.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append("inside")
            raise
        return "waited"

    async def streams(self, request: Request) -> AsyncIterator[str]:
        """Yield a first piece at once, and the others after the test sets ``go``."""
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[str]:
        yield "first "
        await self.go.wait()
        yield "last"

    async def endless(self, request: Request) -> AsyncIterator[bytes]:
        """Yield pieces without end; ``closed`` is set when the stream is closed."""
        return self._blocks()

    async def _blocks(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.started.set()
                yield _BLOCK
        finally:
            self.closed.set()

    async def echo(self, request: Request) -> bytes:
        """Return the content of the request."""
        return await request.read()

    async def first(self, request: Request) -> AsyncIterator[bytes]:
        """Set ``started`` at the first piece of the content, and return all of it."""
        return self._echoed(request)

    async def _echoed(self, request: Request) -> AsyncIterator[bytes]:
        async for piece in request.stream():
            self.started.set()
            yield piece

    async def together(self, request: Request) -> str:
        """Mark the state of the request, and wait until all requests of the test have arrived."""
        number = str(request.path_params["number"])
        if "conformance" in request.state:
            self.strangers.append(f"{number} found {request.state['conformance']}")
        request.state["conformance"] = number
        self.waiting += 1
        self.started.set()
        await self.go.wait()
        if request.state["conformance"] != number or request.path != f"/together/{number}":
            self.strangers.append(f"{number} became {request.state['conformance']}")
        return number

    async def repeated(self, request: Request) -> Response:
        """Return a response that is the same for all requests of a path: a new object, or the same object."""
        if self.use is not None:
            self.use(request)
        kind = str(request.path_params["kind"])
        if not self.reuses_responses:
            return _response(kind)
        return self.responses.setdefault(kind, _response(kind))


def _response(kind: str) -> Response:
    fields = {"Cache-Control": "public, max-age=60", "Vary": "Accept"} if kind == "public" else {}
    return Response("repeated " * 300, 200, fields, "text/plain")
