"""Trace requests with OpenTelemetry: one server span for each request, by the stable semantic conventions for HTTP.

Only the API of OpenTelemetry is needed here; the app chooses and starts an SDK. Without an SDK, a request costs one
check. The context that a client sends is the parent of the span (W3C Trace Context, or as ``OTEL_PROPAGATORS``
says), and the span is current in middleware, handlers, streams, and functions after the response, so that clients of
other services pass it on. It ends when the response has been sent, with the status that was sent.

Sources: OpenTelemetry semantic conventions 1.37, "HTTP spans" and "HTTP metrics".
"""

from __future__ import annotations

from turnbuckle_contrib.opentelemetry.plugin import OpenTelemetryConfig, OpenTelemetryPlugin

__all__ = ["OpenTelemetryConfig", "OpenTelemetryPlugin"]
