"""Serve as one of many processes: report to the supervisor, and follow its commands.

A worker ends on command, and when the supervisor is gone: without a supervisor nothing would replace or stop
it.
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
from turnbuckle.server.workers.process import unblock_signals
from turnbuckle.server.workers.process_env import WORKER, WorkerEnvironment
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

if TYPE_CHECKING:
    from turnbuckle.server.model.clock import Clock
    from turnbuckle.server.run.server import HTTPServer

__all__ = ["Worker", "resident_memory"]

# Signals that only the supervisor handles, although a terminal or a service manager sends them to its whole process
# group.
_IGNORED_SIGNALS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

_STATM: Final = Path("/proc/self/statm")


@final
class Worker:
    """This process as a worker.

    Args:
        environment: the settings from the supervisor.

    Attributes:
        fds: descriptors of the sockets to listen on.
        has_served: whether it has accepted connections.
    """

    def __init__(self, environment: WorkerEnvironment) -> None:
        self._environment: Final = environment
        self._channel: Final = Channel(socket.socket(fileno=environment.channel))
        self._requests = 0
        self._server: HTTPServer | None = None
        self._is_draining = False
        self.fds: Final[Sequence[int]] = environment.fds
        self.has_served = False

    @classmethod
    def take_from(cls, environ: MutableMapping[str, str]) -> Worker:
        """Return this process as a worker; the variable is removed, so that child processes do not become workers."""
        for number in _IGNORED_SIGNALS:
            # Install a handler instead of the inherited SIG_IGN, which child processes would inherit in turn.
            signal.signal(number, _ignore)
        unblock_signals()
        return cls(WorkerEnvironment.from_json(environ.pop(WORKER)))

    def refuse(self, reason: str) -> None:
        """Report to the supervisor why this worker cannot serve."""
        self._channel.send_blocking(refused=reason)
        self._channel.close()

    def with_request_count(self, application: Application) -> Application:
        """Return the application, with a request counter if a limit depends on it."""
        if not self._environment.counts_requests:
            return application
        return attrs.evolve(application, handle=self._count_requests(application.handle))

    async def serve(self, server: HTTPServer) -> None:
        """Serve until stopped.

        Raises:
            ListenError: a socket cannot be listened on.
            LifespanError: a lifespan failed.
            BackgroundTaskError: a background task failed that was to stop the server; the server has stopped.
        """
        self._server = server
        loop = asyncio.get_running_loop()
        loop.add_reader(self._channel.fileno(), self._read_messages)
        try:
            # A service manager and the supervisor may both ask it to stop; it drains all the same.
            with on_stop_signals(self._drain):
                await server.serve_until_stopped(self)
        finally:
            loop.remove_reader(self._channel.fileno())
            if self.has_served or self._is_draining:
                # Otherwise the channel is still needed to report why it did not serve.
                self._channel.close()

    def started(self, addresses: Sequence[Address], clock: Clock) -> None:
        """Report that this worker serves, and from now on that its event loop runs."""
        self.has_served = True
        self._channel.send(ready=True)
        call_repeatedly(clock, self._environment.heartbeat_interval, self._send_heartbeat)

    def stopping(self) -> None:
        """Do nothing: the supervisor asked for it, or will notice."""

    def _send_heartbeat(self) -> None:
        memory = resident_memory() if self._environment.reports_memory else 0
        self._channel.send(requests=self._requests, memory=memory)

    def _read_messages(self) -> None:
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

    def _count_requests(self, handle: Handler) -> Handler:
        def count_and_handle(request: Request) -> Awaitable[Response]:
            self._requests += 1
            return handle(request)

        return count_and_handle


def _ignore(number: int, frame: object) -> None:
    """Do nothing."""


def resident_memory() -> int:
    """Return the bytes of resident memory; where the system does not report them, their maximum so far."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
