"""Answer for handlers that take too long, with Problem Details (RFC 9457) and on a connection that stays open.

The server's own deadline, ``timeouts.handler``, answers in plain text and closes the connection; neither middleware nor
error handlers of the app see its response. This middleware cancels the handler, and raises an error that is answered
like any other one. The deadline ends when the handler has returned its response: a stream may take longer.

One timer per app checks all deadlines once a second, because a timer for each request would cost more than the rest of
the middleware. So a handler is cancelled up to one second late.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Final, cast, final

import attrs

from turnbuckle import Clock, Handler, HTTPError, Middleware, Plugin, PluginInfo, Request, Response, Setup, SystemClock

__all__ = ["TimeoutConfig", "TimeoutPlugin"]

_INTERVAL: Final = 1.0

_log: Final = logging.getLogger("turnbuckle.timeout")


def _check_seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"write a positive number of seconds, or False for no deadline, not {value!r:.60}")
    return float(value)


def _as_option(value: object) -> float:
    """Return the seconds of a route; infinity for no deadline."""
    return math.inf if value is False else _check_seconds(value)


def _are_seconds(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of seconds from 0 on, not {value!r}")


@attrs.frozen(kw_only=True)
class TimeoutConfig:
    """Settings of the plugin.

    Attributes:
        seconds: time that a handler may take until it returns its response; 0 for a deadline only of routes with the
            option ``timeout``.
        status: status of the answer, 503, or 504 for an app that mostly waits for other servers.
    """

    seconds: float = attrs.field(default=30.0, validator=_are_seconds)
    status: int = attrs.field(default=503, validator=attrs.validators.in_((503, 504)))


@final
class TimeoutPlugin(Plugin[TimeoutConfig]):
    """Provide the middleware ``timeout`` in the edge zone, and the option ``timeout`` of routes.

    Args:
        make_clock: makes the clock of the deadlines; by default the clock of the machine.
    """

    info = PluginInfo(name="timeout", route_options={"timeout": _as_option})

    def __init__(self, make_clock: Callable[[], Clock] | None = None) -> None:
        self._make_clock: Final = make_clock or _machine_clock

    def provide_middleware(self, setup: Setup[TimeoutConfig]) -> list[Middleware]:
        """Return the middleware."""
        outside = ("request_id", "proxy_headers", "server_timing", "opentelemetry", "cache_control")
        return [Middleware("timeout", self._around, zone="edge", after=outside)]

    def _around(self, next_handler: Handler, setup: Setup[TimeoutConfig]) -> Handler:
        status, default = setup.config.status, setup.config.seconds or math.inf
        deadlines = _Deadlines(self._make_clock)

        async def limit(request: Request) -> Response:
            route = request.find_route()
            seconds = default if route is None else route.options.get("timeout", default)
            if seconds == math.inf:
                return await next_handler(request)
            deadline = deadlines.begin(seconds)  # type: ignore[arg-type]  # the plugin has converted the option
            try:
                return await next_handler(request)
            except asyncio.CancelledError:
                if not deadline.is_the_cause():
                    raise
                _log.warning("%s was cancelled after %g s", request, seconds)
                raise HTTPError(status, "the server took too long to answer; try again later", problem={}) from None
            finally:
                deadlines.end(deadline)

        return limit


def _machine_clock() -> Clock:
    return SystemClock(asyncio.get_running_loop())


@final
class _Deadline:
    """The deadline of one request, whose task it cancels.

    Args:
        due: when the deadline ends, in seconds of the clock.
    """

    __slots__ = ("_cancelling", "_task", "_was_late", "due")

    def __init__(self, due: float) -> None:
        # Each request is served in a task.
        self._task: Final = cast("asyncio.Task[object]", asyncio.current_task())
        self._cancelling: Final = self._task.cancelling()
        self._was_late = False
        self.due = due

    def expire(self) -> None:
        """Cancel the request."""
        self._was_late = True
        self._task.cancel()

    def is_the_cause(self) -> bool:
        """Return whether the task was cancelled only by this deadline."""
        return self._was_late and self._task.cancelling() - 1 <= self._cancelling

    def end(self) -> None:
        """Take the cancellation back."""
        if self._was_late:
            self._task.uncancel()


@final
class _Deadlines:
    """The deadlines of the requests that one app serves, and their timer.

    Args:
        make_clock: makes the clock, on the event loop that serves the app.
    """

    def __init__(self, make_clock: Callable[[], Clock]) -> None:
        self._make_clock: Final = make_clock
        self._running: Final[set[_Deadline]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_timer = False
        self._clock: Clock

    def begin(self, seconds: float) -> _Deadline:
        """Return the deadline of the current task."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # The first request, or another loop, as in tests.
            self._loop, self._clock, self._has_timer = loop, self._make_clock(), False
            self._running.clear()
        deadline = _Deadline(self._clock.monotonic() + seconds)
        self._running.add(deadline)
        if not self._has_timer:
            self._has_timer = True
            self._clock.call_later(_INTERVAL, self._run)
        return deadline

    def end(self, deadline: _Deadline) -> None:
        """Forget a deadline."""
        self._running.discard(deadline)
        deadline.end()

    def _run(self) -> None:
        now = self._clock.monotonic()
        for deadline in [deadline for deadline in self._running if deadline.due <= now]:
            self._running.discard(deadline)
            deadline.expire()
        # Without requests, the timer ends by itself: to cancel it at the end of each request would cost more.
        self._has_timer = bool(self._running)
        if self._has_timer:
            self._clock.call_later(_INTERVAL, self._run)
