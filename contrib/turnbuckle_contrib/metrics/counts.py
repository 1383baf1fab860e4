"""Count requests and refusals in plain numbers, which is faster than the classes of prometheus_client.

Labels have few values: the pattern of the route and never the path, the class of the status, and methods that a route
or RFC 9110 names. Requests without a route have one value in common, and so have unknown methods.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, final

import attrs

from turnbuckle import Request, ResponseEnd
from turnbuckle_contrib.metrics.families import Family, Sample

__all__ = ["Counts"]

UNMATCHED: Final = "unmatched"
OTHER: Final = "other"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})

# Counted by the server, for connections that get no answer as well.
_TOO_MANY_CONNECTIONS: Final = "too many connections"
_REASONS: Final = {
    "too many requests at a time": "requests",
    "the handler took too long": "handler_timeout",
    "the head took too long": "head_timeout",
}
_REASONS_BY_STATUS: Final = {
    0: "protocol",
    400: "malformed",
    408: "content_timeout",
    413: "content_too_large",
    414: "target_too_long",
    431: "fields_too_large",
    500: "failed",
    501: "not_implemented",
    505: "version",
}


@final
@attrs.define(eq=False)
class _Series:
    """The responses of one method, route and class of status."""

    labels: tuple[str, str, str]
    buckets: list[int]
    requests: int = 0
    seconds: float = 0.0
    sent: int = 0
    received: int = 0


@final
class Counts:
    """The counts of one process.

    Args:
        bounds: upper bounds of the buckets for durations, in seconds, in rising order.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds: Final = tuple(bounds)
        # By the method as received, the identity of the route, and the status: they need no work for each request.
        self._fast: Final[dict[tuple[bytes, int, int], _Series]] = {}
        self._series: Final[dict[tuple[str, str, str], _Series]] = {}
        self._incomplete: Final[dict[str, int]] = {}
        self._refused: Final[dict[str, int]] = {}
        self._websockets: Final[dict[tuple[str, str], tuple[int, float]]] = {}

    def observe(self, end: ResponseEnd) -> None:
        """Count the end of a response; for ``setup.monitor``."""
        request, outcome = end.request, end.outcome
        if outcome != "complete" and self._note_special(end):
            return
        if request is None or end.status == 101:
            # A WebSocket is counted at its end.
            return
        series = self._fast.get((request.head.method, id(request.route), end.status))
        if series is None:
            series = self._find(request, end.status)
        series.requests += 1
        series.seconds += end.seconds
        series.sent += end.sent_bytes
        series.received += end.received_bytes
        series.buckets[bisect_left(self._bounds, end.seconds)] += 1

    def _note_special(self, end: ResponseEnd) -> bool:
        """Count a refusal or an incomplete response; return whether it is no response to a request."""
        if end.outcome == "refused":
            if end.reason != _TOO_MANY_CONNECTIONS:
                reason = _REASONS.get(end.reason) or _REASONS_BY_STATUS.get(end.status, OTHER)
                self._refused[reason] = self._refused.get(reason, 0) + 1
            return end.request is None
        if end.status == 101:
            key = (_route_of(end.request), end.outcome)
            number, seconds = self._websockets.get(key, (0, 0.0))
            self._websockets[key] = number + 1, seconds + end.seconds
            return True
        self._incomplete[end.outcome] = self._incomplete.get(end.outcome, 0) + 1
        return False

    def _find(self, request: Request, status: int) -> _Series:
        name, route = request.method, request.route
        is_known = name in _METHODS or (route is not None and name in route.methods)
        method = name if is_known else OTHER
        key = (method, _route_of(request), f"{status // 100}xx" if status else "none")
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series(key, [0] * (len(self._bounds) + 1))
        if is_known:
            self._fast[request.head.method, id(route), status] = series
        return series

    def families(self) -> Iterator[Family]:
        """Yield the present counts."""
        series = list(self._series.values())
        labels = ("method", "route", "status")
        yield Family(
            "turnbuckle_requests",
            "counter",
            "Responses at their end, by class of status.",
            [
                Sample("turnbuckle_requests_total", dict(zip(labels, one.labels, strict=True)), one.requests)
                for one in series
            ],
        )
        yield self._durations(series)
        yield _sums(series, "sent", "turnbuckle_response_bytes", "Bytes of content that were sent.")
        yield _sums(series, "received", "turnbuckle_request_bytes", "Bytes of content that were received.")
        text = "Responses that were not sent completely, by the side that ended them."
        yield _counter("turnbuckle_responses_incomplete", text, "outcome", self._incomplete)
        text = "Requests and connections that the server refused itself, by reason."
        yield _counter("turnbuckle_refused", text, "reason", self._refused)
        yield from self._websocket_families()

    def _durations(self, series: Sequence[_Series]) -> Family:
        by_route: dict[tuple[str, str], tuple[list[int], float]] = {}
        for one in series:
            buckets, seconds = by_route.get(one.labels[:2], ([0] * len(one.buckets), 0.0))
            summed = [a + b for a, b in zip(buckets, one.buckets, strict=True)]
            by_route[one.labels[:2]] = summed, seconds + one.seconds
        name = "turnbuckle_request_duration_seconds"
        samples: list[Sample] = []
        for (method, route), (buckets, seconds) in by_route.items():
            labels = {"method": method, "route": route}
            total = 0
            for bound, number in zip((*self._bounds, float("inf")), buckets, strict=True):
                total += number
                samples.append(Sample(f"{name}_bucket", {**labels, "le": _bound_text(bound)}, total))
            samples += [Sample(f"{name}_count", labels, total), Sample(f"{name}_sum", labels, seconds)]
        return Family(name, "histogram", "Time from the head of a request to the end of its response.", samples)

    def _websocket_families(self) -> Iterator[Family]:
        items = [({"route": route, "outcome": outcome}, pair) for (route, outcome), pair in self._websockets.items()]
        name = "turnbuckle_websockets"
        samples = [Sample(f"{name}_total", labels, number) for labels, (number, _) in items]
        yield Family(name, "counter", "WebSockets and other tunnels that have ended.", samples)
        name = "turnbuckle_websocket_seconds"
        samples = [Sample(f"{name}_total", labels, seconds) for labels, (_, seconds) in items]
        yield Family(name, "counter", "Time that ended WebSockets were open.", samples)


def _route_of(request: Request | None) -> str:
    route = request.route if request is not None else None
    return route.path or "/" if route is not None else UNMATCHED


def _bound_text(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(float(bound))


def _sums(series: Sequence[_Series], attribute: str, name: str, text: str) -> Family:
    sums: dict[tuple[str, str], int] = {}
    for one in series:
        sums[one.labels[:2]] = sums.get(one.labels[:2], 0) + getattr(one, attribute)
    samples = [Sample(f"{name}_total", {"method": method, "route": route}, n) for (method, route), n in sums.items()]
    return Family(name, "counter", text, samples)


def _counter(name: str, text: str, label: str, counts: Mapping[str, int]) -> Family:
    return Family(name, "counter", text, [Sample(f"{name}_total", {label: key}, n) for key, n in counts.items()])
