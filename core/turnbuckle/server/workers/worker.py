"""Serve as one of many: tell the supervisor how it goes, and do as it says.

A worker ends when it is told to, and when the supervisor is gone: nobody would replace it, nor stop it.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import attrs

from turnbuckle.server.listen.addresses import Address
from turnbuckle.server.model.application import Application
from turnbuckle.server.run.readiness import call_repeatedly
from turnbuckle.server.run.signals import on_stop_signals
from turnbuckle.server.workers.channel import Channel
from turnbuckle.server.workers.process_env import WORKER, WorkerEnvironment
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

if TYPE_CHECKING:
    from turnbuckle.server.model.clock import Clock
    from turnbuckle.server.run.server import HTTPServer

__all__ = ["Worker", "resident_memory"]

# Signals that are for the supervisor, but come to its whole group from a terminal, or from a service manager.
_NOT_FOR_US: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

_STATM: Final = Path("/proc/self/statm")


@final
class Worker:
    """This process as a worker.

    Args:
        place: what the supervisor has given it.

    Attributes:
        fds: the sockets to listen on.
        has_served: whether it came as far as that.
    """

    def __init__(self, place: WorkerEnvironment) -> None:
        self._place: Final = place
        self._channel: Final = Channel(socket.socket(fileno=place.channel))
        self._requests = 0
        self._server: HTTPServer | None = None
        self._is_draining = False
        self.fds: Final[Sequence[int]] = place.fds
        self.has_served = False

    @classmethod
    def take_from(cls, environ: MutableMapping[str, str]) -> Worker:
        """Return this process as a worker; its child processes will be none."""
        for number in _NOT_FOR_US:
            # Not SIG_IGN, as it was until now: child processes would inherit that.
            signal.signal(number, _ignore)
        return cls(WorkerEnvironment.read(environ.pop(WORKER)))

    def refuse(self, reason: str) -> None:
        """Tell the supervisor why this worker cannot serve."""
        self._channel.send_surely(refused=reason)
        self._channel.close()

    def counted(self, application: Application) -> Application:
        """Return an application that counts its requests, if anything depends on their number."""
        if not self._place.counts_requests:
            return application
        return attrs.evolve(application, handle=self._counting(application.handle))

    async def serve(self, server: HTTPServer) -> None:
        """Serve until told to stop.

        Raises:
            ListenError: a socket cannot be listened on.
            LifespanError: a lifespan failed.
            BackgroundTaskError: a task failed for which the server was to stop; it has.
        """
        self._server = server
        loop = asyncio.get_running_loop()
        loop.add_reader(self._channel.fileno(), self._hear)
        try:
            # Asked twice, by a service manager and by the supervisor, it drains all the same.
            with on_stop_signals(self._drain):
                await server.serve_until_stopped(self)
        finally:
            loop.remove_reader(self._channel.fileno())
            if self.has_served or self._is_draining:
                # Else there is still to be said why it did not serve.
                self._channel.close()

    def started(self, addresses: Sequence[Address], clock: Clock) -> None:
        """Tell the supervisor that this worker serves, and from now on that its loop turns."""
        self.has_served = True
        self._channel.send(ready=True)
        call_repeatedly(clock, self._place.beat, self._beat)

    def stopping(self) -> None:
        """Do nothing: it was the supervisor who wanted it, or will learn of it."""

    def _beat(self) -> None:
        memory = resident_memory() if self._place.tells_memory else 0
        self._channel.send(requests=self._requests, memory=memory)

    def _hear(self) -> None:
        messages = self._channel.receive()
        if not self._channel.is_open():
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            self._drain()
        for message in messages:
            if "abort" in message and self._server is not None:
                self._drain()
                self._server.abort()
            elif "stop" in message:
                self._drain()

    def _drain(self) -> None:
        if not self._is_draining and self._server is not None:
            self._is_draining = True
            self._server.request_stop()

    def _counting(self, handle: Handler) -> Handler:
        def counted(request: Request) -> Awaitable[Response]:
            self._requests += 1
            return handle(request)

        return counted


def _ignore(number: int, frame: object) -> None:
    """Do nothing."""


def resident_memory() -> int:
    """Return the octets of resident memory; the most that they ever were where the system does not tell."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
