"""Two chains of middleware to choose by name: ``web`` for browsers, and ``api`` for programs.

Each is a list of plugins of this distribution with their default settings, which are safe. The settings of a member are
in its own section, such as ``[plugin.csrf]``. ``without=["csrf"]`` takes a member away for a scope or a route.
"""

from __future__ import annotations

from typing import final

from turnbuckle import MiddlewareChain, Plugin, PluginInfo, Setup

__all__ = ["APIPlugin", "WebPlugin"]


@final
class WebPlugin(Plugin):
    """Provide the chain ``web``, for pages, forms and sessions."""

    info = PluginInfo(name="web")

    def provide_middleware(self, setup: Setup) -> list[MiddlewareChain]:
        """Return the chain."""
        members = ("request_id", "security_headers", "csrf", "sessions", "compress", "conditional")
        return [MiddlewareChain("web", members, "pages and forms for browsers")]


@final
class APIPlugin(Plugin):
    """Provide the chain ``api``, for programs and for scripts of other origins."""

    info = PluginInfo(name="api")

    def provide_middleware(self, setup: Setup) -> list[MiddlewareChain]:
        """Return the chain."""
        members = ("request_id", "problem_details", "cors", "rate_limit", "compress")
        return [MiddlewareChain("api", members, "JSON for programs")]
