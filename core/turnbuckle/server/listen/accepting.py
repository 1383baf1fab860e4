"""Accept connections from a listening socket, and go on doing so when the system has no more to give.

Loops can accept by themselves, but not for a server that is to stay up. Out of file descriptors, asyncio tries again
for each place in the backlog, with a traceback for each; uvloop drops whoever waits, or closes the listening socket
without a word. Here accepting pauses, says so in one line, and begins again. Clients wait in the backlog meanwhile.

A server that stops accepts first who is in the backlog already: the kernel would reset them.
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
"""Makes a connection of an accepted socket, and owns the socket from then on."""

# Connections taken in one turn of the loop: those that are open already have their turn, too.
_AT_ONCE: Final = 64

# Seconds before accepting is tried again; twice as many each time, up to the longest.
_FIRST_PAUSE: Final = 0.05
_MAX_PAUSE: Final = 1.0

# Seconds between two lines about it: whoever opens connections could otherwise fill the log with them.
_SILENCE: Final = 60.0

# A kernel takes megabytes for a peer that reads nothing, and cuts them into segments as small as the peer asks for.
# With this it takes more only when less has not been sent yet; what is on its way to a fast peer is not counted.
_MAX_UNSENT: Final = 128 * 1024

_log: Final = SafeLogger("turnbuckle.server")


@final
class Acceptor:
    """Takes connections from one listening socket.

    Args:
        listener: bound, listening and not blocking; it stays the caller's to close.
        connect: makes a connection of each socket that is accepted.
        clock: tells the time.
        loop: the serving loop.
    """

    def __init__(
        self,
        listener: socket.socket,
        connect: Connect,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._listener: Final = listener
        self._connect: Final = connect
        self._clock: Final = clock
        self._loop: Final = loop
        self._arriving: Final[set[asyncio.Task[None]]] = set()
        self._accepted: Final[set[socket.socket]] = set()
        self._retry: Timer | None = None
        self._pause = _FIRST_PAUSE
        self._silent_until = -math.inf
        loop.add_reader(listener.fileno(), self._accept)

    async def run_until_settled(self) -> None:
        """Return once every socket that was accepted is a connection, or is not to be one."""
        while self._arriving:
            await asyncio.wait(self._arriving)

    def abort(self) -> None:
        """Give up on sockets that are no connections yet."""
        for task in self._arriving:
            task.cancel()

    def stop(self) -> None:
        """Accept who is in the backlog, and nobody after that."""
        if self._retry is None:
            self._loop.remove_reader(self._listener.fileno())
        while self._accept_one():
            pass
        if self._retry is not None:
            self._retry.cancel()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accept one connection, and tell whether there may be another."""
        try:
            accepted, _ = self._listener.accept()
        except ConnectionAbortedError:
            # The client left while it waited.
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
        self._arriving.add(task)
        task.add_done_callback(partial(self._forget, accepted))
        return True

    async def _open(self, accepted: socket.socket) -> None:
        self._accepted.discard(accepted)
        try:
            await self._connect(accepted)
        except (OSError, ValueError) as error:
            # The client is gone, or shook hands badly, which is not for the operator to read by the thousand.
            _log.debug("a connection ended before it began: %s", error)

    def _forget(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._arriving.discard(task)
        if accepted in self._accepted:
            # It was cancelled before it began; once it has, the socket is the transport's to close.
            self._accepted.discard(accepted)
            accepted.close()

    def _wait(self, error: OSError) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._retry = self._clock.call_later(self._pause, self._resume)
        self._pause = min(2 * self._pause, _MAX_PAUSE)
        now = self._clock.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _SILENCE
            _log.error("cannot accept connections, and will try again: %s", error.strerror)

    def _resume(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listener.fileno(), self._accept)


def limit_unsent(listener: socket.socket) -> None:
    """Let the kernel take little more than it can send, on all connections that a socket accepts."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is None or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    # Kernels that know no such option do without.
    with suppress(OSError):
        listener.setsockopt(socket.IPPROTO_TCP, option, _MAX_UNSENT)
