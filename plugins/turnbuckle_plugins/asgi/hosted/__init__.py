"""Be an ASGI app: serve an app on a host such as uvicorn.

``app`` serves the scopes of a host, ``lifetime`` starts and stops the app, ``head`` reads a scope, ``content`` receives
from the host, ``response`` sends to it, and ``sockets`` carries WebSockets.
"""

from __future__ import annotations

from turnbuckle_plugins.asgi.hosted.app import ASGIApp, asgi, host_scope
from turnbuckle_plugins.asgi.hosted.response import IncompleteResponse

__all__ = ["ASGIApp", "IncompleteResponse", "asgi", "host_scope"]
