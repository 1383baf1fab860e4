"""Publish and subscribe: the object that handlers get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, final, get_args

from turnbuckle import WebSocketClosed
from turnbuckle_contrib.channels.records import ChannelsConfig, Message, Overflow, SlowSubscriber
from turnbuckle_contrib.channels.subscription import Broker, Subscription

if TYPE_CHECKING:
    # For apps without WebSockets, this import is not needed.
    from turnbuckle import WebSocket

__all__ = ["Channels"]

_MAX_NAME: Final = 512
# "Try again later": the registry of close codes (RFC 6455, section 11.7).
_SLOW_CODE: Final = 1013


@final
class Channels:
    """Channels with names that the app chooses; a channel exists while it has subscribers or a history.

    Args:
        config: the settings of the plugin.
        broker: carries the messages.
    """

    def __init__(self, config: ChannelsConfig, broker: Broker) -> None:
        self._config: Final = config
        self._broker: Final = broker

    async def publish(self, channel: str, message: Message) -> None:
        """Send a message to all subscribers of a channel, without waiting for them.

        Args:
            channel: the name of the channel.
            message: text or bytes; the subscribers receive the same.

        Raises:
            ChannelsUnavailable: Redis cannot be reached; the message may not have been delivered.
            ValueError: the name is empty or longer than 512 characters, or the message is larger than ``max_message``.
            TypeError: the message is neither text nor bytes, or the name is no text.
        """
        _check_name(channel)
        if not isinstance(message, str | bytes):
            raise TypeError(
                f"a message is str or bytes, not {type(message).__name__}; for other values use publish_json"
            )
        size = len(message) if isinstance(message, bytes) else len(message.encode())
        if size > self._config.max_message:
            raise ValueError(
                f"message of {size} bytes exceeds {self._config.max_message} (plugin.channels.max_message)"
            )
        await self._broker.publish(channel, message)

    async def publish_json(self, channel: str, value: object) -> None:
        """Send a value as JSON to all subscribers of a channel, as text; see ``publish``."""
        await self.publish(channel, json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    @asynccontextmanager
    async def subscribe(
        self, channel: str, *, history: int = 0, queue: int | None = None, overflow: Overflow | None = None
    ) -> AsyncIterator[Subscription]:
        """Receive the messages of a channel within the block: ``async with channels.subscribe("news") as messages``.

        Each message that is published after the block was entered is received once and in order, unless the subscriber
        is too slow or the connection to Redis is lost.

        Args:
            channel: the name of the channel.
            history: number of earlier messages to receive first; the setting ``history`` limits them.
            queue: overrides the setting ``queue``.
            overflow: overrides the setting ``overflow``.

        Raises:
            ChannelsUnavailable: Redis cannot be reached.
            ValueError: the name is empty or longer than 512 characters, or an option has no such value.
        """
        _check_name(channel)
        _check_options(history, queue, overflow)
        subscription = Subscription(channel, queue or self._config.queue, overflow or self._config.overflow)
        try:
            await self._broker.attach(subscription, min(history, self._config.history))
            yield subscription
        finally:
            # A task that still receives would otherwise wait for ever.
            subscription.end()
            await self._broker.detach(subscription)

    @asynccontextmanager
    async def forward(
        self,
        channel: str,
        socket: WebSocket,
        *,
        history: int = 0,
        queue: int | None = None,
        overflow: Overflow | None = None,
    ) -> AsyncIterator[Subscription]:
        """Send the messages of a channel to a WebSocket while the block runs.

        If the client reads too slowly and ``overflow`` is ``"disconnect"``, the WebSocket is closed with 1013.

        Args:
            channel: the name of the channel.
            socket: the WebSocket.
            history: see ``subscribe``.
            queue: see ``subscribe``.
            overflow: see ``subscribe``.
        """
        async with self.subscribe(channel, history=history, queue=queue, overflow=overflow) as subscription:
            task = asyncio.create_task(_send_all(subscription, socket))
            subscription.on_slow = task.cancel
            subscription.socket = socket
            try:
                yield subscription
            finally:
                subscription.on_slow = subscription.socket = None
                task.cancel()
                await asyncio.wait([task])
            if not task.cancelled():
                task.result()


async def _send_all(subscription: Subscription, socket: WebSocket) -> None:
    try:
        async for message in subscription:
            await socket.send(message)
        return
    except WebSocketClosed:
        return
    except SlowSubscriber:
        """The WebSocket is closed below."""
    except asyncio.CancelledError:
        # The task may wait for the client to read; then the end of the subscription cancels it.
        if not subscription.is_slow:
            raise
    await socket.close(_SLOW_CODE, "too slow")


def _check_options(history: int, queue: int | None, overflow: str | None) -> None:
    if history < 0:
        raise ValueError(f"history is a number of messages, not {history}")
    if queue is not None and queue < 1:
        raise ValueError(f"queue is at least 1, not {queue}")
    if overflow is not None and overflow not in get_args(Overflow):
        raise ValueError(f"overflow is 'drop_oldest' or 'disconnect', not {overflow!r}")


def _check_name(channel: str) -> None:
    if not isinstance(channel, str):
        raise TypeError(f"the name of a channel is a text, not {type(channel).__name__}")
    if not 0 < len(channel) <= _MAX_NAME:
        raise ValueError(f"the name of a channel has 1 to {_MAX_NAME} characters, not {len(channel)}")
