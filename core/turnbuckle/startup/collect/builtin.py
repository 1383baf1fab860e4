"""The built-in parts, as plugins that go through the pipeline like all others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

from turnbuckle.plugin import Plugin, PluginInfo
from turnbuckle.records import ParserProvider, ResponseType, RouterProvider
from turnbuckle.routing.records import Router
from turnbuckle.setup import Setup

__all__ = ["BUILTIN_COMMANDS", "BUILTIN_PLUGINS"]


@final
class H1Plugin(Plugin):
    """The strict HTTP/1.1 parser."""

    info = PluginInfo(name="h1")

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Offer the parser of ``turnbuckle.http``."""
        from turnbuckle.http.parser import H1ParserFactory

        return [ParserProvider("h1", H1ParserFactory())]


@final
class TreePlugin(Plugin):
    """The tree router."""

    info = PluginInfo(name="tree")

    def provide_routers(self, setup: Setup) -> Iterable[RouterProvider]:
        """Offer the router of ``turnbuckle.routing``."""
        return [RouterProvider("tree", _tree_router)]


@final
class ResponsesPlugin(Plugin):
    """The built-in response types."""

    info = PluginInfo(name="responses")

    def provide_response_types(self, setup: Setup) -> Iterable[ResponseType]:
        """Render text, bytes, dicts, lists, attrs instances, files, streams, and nothing."""
        from turnbuckle.web.response.response_types import BUILTIN_TYPES

        return [ResponseType(*row) for row in BUILTIN_TYPES]


def _tree_router(setup: Setup) -> Router:
    from turnbuckle.routing.tree import TreeRouter

    return TreeRouter(setup.settings.routing.trailing_slash, setup.converters)


BUILTIN_PLUGINS: Final[tuple[type[Plugin], ...]] = (H1Plugin, TreePlugin, ResponsesPlugin)
"""The built-in plugins."""

BUILTIN_COMMANDS: Final = frozenset(
    {"serve", "check", "routes", "plan", "plugins", "why", "explain", "settings", "parsers", "openapi", "new"}
)
"""The commands of the core. No plugin can replace them: some of them repair what plugins break."""
