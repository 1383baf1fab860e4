"""Channels that are forwarded to WebSockets."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from turnbuckle import App, Request, WebSocket
from turnbuckle.testing import Client
from turnbuckle_contrib.channels import CHANNELS, Channels


async def _count(turns: list[None]) -> None:
    while True:
        turns.append(None)
        await asyncio.sleep(0)


def _app(**config: object) -> App:
    app = App(plugins=["websocket", ("channels", config)])

    @app.websocket("/room")
    async def room(socket: WebSocket, channels: Channels) -> None:
        async with channels.forward("room", socket, history=2):
            async for message in socket:
                await channels.publish("room", message)

    return app


async def test_messages_reach_all_sockets_of_a_room() -> None:
    async with (
        Client(_app(history=5)) as client,
        client.websocket("/room") as one,
        client.websocket("/room") as two,
    ):
        await client.settle()
        await one.send("text")
        await one.send(b"bytes")
        for socket in (one, two):
            assert [await socket.receive(), await socket.receive()] == ["text", b"bytes"]
        await one.send("last")
        assert await two.receive() == "last"
        async with client.websocket("/room") as late:
            assert [await late.receive(), await late.receive()] == [b"bytes", "last"]


async def test_socket_that_is_lost_leaves_the_room() -> None:
    async with Client(_app()) as client, client.websocket("/room") as one:
        async with client.websocket("/room") as lost:
            await client.settle()
            await lost.connection.reset()
        await one.send("still here")
        assert await one.receive() == "still here"


async def test_slow_socket_loses_old_messages_and_the_others_do_not_wait() -> None:
    async with Client(_app(queue=2)) as client, client.websocket("/room") as fast, client.websocket("/room") as slow:
        await client.settle()
        slow.connection.pause_reading()
        for number in range(20):
            text = f"{number:02}" + "x" * 30_000
            await fast.send(text)
            assert await fast.receive() == text
        await slow.connection.resume_reading()
        received = [message[:2] for message in [await slow.receive() for _ in slow.frames] if isinstance(message, str)]
        assert received[0] == "00"
        assert received[-1] == "19"
        assert len(received) < 12


async def test_slow_socket_is_disconnected() -> None:
    app = _app(queue=2, overflow="disconnect")
    async with Client(app) as client, client.websocket("/room") as fast, client.websocket("/room") as slow:
        await client.settle()
        slow.connection.pause_reading()
        for number in range(20):
            await fast.send(str(number) + "x" * 30_000)
            await fast.receive()
        await slow.connection.resume_reading()
        await client.settle()
        assert (slow.close_code, slow.close_reason) == (1013, "too slow")
        assert len(slow.frames) < 12
        await fast.send("on")
        assert await fast.receive() == "on"


async def test_messages_keep_their_order_when_a_slow_socket_reads_again() -> None:
    async with (
        Client(_app(queue=500)) as client,
        client.websocket("/room") as fast,
        client.websocket("/room") as slow,
    ):
        await client.settle()
        for start in range(0, 80, 20):
            # Some are sent at once, some wait for the client, and some are published while those are being sent.
            slow.connection.pause_reading()
            for number in range(start, start + 18):
                await fast.send(f"{number:03}" + "x" * 30_000)
            await slow.connection.resume_reading()
            for number in range(start + 18, start + 20):
                await fast.send(f"{number:03}")
        for socket in (fast, slow):
            received = [await socket.receive_text() for _ in range(80)]
            assert [text[:3] for text in received] == [f"{number:03}" for number in range(80)]


async def test_publication_to_many_sockets_takes_several_turns_and_is_complete() -> None:
    app = _app()

    @app.get("/publish")
    async def publish(request: Request) -> str:
        channels = request.resource(CHANNELS)
        turns: list[None] = []
        counter = asyncio.create_task(_count(turns))
        await channels.publish("room", "all")
        counter.cancel()
        first = asyncio.create_task(channels.publish("room", "first"))
        second = asyncio.create_task(channels.publish("room", "second"))
        third = asyncio.create_task(channels.publish("room", "third"))
        await asyncio.sleep(0)
        # The first has begun, and is completed; the second has not.
        first.cancel()
        second.cancel()
        await third
        return str(len(turns))

    async with Client(app) as client, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(client.websocket("/room")) for _ in range(150)]
        await client.settle()
        assert int((await client.get("/publish")).text) >= 3
        for socket in sockets:
            assert [await socket.receive() for _ in range(3)] == ["all", "first", "third"]
