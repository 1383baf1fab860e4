"""WebSockets through the proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.contrib.proxy.making import echo_app, make_proxy, serving
from turnbuckle import App, Forbidden, WebSocket


@asynccontextmanager
async def _session(upstream_app: App) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    async with (
        serving(upstream_app) as upstream,
        serving(make_proxy(upstream, websockets=True)) as proxy,
        aiohttp.ClientSession() as session,
        asyncio.timeout(20),
    ):
        yield session, f"http://{proxy}/up"


async def test_messages_in_both_directions() -> None:
    async with _session(echo_app()) as (session, base):
        async with session.ws_connect(f"{base}/socket", protocols=["a", "b"]) as socket:
            assert socket.protocol == "b"
            await socket.send_str("ü")
            assert (await socket.receive()).data == "ü"
            await socket.send_bytes(b"\x00\xff")
            assert (await socket.receive()).data == b"\x00\xff"
            await socket.send_str("close")
            closed = await socket.receive()
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 4001)


async def test_close_code_of_the_client_reaches_the_upstream() -> None:
    codes: asyncio.Queue[int] = asyncio.Queue()
    app = App(plugins=["websocket"])

    @app.websocket("/socket")
    async def wait(socket: WebSocket) -> None:
        async for _ in socket:
            pass
        codes.put_nowait(socket.closed.code if socket.closed is not None else 0)

    async with _session(app) as (session, base):
        async with session.ws_connect(f"{base}/socket") as socket:
            await socket.close(code=4002, message=b"bye")
        assert await codes.get() == 4002
        response = await session.ws_connect(f"{base}/socket")
        response._response.connection.transport.abort()  # type: ignore[union-attr]
        assert await codes.get() in {1001, 1006}


async def test_refusal_of_the_upstream() -> None:
    app = App(plugins=["websocket"])

    @app.websocket("/socket")
    async def refuse(socket: WebSocket) -> None:
        raise Forbidden

    async with _session(app) as (session, base):
        for path, status in (("/socket", 403), ("/nothing", 404)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(base + path)
            assert caught.value.status == status


async def test_upstream_of_a_socket_that_is_not_there() -> None:
    async with serving(make_proxy("127.0.0.1:1", websockets=True)) as proxy, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"http://{proxy}/up/socket")
    assert caught.value.status == 502


async def test_requests_of_the_same_path() -> None:
    async with _session(echo_app()) as (session, base), session.get(f"{base}/x") as response:
        assert (await response.json())["target"] == "/x"
