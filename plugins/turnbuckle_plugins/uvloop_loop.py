"""The component ``uvloop`` of the kind ``loop``: serve on uvloop only.

Without this plugin, the server uses uvloop if it is installed. With this plugin, a missing uvloop stops the start. The
setting ``server.loop`` takes precedence.

Needs the extra ``uvloop``: ``pip install 'turnbuckle[uvloop]'``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import uvloop

from turnbuckle import Component, Plugin, PluginInfo, Setup

__all__ = ["UvloopPlugin"]


@final
class UvloopPlugin(Plugin):
    """Provide uvloop as the event loop."""

    info = PluginInfo(name="uvloop_loop")

    def provide_components(self, setup: Setup) -> Iterable[Component]:
        """Return the component of the kind ``loop``, a function that makes a loop."""
        return [Component("loop", "uvloop", lambda setup: uvloop.new_event_loop)]
