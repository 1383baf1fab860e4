"""Handshakes are checked, refused by ordinary responses, and accepted by the app."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.plugins.websocket.peer import ACCEPT, CLOSE, TEXT, SocketPeer, close, frame, request
from turnbuckle import App, Forbidden, Request, Response, WebSocket
from turnbuckle.testing import Client
from turnbuckle.web.types import Handler


def chat_app(**options: object) -> App:
    app = App(plugins=[("websocket", options)])

    @app.middleware
    async def mark(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        response.headers.set("X-Mark", f"{request.method} {response.status}")
        return response

    @app.websocket("/chat/{room}")
    async def chat(socket: WebSocket, room: str, size: int = 1) -> None:
        await socket.accept(socket.subprotocols[0] if socket.subprotocols else None, headers={"X-Room": room})
        await socket.send(room * size)

    @app.get("/chat/{room}")
    async def page(room: str) -> str:
        return f"page of {room}"

    @app.websocket("/refused")
    async def refused(socket: WebSocket, kind: str) -> Response | None:
        if kind == "raised":
            raise Forbidden("members only")
        return Response(b"busy", 503) if kind == "returned" else None

    @app.websocket("/slow")
    async def slow(socket: WebSocket) -> None:
        await socket.request.stopping()

    return app


async def test_handshake_is_accepted_by_the_handler() -> None:
    async with Client(chat_app()) as client:
        peer = SocketPeer(client)
        head = await peer.open("/chat/ab?size=2")
        assert f"Sec-WebSocket-Accept: {ACCEPT}" in head
        assert "X-Room: ab" in head
        assert "X-Mark: GET 101" in head
        assert "Sec-WebSocket-Extensions" not in head
        assert peer.frames == [(TEXT, b"abab"), (CLOSE, b"\x03\xe8")]


async def test_path_has_a_page_and_a_websocket() -> None:
    async with Client(chat_app()) as client:
        assert (await client.get("/chat/a")).text == "page of a"
        response = await client.request("POST", "/chat/a")
        assert response.status == 405
        assert response.headers["allow"] == "GET, HEAD, OPTIONS"
        # The path has only a WebSocket.
        assert (await client.get("/refused")).status == 426


@pytest.mark.parametrize(
    ("data", "status", "field"),
    [
        pytest.param(request("/chat/a", version="8"), 426, "Sec-WebSocket-Version: 13", id="version"),
        pytest.param(request("/chat/a", key="c2hvcnQ="), 400, "", id="short-key"),
        pytest.param(request("/chat/a", key="no base64"), 400, "", id="key"),
        pytest.param(request("/chat/a", "Sec-WebSocket-Key: a\r\n"), 400, "", id="two-keys"),
        pytest.param(request("/chat/a").replace(b"GET", b"POST"), 400, "", id="method"),
        pytest.param(request("/chat/a", 'Sec-WebSocket-Extensions: a; x="1\r\n'), 400, "", id="quotation"),
        pytest.param(request("/chat/a", "Sec-WebSocket-Extensions: a, =;\r\n"), 400, "", id="extensions"),
        pytest.param(request("/nothing"), 404, "", id="path"),
        pytest.param(request("/chat/a?size=x"), 422, "", id="query"),
        pytest.param(request("/refused?kind=raised"), 403, "", id="raised"),
        pytest.param(request("/refused?kind=returned"), 503, "", id="returned"),
        pytest.param(request("/refused?kind=none"), 403, "", id="none"),
        pytest.param(request("/chat/a", "Origin: http://evil.example\r\n"), 403, "", id="origin"),
    ],
)
async def test_handshake_is_refused_by_an_ordinary_response(data: bytes, status: int, field: str) -> None:
    async with Client(chat_app(), raise_exceptions=False) as client:
        connection = client.connect()
        await connection.send(data)
        assert connection.statuses == [status]
        assert f"X-Mark: {data.split()[0].decode()} {status}".encode() in connection.received
        assert field.encode() in connection.received
        assert not connection.is_closed


@pytest.mark.parametrize(
    ("origins", "origin", "is_allowed"),
    [
        pytest.param(["same"], "http://testserver", True, id="same"),
        pytest.param(["same"], "http://TESTSERVER:80", True, id="default-port"),
        pytest.param(["same"], "https://testserver", True, id="tls-ended-by-a-proxy"),
        pytest.param(["same"], "http://testserver:8080", False, id="port"),
        pytest.param(["same"], "http://sub.testserver", False, id="subdomain"),
        pytest.param(["same"], "null", False, id="null"),
        pytest.param(["same"], "", False, id="empty"),
        pytest.param(["https://app.example"], "https://app.example", True, id="listed"),
        pytest.param(["https://app.example"], "http://testserver", False, id="same-is-not-listed"),
        pytest.param(["same", "https://app.example"], "http://testserver", True, id="both"),
        pytest.param(["*"], "null", True, id="any"),
    ],
)
async def test_origin_is_checked(origins: list[str], origin: str, is_allowed: bool) -> None:
    async with Client(chat_app(origins=origins)) as client:
        peer = SocketPeer(client)
        await peer.connection.send(request("/chat/a", f"Origin: {origin}\r\n"))
        assert peer.head.startswith("HTTP/1.1 101 " if is_allowed else "HTTP/1.1 403 ")


async def test_page_without_tls_is_not_same_for_a_host_with_tls() -> None:
    async with Client(chat_app(), base_url="https://testserver") as client:
        peer = SocketPeer(client)
        await peer.connection.send(request("/chat/a", "Origin: http://testserver\r\n"))
        assert peer.head.startswith("HTTP/1.1 403 ")


async def test_subprotocol_is_chosen_from_the_offers() -> None:
    async with Client(chat_app()) as client:
        peer = SocketPeer(client)
        head = await peer.open("/chat/a", "Sec-WebSocket-Protocol: v2, v1\r\nSec-WebSocket-Protocol: v0\r\n")
        assert "Sec-WebSocket-Protocol: v2" in head


async def test_handler_has_a_limited_time_to_decide() -> None:
    async with Client(chat_app(handshake=5)) as client:
        connection = client.connect()
        await connection.send(request("/slow"))
        await client.clock.advance(4.9)
        await connection.settle()
        assert connection.statuses == []
        await client.clock.advance(0.2)
        await connection.settle()
        assert connection.statuses == [503]


async def test_client_that_leaves_during_the_handshake_ends_the_handler() -> None:
    app = App(plugins=["websocket"], settings={"server": {"cancel_on_disconnect": True}})
    ended = []

    @app.websocket("/")
    async def wait(socket: WebSocket) -> None:
        try:
            await socket.request.stopping()
        finally:
            ended.append(True)

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.connection.send(request("/"))
        await peer.connection.reset()
        assert ended == [True]


async def test_response_that_middleware_replaces_has_no_websocket() -> None:
    app = App(plugins=["websocket"])
    ends = []

    @app.middleware
    async def replace(request: Request, call_next: Handler) -> Response:
        await call_next(request)
        return Response(b"", 204)

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        try:
            await socket.accept()
        finally:
            ends.append(socket.closed)
            ends.append(socket.is_open)

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.connection.send(request("/"))
        assert peer.connection.statuses == [204]
        assert ends == [None, False]


async def test_compression_is_negotiated_once() -> None:
    async with Client(chat_app()) as client:
        peer = SocketPeer(client)
        offer = "permessage-deflate; x=1, permessage-deflate; client_max_window_bits, other"
        head = await peer.open("/chat/a", f"Sec-WebSocket-Extensions: {offer}\r\n")
        accepted = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
        assert f"Sec-WebSocket-Extensions: {accepted}\r\n" in head + "\r\n"


@pytest.mark.parametrize(
    "offer", ["permessage-deflate; x", "other", 'other; x="1"', "permessage-deflate; server_max_window_bits=8"]
)
async def test_offers_that_cannot_be_met_are_ignored(offer: str) -> None:
    async with Client(chat_app()) as client:
        peer = SocketPeer(client)
        assert "Extensions" not in await peer.open("/chat/a", f"Sec-WebSocket-Extensions: {offer}\r\n")


async def test_early_frames_are_received() -> None:
    app = App(plugins=["websocket"])

    @app.websocket("/")
    async def echo(socket: WebSocket) -> None:
        async for message in socket:
            await socket.send(message)

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.connection.send(request() + frame(TEXT, b"early") + close(1000))
        assert peer.frames[-1] == (CLOSE, b"\x03\xe8")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_request_without_upgrade_is_answered_with_426(
    method: str, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "turnbuckle.server")
    app = App(plugins=["websocket"])

    @app.websocket("/chat/{room}")
    async def chat(socket: WebSocket, room: str) -> None: ...

    async with Client(app) as client:
        connection = client.connect()
        await connection.send(f"{method} /chat/a HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        response = connection.responses[0]
    assert response.status == 426
    assert response.headers["upgrade"] == "websocket"
    assert "upgrade" in response.headers["connection"].lower()
    assert "only a WebSocket has its path; a proxy may have dropped it" in caplog.text


async def test_other_requests_without_a_route_are_answered_as_ever() -> None:
    app = App(plugins=["websocket", "asgi"])
    app.mount("/mounted", _mounted)

    @app.websocket("/chat")
    async def chat(socket: WebSocket) -> None: ...

    @app.websocket("/both")
    async def both(socket: WebSocket) -> None: ...

    @app.post("/both")
    async def add() -> str:
        return "added"

    @app.websocket("/mounted/chat")
    async def inside(socket: WebSocket) -> None: ...

    async with Client(app) as client:
        assert (await client.get("/nothing")).status == 404
        assert (await client.get("/chat/")).status == 404
        assert (await client.post("/chat")).status == 404
        assert (await client.get("/both")).status == 405
        assert (await client.get("/mounted/chat")).text == "mounted"
        offers = {"Connection": "Upgrade", "Upgrade": "h2c"}
        assert (await client.get("/chat", headers=offers)).status == 404


async def _mounted(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"mounted"})
