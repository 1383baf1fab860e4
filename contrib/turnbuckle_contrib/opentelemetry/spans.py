"""Begin and end the span of a request, with the attributes of the semantic conventions for HTTP servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, final

from opentelemetry import context, metrics, trace
from opentelemetry.propagate import extract
from opentelemetry.propagators.textmap import Getter

from turnbuckle import Headers, HTTPError, Request, ResponseEnd, may_be_secret

__all__ = ["begin_span", "duration_recorder", "end_span", "find_tracer", "redact_query"]

_SCOPE: Final = "turnbuckle"
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.37.0"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
_OTHER: Final = "_OTHER"
_REDACTED: Final = "REDACTED"
# The convention names these; they sign URLs.
_SIGNATURES: Final = frozenset({"awsaccesskeyid", "signature", "sig", "x-goog-signature"})
_PORT: Final = re.compile(r":([0-9]{1,5})\Z")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


@final
class _FieldGetter(Getter[Headers]):
    """Reads the fields of a request."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        return carrier.get_list(key) or None

    def keys(self, carrier: Headers) -> list[str]:
        return list(carrier)


_GETTER: Final = _FieldGetter()


def find_tracer(provider: trace.TracerProvider | None) -> trace.Tracer | None:
    """Return the tracer of a provider, or of the global one; None if there is no SDK yet."""
    chosen = provider or trace.get_tracer_provider()
    if isinstance(chosen, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return None
    return chosen.get_tracer(_SCOPE, schema_url=_SCHEMA)


def begin_span(tracer: trace.Tracer, request: Request, has_query: bool, has_client: bool) -> trace.Span:
    """Start the span of a request, and make it current for the rest of the request.

    Args:
        tracer: starts it.
        request: the request.
        has_query: whether the span has the query.
        has_client: whether the span has the address of the client, and its User-Agent.
    """
    parent = extract(request.headers, getter=_GETTER)
    route = request.find_route()
    span = tracer.start_span(
        _name_of(request, route.path if route is not None else None),
        parent,
        kind=trace.SpanKind.SERVER,
        attributes=_request_attributes(request, has_query, has_client),
    )
    # Each request has its own context, so nothing has to be detached.
    context.attach(trace.set_span_in_context(span, parent))
    return span


def end_span(span: trace.Span, request: Request, end: ResponseEnd) -> None:
    """End the span of a request when its response has ended."""
    if span.is_recording():
        if request.route is not None:
            # Middleware may have changed the path since the start.
            span.update_name(_name_of(request, request.route.path))
            span.set_attribute("http.route", request.route.path or "/")
        if end.status:
            span.set_attribute("http.response.status_code", end.status)
        error = error_type(request, end)
        if error:
            span.set_attribute("error.type", error)
        if end.status >= 500 or end.outcome == "broken":
            if request.exception is not None and not isinstance(request.exception, HTTPError):
                span.record_exception(request.exception)
            span.set_status(trace.StatusCode.ERROR)
    span.end()


def error_type(request: Request, end: ResponseEnd) -> str:
    """Return the kind of a failure: the class of the exception, the status, or the outcome; "" if nothing failed."""
    exception = request.exception
    if end.status >= 500:
        if exception is None or isinstance(exception, HTTPError):
            return str(end.status)
        return f"{type(exception).__module__}.{type(exception).__qualname__}".removeprefix("builtins.")
    return end.outcome if end.outcome in {"broken", "disconnected"} else ""


def redact_query(query: str) -> str:
    """Return a query without the values of parameters that sign a URL, or whose names suggest a secret."""
    return "&".join(_redacted(pair) for pair in query.split("&"))


def duration_recorder(provider: metrics.MeterProvider | None) -> Callable[[Request, ResponseEnd], None]:
    """Return the function that records ``http.server.request.duration``."""
    meter = (provider or metrics.get_meter_provider()).get_meter(_SCOPE, schema_url=_SCHEMA)
    histogram = meter.create_histogram(
        "http.server.request.duration",
        unit="s",
        description="Duration of HTTP server requests.",
        explicit_bucket_boundaries_advisory=_SECONDS,
    )
    return lambda request, end: histogram.record(end.seconds, _response_attributes(request, end))


def _method_of(request: Request) -> str:
    return request.method if request.method in _METHODS else _OTHER


def _name_of(request: Request, path: str | None) -> str:
    method = request.method if request.method in _METHODS else "HTTP"
    return method if path is None else f"{method} {path or '/'}"


def _request_attributes(request: Request, has_query: bool, has_client: bool) -> dict[str, Any]:
    route, host = request.find_route(), request.host
    found = _PORT.search(host)
    attributes: dict[str, Any] = {
        "http.request.method": _method_of(request),
        "url.scheme": request.scheme,
        "url.path": request.raw_path,
        "network.protocol.version": request.http_version,
        "server.address": (host[: found.start()] if found else host).strip("[]"),
        "server.port": int(found[1]) if found else _DEFAULT_PORTS[request.scheme],
    }
    if attributes["http.request.method"] == _OTHER:
        attributes["http.request.method_original"] = request.method
    if route is not None:
        attributes["http.route"] = route.path or "/"
    if has_query and request.query:
        attributes["url.query"] = redact_query(request.query)
    if has_client and request.client is not None:
        attributes["client.address"], attributes["client.port"] = request.client
    if has_client and (user_agent := request.headers.get("user-agent")):
        attributes["user_agent.original"] = user_agent
    return attributes


def _redacted(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    is_secret = name.lower() in _SIGNATURES or may_be_secret(name.lower())
    return f"{name}={_REDACTED}" if equals and is_secret else pair


def _response_attributes(request: Request, end: ResponseEnd) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "http.request.method": _method_of(request),
        "url.scheme": request.scheme,
        "network.protocol.version": request.http_version,
    }
    if request.route is not None:
        attributes["http.route"] = request.route.path or "/"
    if end.status:
        attributes["http.response.status_code"] = end.status
    if error := error_type(request, end):
        attributes["error.type"] = error
    return attributes
