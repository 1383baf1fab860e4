"""Run the real server of an application on transports in memory."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Final, final
from weakref import WeakKeyDictionary

import attrs

from turnbuckle._safe_logger import ON_EXCEPTION
from turnbuckle.errors import BackgroundTaskError
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.lifespan.lifespans import Lifespans
from turnbuckle.server.listen.protocol_stack import protocol_factory
from turnbuckle.server.model.application import Application
from turnbuckle.testing.client.connection import Connection
from turnbuckle.testing.transport.activity import Activity
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.testing.transport.memory_peer import MemoryPeer
from turnbuckle.testing.transport.memory_transport import MemoryTransport
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

__all__ = ["MemoryServer", "transport_info"]


@final
class MemoryServer:
    """The server of one application, without sockets. It must be made on its event loop.

    Args:
        application: the application.
        clock: the clock of the server.
        extra_info: the extra information of its transports (``get_extra_info``).
        timeout: real seconds after which a wait fails.

    Attributes:
        activity: counts and awaits the activity on the connections.
    """

    def __init__(
        self, application: Application, clock: FakeClock, *, extra_info: Mapping[str, object], timeout: float
    ) -> None:
        loop = asyncio.get_running_loop()
        self.activity: Final = Activity(loop, timeout)
        # A connection has a peer once its protocol is known, which takes a turn of the loop.
        self._opened: list[tuple[MemoryTransport, list[BaseException]]] = []
        # Connections that are gone leave nothing behind: a fuzzer opens a hundred thousand.
        self._exceptions: Final[WeakKeyDictionary[Peer, list[BaseException]]] = WeakKeyDictionary()
        application = attrs.evolve(application, handle=self._recording(application.handle))
        self._application: Final = application
        self._clock: Final = clock
        self._extra_info: Final = extra_info
        self._state: Final = ServerState(application, clock, loop)
        self._make_protocol: Final = protocol_factory(self._state, None, None)
        # Without a limit: the fake clock does not move while a lifespan is left, so a timeout could not end the wait.
        self._lifespans: Final = Lifespans(
            application.lifespans, 0.0, clock, resources=application.resources, fail=self._fail
        )
        self._failure: BackgroundTaskError | None = None
        self._end_threads: Callable[[], None] | None = None

    async def start(self) -> None:
        """Enter the lifespans.

        Raises:
            LifespanError: a lifespan failed.
        """
        if self._application.threads:
            self._end_threads = self.activity.limit_threads(self._application.threads)
        try:
            await self._lifespans.enter()
        except BaseException:
            self._release_threads()
            raise

    async def stop(self) -> None:
        """Close idle connections, cut the others, cancel their handlers, and leave the lifespans.

        Functions that run after responses end before, or are cancelled once nothing else happens.

        Raises:
            ServerFault: a connection raised an exception that has not been reported.
            BackgroundTaskError: a required task failed; a real server would have stopped.
        """
        try:
            self._state.connections.begin_drain()
            self._state.connections.abort_all()
            await self.activity.settle()
            if self._state.response_work.count:
                self._state.response_work.cancel_all()
                await self.activity.settle()
        finally:
            await self._lifespans.leave()
            self._release_threads()
        if self._failure is not None:
            raise self._failure

    def _release_threads(self) -> None:
        if self._end_threads is not None:
            self._end_threads()
            self._end_threads = None

    def _fail(self, task: str, error: BaseException) -> None:
        self._failure = self._failure or BackgroundTaskError(task, error)

    def begin_drain(self, last_request: float = 0.0) -> None:
        """Finish all connections, as a stopping server does.

        Args:
            last_request: seconds that idle connections have for a request; a server uses ``timeouts.last_request``.
        """
        self._state.connections.begin_drain(last_request)

    def connect(self, methods: Sequence[str] = ()) -> Connection:
        """Open a connection."""
        peer = MemoryPeer(self.activity)
        transport = MemoryTransport(self._make_protocol(), peer, self.activity, self._extra_info)
        limits = self._application.limits
        exceptions: list[BaseException] = []
        self._opened.append((transport, exceptions))
        return Connection(peer, self.activity, self._clock, limits=limits, methods=methods, exceptions=exceptions)

    def _recording(self, handle: Handler) -> Handler:
        """Return a handler that records the exceptions that no error handler takes."""

        async def recording(request: Request) -> Response:
            exceptions = self._exceptions_of(request.peer)
            if exceptions is not None:
                # Each request has its own context.
                ON_EXCEPTION.set(exceptions.append)
            return await handle(request)

        return recording

    def _exceptions_of(self, peer: Peer) -> list[BaseException] | None:
        # A request on a stream has its own peer, and names its connection.
        peer = getattr(peer.exchange, "connection_peer", peer)
        if peer not in self._exceptions:
            waiting = []
            for transport, exceptions in self._opened:
                opened = getattr(transport.get_protocol(), "peer", None)
                if opened is None:
                    waiting.append((transport, exceptions))
                else:
                    self._exceptions[opened] = exceptions
            self._opened = waiting
        return self._exceptions.get(peer)


def transport_info(scheme: str, client: tuple[str, int] | None) -> dict[str, object]:
    """Return the extra information of a transport.

    Args:
        scheme: ``"http"`` or ``"https"``.
        client: address and port of the client; None as on a Unix socket.
    """
    extra_info: dict[str, object] = {
        "peername": "" if client is None else client,
        "sockname": "/run/testserver.sock" if client is None else ("127.0.0.1", 443 if scheme == "https" else 80),
    }
    if scheme == "https":
        extra_info["sslcontext"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return extra_info
