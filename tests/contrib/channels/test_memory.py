"""Channels within one process: subscribers, slow subscribers and histories."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from turnbuckle import SSE, App, Plugin, Request, ServerSentEvent, StartupError
from turnbuckle.testing import Client, expect_problems
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.channels import CHANNELS, Channels, ChannelsConfig, ChannelsPlugin, SlowSubscriber
from turnbuckle_contrib.channels.memory import MemoryBroker


class TestChannelsPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return ChannelsPlugin()


class _Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _channels(config: ChannelsConfig | None = None, time: _Time | None = None) -> Channels:
    config = config or ChannelsConfig()
    return Channels(config, MemoryBroker(config, time or _Time()))


async def test_every_subscriber_receives_what_is_published_from_then_on() -> None:
    channels = _channels()
    await channels.publish("a", "before")
    async with channels.subscribe("a") as first, channels.subscribe("a") as second, channels.subscribe("b") as other:
        await channels.publish("a", "text")
        await channels.publish("a", b"bytes")
        await channels.publish_json("a", {"ä": [1]})
        assert first.channel == "a"
        for subscription in (first, second):
            assert [await subscription.receive() for _ in range(3)] == ["text", b"bytes", '{"ä":[1]}']
        waiting = asyncio.create_task(other.receive())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="two tasks"):
            await other.receive()
        await channels.publish("b", "late")
        assert await waiting == "late"
    await channels.publish("a", "after")
    assert first.dropped == 0


async def test_fast_subscriber_loses_nothing_of_a_burst() -> None:
    channels = _channels(ChannelsConfig(queue=2))
    received: list[object] = []

    async def receive(subscription: AsyncIterator[object]) -> None:
        async for message in subscription:
            received.append(message)

    async with channels.subscribe("a") as subscription:
        task = asyncio.create_task(receive(subscription))
        for number in range(100):
            await channels.publish("a", str(number))
        await asyncio.sleep(0)
        task.cancel()
    assert received == [str(number) for number in range(100)]


async def test_slow_subscriber_loses_the_oldest_messages() -> None:
    channels = _channels(ChannelsConfig(queue=3))
    async with channels.subscribe("a") as default, channels.subscribe("a", queue=1) as short:
        for number in range(5):
            await channels.publish("a", str(number))
        assert (default.dropped, short.dropped) == (2, 4)
        assert [await default.receive() for _ in range(3)] == ["2", "3", "4"]
        assert await short.receive() == "4"


async def test_slow_subscriber_is_disconnected() -> None:
    channels = _channels(ChannelsConfig(queue=1, overflow="disconnect"))
    async with channels.subscribe("a") as slow, channels.subscribe("a", overflow="drop_oldest") as other:
        for number in range(3):
            await channels.publish("a", str(number))
        assert slow.is_slow
        with pytest.raises(SlowSubscriber, match="more than 1 messages of channel 'a'"):
            await slow.receive()
        assert await other.receive() == "2"


async def test_history_is_bounded_in_number_time_and_channels() -> None:
    time = _Time()
    channels = _channels(ChannelsConfig(history=2, history_seconds=10, history_channels=2), time)

    async def history(channel: str, most: int = 9) -> list[object]:
        async with channels.subscribe(channel, history=most) as subscription:
            await channels.publish("end", "")
            subscription.end()
            return [message async for message in subscription]

    for number in range(3):
        await channels.publish("a", str(number))
    assert await history("a") == ["1", "2"]
    assert await history("a", 1) == ["2"]
    assert await history("a", 0) == []
    time.now = 9
    await channels.publish("a", "3")
    time.now = 18
    assert await history("a") == ["2", "3"]
    time.now = 19
    assert await history("a") == []
    for channel in ("x", "y", "z"):
        await channels.publish(channel, channel)
    assert [await history(channel) for channel in ("x", "z")] == [[], ["z"]]


@pytest.mark.parametrize(
    ("channel", "message", "error", "says"),
    [
        ("", "x", ValueError, "1 to 512 characters, not 0"),
        ("x" * 513, "x", ValueError, "not 513"),
        ("x", "ä" * 6, ValueError, "12 bytes exceeds 10"),
        ("x", b"0" * 11, ValueError, "11 bytes exceeds 10"),
        ("x", {"a": 1}, TypeError, "publish_json"),
    ],
)
async def test_wrong_message(channel: str, message: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        await _channels(ChannelsConfig(max_message=10)).publish(channel, message)


def _app() -> App:
    app = App(plugins=["channels"])

    @app.get("/events/{room}")
    async def events(room: str, channels: Channels) -> SSE:
        async def messages() -> AsyncIterator[ServerSentEvent]:
            async with channels.subscribe(room) as subscription:
                yield ServerSentEvent("ready")
                async for message in subscription:
                    yield ServerSentEvent(str(message))

        return SSE(messages())

    @app.post("/publish/{room}")
    async def publish(request: Request, room: str) -> None:
        await request.resource(CHANNELS).publish(room, await request.text())

    return app


async def test_server_sent_events_end_with_the_server() -> None:
    async with Client(_app()) as client, client.stream("GET", "/events/a") as response:
        pieces = response.stream()
        assert await anext(pieces) == b"data: ready\n\n"
        assert (await client.post("/publish/a", content="hello")).status == 204
        assert await anext(pieces) == b"data: hello\n\n"


def test_redis_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    app = App(plugins=[("channels", {"url": "redis://127.0.0.1"})])
    with pytest.raises(StartupError) as caught:
        app.resolve()
    assert "pip install 'turnbuckle[redis]'" in str(caught.value.exceptions[0])


async def test_subscription_ends_with_its_block() -> None:
    channels = _channels()
    async with channels.subscribe("a") as subscription:
        await channels.publish("a", "last")
    assert [message async for message in subscription] == ["last"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"overflow": "disconect"}, "overflow is 'drop_oldest' or 'disconnect', not 'disconect'"),
        ({"queue": 0}, "queue is at least 1, not 0"),
        ({"history": -1}, "history is a number of messages, not -1"),
    ],
)
async def test_wrong_option_of_a_subscription(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        async with _channels().subscribe("a", **options):
            """Not reached."""


async def test_name_of_a_channel_that_is_no_text() -> None:
    with pytest.raises(TypeError, match="the name of a channel is a text, not int"):
        await _channels().publish(3, "message")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://:secret@x", "begins with redis://, rediss:// or unix://"),
        ("127.0.0.1:6379", "begins with redis://, rediss:// or unix://"),
        ("redis://:secret@x:port/0", "the host or port of the URL is not valid"),
        ("redis://:secret/1@x", "the host or port of the URL is not valid"),
        ("redis://[::1/0", "the host or port of the URL is not valid"),
    ],
)
def test_wrong_url_is_a_problem_of_the_settings(url: str, text: str) -> None:
    with expect_problems("TB202") as problems:
        App(plugins=[("channels", {"url": url})]).resolve()
    assert text in str(problems[0])
    assert "secret" not in str(problems[0])
    with pytest.raises(ValueError, match=text) as caught:
        ChannelsConfig(url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "redis://x", "rediss://:a%2Fb@x:6379/0?health_check_interval=2", "unix:///run/redis.sock?db=1"]
)
def test_url_of_redis_is_accepted(url: str) -> None:
    assert ChannelsConfig(url=url).url == url
