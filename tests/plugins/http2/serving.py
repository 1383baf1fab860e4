"""The app that the tests of HTTP/2 attack, compiled once for each engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from importlib.util import find_spec
from typing import Final

import attrs

from tests.plugins.http2.peer import H2Peer
from turnbuckle import App, Request, Response, SettingsSources, Timeouts
from turnbuckle.server.model.application import Application
from turnbuckle.testing import Client

__all__ = ["ENGINES", "PIECE", "Handlers", "Served", "serving"]

ENGINES: Final = ("hpack", *(["zttp"] if find_spec("zttp") else []))
PIECE: Final = 16384


@attrs.define
class Handlers:
    """What the handlers of an app do.

    Attributes:
        running: handlers that wait now.
        peak: the most that waited at the same time.
        begun: all requests that reached a handler.
        pieces: pieces that streams were asked for.
        released: the event that the waiting handlers wait for.
    """

    running: int = 0
    peak: int = 0
    begun: int = 0
    pieces: int = 0
    released: asyncio.Event = attrs.field(factory=asyncio.Event)

    def reset(self) -> None:
        """Begin again, for another test."""
        self.running = self.peak = self.begun = self.pieces = 0
        self.released = asyncio.Event()

    async def wait(self) -> None:
        """Wait until the test releases the handlers."""
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await self.released.wait()
        finally:
            self.running -= 1


@cache
def _make_app(engine: str) -> tuple[App, Handlers]:
    """Return the app of an engine, and the counts of its handlers."""
    handlers = Handlers()
    app = App(plugins=["http2"], settings={"plugin": {"http2": {"cleartext": True, "engine": engine}}})

    @app.route("/", methods=("GET", "POST", "PUT", "OPTIONS"))
    async def hello(request: Request) -> str:
        handlers.begun += 1
        return "hello"

    @app.route("/echo", methods=("GET", "POST"))
    async def echo(request: Request) -> Response:
        handlers.begun += 1
        return Response(await request.read(), headers={"X-Fields": repr(list(request.headers.items()))[:4000]})

    @app.route("/wait", methods=("GET", "POST"))
    async def wait(request: Request) -> str:
        handlers.begun += 1
        await handlers.wait()
        return "done"

    @app.get("/stubborn")
    async def stubborn(request: Request) -> str:
        handlers.begun += 1
        handlers.running += 1
        handlers.peak = max(handlers.peak, handlers.running)
        while not handlers.released.is_set():
            with suppress(asyncio.CancelledError):
                await handlers.released.wait()
        handlers.running -= 1
        return "done"

    @app.get("/large/{pieces:int}")
    async def large(request: Request, pieces: int) -> Response:
        return Response(b"a" * (pieces * PIECE))

    @app.get("/stream/{pieces:int}")
    async def stream(request: Request, pieces: int) -> AsyncIterator[bytes]:
        handlers.begun += 1
        for _ in range(pieces):
            handlers.pieces += 1
            yield b"a" * PIECE

    @app.get("/fields/{count:int}")
    async def fields(request: Request, count: int) -> Response:
        return Response("hello", headers=[(f"x-{number}", "\u00e4" * 1000) for number in range(count)])

    return app, handlers


@cache
def _compiled(engine: str) -> Application:
    return _make_app(engine)[0].compile()


@attrs.frozen
class Served:
    """A served app and the client's end of one connection."""

    client: Client
    handlers: Handlers
    peer: H2Peer

    def connect(self) -> H2Peer:
        """Open another connection."""
        return H2Peer(self.client.connect())

    async def advance(self, seconds: float) -> None:
        """Advance the clock."""
        await self.client.advance(seconds)
        await self.client.server.activity.settle()
        self.peer.read()


@asynccontextmanager
async def serving(
    engine: str, settings: Mapping[str, object] | None = None, timeouts: Timeouts | None = None
) -> AsyncIterator[Served]:
    """Serve the app, and open a connection on which nothing was sent.

    Args:
        engine: the engine of HTTP/2.
        settings: further settings by section.
        timeouts: the timeouts of the app.
    """
    app, handlers = _make_app(engine)
    handlers.reset()
    application = app.compile(SettingsSources(overrides=settings), supply={}) if settings else _compiled(engine)
    async with Client(application, raise_exceptions=False, timeouts=timeouts) as client:
        try:
            yield Served(client, handlers, H2Peer(client.connect()))
        finally:
            handlers.released.set()
