"""Run an application: lifespans, sockets and signals, in this order, and back.

What is started is stopped in reverse. Stopping has steps, and each has a bound: nobody is accepted any more,
connections that are idle are closed and the others finish, those that do not are cut off, then the lifespans are left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import BackgroundTaskError, ListenError
from turnbuckle.server.connection.connection_set import ConnectionSet
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.lifespan.lifespans import Lifespans
from turnbuckle.server.listen.accepting import Acceptor, limit_unsent
from turnbuckle.server.listen.addresses import Address, BindAddress, Listener
from turnbuckle.server.listen.listeners import open_listeners
from turnbuckle.server.listen.protocol_stack import protocol_factory
from turnbuckle.server.listen.proxied_connection import ProxySettings
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.clock import Clock, SystemClock
from turnbuckle.server.run.readiness import Readiness, ServerObserver
from turnbuckle.server.run.signals import on_reload_signal, on_stop_signals
from turnbuckle.server.stalls.watchdog import Watchdog
from turnbuckle.server.tls.context import TLS, Certificates
from turnbuckle.web.trusted_addresses import TrustedAddresses

__all__ = ["HTTPServer"]

_log: Final = SafeLogger("turnbuckle.server")

# Seconds that handlers have to unwind once they were cancelled.
_UNWINDING: Final = 1.0

# Seconds after which it is said who holds up a stop, and how many are named.
_GRACE_SECONDS: Final = 1.0
_MAX_NAMED: Final = 10


@final
class HTTPServer:
    """A server of one application, started and stopped once, on one event loop.

    ``async with HTTPServer(application, port=0) as server`` serves inside the block, which is cancelled if a task fails
    that the server cannot do without; ``await server.serve()`` serves until the process is told to stop.

    Args:
        application: a compiled application, as ``app.compile()`` returns it.
        host: names or addresses to listen on; each name counts with all its addresses.
        port: TCP port; 0 lets the system choose, and ``addresses`` tells.
        unix: path of a Unix socket to listen on instead of host and port; ``@name`` for one without a file (Linux).
        unix_mode: octal mode of the socket's file, such as ``"660"``; "" leaves it to the umask.
        unix_owner: name or number of the user that owns it; "" for that of the process.
        unix_group: the same for its group.
        backlog: connections that may wait to be accepted.
        reuse_port: let several processes listen on the same port.
        fds: inherited descriptors to listen on instead of all that.
        tls: how connections are secured; None for not at all.
        proxy: proxies that tell where connections come from, with the PROXY protocol; None for none.
        clock: tells the time; that of the loop and the machine when None.
    """

    def __init__(  # noqa: PLR0913  # all but the application by name
        self,
        application: Application,
        *,
        host: str | Sequence[str] = "127.0.0.1",
        port: int = 8000,
        unix: str = "",
        unix_mode: str = "",
        unix_owner: str = "",
        unix_group: str = "",
        backlog: int = 2048,
        reuse_port: bool = False,
        fds: Sequence[int] = (),
        tls: TLS | None = None,
        proxy: ProxySettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.application: Final = application
        self._endpoint: Final = BindAddress(
            host=host,
            port=port,
            unix=unix,
            unix_mode=unix_mode,
            unix_owner=unix_owner,
            unix_group=unix_group,
            backlog=backlog,
            reuse_port=reuse_port,
            fds=fds,
            is_secured=tls is not None and tls.is_configured,
        )
        self._tls: Final = tls
        self._proxies: Final = TrustedAddresses(proxy.trusted) if proxy is not None and proxy.protocol else None
        self._certificates: Certificates | None = None
        self._clock = clock
        self._listeners: tuple[Listener, ...] = ()
        self._acceptors: list[Acceptor] = []
        self._state: ServerState | None = None
        self._lifespans: Lifespans | None = None
        self._starting: asyncio.Task[object] | None = None
        self._inside: asyncio.Task[object] | None = None
        self._watchdog: Watchdog | None = None
        self._stop_requested: Final = asyncio.Event()
        self._failure: BackgroundTaskError | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where the server listens, with the ports that the system chose; empty before it has started."""
        return tuple(listener.address for listener in self._listeners)

    async def start(self) -> None:
        """Bind the sockets, enter the lifespans, then accept connections; all of it or nothing.

        Raises:
            ListenError: a socket cannot be listened on.
            LifespanError: a lifespan failed.
            TLSError: connections cannot be secured.
            RuntimeError: the server was started before.
        """
        if self._state is not None:
            raise RuntimeError("a server is started once; make another one")
        if self._tls is not None and self._tls.is_configured:
            self._certificates = Certificates(self._tls, (*self.application.alpn, "http/1.1"))
        loop = asyncio.get_running_loop()
        clock = self._clock = self._clock or SystemClock(loop)
        self._state = state = ServerState(self.application, clock, loop)
        timeouts = self.application.timeouts
        self._lifespans = Lifespans(
            self.application.lifespans,
            timeouts.shutdown,
            clock,
            startup=timeouts.startup,
            resources=self.application.resources,
            fail=self._fail,
        )
        self._listeners = open_listeners(self._endpoint)
        try:
            await self._lifespans.enter()
            self._listen(loop, state)
        except BaseException:
            self._stop_accepting()
            await self._lifespans.leave()
            raise
        if self.application.watchdog:
            self._watchdog = Watchdog(self.application.watchdog, loop, lambda: state.connections.open)

    async def stop(self) -> None:
        """Accept nobody, let requests finish within the shutdown timeout, then leave the lifespans."""
        self._stop_accepting()
        try:
            if self._state is not None:
                await self._drain(self._state)
        finally:
            if self._watchdog is not None:
                self._watchdog.stop()
            if self._lifespans is not None:
                await self._lifespans.leave()

    def abort(self) -> None:
        """Cut off every connection, and what else a stop is waiting for."""
        if self._state is not None:
            self._abort(self._state)
        if self._lifespans is not None:
            self._lifespans.give_up()

    def request_stop(self) -> None:
        """Let ``serve()`` stop and return; when asked again, cut off what it is waiting for."""
        if self._stop_requested.is_set():
            self.abort()
            return
        self._stop_requested.set()
        if self._starting is not None:
            self._starting.cancel()

    def reload(self) -> None:
        """Read the files of TLS again, for connections to come; nothing changes if they cannot be used."""
        if self._certificates is not None:
            self._certificates.reload()

    async def serve(self, readiness: Readiness | None = None) -> None:
        """Start, serve until SIGINT, SIGTERM or ``request_stop()``, and stop; a second signal does not wait.

        Args:
            readiness: how the outside is told; in the log alone when None.

        With TLS, SIGHUP reads the certificate again.

        Raises:
            ListenError: a socket cannot be listened on.
            TLSError: connections cannot be secured.
            LifespanError: a lifespan failed.
            BackgroundTaskError: a task failed for which the server was to stop; it has.
        """
        reload = self.reload if self._endpoint.is_secured else None
        with on_stop_signals(self.request_stop), on_reload_signal(reload):
            if await self.serve_until_stopped(readiness or Readiness()):
                _log.info("stopped")

    async def serve_until_stopped(self, observer: ServerObserver) -> bool:
        """Do as ``serve()`` does, but leave the signals alone; return whether it came as far as to serve."""
        has_started = await self._has_started()
        if has_started and self._clock is not None:
            try:
                observer.started(self.addresses, self._clock)
                await self._stop_requested.wait()
            finally:
                observer.stopping()
                await self.stop()
        if self._failure is not None:
            raise self._failure
        return has_started

    def _fail(self, task: str, error: BaseException) -> None:
        if self._failure is not None:
            return
        self._failure = BackgroundTaskError(task, error)
        if not self._stop_requested.is_set():
            _log.error("stopping, for %s failed", task)
            self.request_stop()
        if self._inside is not None:
            self._inside.cancel()

    async def __aenter__(self) -> HTTPServer:
        await self.start()
        if self._failure is not None:
            await self.stop()
            raise self._failure
        self._inside = asyncio.current_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        inside, self._inside = self._inside, None
        failure = self._failure
        await self.stop()
        if failure is None or inside is None:
            return
        others = inside.uncancel()
        # Somebody beside us may have cancelled the task, and the block may have failed for a reason of its own.
        if error is None or (isinstance(error, asyncio.CancelledError) and not others):
            raise failure

    async def _has_started(self) -> bool:
        """Start, unless told to stop meanwhile."""
        task = asyncio.current_task()
        self._starting = task
        try:
            await self.start()
        except asyncio.CancelledError:
            # Somebody beside us may have cancelled the task, too; that is none of our business to hide.
            if not self._stop_requested.is_set() or task is None or task.uncancel():
                raise
            return False
        finally:
            self._starting = None
        return True

    def _listen(self, loop: asyncio.AbstractEventLoop, state: ServerState) -> None:
        connect = partial(loop.connect_accepted_socket, protocol_factory(state, self._certificates, self._proxies))
        for listener in self._listeners:
            limit_unsent(listener.socket)
            try:
                listener.socket.listen(self._endpoint.backlog)
            except OSError as error:
                raise ListenError(f"cannot listen on {listener.address}: {error.strerror}", error.errno) from error
        self._acceptors = [Acceptor(each.socket, connect, state.clock, loop) for each in self._listeners]

    def _stop_accepting(self) -> None:
        if self._listeners:
            for acceptor in self._acceptors:
                acceptor.stop()
        for listener in self._listeners:
            listener.close()
        self._listeners = ()

    async def _drain(self, state: ServerState) -> None:
        connections = state.connections
        connections.begin_drain(self.application.timeouts.last_request)
        seconds = self.application.timeouts.shutdown
        call_later = state.clock.call_later
        timers = [call_later(_GRACE_SECONDS, partial(_tell_holders, connections))]
        if seconds:
            timers.append(call_later(seconds, self._cut_off))
        try:
            for acceptor in self._acceptors:
                await acceptor.wait_until_settled()
            if connections.open:
                _log.info("waiting for %s", _counted(len(connections.open), "connection"))
            await connections.drained()
        finally:
            for timer in timers:
                timer.cancel()

    def _cut_off(self) -> None:
        if self._state is not None:
            late = _counted(len(self._state.connections.open), "connection")
            _log.warning("cutting off %s that did not finish in time", late)
            _tell_holders(self._state.connections)
            self._abort(self._state)

    def _abort(self, state: ServerState) -> None:
        for acceptor in self._acceptors:
            acceptor.abort()
        state.connections.abort_all()
        state.clock.call_later(_UNWINDING, self._give_up)

    def _give_up(self) -> None:
        if self._state is not None and self._state.connections.open:
            deaf = _counted(len(self._state.connections.open), "handler")
            _log.warning("cancelled, and still running: %s", deaf)
            _tell_holders(self._state.connections)
            self._state.connections.give_up()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _tell_holders(connections: ConnectionSet) -> None:
    for connection in islice(connections.open, _MAX_NAMED):
        _log.warning("still waiting for %s", connection.holder)
    if len(connections.open) > _MAX_NAMED:
        _log.warning("and for %d more", len(connections.open) - _MAX_NAMED)
