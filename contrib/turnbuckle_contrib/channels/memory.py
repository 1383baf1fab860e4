"""Carry messages within one process, with a bounded history of each channel."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, final

import attrs

from turnbuckle_contrib.channels.records import ChannelsConfig, Message
from turnbuckle_contrib.channels.subscription import Subscription

__all__ = ["MemoryBroker", "Subscribers"]


@final
class Subscribers:
    """The subscriptions of this process, by channel."""

    def __init__(self) -> None:
        # Dictionaries as sets, in the order of the subscriptions.
        self._by_channel: Final[dict[str, dict[Subscription, None]]] = {}

    def __contains__(self, channel: str) -> bool:
        return channel in self._by_channel

    def __getitem__(self, channel: str) -> list[Subscription]:
        return list(self._by_channel.get(channel, ()))

    def add(self, subscription: Subscription) -> None:
        """Add a subscription."""
        self._by_channel.setdefault(subscription.channel, {})[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription; do nothing if it was removed."""
        found = self._by_channel.get(subscription.channel)
        if found is not None:
            found.pop(subscription, None)
            if not found:
                del self._by_channel[subscription.channel]

    def deliver(self, channel: str, message: Message, number: int = 0) -> None:
        """Add a message to all subscriptions of a channel; ``number`` is as in ``Subscription.put``."""
        for subscription in self._by_channel.get(channel, ()):
            subscription.put(message, number)

    def end_all(self) -> None:
        """End all subscriptions."""
        for channel in self._by_channel:
            for subscription in self[channel]:
                subscription.end()


@attrs.define
class _History:
    messages: deque[Message]
    expires: float


@final
class MemoryBroker:
    """A broker for one process.

    Args:
        config: the settings of the plugin.
        clock: returns monotonic seconds.
    """

    def __init__(self, config: ChannelsConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config: Final = config
        self._clock: Final = clock
        self._subscribers: Final = Subscribers()
        self._histories: Final[OrderedDict[str, _History]] = OrderedDict()

    async def publish(self, channel: str, message: Message) -> None:
        """Deliver a message."""
        if self._config.history:
            self._remember(channel, message)
        self._subscribers.deliver(channel, message)
        # A publisher that publishes many messages in a row must not fill the queues of subscribers that are fast.
        await asyncio.sleep(0)

    async def attach(self, subscription: Subscription, history: int) -> None:
        """Begin to deliver messages."""
        if history:
            subscription.begin([(0, message) for message in self._remembered(subscription.channel)[-history:]])
        self._subscribers.add(subscription)

    async def detach(self, subscription: Subscription) -> None:
        """Deliver nothing more."""
        self._subscribers.remove(subscription)

    def close(self) -> None:
        """End all subscriptions."""
        self._subscribers.end_all()

    def _remember(self, channel: str, message: Message) -> None:
        messages = deque([*self._remembered(channel), message], maxlen=self._config.history)
        self._histories[channel] = _History(messages, self._clock() + self._config.history_seconds)
        self._histories.move_to_end(channel)
        if len(self._histories) > self._config.history_channels:
            self._histories.popitem(last=False)

    def _remembered(self, channel: str) -> list[Message]:
        history = self._histories.get(channel)
        if history is None or history.expires <= self._clock():
            self._histories.pop(channel, None)
            return []
        return list(history.messages)
