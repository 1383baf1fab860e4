"""Serve a handler over an in-memory transport, without an app: the base of most tests of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from turnbuckle.http.events import ParserFactory
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.testing.client.connection import Connection
from turnbuckle.testing.client.memory_server import MemoryServer
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def post(content: bytes, *fields: bytes) -> bytes:
    """Return a POST request with a Content-Length."""
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n%b\r\n%b" % (len(content), lines, content)


def post_head(length: int, *fields: bytes) -> bytes:
    """Return the head of a POST request, whose content is sent separately."""
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n%b\r\n" % (length, lines)


@attrs.frozen
class ServedConnection:
    """A server, one connection to it, and the fake clock of both."""

    server: MemoryServer
    clock: FakeClock
    connection: Connection

    async def send(self, data: bytes) -> bytes:
        """Send, wait until the server is idle, and return everything received so far."""
        await self.connection.send(data)
        return self.connection.received

    async def advance(self, seconds: float) -> None:
        """Advance the clock."""
        await self.clock.advance(seconds)
        await self.connection.settle()

    @property
    def statuses(self) -> list[int]:
        """The statuses of the complete responses, interim responses included."""
        return self.connection.statuses

    @property
    def is_closed(self) -> bool:
        """Whether the server has closed its side."""
        return self.connection.is_closed


async def echo(request: Request) -> Response:
    """Answer with the content of the request."""
    return Response(await request.read())


async def hello(request: Request) -> Response:
    """Answer without reading the content."""
    return Response("hello")


@asynccontextmanager
async def serving(  # one keyword for each part of an application that tests vary
    handle: Handler,
    *,
    parser_factory: ParserFactory | None = None,
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
    capacity: Capacity | None = None,
    access_log: bool = False,
    log_queries: bool = True,
    cancel_on_disconnect: bool = False,
) -> AsyncIterator[ServedConnection]:
    """Serve ``handle``, and open one connection."""
    application = Application(
        handle=handle,
        parser_factory=parser_factory or H1ParserFactory(),
        limits=limits or Limits(),
        timeouts=timeouts or Timeouts(),
        capacity=capacity or Capacity(),
        access_log=access_log,
        log_queries=log_queries,
        cancel_on_disconnect=cancel_on_disconnect,
    )
    clock = FakeClock()
    extra_info = {"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8000)}
    server = MemoryServer(application, clock, extra_info=extra_info, timeout=5.0)
    await server.start()
    try:
        served = ServedConnection(server, clock, server.connect())
        await served.connection.settle()
        yield served
    finally:
        await server.stop()
