"""The plugin: its middleware begins a span, and its lifespan ends it when the response has been sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final, final

import attrs

from turnbuckle import (
    Handler,
    Lifespan,
    Middleware,
    Plugin,
    PluginInfo,
    Request,
    Response,
    ResponseEnd,
    Setup,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

__all__ = ["OpenTelemetryConfig", "OpenTelemetryPlugin"]

# Seconds between two searches for an SDK while there is none.
_SEARCH_INTERVAL: Final = 1.0


def _are_paths(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for path in value:
        if not path.startswith("/"):
            raise ValueError(f"{attribute.name} are paths, which start with a slash, not {path!r}")


@attrs.frozen(kw_only=True)
class OpenTelemetryConfig:
    """Settings of the plugin.

    Attributes:
        excluded: paths whose requests, and the requests below them, have no span.
        query: whether spans have the query of the target; the values of parameters that may be secrets are replaced.
        client: whether spans have the address of the client, and its User-Agent.
        duration_metric: whether the histogram ``http.server.request.duration`` is recorded.
    """

    excluded: tuple[str, ...] = attrs.field(default=("/-/health", "/-/metrics"), validator=_are_paths)
    query: bool = True
    client: bool = True
    duration_metric: bool = False


@final
class OpenTelemetryPlugin(Plugin[OpenTelemetryConfig]):
    """Provide the middleware ``opentelemetry`` in the edge zone, and a lifespan that ends the spans.

    Args:
        tracer_provider: makes the tracer; by default the global provider, once the app has set one.
        meter_provider: makes the meter; by default the global provider.
    """

    info = PluginInfo(name="opentelemetry")

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer_provider: Final = tracer_provider
        self._meter_provider: Final = meter_provider
        # By the identity of the request; the server reports the end of each request once.
        self._spans: Final[dict[int, Span]] = {}

    def provide_middleware(self, setup: Setup[OpenTelemetryConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [
            Middleware("opentelemetry", self._around, zone="edge", after=("proxy_headers", "request_id")),
        ]

    def provide_lifespans(self, setup: Setup[OpenTelemetryConfig]) -> list[Lifespan]:
        """Return the lifespan."""

        @asynccontextmanager
        async def tracing(setup: Setup[OpenTelemetryConfig]) -> AsyncIterator[None]:
            from turnbuckle_contrib.opentelemetry.spans import duration_recorder, end_span

            record = duration_recorder(self._meter_provider) if setup.config.duration_metric else None

            def observe(end: ResponseEnd) -> None:
                request = end.request
                if request is None or (end.status == 101 and end.outcome == "complete"):
                    # The span of a WebSocket ends with the WebSocket.
                    return
                span = self._spans.pop(id(request), None)
                if span is not None:
                    end_span(span, request, end)
                if record is not None and end.status != 101:
                    record(request, end)

            setup.monitor(observe)
            yield

        return [Lifespan("opentelemetry", tracing)]

    def _around(self, next_handler: Handler, setup: Setup[OpenTelemetryConfig]) -> Handler:
        from turnbuckle_contrib.opentelemetry.spans import begin_span, find_tracer

        config, provider = setup.config, self._tracer_provider
        excluded = tuple(path.rstrip("/") for path in config.excluded)
        below = tuple(f"{path}/" for path in excluded)
        tracer: Tracer | None = None
        spans = self._spans
        next_search = 0.0

        def handle(request: Request) -> Awaitable[Response]:
            nonlocal tracer, next_search
            if tracer is None:
                # The app may start its SDK later than this server. The search takes several microseconds.
                if (now := monotonic()) < next_search:
                    return next_handler(request)
                next_search, tracer = now + _SEARCH_INTERVAL, find_tracer(provider)
                if tracer is None:
                    return next_handler(request)
            path = request.raw_path
            if path not in excluded and not path.startswith(below):
                spans[id(request)] = begin_span(tracer, request, config.query, config.client)
            return next_handler(request)

        return handle
