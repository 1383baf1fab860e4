"""Channels that are forwarded to WebSockets."""

from __future__ import annotations

from turnbuckle import App, WebSocket
from turnbuckle.testing import Client
from turnbuckle_contrib.channels import Channels


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
