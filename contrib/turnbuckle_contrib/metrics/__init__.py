"""Serve metrics for Prometheus: requests, latency, sizes, connections and refusals, of all workers.

``App(plugins=["metrics"])`` serves ``/-/metrics``, to programs on the same machine or with a token. Metrics that the
app makes with ``prometheus_client`` are included.
"""

from __future__ import annotations

from turnbuckle_contrib.metrics.counts import Counts
from turnbuckle_contrib.metrics.plugin import MetricsConfig, MetricsPlugin

__all__ = ["Counts", "MetricsConfig", "MetricsPlugin"]
