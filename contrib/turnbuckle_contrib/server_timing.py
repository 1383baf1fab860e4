"""Show the developer where the time of a request goes, in the field Server-Timing (W3C Server Timing).

The tools of browsers show ``total``, the time until the response begins; ``app``, its part in the handler and in the
middleware of the zone ``app``; and the spans that handlers measure. Timings may reveal secrets, such as whether a user
exists, so only trusted clients get them, and every client in debug mode.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, final

import attrs

from turnbuckle import (
    Handler,
    Middleware,
    ParameterProvider,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Setup,
    TrustedAddresses,
)

__all__ = ["ServerTimingConfig", "ServerTimingPlugin", "Timings"]

_FIELD: Final = "Server-Timing"
_STATE: Final = "server_timing"
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# quoted-string, of the characters that a field can have (RFC 9110, section 5.6.4)
_UNQUOTABLE: Final = re.compile(r"[^\t \x21\x23-\x5b\x5d-\x7e]")
# Further spans are not sent, so that a loop of them does not make a head that clients refuse.
_MAX_SPANS: Final = 50


@final
class Timings:
    """The timings of one request. Spans of one name are added up.

    Args:
        clock: returns seconds.
    """

    __slots__ = ("_clock", "_seconds")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock: Final = clock
        self._seconds: Final[dict[tuple[str, str], float]] = {}

    @contextmanager
    def span(self, name: str, description: str = "") -> Iterator[None]:
        """Measure a block of code; ``await`` is allowed in it.

        Args:
            name: a token, such as ``"db"``.
            description: a text for people.

        Raises:
            ValueError: the name is no token.
        """
        began = self._clock()
        try:
            yield
        finally:
            self.add(name, self._clock() - began, description)

    def add(self, name: str, seconds: float, description: str = "") -> None:
        """Add a time that was measured elsewhere.

        Raises:
            ValueError: the name is no token.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"the name of a span is a token such as 'db', not {name!r:.60}")
        key = (name, description)
        if key in self._seconds or len(self._seconds) < _MAX_SPANS:
            self._seconds[key] = self._seconds.get(key, 0.0) + seconds

    def format(self) -> str:
        """Return the field, with durations in milliseconds."""
        return ", ".join(
            f"{name};dur={seconds * 1000:.1f}" + (f';desc="{_UNQUOTABLE.sub("_", description)}"' if description else "")
            for (name, description), seconds in self._seconds.items()
        )


@attrs.frozen(kw_only=True)
class ServerTimingConfig:
    """Settings of the plugin.

    Attributes:
        trusted: addresses and networks of clients that get timings, and ``"unix"``; in debug mode, all clients do.
    """

    trusted: tuple[str, ...] = attrs.field(default=())

    @trusted.validator
    def _are_networks(self, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
        TrustedAddresses(value)


@final
class ServerTimingPlugin(Plugin[ServerTimingConfig]):
    """Provide the middleware ``server_timing``, its part inside, and a parameter of the type ``Timings``.

    Args:
        clock: returns seconds.
    """

    info = PluginInfo(name="server_timing")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock: Final = clock

    def provide_middleware(self, setup: Setup[ServerTimingConfig]) -> list[Middleware]:
        """Return the middleware."""
        outside = ("request_id", "proxy_headers")
        return [
            Middleware("server_timing", self._around, zone="edge", after=outside),
            Middleware("server_timing_app", self._around_app, zone="app"),
        ]

    def provide_parameters(self, setup: Setup[ServerTimingConfig]) -> list[ParameterProvider]:
        """Return the supplier of the timings of a request, which are sent or not."""

        def timings(request: Request) -> Timings:
            return _timings_of(request) or Timings()

        return [ParameterProvider(Timings, timings, description="the timings of the request")]

    def _around(self, next_handler: Handler, setup: Setup[ServerTimingConfig]) -> Handler:
        trusted, is_debug, clock = TrustedAddresses(setup.config.trusted), setup.debug, self._clock
        if not trusted and not is_debug:
            return next_handler

        async def measure(request: Request) -> Response:
            if not is_debug and not trusted.trusts(request.client):
                return await next_handler(request)
            timings = request.state[_STATE] = Timings(clock)
            began = clock()
            try:
                response = await next_handler(request)
            except Exception:
                timings.add("total", clock() - began)
                request.error_headers.set(_FIELD, timings.format())
                raise
            timings.add("total", clock() - began)
            response.headers.set(_FIELD, timings.format())
            return response

        return measure

    def _around_app(self, next_handler: Handler, setup: Setup[ServerTimingConfig]) -> Handler:
        if not setup.config.trusted and not setup.debug:
            return next_handler

        async def measure_app(request: Request) -> Response:
            timings = _timings_of(request)
            if timings is None:
                return await next_handler(request)
            with timings.span("app"):
                return await next_handler(request)

        return measure_app


def _timings_of(request: Request) -> Timings | None:
    found = request.state.get(_STATE)
    return found if isinstance(found, Timings) else None
