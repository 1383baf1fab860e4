"""The settings and exceptions of channels."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import attrs

from turnbuckle import ServiceUnavailable, TurnbuckleError
from turnbuckle_contrib.service_urls import is_redis_url

__all__ = ["ChannelsConfig", "ChannelsUnavailable", "Message", "Overflow", "SlowSubscriber"]

Message: TypeAlias = str | bytes
Overflow: TypeAlias = Literal["drop_oldest", "disconnect"]


@final
class SlowSubscriber(TurnbuckleError):
    """A subscriber with ``overflow="disconnect"`` read too slowly."""


@final
class ChannelsUnavailable(ServiceUnavailable):
    """Redis cannot be reached, or does not answer in time; the client sees 503, and not the reason.

    Args:
        reason: the reason, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("please try again later")
        self.reason: Final = reason

    def __str__(self) -> str:
        return self.reason


@attrs.frozen(kw_only=True)
class ChannelsConfig:
    """Settings of the plugin.

    Attributes:
        url: URL of Redis, such as "redis://127.0.0.1:6379/0", with the scheme redis, rediss or unix; "" for channels
            within each process.
        prefix: prefix of all keys and channels in Redis.
        timeout: seconds that Redis may take for an answer.
        connections: maximum number of connections to Redis of each worker, besides the one for subscriptions.
        queue: number of messages that may wait for a subscriber.
        overflow: what happens to a subscriber with a full queue: "drop_oldest" drops its oldest message, "disconnect"
            ends its subscription.
        max_message: maximum size of a message in bytes.
        history: number of messages that are kept for each channel, for new subscribers; 0 for none.
        history_seconds: seconds after the last message of a channel until its history is discarded.
        history_channels: maximum number of channels with a history in this process, without Redis; the history of the
            channel that was not used for the longest time is discarded.
    """

    url: str = attrs.field(default="", validator=is_redis_url, metadata={"secret": True})
    prefix: str = "turnbuckle:"
    timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    connections: int = attrs.field(default=8, validator=attrs.validators.ge(1))
    queue: int = attrs.field(default=100, validator=attrs.validators.ge(1))
    overflow: Overflow = "drop_oldest"
    max_message: int = attrs.field(default=1024 * 1024, validator=attrs.validators.ge(1))
    history: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    history_seconds: float = attrs.field(default=300.0, validator=attrs.validators.gt(0))
    history_channels: int = attrs.field(default=1000, validator=attrs.validators.ge(1))
