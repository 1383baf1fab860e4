"""Channels through Redis: between brokers, with histories, and after an interruption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

pytest.importorskip("redis", reason="the package redis is not installed (pip install 'turnbuckle[redis]')")

from redis.exceptions import RedisError

from tests.contrib.conftest import RedisServer
from turnbuckle_contrib.channels import Channels, ChannelsConfig, ChannelsUnavailable, Message
from turnbuckle_contrib.channels.redis import RedisBroker, decode_message, encode_message


@asynccontextmanager
async def _connected(config: ChannelsConfig) -> AsyncIterator[Channels]:
    """Return the channels of one process; the reader is restarted, as the server does."""
    broker = RedisBroker(config)

    async def run() -> None:
        while True:
            with suppress(RedisError):
                await broker.run()
            await asyncio.sleep(0.1)

    try:
        await broker.start()
        task = asyncio.create_task(run())
        yield Channels(config, broker)
        task.cancel()
    finally:
        await broker.close()


@pytest.mark.parametrize("message", ["", "text", "ä", "\x00", "\x01x", "\x02", b"", b"\x00", b"\xff", b"text"])
def test_messages_keep_their_type(message: Message) -> None:
    assert decode_message(encode_message(message)) == message


def test_messages_of_other_programs() -> None:
    assert encode_message("plain") == b"plain"
    assert decode_message(b"\xff\xfe") == b"\xff\xfe"


async def test_messages_reach_all_processes(redis_server: RedisServer) -> None:
    config = ChannelsConfig(url=redis_server.url)
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(_connected(config)) for _ in range(2)]
        async with one.subscribe("a") as first, two.subscribe("a") as second, two.subscribe("a") as third:
            await one.publish("a", "1")
            await two.publish("a", b"2")
            for subscription in (first, second, third):
                assert [await subscription.receive() for _ in range(2)] == ["1", b"2"]
        async with one.subscribe("a") as again, asyncio.timeout(5):
            await two.publish("a", "3")
            assert await again.receive() == "3"


async def test_channels_that_are_left_and_entered_at_once(redis_server: RedisServer) -> None:
    async with _connected(ChannelsConfig(url=redis_server.url)) as channels:
        received: list[str] = []

        async def come_and_go(number: int) -> None:
            name = f"c{number % 3}"
            for turn in range(20):
                async with channels.subscribe(name) as subscription, asyncio.timeout(5):
                    text = f"{number}-{turn}"
                    await channels.publish(name, text)
                    while await subscription.receive() != text:
                        """Another one's message."""
                    received.append(text)

        await asyncio.gather(*(come_and_go(number) for number in range(12)))
    assert len(received) == 12 * 20


async def test_history_is_followed_by_live_messages_without_gap_or_repetition(redis_server: RedisServer) -> None:
    config = ChannelsConfig(url=redis_server.url, history=300, queue=1000)
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(_connected(config)) for _ in range(2)]

        async def publish() -> None:
            for number in range(300):
                await one.publish("a", str(number))

        async def read() -> list[object]:
            async with two.subscribe("a", history=300) as subscription:
                return [await subscription.receive() for _ in range(300)]

        publishing = asyncio.create_task(publish())
        results = [asyncio.create_task(read())]
        for _ in range(10):
            await asyncio.sleep(0.01)
            results.append(asyncio.create_task(read()))
        await publishing
        async with asyncio.timeout(10):
            for result in results:
                assert await result == [str(number) for number in range(300)]
        async with two.subscribe("a", history=2) as subscription:
            assert [await subscription.receive() for _ in range(2)] == ["298", "299"]


async def test_redis_that_cannot_be_reached(redis_server: RedisServer) -> None:
    redis_server.stop()
    with pytest.raises(ChannelsUnavailable):
        async with _connected(ChannelsConfig(url=redis_server.url, timeout=1)):
            """Not reached."""


async def test_redis_that_comes_back(redis_server: RedisServer) -> None:
    config = ChannelsConfig(url=redis_server.url, timeout=1)
    async with _connected(config) as channels, channels.subscribe("a") as subscription, asyncio.timeout(15):
        redis_server.stop()
        with pytest.raises(ChannelsUnavailable):
            await channels.publish("a", "lost")
        with pytest.raises(ChannelsUnavailable):
            async with channels.subscribe("b"):
                """Not reached."""
        redis_server.start()
        received = asyncio.create_task(subscription.receive())
        while not received.done():
            with suppress(ChannelsUnavailable):
                await channels.publish("a", "back")
            await asyncio.sleep(0.05)
        assert await received == "back"
        async with channels.subscribe("b") as other:
            await channels.publish("b", "too")
            assert await other.receive() == "too"
