"""Carry messages within one process, with a bounded history of each channel.

Theory of operation: a message is put into the queues of the subscriptions, or sent to their WebSockets, by the task of
the publisher. If that takes longer than a slice, a task continues in the next turns of the loop, and does so if the
publisher is cancelled. The next message of the channel has to wait, so that all subscribers see one order.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, final

import attrs

from turnbuckle_contrib.channels.records import ChannelsConfig, Message
from turnbuckle_contrib.channels.subscription import Subscription

__all__ = ["MemoryBroker", "Subscribers"]

# The subscriptions and seconds that the delivery of a message may take in one turn of the loop. A loop may write to its
# sockets at the end of the turn, so the time is not enough of a limit.
_SLICE: Final = 64
_SLICE_SECONDS: Final = 0.001


@attrs.define(eq=False)
class _Room:
    """The subscriptions of one channel.

    Attributes:
        subscriptions: a dictionary as a set, in the order of the subscriptions.
        turn: held while a message is delivered.
        publishers: number of messages that are delivered, or wait for their turn.
    """

    subscriptions: dict[Subscription, None] = attrs.field(factory=dict)
    turn: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    publishers: int = 0


@final
class Subscribers:
    """The subscriptions of this process, by channel."""

    def __init__(self) -> None:
        self._rooms: Final[dict[str, _Room]] = {}

    def __contains__(self, channel: str) -> bool:
        room = self._rooms.get(channel)
        return room is not None and bool(room.subscriptions)

    def add(self, subscription: Subscription) -> None:
        """Add a subscription."""
        self._rooms.setdefault(subscription.channel, _Room()).subscriptions[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription; do nothing if it was removed."""
        room = self._rooms.get(subscription.channel)
        if room is not None:
            room.subscriptions.pop(subscription, None)
            self._discard_empty(subscription.channel, room)

    async def deliver(
        self, channel: str, message: Message, number: int = 0, begin: Callable[[], object] | None = None
    ) -> None:
        """Add a message to all subscriptions of a channel, and let them run.

        Args:
            channel: the name of the channel.
            message: the message.
            number: as in ``Subscription.put``.
            begin: called when the turn of the message has come; later subscriptions do not get the message.
        """
        room = self._rooms.get(channel)
        if room is None:
            if begin is not None:
                begin()
        else:
            room.publishers += 1
            try:
                await room.turn.acquire()
            except asyncio.CancelledError:
                self._leave(channel, room)
                raise
            if begin is not None:
                begin()
            subscriptions = iter(list(room.subscriptions))
            if not _put_slice(subscriptions, message, number):
                rest = self._deliver_rest(channel, room, subscriptions, message, number)
                await asyncio.shield(asyncio.create_task(rest))
                return
            room.turn.release()
            self._leave(channel, room)
        # A publisher that publishes many messages in a row must not fill the queues of subscribers that are fast.
        await asyncio.sleep(0)

    async def _deliver_rest(
        self, channel: str, room: _Room, subscriptions: Iterator[Subscription], message: Message, number: int
    ) -> None:
        is_done = False
        while not is_done:
            await asyncio.sleep(0)
            is_done = _put_slice(subscriptions, message, number)
        room.turn.release()
        self._leave(channel, room)
        await asyncio.sleep(0)

    def _leave(self, channel: str, room: _Room) -> None:
        room.publishers -= 1
        self._discard_empty(channel, room)

    def _discard_empty(self, channel: str, room: _Room) -> None:
        if not room.subscriptions and not room.publishers:
            self._rooms.pop(channel, None)

    def end_all(self) -> None:
        """End all subscriptions."""
        for room in self._rooms.values():
            for subscription in list(room.subscriptions):
                subscription.end()


def _put_slice(subscriptions: Iterator[Subscription], message: Message, number: int) -> bool:
    """Add a message to the next subscriptions, for a short time; return whether there are no more."""
    end = time.perf_counter() + _SLICE_SECONDS
    left = _SLICE
    for subscription in subscriptions:
        subscription.put(message, number)
        left -= 1
        if not left or time.perf_counter() > end:
            return False
    return True


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
        begin = partial(self._remember, channel, message) if self._config.history else None
        await self._subscribers.deliver(channel, message, begin=begin)

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
