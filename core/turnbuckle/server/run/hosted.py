"""Run an app without the server: a host, such as an ASGI server, accepts connections and parses requests.

The host carries each request as a stream. Everything that does not depend on bytes stays as it is under the server:
lifespans, limits, deadlines, the access log, and the functions after responses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, final

from turnbuckle.errors import BackgroundTaskError
from turnbuckle.http.events import RequestHead
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.lifespan.lifespans import Lifespans
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.clock import Clock, SystemClock
from turnbuckle.server.run.drain import Drain
from turnbuckle.server.stalls.watchdog import Watchdog
from turnbuckle.server.streams.channel import StreamChannel
from turnbuckle.server.streams.link import RunSet
from turnbuckle.server.streams.run import StreamRun
from turnbuckle.web.peer import LazyEvent, Peer

__all__ = ["HostedApplication"]


@final
class HostedApplication:
    """An application whose requests come from a host, started and stopped once, on one event loop.

    Args:
        application: a compiled application, as ``app.compile()`` returns it.
        sends_date: whether responses have a Date field; False for a host that adds its own.
        clock: the clock for deadlines and dates; None for the system's clock.
        on_failure: called with the error of a background task that is to stop the server; the host decides whether it
            stops.

    Attributes:
        application: see above.
    """

    def __init__(
        self,
        application: Application,
        *,
        sends_date: bool = True,
        clock: Clock | None = None,
        on_failure: Callable[[BackgroundTaskError], object] | None = None,
    ) -> None:
        self.application: Final = application
        self._sends_date: Final = sends_date
        self._clock: Final = clock
        self._on_failure: Final = on_failure
        self._state: ServerState | None = None
        self._runs: _HostedRuns | None = None
        self._lifespans: Lifespans | None = None
        self._watchdog: Watchdog | None = None

    @property
    def stopping(self) -> LazyEvent:
        """The event that the application begins to stop.

        Raises:
            RuntimeError: the application was not started.
        """
        return self._started_state.connections.stopping

    @property
    def _started_state(self) -> ServerState:
        if self._state is None:
            raise RuntimeError("the hosted application was not started: await start() first")
        return self._state

    async def start(self) -> None:
        """Enter the lifespans, on the serving loop.

        Raises:
            LifespanError: a lifespan failed.
            RuntimeError: the application was started before.
        """
        if self._state is not None:
            raise RuntimeError("a hosted application can be started only once; make another one")
        loop, application = asyncio.get_running_loop(), self.application
        clock = self._clock or SystemClock(loop)
        self._state = state = ServerState(application, clock, loop)
        self._runs = _HostedRuns(state, sends_date=self._sends_date)
        timeouts = application.timeouts
        self._lifespans = Lifespans(
            application.lifespans,
            timeouts.shutdown,
            clock,
            startup=timeouts.startup,
            resources=application.resources,
            fail=self._fail,
        )
        await self._lifespans.enter()
        if application.watchdog:
            self._watchdog = Watchdog(application.watchdog, loop, lambda: state.connections.open)

    def run(self, head: RequestHead, peer: Peer, channel: StreamChannel, *, has_content: bool) -> StreamRun:
        """Serve a request. The response may begin, and end, before this method returns.

        Args:
            head: the head; its length is read from its Content-Length, and ``upgrade`` names the protocol that the
                client offers.
            peer: the two ends of the connection, with the host's ``protocol``; a new one for each request.
            channel: the carrier's end of the request.
            has_content: whether content, or its end, will follow.

        Raises:
            RuntimeError: the application was not started.
        """
        if self._runs is None:
            raise RuntimeError("the hosted application was not started: await start() first")
        return self._runs.begin(head, peer, channel, has_content=has_content)

    async def stop(self) -> None:
        """Wait for the requests until the shutdown timeout, then leave the lifespans."""
        try:
            if self._state is not None:
                await Drain(self._state).run()
        finally:
            if self._watchdog is not None:
                self._watchdog.stop()
            if self._lifespans is not None:
                await self._lifespans.leave()

    def abort(self) -> None:
        """Abort every request, and every lifespan that a stop waits for."""
        if self._state is not None:
            Drain(self._state).abort()
        if self._lifespans is not None:
            self._lifespans.give_up()

    def _fail(self, task: str, error: BaseException) -> None:
        if self._on_failure is not None:
            self._on_failure(BackgroundTaskError(task, error))


@final
class _HostedRuns:
    """All requests of a host, which the server sees as one connection."""

    def __init__(self, state: ServerState, *, sends_date: bool) -> None:
        self._connections: Final = state.connections
        self._runs: Final = RunSet(state, self._leave, sends_date=sends_date)

    def begin(self, head: RequestHead, peer: Peer, channel: StreamChannel, *, has_content: bool) -> StreamRun:
        """Begin a run; while there are some, the server waits for them."""
        if not self._runs.runs:
            self._connections.add(self)
        return self._runs.begin(head, peer, channel, has_content=has_content)

    def _leave(self) -> None:
        self._connections.discard(self)

    @property
    def deadline(self) -> float:
        """When the first request is due."""
        return self._runs.deadline

    @property
    def description(self) -> str:
        """A description of a request, and how many there are."""
        return self._runs.describe_runs()

    @property
    def request_count(self) -> int:
        """Number of requests whose responses have not ended."""
        return self._runs.request_count

    def expire(self, now: float) -> None:
        """Act on the deadlines of requests that have passed."""
        self._runs.expire_runs(now)

    def disable_keep_alive(self) -> None:
        """Limit streams without an end."""
        self._runs.limit_endless()

    def close_when_idle(self) -> None:
        """Do nothing: the host owns the connections."""

    def abort(self) -> None:
        """End all requests, and cancel their tasks."""
        for run in tuple(self._runs.runs):
            run.abort()
