"""Send messages to all subscribers of a channel, in this process or, through Redis, in all workers and machines.

``App(plugins=["channels"])`` supplies a parameter of the type ``Channels``. A subscriber that reads too slowly loses
messages or is disconnected, as configured; publishers never wait for subscribers.
"""

from __future__ import annotations

from turnbuckle_contrib.channels.channels import Channels
from turnbuckle_contrib.channels.plugin import CHANNELS, ChannelsPlugin
from turnbuckle_contrib.channels.records import ChannelsConfig, ChannelsUnavailable, Message, SlowSubscriber
from turnbuckle_contrib.channels.subscription import Subscription

__all__ = [
    "CHANNELS",
    "Channels",
    "ChannelsConfig",
    "ChannelsPlugin",
    "ChannelsUnavailable",
    "Message",
    "SlowSubscriber",
    "Subscription",
]
