"""The plugin ``asgi``, which serves ASGI apps that ``app.mount`` adds, and its settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, final

import attrs

from turnbuckle import MountProvider, Plugin, PluginInfo, Setup
from turnbuckle_plugins.asgi.mounted.adapter import adapt_app, is_asgi_app

__all__ = ["ASGIConfig", "ASGIPlugin"]


def _seconds(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not 0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


@attrs.frozen(kw_only=True)
class ASGIConfig:
    """The settings of mounted ASGI apps.

    Attributes:
        lifespan: ``"auto"`` serves an app without the lifespan protocol as well; ``"on"`` requires the protocol;
            ``"off"`` does not call the app for it.
        disconnect_timeout: seconds that an app may go on after the client of a streamed response has gone; then its
            task is cancelled. 0 for no limit.
    """

    lifespan: Literal["auto", "on", "off"] = "auto"
    disconnect_timeout: float = attrs.field(default=30.0, validator=_seconds)


@final
class ASGIPlugin(Plugin[ASGIConfig]):
    """Serves ASGI apps."""

    info = PluginInfo(name="asgi")

    def provide_mounts(self, setup: Setup[ASGIConfig]) -> Iterable[MountProvider]:
        """Return the provider of ASGI apps."""
        return [MountProvider("asgi", is_asgi_app, adapt_app)]
