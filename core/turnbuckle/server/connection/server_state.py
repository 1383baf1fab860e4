"""Store the state that all connections of a server share.

The Date field line is formatted once a sweep, not once a response (RFC 9110, section 6.6.1).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextvars import copy_context
from typing import Final, final

from turnbuckle.http.dates import format_date
from turnbuckle.server.connection.admission import Admission
from turnbuckle.server.connection.connection_set import ConnectionSet
from turnbuckle.server.lifespan.response_work import ResponseWork
from turnbuckle.server.logs.access_log import AccessLog
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.monitor import ResponseEnd, ServerFigures
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.content.codecs import Codecs
from turnbuckle.web.request.context import AppContext
from turnbuckle.web.streams.stream_context import STREAM_CONTEXT, StreamContext

__all__ = ["ServerState"]

_MAX_INTERVAL: Final = 1.0
_MIN_INTERVAL: Final = 0.02


@final
class ServerState:
    """The state of one server that its connections share.

    Args:
        application: the compiled application.
        clock: the server's clock.
        loop: the serving loop.

    Attributes:
        application: see above.
        clock: see above.
        loop: see above.
        connections: the open connections.
        app_context: the parts of the application that requests use.
        admission: limits connections and concurrent requests.
        access: writes the access log, and calls the monitors; None if it is off and there are none.
        context: the context variables that every request starts with. A request does not see the changes of the one
            before it.
        date_line: the Date field line of the current second, with its CRLF.
        date_field: the same field as a pair of name and value.
        response_work: runs functions after responses.
        idle_check: seconds after which the deadline of an idle connection is worked out.
        tracks_requests: whether the start of each request must be recorded, for a limit, the access log or a monitor.
    """

    __slots__ = (
        "access",
        "admission",
        "app_context",
        "application",
        "clock",
        "connections",
        "context",
        "date_field",
        "date_line",
        "idle_check",
        "loop",
        "response_work",
        "tracks_requests",
    )

    def __init__(self, application: Application, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        timeouts = application.timeouts
        self.application: Final = application
        self.clock: Final = clock
        self.loop: Final = loop
        interval = _sweep_interval(timeouts, *application.own_timeouts)
        self.connections: Final = ConnectionSet(clock, loop, interval, self._refresh_date)
        self.app_context: Final = AppContext(
            application.resources,
            Codecs(application.json, application.codecs),
            application.limits.json,
            self.connections.stopping,
            form_limits=application.forms,
            config=application.config,
            find_route=application.find_route,
            url_builder=application.url_for,
            loop=loop,
        )
        self.admission: Final = Admission(application.capacity)
        self.access: AccessLog | None = None
        self.context: Final = copy_context()
        self.context.run(STREAM_CONTEXT.set, StreamContext(clock, self.connections.stopping))
        self.response_work: Final = ResponseWork(
            clock, loop, application.capacity.after_response, application.capacity.retry_after
        )
        self.idle_check: Final = min(timeouts.head or math.inf, timeouts.idle or math.inf)
        self.tracks_requests = _tracks_requests(application)
        self._refresh_date()
        if application.access_log:
            self.access = AccessLog(clock, queries=application.log_queries)
        # For ``setup.monitor``; a lifespan calls it before the server listens.
        application.resources.server = self

    def observe(self, function: Callable[[ResponseEnd], object]) -> None:
        """Call a function at the end of each response."""
        if self.access is None:
            self.access = AccessLog(self.clock, is_on=False)
            self.tracks_requests = True
        self.access.observe(function)

    def figures(self) -> ServerFigures:
        """Return the present figures."""
        admission = self.admission
        return ServerFigures(
            connections=admission.connections,
            accepted=admission.accepted,
            rejected=dict(admission.rejected),
            requests=sum(connection.request_count for connection in self.connections.open),
            response_work=self.response_work.count,
        )

    def _refresh_date(self) -> None:
        date = format_date(self.clock.wall())
        self.date_line = b"Date: %b\r\n" % date
        self.date_field = (b"date", date)


def _tracks_requests(application: Application) -> bool:
    timeouts, capacity = application.timeouts, application.capacity
    return bool(
        application.access_log
        or application.own_timeouts
        or timeouts.handler
        or timeouts.total
        or timeouts.lifetime
        or capacity.requests_per_connection
        or capacity.concurrent_requests
    )


def _sweep_interval(*timeouts: Timeouts) -> float:
    """Return the seconds between sweeps: a quarter of the shortest deadline, within bounds."""
    shortest = min((seconds for record in timeouts for seconds in _deadlines(record) if seconds), default=_MAX_INTERVAL)
    return min(_MAX_INTERVAL, max(_MIN_INTERVAL, shortest / 4))


def _deadlines(timeouts: Timeouts) -> tuple[float, ...]:
    return (
        timeouts.first_byte,
        timeouts.handshake,
        timeouts.head,
        timeouts.content,
        timeouts.handler,
        timeouts.total,
        timeouts.write,
        timeouts.idle,
        timeouts.linger,
    )
