"""Start and stop a server: its sockets, its lifespans, its connections.

Parts are stopped in the reverse order of their start. Each step of stopping has a time limit: no connection is accepted
any more, idle connections are closed and the others finish, connections that do not finish are aborted, then the
lifespans are left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Final, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import BackgroundTaskError, ListenError
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.lifespan.lifespans import Lifespans
from turnbuckle.server.listen.accepting import Acceptor, limit_unsent
from turnbuckle.server.listen.addresses import Address, BindAddress, Listener
from turnbuckle.server.listen.listeners import open_listeners
from turnbuckle.server.listen.protocol_stack import protocol_factory
from turnbuckle.server.listen.proxied_connection import ProxySettings
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.capacity import FileBudget
from turnbuckle.server.model.clock import Clock, SystemClock
from turnbuckle.server.run.drain import Drain
from turnbuckle.server.run.readiness import Readiness, ServerObserver
from turnbuckle.server.run.signals import on_reload_signal, on_stop_signals
from turnbuckle.server.stalls.watchdog import Watchdog
from turnbuckle.server.tls.context import TLS, Certificates
from turnbuckle.web.trusted_addresses import TrustedAddresses

__all__ = ["HTTPServer"]

_log: Final = SafeLogger("turnbuckle.server")

# Connections below which the log warns that the limit of open files is low.
_FEW_CONNECTIONS: Final = 256


@final
class HTTPServer:
    """A server of one application, started and stopped once, on one event loop.

    ``async with HTTPServer(application, port=0) as server`` serves inside the block; the block is cancelled if a
    required background task fails. ``await server.serve()`` serves until the process gets a stop signal.

    Args:
        application: a compiled application, as ``app.compile()`` returns it.
        host: names or IP addresses to listen on; a name stands for all of its addresses.
        port: TCP port; 0 lets the system choose one, which ``addresses`` contains.
        bind: several places to listen on, such as ``["127.0.0.1:8000", "[::1]:8001", "unix:/run/app.sock", "fd:3"]``;
            host, port and unix are ignored then.
        unix: path of a Unix socket, instead of host and port; ``@name`` for an abstract socket (Linux).
        unix_mode: octal mode of the socket's file, such as ``"660"``; "" leaves it to the umask.
        unix_owner: name or number of the user who owns the file; "" for the user of the process.
        unix_group: name or number of the file's group; "" for the group of the process.
        backlog: how many connections may wait to be accepted.
        reuse_port: let several processes listen on the same port.
        fds: inherited descriptors to listen on; host, port, bind and unix are ignored then.
        tls: certificate and options of TLS; None serves plain HTTP.
        proxy: proxies that send the address of each client with the PROXY protocol; None for none.
        clock: the clock for deadlines and dates; None for the system's clock.
    """

    def __init__(  # noqa: PLR0913  # all but the application by name
        self,
        application: Application,
        *,
        host: str | Sequence[str] = "127.0.0.1",
        port: int = 8000,
        bind: Sequence[str] = (),
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
        self._bind_address: Final = BindAddress(
            host=host,
            port=port,
            bind=bind,
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
        self._start_task: asyncio.Task[object] | None = None
        self._block_task: asyncio.Task[object] | None = None
        self._watchdog: Watchdog | None = None
        self._stop_requested: Final = asyncio.Event()
        self._failure: BackgroundTaskError | None = None

    @classmethod
    def bound_to(
        cls,
        application: Application,
        bind_address: BindAddress,
        *,
        tls: TLS | None = None,
        proxy: ProxySettings | None = None,
    ) -> HTTPServer:
        """Return a server of an application that listens where an address says."""
        where = attrs.asdict(bind_address, recurse=False, filter=lambda field, _: field.name != "is_secured")
        return cls(application, **where, tls=tls, proxy=proxy)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where the server listens, with the ports that the system chose; empty before the start."""
        return tuple(listener.address for listener in self._listeners)

    async def start(self) -> None:
        """Bind the sockets, enter the lifespans, then accept connections; undo everything if one of them fails.

        Raises:
            ListenError: a socket cannot be listened on.
            LifespanError: a lifespan failed.
            TLSError: the certificate or an option of TLS cannot be used.
            RuntimeError: the server was started before.
        """
        if self._state is not None:
            raise RuntimeError("a server can be started only once; make another one")
        if self._tls is not None and self._tls.is_configured:
            self._certificates = Certificates(self._tls, (*self.application.alpn, "http/1.1"))
        loop = asyncio.get_running_loop()
        clock = self._clock = self._clock or SystemClock(loop)
        # Before the state, whose budget of open files counts the files that are open.
        self._listeners = open_listeners(self._bind_address)
        self._state = state = ServerState(self.application, clock, loop)
        _warn_of_few_files(self.application.capacity.connections, state.admission.files)
        timeouts = self.application.timeouts
        self._lifespans = Lifespans(
            self.application.lifespans,
            timeouts.shutdown,
            clock,
            startup=timeouts.startup,
            resources=self.application.resources,
            fail=self._background_task_failed,
        )
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
        """Stop accepting, let requests finish within the shutdown timeout, then leave the lifespans."""
        self._stop_accepting()
        try:
            if self._state is not None:
                await Drain(self._state, self._acceptors).run()
        finally:
            if self._watchdog is not None:
                self._watchdog.stop()
            if self._lifespans is not None:
                await self._lifespans.leave()

    def abort(self) -> None:
        """Abort every connection, and every lifespan that a stop waits for."""
        if self._state is not None:
            Drain(self._state, self._acceptors).abort()
        if self._lifespans is not None:
            self._lifespans.give_up()

    def request_stop(self) -> None:
        """Make ``serve()`` stop and return; a second request aborts whatever the stop waits for."""
        if self._stop_requested.is_set():
            self.abort()
            return
        self._stop_requested.set()
        if self._start_task is not None:
            self._start_task.cancel()

    def reload(self) -> None:
        """Read the certificate files again, for later connections; if they cannot be used, nothing changes."""
        if self._certificates is not None:
            self._certificates.reload()

    async def serve(self, readiness: Readiness | None = None) -> None:
        """Start, serve until SIGINT, SIGTERM or ``request_stop()``, and stop; a second signal aborts open connections.

        With TLS, SIGHUP reads the certificate files again.

        Args:
            readiness: reports the state of the server to other programs; when None, it is only logged.

        Raises:
            ListenError: a socket cannot be listened on.
            TLSError: the certificate or an option of TLS cannot be used.
            LifespanError: a lifespan failed.
            BackgroundTaskError: a background task failed that was to stop the server; the server has stopped.
        """
        reload = self.reload if self._bind_address.is_secured else None
        with on_stop_signals(self.request_stop), on_reload_signal(reload):
            if await self.serve_until_stopped(readiness or Readiness()):
                _log.info("stopped")

    async def serve_until_stopped(self, observer: ServerObserver) -> bool:
        """Serve like ``serve()``, but install no signal handlers.

        Args:
            observer: notified when the server accepts connections and when it stops.

        Returns:
            Whether the server started before it was stopped.
        """
        was_started = await self._start_unless_stopped()
        if was_started and self._clock is not None:
            try:
                observer.started(self.addresses, self._clock)
                await self._stop_requested.wait()
            finally:
                observer.stopping()
                await self.stop()
        if self._failure is not None:
            raise self._failure
        return was_started

    def _background_task_failed(self, task: str, error: BaseException) -> None:
        if self._failure is not None:
            return
        self._failure = BackgroundTaskError(task, error)
        if not self._stop_requested.is_set():
            _log.error("stopping: %s failed", task)
            self.request_stop()
        if self._block_task is not None:
            self._block_task.cancel()

    async def __aenter__(self) -> HTTPServer:
        await self.start()
        if self._failure is not None:
            await self.stop()
            raise self._failure
        self._block_task = asyncio.current_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        block_task, self._block_task = self._block_task, None
        failure = self._failure
        await self.stop()
        if failure is None or block_task is None:
            return
        others = block_task.uncancel()
        # Other code may have cancelled the task as well, and the block may have failed for another reason.
        if error is None or (isinstance(error, asyncio.CancelledError) and not others):
            raise failure

    async def _start_unless_stopped(self) -> bool:
        """Start; return False if a stop was requested meanwhile."""
        task = asyncio.current_task()
        self._start_task = task
        try:
            await self.start()
        except asyncio.CancelledError:
            # Other code may have cancelled the task as well, and that cancellation must not be hidden.
            if not self._stop_requested.is_set() or task is None or task.uncancel():
                raise
            return False
        finally:
            self._start_task = None
        return True

    def _listen(self, loop: asyncio.AbstractEventLoop, state: ServerState) -> None:
        connect = partial(loop.connect_accepted_socket, protocol_factory(state, self._certificates, self._proxies))
        for listener in self._listeners:
            limit_unsent(listener.socket)
            try:
                listener.socket.listen(self._bind_address.backlog)
            except OSError as error:
                raise ListenError(f"cannot listen on {listener.address}: {error.strerror}", error.errno) from error
        # All of them may accept in one turn of the loop.
        most = max(1, state.admission.files.accepted // len(self._listeners))
        self._acceptors = [
            Acceptor(listener.socket, connect, state.clock, loop, most=most) for listener in self._listeners
        ]

    def _stop_accepting(self) -> None:
        if self._listeners:
            for acceptor in self._acceptors:
                acceptor.stop()
        for listener in self._listeners:
            listener.close()
        self._listeners = ()


def _warn_of_few_files(connections: int, files: FileBudget) -> None:
    if connections > files.connections:
        _log.warning(
            "capacity.connections is %d, but the open files (ulimit -n) suffice for %d", connections, files.connections
        )
    elif files.connections < _FEW_CONNECTIONS and not connections:
        _log.warning("the open files (ulimit -n) suffice for %d connections only; raise the limit", files.connections)
