"""The plugin ``asgi``, which serves ASGI apps that ``app.mount`` adds, with the settings in ``ASGIConfig``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from turnbuckle import MountProvider, Plugin, PluginInfo, Setup
from turnbuckle_plugins.asgi.mounted.adapter import ASGIConfig, adapt_app, is_asgi_app

__all__ = ["ASGIConfig", "ASGIPlugin"]


@final
class ASGIPlugin(Plugin[ASGIConfig]):
    """Serves ASGI apps."""

    info = PluginInfo(name="asgi")

    def provide_mounts(self, setup: Setup[ASGIConfig]) -> Iterable[MountProvider]:
        """Return the provider of ASGI apps."""
        return [MountProvider("asgi", is_asgi_app, adapt_app)]
