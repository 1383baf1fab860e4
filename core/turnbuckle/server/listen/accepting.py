"""Accept connections from a listening socket, and recover when the system has no resources for another one.

Event loops can accept by themselves, but they do not recover well. When file descriptors run out, asyncio retries once
for each connection in the backlog and logs a traceback each time; uvloop drops waiting connections, or closes the
listening socket silently. ``Acceptor`` pauses instead, logs one line, and tries again. Clients wait in the backlog
meanwhile.

A server that stops first accepts the connections that are already in the backlog, because the kernel would reset them.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.server.model.clock import Clock, Timer

__all__ = ["Acceptor", "Connect", "limit_unsent"]

Connect: TypeAlias = Callable[[socket.socket], Awaitable[object]]
"""Start serving an accepted socket; the callee owns the socket from then on."""

# Seconds before accepting is tried again; the pause doubles each time, up to the maximum.
_FIRST_PAUSE: Final = 0.05
_MAX_PAUSE: Final = 1.0

# Minimum seconds between two log lines about it. Clients must not be able to fill the log by opening connections.
_LOG_INTERVAL: Final = 60.0

# By default a kernel buffers megabytes for a peer that reads nothing, in segments as small as the peer asks for. With
# this option it accepts more only when fewer bytes than this are unsent. Bytes in flight to a fast peer do not count.
_MAX_UNSENT: Final = 128 * 1024

_log: Final = SafeLogger("turnbuckle.server")


@final
class Acceptor:
    """Accepts connections from one listening socket.

    Args:
        listener: bound, listening and non-blocking; the caller closes it.
        connect: called with each accepted socket.
        clock: the server's clock.
        loop: the serving loop.
        most: connections accepted in one turn of the loop, so that open connections are served in between.
    """

    def __init__(
        self,
        listener: socket.socket,
        connect: Connect,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        *,
        most: int = 64,
    ) -> None:
        self._listener: Final = listener
        self._connect: Final = connect
        self._clock: Final = clock
        self._loop: Final = loop
        self._most: Final = most
        self._connecting: Final[set[asyncio.Task[None]]] = set()
        self._accepted: Final[set[socket.socket]] = set()
        self._retry: Timer | None = None
        self._pause = _FIRST_PAUSE
        self._next_log = -math.inf
        loop.add_reader(listener.fileno(), self._accept)

    async def wait_until_settled(self) -> None:
        """Return once every accepted socket has become a connection or has been closed."""
        while self._connecting:
            await asyncio.wait(self._connecting)

    def abort(self) -> None:
        """Cancel the sockets that are not connections yet."""
        for task in self._connecting:
            task.cancel()

    def stop(self) -> None:
        """Accept the connections in the backlog, and no more after them."""
        if self._retry is None:
            self._loop.remove_reader(self._listener.fileno())
        while self._accept_one():
            pass
        if self._retry is not None:
            self._retry.cancel()

    def _accept(self) -> None:
        for _ in range(self._most):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accept one connection; return whether there may be another."""
        try:
            accepted, _ = self._listener.accept()
        except ConnectionAbortedError:
            # The client left while it was in the backlog.
            return True
        except BlockingIOError:
            return False
        except OSError as error:
            self._wait(error)
            return False
        self._pause = _FIRST_PAUSE
        accepted.setblocking(False)
        self._accepted.add(accepted)
        task = self._loop.create_task(self._open(accepted))
        self._connecting.add(task)
        task.add_done_callback(partial(self._forget, accepted))
        return True

    async def _open(self, accepted: socket.socket) -> None:
        self._accepted.discard(accepted)
        try:
            await self._connect(accepted)
        except (OSError, ValueError) as error:
            # The client is gone or its handshake failed. Scanners cause thousands of these, so operators do not get a
            # line each.
            _log.debug("a connection failed before it was served: %s", error)

    def _forget(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        if accepted in self._accepted:
            # The task was cancelled before it ran. Once it has run, the transport closes the socket.
            self._accepted.discard(accepted)
            accepted.close()

    def _wait(self, error: OSError) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._retry = self._clock.call_later(self._pause, self._resume)
        self._pause = min(2 * self._pause, _MAX_PAUSE)
        now = self._clock.monotonic()
        if now >= self._next_log:
            self._next_log = now + _LOG_INTERVAL
            _log.error("cannot accept connections, trying again: %s", error.strerror)

    def _resume(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listener.fileno(), self._accept)


def limit_unsent(listener: socket.socket) -> None:
    """Limit the unsent bytes that the kernel buffers for each connection accepted from this socket."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is None or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    # A kernel without this option keeps its default.
    with suppress(OSError):
        listener.setsockopt(socket.IPPROTO_TCP, option, _MAX_UNSENT)
