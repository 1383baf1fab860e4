"""A WebSocket on a stream of HTTP/2 ends as on HTTP/1.1: its handler is waited for, and the access log has its end."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins.http2.test_connection import Browser, connect, masked
from turnbuckle import App, WebSocket
from turnbuckle.testing import Client
from turnbuckle_plugins.http2.engine.frames import ErrorCode, FrameType, frame, reset_frame


def an_app(seen: list[str]) -> App:
    app = App(plugins=["websocket", ("http2", {"cleartext": True})])

    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        async for message in socket:
            await socket.send(message)
        seen.append(f"end {socket.closed.code}" if socket.closed else "end")

    @app.websocket("/busy")
    async def busy(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("cancelled")

    return app


async def test_access_log_has_the_end_of_a_websocket_on_a_stream(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "turnbuckle.access")
    seen: list[str] = []
    async with Client(an_app(seen), settings={"log": {"access": True}}) as client:
        browser = Browser(client.connect())
        await browser.start()
        await browser.send(connect(browser, 1, "/echo"), connect(browser, 3, "/echo"))
        await browser.send(frame(FrameType.DATA, 0, 1, masked(1, b"a")))
        await browser.send(frame(FrameType.DATA, 0, 1, masked(8, b"\x03\xe8")))
        await browser.send(reset_frame(3, ErrorCode.CANCEL))
    assert seen == ["end 1000", "end 1006"]
    entries = [record.getMessage().partition(" ")[2] for record in caplog.records if record.name == "turnbuckle.access"]
    assert [entry.partition('" ')[2].split(" ", 2)[::2] for entry in entries] == [
        ["101", "0.0ms - complete"],
        ["101", "0.0ms - complete"],
        ["101", '0.0ms - closed "1000; 1 messages received in 15 bytes, 1 sent"'],
        ["101", '0.0ms - disconnected "1006 (the connection was lost); 0 messages received in 0 bytes, 0 sent"'],
    ]


async def test_stop_waits_for_the_handler_of_a_websocket_on_a_stream() -> None:
    seen: list[str] = []
    async with Client(an_app(seen)) as client:
        browser = Browser(client.connect())
        await browser.start()
        await browser.send(connect(browser, 1, "/busy"))
        await browser.connection.reset()
        assert seen == []
        assert client.server._state.connections.open
        await client.clock.advance(11)
        await browser.connection.settle()
        assert seen == ["cancelled"]
        assert not client.server._state.connections.open


async def test_stop_cancels_the_handler_of_a_websocket_on_a_stream() -> None:
    seen: list[str] = []
    async with Client(an_app(seen)) as client:
        browser = Browser(client.connect())
        await browser.start()
        await browser.send(connect(browser, 1, "/busy"))
    assert seen == ["cancelled"]


async def test_message_for_a_stream_without_window_is_not_sent() -> None:
    app = App(plugins=["websocket", ("http2", {"cleartext": True})])
    seen: list[bool] = []

    @app.websocket("/")
    async def publish(socket: WebSocket) -> None:
        await socket.accept()
        seen.extend(socket.send_nowait(b"x" * 50_000) for _ in range(20))

    async with Client(app) as client:
        browser = Browser(client.connect())
        await browser.start()
        await browser.send(connect(browser, 1, "/"))
        # The window of a stream has 65,535 bytes at first.
        assert seen[0]
        assert not seen[-1]
        assert seen == sorted(seen, reverse=True)
