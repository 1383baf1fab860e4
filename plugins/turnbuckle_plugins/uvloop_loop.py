"""The component ``uvloop`` of the kind ``loop``: serve on the loop of that library, and on no other.

Without this plugin uvloop is used where it is installed; with it, its absence stops the start. A loop that is asked for
in the settings goes first.

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
    """Offer uvloop to serve on."""

    info = PluginInfo(name="uvloop_loop")

    def provide_components(self, setup: Setup) -> Iterable[Component]:
        """Offer uvloop as the component of the kind ``loop``, which is a function that makes a loop."""
        return [Component("loop", "uvloop", lambda setup: uvloop.new_event_loop)]
