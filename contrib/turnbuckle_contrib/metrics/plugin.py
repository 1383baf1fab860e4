"""The plugin: it counts while the app runs, and serves the metrics."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final, final

import attrs

from turnbuckle import (
    Diagnostic,
    Forbidden,
    Lifespan,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    Response,
    Route,
    RouteDocs,
    ServerFigures,
    Setup,
    TrustedAddresses,
    Unauthorized,
)
from turnbuckle_contrib.local_requests import PROXY_FIELDS, is_local_host
from turnbuckle_contrib.metrics.counts import Counts
from turnbuckle_contrib.metrics.families import Family, Printed, Sample, families_of
from turnbuckle_contrib.metrics.workers import SharedMetrics
from turnbuckle_contrib.worker_folder import worker_folder

__all__ = ["MetricsConfig", "MetricsPlugin"]

_LOOPBACK: Final = TrustedAddresses(("127.0.0.0/8", "::1"))
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or value.endswith("/")):
        raise ValueError(f"{attribute.name} must start with a slash and not end with one, not {value!r}")


def _are_addresses(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(value)


def _is_rising(instance: object, attribute: attrs.Attribute[tuple[float, ...]], value: tuple[float, ...]) -> None:
    if not value or value[0] <= 0 or any(a >= b for a, b in pairwise(value)):
        raise ValueError(f"{attribute.name} must be positive seconds in rising order, such as [0.01, 0.1, 1.0]")


@attrs.frozen(kw_only=True)
class MetricsConfig:
    """Settings of the plugin.

    Attributes:
        path: path of the metrics.
        prefix: prefix of the path if the plugin is enabled for the whole app; a scope has its own prefix.
        token: clients send ``Authorization: Bearer`` with this token; without one, ``allow`` decides.
        allow: addresses and networks that may read the metrics without a token, such as "10.0.0.0/8", and "unix".
        buckets: upper bounds of the buckets for durations, in seconds.
        folder: folder that the workers of this service share; "" for one below the folder of temporary files, which is
            used if there are several workers.
        interval: seconds between two updates of the metrics that other workers see.
    """

    path: str = attrs.field(default="/metrics", validator=_is_path)
    prefix: str = attrs.field(default="/-", validator=_is_path)
    token: str = attrs.field(default="", metadata={"secret": True})
    allow: tuple[str, ...] = attrs.field(default=("127.0.0.1", "::1"), validator=_are_addresses)
    buckets: tuple[float, ...] = attrs.field(default=_BUCKETS, validator=_is_rising)
    folder: str = ""
    interval: float = attrs.field(default=2.0, validator=attrs.validators.gt(0))


@final
class Metrics:
    """The metrics of this process while it serves.

    Args:
        counts: the counted requests.
        figures: returns the figures of the server.
        startup: seconds that each plugin took when the app started.
        shared: the metrics of other workers; None if there are none.
    """

    def __init__(
        self,
        counts: Counts,
        figures: Callable[[], ServerFigures],
        startup: Sequence[tuple[str, float]],
        shared: SharedMetrics | None,
    ) -> None:
        self._counts: Final = counts
        self._figures: Final = figures
        self._startup: Final = startup
        self.shared: Final = shared

    def own(self) -> list[Family]:
        """Return the metrics of this process, and of the default registry of prometheus_client."""
        from prometheus_client import REGISTRY

        families = [*self._counts.families(), *_figure_families(self._figures())]
        name = "turnbuckle_plugin_startup_seconds"
        samples = [Sample(name, {"plugin": plugin}, seconds) for plugin, seconds in self._startup]
        families.append(Family(name, "gauge", "Time that a plugin took when the app started.", samples))
        return [*families, *families_of(REGISTRY.collect())]

    async def encode(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics of all workers in a format that the client accepts, and its media type."""
        from prometheus_client.exposition import choose_encoder

        encode, media_type = choose_encoder(accept)
        own = self.own()

        def encoded() -> bytes:
            families = own if self.shared is None else self.shared.merged(own)
            return encode(Printed(families))

        return await asyncio.to_thread(encoded), media_type

    async def share(self, interval: float) -> None:
        """Update the metrics that other workers see, for ever."""
        while self.shared is not None:
            await asyncio.to_thread(self.shared.write, self.own())
            await asyncio.sleep(interval)


METRICS: Final = ResourceKey("metrics", Metrics)


