"""The component ``threaded`` of the kind ``shadow_parser``: compare a second parser with the first in production.

The setting ``parser.shadow`` names the second parser and enables this plugin. ``factory`` decides which connections are
shadowed and runs the second parser in a thread; ``comparison`` compares the events of the two parsers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from turnbuckle import Component, Plugin, PluginInfo, Setup
from turnbuckle_plugins.shadow_parser.factory import ShadowCounts, ShadowParserFactory

__all__ = ["ShadowCounts", "ShadowParserFactory", "ShadowParserPlugin"]


@final
class ShadowParserPlugin(Plugin):
    """Provide the comparison of two parsers."""

    info = PluginInfo(name="shadow_parser")

    def provide_components(self, setup: Setup) -> Iterable[Component]:
        """Provide a function that takes two parser factories and returns the one that the server uses."""
        return [Component("shadow_parser", "threaded", lambda setup: ShadowParserFactory)]
