"""ASGI in both directions: serve apps of ASGI frameworks below a path, and run a Turnbuckle app on an ASGI server."""

from __future__ import annotations

from turnbuckle_plugins.asgi.hosted import ASGIApp, IncompleteResponse, asgi, host_scope

__all__ = ["ASGIApp", "IncompleteResponse", "asgi", "host_scope"]
