"""Carry messages through Redis, so that subscribers in all workers and machines receive them.

Theory of operation: each worker has one connection for its subscriptions, and subscribes to a channel of Redis while it
has a local subscriber of it. ``attach`` returns once Redis has confirmed the subscription. With a history, a script
gives each message a number that rises within its channel, stores it in a list, and publishes it in one step. A
subscriber that begins with the history then skips the messages with numbers up to the last one in the list.

A message is published as its bytes, so that other programs can publish and subscribe: text as UTF-8, bytes behind the
byte 0, text that begins with a byte up to 2 behind the byte 1, and numbered messages behind the byte 2 and the number.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final, TypeVar, final

import redis.asyncio
from redis.exceptions import RedisError

from turnbuckle_contrib.channels.memory import Subscribers
from turnbuckle_contrib.channels.records import ChannelsConfig, ChannelsUnavailable, Message
from turnbuckle_contrib.channels.subscription import Subscription

__all__ = ["RedisBroker", "decode_message", "encode_message"]

# Beside the errors of the library: in asyncio of some versions of Python 3.12, writing to a connection that was closed
# raises TypeError.
_FAILURES: Final = (RedisError, OSError, TimeoutError, TypeError)

T = TypeVar("T")

_log: Final = logging.getLogger("turnbuckle.channels")

# Numbers are microseconds, made unique: they rise although the list expires.
_PUBLISH: Final = """
local time = redis.call('TIME')
local number = time[1] * 1000000 + time[2]
local last = redis.call('LINDEX', KEYS[1], -1)
if last then
  local before = struct.unpack('>I8', last)
  if before >= number then number = before + 1 end
end
local message = struct.pack('>I8', number) .. ARGV[1]
redis.call('RPUSH', KEYS[1], message)
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', KEYS[2], '\\2' .. message)
"""
_NUMBERED: Final = b"\x02"
_NUMBER_SIZE: Final = 8


def encode_message(message: Message) -> bytes:
    """Return the bytes of a message in Redis."""
    if isinstance(message, bytes):
        return b"\x00" + message
    data = message.encode()
    return b"\x01" + data if data[:1] <= b"\x02" and data else data


def decode_message(data: bytes) -> Message:
    """Return the message; bytes that are neither marked nor UTF-8 were published by another program, and stay bytes."""
    if data[:1] == b"\x00":
        return data[1:]
    try:
        return data.removeprefix(b"\x01").decode()
    except UnicodeDecodeError:
        return data


@final
class RedisBroker:
    """A broker for all processes that use the same Redis.

    Args:
        config: the settings of the plugin.
    """

    def __init__(self, config: ChannelsConfig) -> None:
        self._config: Final = config
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            config.url,
            max_connections=config.connections + 1,
            timeout=config.timeout,
            socket_connect_timeout=config.timeout,
        )
        self._redis: Final = redis.asyncio.Redis.from_pool(pool)
        self._pubsub: Final = self._redis.pubsub()
        self._publish: Final = self._redis.register_script(_PUBLISH)
        self._subscribers: Final = Subscribers()
        # For each channel with local subscribers: done once Redis has confirmed its subscription.
        self._confirmations: Final[dict[str, asyncio.Future[None]]] = {}
        # The same of the commands that are on the way, in their order.
        self._sent: Final[dict[str, deque[asyncio.Future[None]]]] = {}
        self._commands: Final = asyncio.Lock()

    async def start(self) -> None:
        """Connect.

        Raises:
            ChannelsUnavailable: Redis cannot be reached.
        """
        # A channel without messages, so that the connection for subscriptions always has one.
        await self._answered(self._pubsub.subscribe(self._config.prefix))

    async def run(self) -> None:
        """Deliver the messages of Redis to the subscriptions of this process, for ever.

        Raises:
            RedisError: the connection is lost, and could not be opened again.
        """
        while True:
            event: dict[str, Any] | None = await self._pubsub.get_message(timeout=None)
            if event is not None:
                # The next event may be in the buffer already; the subscribers come before it.
                await self._take(event["type"], event["channel"].decode(), event["data"])

    async def close(self) -> None:
        """End all subscriptions, and disconnect."""
        self._subscribers.end_all()
        with suppress(*_FAILURES):
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # it has no annotations
            await self._redis.aclose(close_connection_pool=True)

    async def publish(self, channel: str, message: Message) -> None:
        """Publish a message, and add it to the history of the channel."""
        config, data, name = self._config, encode_message(message), self._config.prefix + channel
        if not config.history:
            await self._answered(self._redis.publish(name, data))
            return
        arguments = (data, config.history, int(config.history_seconds * 1000))
        await self._answered(self._publish(keys=(self._history_key(channel), name), args=arguments))

    async def attach(self, subscription: Subscription, history: int) -> None:
        """Subscribe to the channel in Redis, and begin with its history."""
        channel = subscription.channel
        if history:
            # Messages that arrive while the history is read come after it.
            subscription.hold()
        self._subscribers.add(subscription)
        try:
            await self._answered(self._confirmed(channel))
        except ChannelsUnavailable:
            # Commands may be lost, and with them their confirmations.
            self._sent.pop(channel, None)
            raise
        if history:
            stored = await self._answered(self._redis.lrange(self._history_key(channel), -history, -1))
            subscription.begin([_numbered(data) for data in stored if isinstance(data, bytes)])

    async def detach(self, subscription: Subscription) -> None:
        """Unsubscribe in Redis if no other subscription of this process has the channel."""
        channel = subscription.channel
        self._subscribers.remove(subscription)
        # If this fails, the connection is lost, and with it the subscription.
        with suppress(*_FAILURES):
            async with self._commands:
                if channel not in self._subscribers and self._confirmations.pop(channel, None) is not None:
                    await self._pubsub.unsubscribe(self._config.prefix + channel)

    async def _confirmed(self, channel: str) -> None:
        """Subscribe to a channel in Redis unless it is subscribed to, and wait for the confirmation."""
        async with self._commands:
            confirmation = self._confirmations.get(channel)
            if confirmation is None:
                confirmation = asyncio.get_running_loop().create_future()
                self._confirmations[channel] = confirmation
                self._sent.setdefault(channel, deque()).append(confirmation)
                await self._pubsub.subscribe(self._config.prefix + channel)
        await asyncio.shield(confirmation)

    async def _take(self, kind: str, name: str, data: bytes) -> None:
        channel = name.removeprefix(self._config.prefix)
        if kind == "message":
            number, message = _numbered(data[1:]) if data[:1] == _NUMBERED else (0, decode_message(data))
            await self._subscribers.deliver(channel, message, number)
            return
        if kind == "subscribe" and (sent := self._sent.get(channel)):
            # Confirmations arrive in the order of the commands. After a reconnection, all channels are confirmed.
            confirmation = sent.popleft()
            if not confirmation.done():
                confirmation.set_result(None)
            if not sent:
                del self._sent[channel]
        await asyncio.sleep(0)

    def _history_key(self, channel: str) -> str:
        return f"{self._config.prefix}history:{channel}"

    async def _answered(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._config.timeout):
                return await answer
        except _FAILURES as error:
            reason = f"Redis did not answer: {type(error).__name__}"
            _log.warning(reason)
            raise ChannelsUnavailable(reason) from error


def _numbered(data: bytes) -> tuple[int, Message]:
    return int.from_bytes(data[:_NUMBER_SIZE], "big"), decode_message(data[_NUMBER_SIZE:])
