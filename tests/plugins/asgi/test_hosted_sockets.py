"""WebSockets of an app on an ASGI host, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from turnbuckle import App, Forbidden, Request, Response, SettingsSources, WebSocket, WebSocketClosed
from turnbuckle_plugins.asgi import asgi

from .strict_host import SocketCall, StrictHost

REFUSAL = "websocket.http.response"


@asynccontextmanager
async def connected(app: App, extensions: tuple[str, ...] = (), **scope: Any) -> AsyncIterator[SocketCall]:
    """Open a WebSocket, and wait until the host's call of the app ends."""
    async with StrictHost(asgi(app, sources=SettingsSources()), extensions=extensions) as host:
        call = host.socket(**scope)
        task = asyncio.create_task(host.app(call.scope, call.receive, call.send))
        yield call
        await asyncio.wait_for(task, 5)


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_messages_are_carried_in_both_directions() -> None:
    app = App()

    @app.websocket("/chat/{room}")
    async def chat(socket: WebSocket, room: str) -> None:
        async for message in socket:
            await socket.send(message)
        await socket.request.disconnected()

    async with connected(app, url="/chat/a%20b") as call:
        call.send_message("text")
        call.send_message(b"bytes")
        assert [await call.next() for _ in range(3)] == [
            {"type": "websocket.accept", "subprotocol": None, "headers": []},
            {"type": "websocket.send", "text": "text"},
            {"type": "websocket.send", "bytes": b"bytes"},
        ]
        call.disconnect()


async def test_acceptance_has_subprotocol_and_fields_of_middleware() -> None:
    app = App()

    @app.middleware
    async def stamp(request: Request, call_next: Any) -> Response:
        response = await call_next(request)
        response.headers.set("X-Stamp", "1")
        return response

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.accept("soap", headers={"X-Own": "2"})

    async with connected(app, subprotocols=["chat", "soap"]) as call:
        accepted = await call.next()
        assert accepted["subprotocol"] == "soap"
        assert dict(accepted["headers"]) == {b"x-own": b"2", b"x-stamp": b"1"}
        assert await call.next() == {"type": "websocket.close", "code": 1000, "reason": ""}


@pytest.mark.parametrize("extensions", [(), (REFUSAL,)])
async def test_refusal_is_a_response_if_the_host_can_send_one(extensions: tuple[str, ...]) -> None:
    app = App()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        raise Forbidden("members only")

    async with connected(app, extensions) as call:
        pass
    if extensions:
        start, body = call.messages
        assert start["status"] == 403
        assert b"members only" in body["body"]
    else:
        assert call.messages == [{"type": "websocket.close", "code": 1000}]


async def test_page_of_another_origin_is_refused() -> None:
    app = App()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()

    async with connected(app, (REFUSAL,), headers={"origin": "https://evil.example"}) as call:
        pass
    assert call.messages[0]["status"] == 403


@pytest.mark.parametrize(("code", "is_clean"), [(1001, True), (1006, False), (None, True)])
async def test_handler_learns_how_the_client_has_left(code: int | None, is_clean: bool) -> None:
    app, ends = App(), []

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive()
        except WebSocketClosed as closed:
            ends.append((closed.code, closed.was_clean))
            with pytest.raises(WebSocketClosed):
                await socket.send("too late")

    async with connected(app) as call:
        await call.next()
        call.disconnect(code)
    assert ends == [(code or 1005, is_clean)]


async def test_client_that_leaves_before_acceptance_cannot_be_accepted() -> None:
    app, ended = App(), asyncio.Event()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.request.disconnected()
        try:
            await socket.accept()
        except WebSocketClosed:
            ended.set()

    async with connected(app) as call:
        await settle()
        call.disconnect()
        await asyncio.wait_for(ended.wait(), 5)
    assert call.messages == []


async def test_host_passes_no_more_messages_than_the_handler_receives() -> None:
    app, may_receive, received = App(), asyncio.Event(), 0

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        nonlocal received
        await socket.accept()
        await may_receive.wait()
        async for _ in socket:
            received += 1

    async with connected(app) as call:
        for number in range(100):
            call.send_message(str(number))
        await settle()
        assert call.unread >= 80
        may_receive.set()
        await settle()
        call.disconnect()
    assert received == 100


async def test_handler_waits_while_the_client_does_not_read() -> None:
    app, sent = App(), 0

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        nonlocal sent
        for _ in range(10):
            await socket.send("x")
            sent += 1

    async with connected(app) as call:
        call.is_reading.clear()
        await settle()
        assert sent == 0
        call.is_reading.set()
    assert sent == 10


async def test_handler_that_raises_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()
        raise LookupError("no such room")

    async with connected(app) as call:
        pass
    assert call.messages[-1]["code"] == 1011
    assert "LookupError: no such room" in caplog.text


async def test_app_that_stops_closes_with_1001() -> None:
    app = App()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        async for _ in socket:
            pass

    async with StrictHost(asgi(app, sources=SettingsSources())) as host:
        call = host.socket()
        task = asyncio.create_task(host.app(call.scope, call.receive, call.send))
        await call.next()
    await asyncio.wait_for(task, 5)
    assert call.messages[-1] == {"type": "websocket.close", "code": 1001, "reason": ""}
