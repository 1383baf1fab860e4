"""Run a server on a loop of its own, in a thread, for clients that block: what the tests of real sockets stand on."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

import attrs
import uvloop

from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.application import Application, ConnectionFactory
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.web.types import Handler

from .waiting import PATIENCE

__all__ = ["LOOPS", "Running", "running"]

LOOPS = ("asyncio", "uvloop")


@attrs.frozen
class Running:
    """A server that serves in another thread."""

    server: HTTPServer
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event

    def connect(self) -> socket.socket:
        """Return a connection to the first address, with a bound on every wait."""
        address = self.server.addresses[0]
        if address.unix:
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(PATIENCE)
            client.connect(address.unix.replace("@", "\0", 1))
            return client
        return socket.create_connection((address.host, address.port), PATIENCE)

    def has_no_connections(self) -> bool:
        """Tell whether the server comes to have none; it may have to notice first."""
        return asyncio.run_coroutine_threadsafe(self._emptied(), self.loop).result(PATIENCE)

    async def _emptied(self) -> bool:
        state = self.server._state
        async with asyncio.timeout(PATIENCE):
            while state is not None and state.connections.open:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.01)
        return True


@contextmanager
def running(
    handle: Handler,
    *,
    loop: str = "asyncio",
    timeouts: Timeouts | None = None,
    limits: Limits | None = None,
    capacity: Capacity | None = None,
    alpn: Mapping[str, ConnectionFactory] | None = None,
    **options: object,
) -> Iterator[Running]:
    """Serve ``handle`` on a port that the system chooses, unless ``options`` of the server say otherwise."""
    application = Application(
        handle=handle,
        parser_factory=H1ParserFactory(),
        timeouts=timeouts or Timeouts(),
        limits=limits or Limits(),
        capacity=capacity or Capacity(),
        alpn=alpn or {},
    )
    started: Future[Running] = Future()
    factory = uvloop.new_event_loop if loop == "uvloop" else None
    thread = threading.Thread(target=_serve, args=(application, {"port": 0, **options}, factory, started), daemon=True)
    thread.start()
    try:
        served = started.result(PATIENCE)
        try:
            yield served
        finally:
            served.loop.call_soon_threadsafe(served.stop.set)
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def _serve(application: Application, options: dict, factory, started: Future[Running]) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve_until_stopped(application, options, started))


async def _serve_until_stopped(application: Application, options: dict, started: Future[Running]) -> None:
    stop = asyncio.Event()
    try:
        server = HTTPServer(application, **options)
        await server.start()
    except BaseException as error:
        started.set_exception(error)
        return
    started.set_result(Running(server, asyncio.get_running_loop(), stop))
    try:
        async with asyncio.timeout(PATIENCE * 3):
            await stop.wait()
    finally:
        await server.stop()
