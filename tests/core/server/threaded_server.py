"""Run a server in a thread with its own loop, for blocking clients: the base of the tests with real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

import attrs
import uvloop

from turnbuckle.http.events import ParserFactory
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.application import Application, ConnectionFactory, ConnectionProtocol
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.web.types import Handler

from .polling import TIMEOUT

__all__ = ["LOOPS", "ThreadedServer", "threaded_server"]

LOOPS = ("asyncio", "uvloop")


@attrs.frozen
class ThreadedServer:
    """A server that runs in another thread."""

    server: HTTPServer
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event

    def connect(self) -> socket.socket:
        """Return a connection to the first address, with a timeout on each operation."""
        address = self.server.addresses[0]
        if address.unix:
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(TIMEOUT)
            client.connect(address.unix.replace("@", "\0", 1))
            return client
        return socket.create_connection((address.host, address.port), TIMEOUT)

    def has_no_connections(self) -> bool:
        """Wait until the server has no open connection, which it may have to notice first."""
        return asyncio.run_coroutine_threadsafe(self._emptied(), self.loop).result(TIMEOUT)

    async def _emptied(self) -> bool:
        state = self.server._state
        async with asyncio.timeout(TIMEOUT):
            while state is not None and state.connections.open:  # noqa: ASYNC110  # there is no event for it
                await asyncio.sleep(0.01)
        return True


@contextmanager
def threaded_server(
    handle: Handler,
    *,
    loop: str = "asyncio",
    parser_factory: ParserFactory | None = None,
    timeouts: Timeouts | None = None,
    limits: Limits | None = None,
    capacity: Capacity | None = None,
    alpn: Mapping[str, ConnectionFactory] | None = None,
    **options: object,
) -> Iterator[ThreadedServer]:
    """Serve ``handle`` in a thread, by default on a port that the system chooses."""
    application = Application(
        handle=handle,
        parser_factory=parser_factory or H1ParserFactory(),
        timeouts=timeouts or Timeouts(),
        limits=limits or Limits(),
        capacity=capacity or Capacity(),
        alpn={name: ConnectionProtocol(version=name, make=make) for name, make in (alpn or {}).items()},
    )
    started: Future[ThreadedServer] = Future()
    factory = uvloop.new_event_loop if loop == "uvloop" else None
    thread = threading.Thread(target=_serve, args=(application, {"port": 0, **options}, factory, started), daemon=True)
    thread.start()
    try:
        served = started.result(TIMEOUT)
        try:
            yield served
        finally:
            served.loop.call_soon_threadsafe(served.stop.set)
    finally:
        thread.join(TIMEOUT)
        assert not thread.is_alive()


def _serve(
    application: Application,
    options: dict,
    factory: Callable[[], asyncio.AbstractEventLoop] | None,
    started: Future[ThreadedServer],
) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve_until_stopped(application, options, started))


async def _serve_until_stopped(application: Application, options: dict, started: Future[ThreadedServer]) -> None:
    stop = asyncio.Event()
    try:
        server = HTTPServer(application, **options)
        await server.start()
    except BaseException as error:
        started.set_exception(error)
        return
    started.set_result(ThreadedServer(server, asyncio.get_running_loop(), stop))
    try:
        async with asyncio.timeout(TIMEOUT * 3):
            await stop.wait()
    finally:
        await server.stop()
