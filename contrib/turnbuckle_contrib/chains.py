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
    """Provide the chain ``web``, for pages, forms and sessions.

    Each page has a strict content security policy with a nonce, and each form of another site is refused.
    """

    info = PluginInfo(name="web")

    def provide_middleware(self, setup: Setup) -> list[MiddlewareChain]:
        """Return the chain."""
        members = ("request_id", "security_headers", "csrf", "sessions", "compress", "conditional")
        return [MiddlewareChain("web", members, "pages and forms for browsers")]


@final
class APIPlugin(Plugin):
    """Provide the chain ``api``, for programs and for scripts of other origins.

    There are no sessions, so that no request of a browser acts for a user without credentials that a script adds.
    """

    info = PluginInfo(name="api")

    def provide_middleware(self, setup: Setup) -> list[MiddlewareChain]:
        """Return the chain."""
        members = ("request_id", "problem_details", "cors", "rate_limit", "compress")
        return [MiddlewareChain("api", members, "JSON for programs")]
