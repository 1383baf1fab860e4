"""Tests of ``turnbuckle_plugins.asgi.mounted.socket_run``."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from turnbuckle import App, WebSocketClosed
from turnbuckle.testing import Client
from turnbuckle_plugins.asgi.plugin import ASGIPlugin

pytest.importorskip("websockets")

ACCEPT: Final = {"type": "websocket.accept"}


def hosting(app: Any, *plugins: str, **options: Any) -> App:
    outer = App(plugins=[(ASGIPlugin, {"lifespan": "off"}), *(plugins or ("websocket",))], **options)
    outer.mount("/m", app)
    return outer


async def echo(scope: Any, receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({**ACCEPT, "subprotocol": (scope["subprotocols"] or [None])[0], "headers": [(b"x-a", b"1")]})
    described = [scope["type"], scope["scheme"], scope["root_path"], scope["path"], sorted(scope["extensions"])]
    await send({"type": "websocket.send", "text": repr(described)})
    while (message := await receive())["type"] == "websocket.receive":
        if "text" in message:
            await send({"type": "websocket.send", "text": message["text"].upper()})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"][::-1], "text": None})
    scope["seen"].append((message["type"], message["code"]))


async def test_messages_go_both_ways() -> None:
    seen: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await echo({**scope, "seen": seen}, receive, send)

    async with Client(hosting(app)) as client:
        async with client.websocket("/m/x", subprotocols=["chat"]) as socket:
            assert socket.subprotocol == "chat"
            assert await socket.receive() == "['websocket', 'ws', '/m', '/m/x', ['websocket.http.response']]"
            await socket.send("text")
            assert await socket.receive() == "TEXT"
            await socket.send(b"abc")
            assert await socket.receive() == b"cba"
            await socket.close(4001, "bye")
        await client.settle()
    assert seen == [("websocket.disconnect", 4001)]


def sending(*messages: dict[str, Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app


_REFUSED: Final = [
    pytest.param([{"type": "websocket.close"}], 403, b"Forbidden", id="close"),
    pytest.param([], 403, b"Forbidden", id="nothing"),
    pytest.param(
        [
            {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"1")]},
            {"type": "websocket.http.response.body", "body": b"who ", "more_body": True},
            {"type": "websocket.http.response.body", "body": b"are you"},
        ],
        401,
        b"who are you",
        id="response",
    ),
    pytest.param([{"type": "websocket.send", "text": "x"}], 500, b"", id="send-first"),
    pytest.param([{"type": "websocket.http.response.start", "status": 401}], 500, b"", id="half-a-response"),
]


@pytest.mark.parametrize(("messages", "status", "content"), _REFUSED)
async def test_app_may_refuse(messages: list[dict[str, Any]], status: int, content: bytes) -> None:
    async with Client(hosting(sending(*messages)), raise_exceptions=False) as client:
        request = (
            b"GET /m HTTP/1.1\r\nHost: testserver\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        response = (await client.raw(request)).response
    assert response.status == status
    assert content in response.content


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        pytest.param([ACCEPT, {"type": "websocket.close", "code": 4000, "reason": "r"}], 4000, id="close"),
        pytest.param([ACCEPT], 1000, id="returns"),
        pytest.param([ACCEPT, {"type": "websocket.nonsense"}], 1011, id="wrong-message"),
        pytest.param([ACCEPT, {"type": "websocket.send"}], 1011, id="empty-message"),
    ],
)
async def test_end_of_the_app_closes(messages: list[dict[str, Any]], code: int) -> None:
    async with Client(hosting(sending(*messages)), raise_exceptions=False) as client, client.websocket("/m") as socket:
        with pytest.raises(WebSocketClosed) as closed:
            await socket.receive()
    assert closed.value.code == code


async def test_send_after_the_end_is_an_os_error() -> None:
    seen = []
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        assert (await receive())["type"] == "websocket.disconnect"
        try:
            await send({"type": "websocket.send", "text": "x"})
        except OSError as error:
            seen.append(type(error).__name__)
            raise
        finally:
            ended.set()

    async with Client(hosting(app)) as client:
        async with client.websocket("/m") as socket:
            await socket.close()
        await ended.wait()
    assert seen == ["ClientGone"]


async def test_receive_may_be_called_before_the_app_accepts() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        receiving = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await send(ACCEPT)
        await send({"type": "websocket.send", "text": (await receiving)["text"]})

    async with Client(hosting(app)) as client, client.websocket("/m") as socket:
        await socket.send("x")
        assert await socket.receive() == "x"


async def test_origins_are_the_matter_of_the_app_unless_the_settings_name_them() -> None:
    app = sending(ACCEPT, {"type": "websocket.send", "text": "hi"})
    fields = {"Origin": "https://evil.example"}
    async with Client(hosting(app)) as client, client.websocket("/m", headers=fields) as socket:
        assert await socket.receive() == "hi"
    named = hosting(app, settings={"plugin": {"websocket": {"origins": ["same"]}}})
    async with Client(named) as client:
        with pytest.raises(Exception, match="403"):
            async with client.websocket("/m", headers=fields):
                pass


async def test_without_the_plugin_the_offer_is_ignored() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["type"].encode()})

    outer = App(plugins=[(ASGIPlugin, {"lifespan": "off"})])
    outer.mount("/m", app)
    async with Client(outer) as client:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert (await client.get("/m", headers=headers)).text == "http"