@final
class MetricsPlugin(Plugin[MetricsConfig]):
    """Provide the route of the metrics, and a lifespan that counts."""

    info = PluginInfo(name="metrics")

    def __init__(self) -> None:
        self._startup: tuple[tuple[str, float], ...] = ()

    def provide_routes(self, setup: Setup[MetricsConfig]) -> list[Route]:
        """Return the route."""
        config = setup.config
        token, readers = config.token.encode(), _Readers(config.allow)

        async def metrics(request: Request) -> Response:
            if token:
                _check_token(request, token)
            else:
                readers.check(request)
            body, media_type = await request.resource(METRICS).encode(request.headers.get("accept", ""))
            return Response(body, 200, {"Cache-Control": "no-store", "Vary": "Accept"}, media_type)

        path = config.path if setup.is_scoped else config.prefix + config.path
        return [Route(path=path, handler=metrics, docs=RouteDocs(in_schema=False))]

    def provide_lifespans(self, setup: Setup[MetricsConfig]) -> list[Lifespan]:
        """Return the lifespan."""

        @asynccontextmanager
        async def counting(setup: Setup[MetricsConfig]) -> AsyncIterator[Metrics]:
            config = setup.config
            counts = Counts(config.buckets)
            metrics = Metrics(counts, setup.monitor(counts.observe), self._startup, _shared(setup))
            if metrics.shared is not None:
                setup.background(lambda: metrics.share(config.interval), name="metrics")
            try:
                yield metrics
            finally:
                if metrics.shared is not None:
                    metrics.shared.write(metrics.own())
                    metrics.shared.close()

        return [Lifespan("metrics", counting, provides=METRICS)]

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Store the time that each plugin took."""
        self._startup = tuple((plugin.name, plugin.seconds) for plugin in plan.plugins if plugin.seconds)
        return []


def _shared(setup: Setup[MetricsConfig]) -> SharedMetrics | None:
    folder = setup.config.folder
    if not folder and setup.settings.workers.processes < 2:
        return None
    shared = SharedMetrics(Path(folder) if folder else worker_folder("metrics"), os.getpid())
    shared.open()
    return shared


def _check_token(request: Request, token: bytes) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token):
        raise Unauthorized(headers={"WWW-Authenticate": 'Bearer realm="metrics"'})


@attrs.frozen
class _Readers:
    """The clients that may read the metrics without a token.

    Attributes:
        allow: addresses and networks of the settings.
    """

    allow: Sequence[str]
    _all: TrustedAddresses = attrs.field(init=False)
    _elsewhere: TrustedAddresses = attrs.field(init=False)

    @_all.default
    def _make_all(self) -> TrustedAddresses:
        return TrustedAddresses(self.allow)

    @_elsewhere.default
    def _make_elsewhere(self) -> TrustedAddresses:
        return TrustedAddresses(entry for entry in self.allow if not _LOOPBACK.trusts_address(entry.partition("/")[0]))

    def check(self, request: Request) -> None:
        """Check the client of a request, and the host if only a loopback address permits the client.

        Raises:
            Forbidden: the client may not read the metrics, or a page of another site may have caused the request.
        """
        # Behind a proxy on this machine, every client seems to be on this machine.
        is_forwarded = request.client == request.peer.client and any(name in request.headers for name in PROXY_FIELDS)
        if is_forwarded or not self._all.trusts(request.peer.client) or not self._all.trusts(request.client):
            raise Forbidden("the metrics are for clients in plugin.metrics.allow, or with plugin.metrics.token")
        if not self._elsewhere.trusts(request.client) and not is_local_host(request.host, any_address=True):
            raise Forbidden("without a token, clients on this machine get the metrics from localhost or an IP address")


def _figure_families(figures: ServerFigures) -> list[Family]:
    def family(name: str, kind: str, text: str, value: float) -> Family:
        return Family(name, kind, text, [Sample(f"{name}_total" if kind == "counter" else name, {}, value)])

    rejected = [
        Sample("turnbuckle_connections_rejected_total", {"reason": reason}, figures.rejected.get(status, 0))
        for status, reason in ((503, "capacity"), (429, "address"))
    ]
    text = "Connections that were not admitted: too many in all, or of one address."
    return [
        family("turnbuckle_requests_in_flight", "gauge", "Requests without a complete response.", figures.requests),
        family("turnbuckle_connections_open", "gauge", "Open connections.", figures.connections),
        family("turnbuckle_connections_accepted", "counter", "Connections that were admitted.", figures.accepted),
        Family("turnbuckle_connections_rejected", "counter", text, rejected),
        family("turnbuckle_response_work", "gauge", "Functions after responses, waiting.", figures.response_work),
    ]
