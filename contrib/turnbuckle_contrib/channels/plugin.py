"""The plugin: it makes the channels when the app starts, and supplies them to handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, final

from turnbuckle import Lifespan, Plugin, PluginInfo, ResourceKey, Setup
from turnbuckle_contrib.channels.channels import Channels
from turnbuckle_contrib.channels.memory import MemoryBroker
from turnbuckle_contrib.channels.records import ChannelsConfig
from turnbuckle_contrib.service_urls import require_redis

__all__ = ["CHANNELS", "ChannelsPlugin"]

CHANNELS: Final = ResourceKey("channels", Channels)
"""The key of the channels, for ``request.resource(CHANNELS)`` and ``setup.resource(CHANNELS)``."""


@final
class ChannelsPlugin(Plugin[ChannelsConfig]):
    """Provide a lifespan whose resource is the channels."""

    info = PluginInfo(name="channels")

    def provide_lifespans(self, setup: Setup[ChannelsConfig]) -> list[Lifespan]:
        """Return the lifespan.

        Raises:
            LookupError: Redis is configured, and the package ``redis`` is not installed.
        """
        if not setup.config.url:
            return [Lifespan("channels", _in_memory, provides=CHANNELS)]
        require_redis(setup, "url is set")
        return [Lifespan("channels", _in_redis, provides=CHANNELS)]


@asynccontextmanager
async def _in_memory(setup: Setup[ChannelsConfig]) -> AsyncIterator[Channels]:
    broker = MemoryBroker(setup.config)
    yield Channels(setup.config, broker)
    broker.close()


@asynccontextmanager
async def _in_redis(setup: Setup[ChannelsConfig]) -> AsyncIterator[Channels]:
    from turnbuckle_contrib.channels.redis import RedisBroker

    broker = RedisBroker(setup.config)
    try:
        await broker.start()
        setup.background(broker.run, name="channels")
        yield Channels(setup.config, broker)
    finally:
        await broker.close()
