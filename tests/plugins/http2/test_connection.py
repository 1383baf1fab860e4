"""Connections through the whole server: scheduling, back-pressure, the end of connections, deadlines and tunnels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from tests.plugins.http2.browser import END_HEADERS, END_STREAM, Browser, Frame
from turnbuckle import App, Request, Response, WebSocket
from turnbuckle.testing import Client
from turnbuckle_plugins.http2.engine.frames import (
    ErrorCode,
    FrameType,
    SettingId,
    frame,
    reset_frame,
    window_update_frame,
)

Scope: TypeAlias = dict[str, Any]


@asynccontextmanager
async def browsing(app: App, *settings: tuple[SettingId, int]) -> AsyncIterator[tuple[Browser, Client]]:
    async with Client(app) as client:
        browser = Browser(client.connect())
        await browser.start(*settings)
        yield browser, client


def an_app(**config: object) -> App:
    return App(plugins=["websocket", ("http2", {"cleartext": True, **config})])


def data(frames: list[Frame]) -> list[tuple[int, int]]:
    """Return stream and size of each DATA frame."""
    return [(found.stream, len(found.payload)) for found in frames if found.kind == FrameType.DATA]


def big_app() -> App:
    app = an_app()

    @app.get("/big")
    async def big() -> bytes:
        return b"x" * 65536

    @app.get("/")
    async def small() -> str:
        return "small"

    return app


async def test_responses_share_the_connection() -> None:
    async with browsing(big_app(), (SettingId.INITIAL_WINDOW_SIZE, 1 << 20)) as (browser, _):
        frames = await browser.send(*(browser.head(stream, "/big") for stream in (1, 3, 5)))
        # The window of the connection is 65535 bytes.
        assert [stream for stream, _ in data(frames)] == [1, 3, 5, 1]
        frames = await browser.send(window_update_frame(0, 1 << 20))
        assert {stream: sum(size for at, size in data(frames) if at == stream) for stream in (1, 3, 5)} == {
            1: 32769,
            3: 49152,
            5: 49152,
        }


@pytest.mark.parametrize(
    ("priorities", "order"),
    [
        pytest.param(("u=5", "u=1", "u=3"), [3] * 4 + [5] * 4 + [1] * 4, id="urgency"),
        pytest.param(("u=3", "u=3", "u=3"), [1] * 4 + [3] * 4 + [5] * 4, id="one after the other"),
        pytest.param(("i", "i", "u=7"), [1, 3] * 4 + [5] * 4, id="incremental"),
    ],
)
async def test_priorities_order_responses(priorities: tuple[str, ...], order: list[int]) -> None:
    async with browsing(big_app(), (SettingId.INITIAL_WINDOW_SIZE, 1 << 20)) as (browser, _):
        # First a response that takes the whole window.
        await browser.send(browser.head(99, "/big"))
        streams = [(101 + 2 * index, priority) for index, priority in enumerate(priorities)]
        await browser.send(*(browser.head(stream, "/big", ("priority", priority)) for stream, priority in streams))
        frames = await browser.send(window_update_frame(0, 1 << 20))
        assert [stream - 100 for stream, _ in data(frames) if stream > 100] == order


async def test_priority_update_changes_the_order() -> None:
    async with browsing(big_app(), (SettingId.INITIAL_WINDOW_SIZE, 1 << 20)) as (browser, _):
        early = frame(FrameType.PRIORITY_UPDATE, 0, 0, (5).to_bytes(4) + b"u=0")
        await browser.send(browser.head(1, "/big"), early)
        late = frame(FrameType.PRIORITY_UPDATE, 0, 0, (7).to_bytes(4) + b"u=1")
        await browser.send(*(browser.head(stream, "/big") for stream in (3, 5, 7)), late)
        frames = await browser.send(window_update_frame(0, 1 << 20))
        assert [stream for stream, _ in data(frames)] == [5] * 4 + [7] * 4 + [1] + [3] * 4


async def test_small_response_does_not_wait_for_a_window_of_another() -> None:
    async with browsing(big_app(), (SettingId.INITIAL_WINDOW_SIZE, 1000)) as (browser, _):
        frames = await browser.send(browser.head(1, "/big"), browser.head(3))
        assert data(frames) == [(1, 1000), (3, 5)]


async def test_content_is_received_as_the_handler_reads_it() -> None:
    app, go_on = an_app(stream_window=65535, connection_window=65535), asyncio.Event()

    @app.post("/")
    async def handler(request: Request) -> str:
        await go_on.wait()
        return str(len(await request.read()))

    async with browsing(app) as (browser, client):
        head = browser.head(1, method="POST", ends=False)
        piece = frame(FrameType.DATA, 0, 1, b"x" * 13107)
        frames = await browser.send(head, *[piece] * 5)
        assert FrameType.WINDOW_UPDATE not in {found.kind for found in frames}
        go_on.set()
        await client.settle()
        updates = [found for found in browser.news() if found.kind == FrameType.WINDOW_UPDATE]
        assert {update.stream for update in updates} == {0, 1}
        frames = await browser.send(piece, frame(FrameType.DATA, END_STREAM, 1))
        assert [found.payload for found in frames if found.kind == FrameType.DATA] == [b"78642"]


async def test_many_tiny_frames_are_received_as_a_few_pieces() -> None:
    app, pieces, go_on = an_app(), list[int](), asyncio.Event()

    @app.post("/")
    async def handler(request: Request) -> str:
        await go_on.wait()
        async for piece in request.stream():
            pieces.append(len(piece))
        return "done"

    async with browsing(app) as (browser, client):
        await browser.send(browser.head(1, method="POST", ends=False))
        for _ in range(40):
            await browser.send(frame(FrameType.DATA, 0, 1, b"x" * 2) * 2000)
        await browser.send(frame(FrameType.DATA, END_STREAM, 1, b"y"))
        go_on.set()
        await client.settle()
        assert sum(pieces) == 160001


async def test_handler_waits_while_the_client_opens_no_window() -> None:
    app, made = an_app(), list[int]()

    @app.get("/")
    async def handler() -> AsyncIterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"x" * 16384

    async with browsing(app) as (browser, client):
        frames = await browser.send(browser.head(1))
        assert sum(size for _, size in data(frames)) == 65535
        assert len(made) < 12
        await browser.send(window_update_frame(0, 10_000_000), window_update_frame(1, 10_000_000))
        assert len(made) == 100
        await browser.send(browser.head(3))
        # The rest of this one is never taken: the first 30 seconds have some progress, the next have none.
        await client.advance(61)
        frames = browser.news()
        assert [(found.stream, found.kind) for found in frames] == [(3, FrameType.RST_STREAM)]


async def test_stop_serves_the_requests_that_were_sent_before_the_client_knew() -> None:
    app, go_on = an_app(), asyncio.Event()

    @app.get("/")
    async def handler() -> str:
        await go_on.wait()
        return "done"

    async with Client(app) as client:
        browser = Browser(client.connect())
        await browser.start()
        await browser.send(browser.head(1))
        client.server.begin_drain()
        await client.settle()
        frames = browser.news()
        assert [found.kind for found in frames] == [FrameType.GOAWAY, FrameType.PING]
        assert frames[0].payload[:8] == b"\x7f\xff\xff\xff\0\0\0\0"
        frames = await browser.send(browser.head(3), frame(FrameType.PING, 1, 0, frames[1].payload))
        assert [(found.kind, found.payload[:4]) for found in frames] == [(FrameType.GOAWAY, b"\0\0\0\3")]
        await browser.send(browser.head(5))
        go_on.set()
        await client.settle()
        assert data(browser.news()) == [(1, 4), (3, 4)]
        assert browser.connection.is_closed


async def test_lifetime_and_number_of_requests_end_a_connection() -> None:
    app = App(plugins=[("http2", {"cleartext": True})], settings={"capacity": {"requests_per_connection": 2}})

    @app.get("/")
    async def small() -> str:
        return "small"

    async with browsing(app) as (browser, _):
        assert [found.kind for found in await browser.send(browser.head(1), browser.head(3))] == [1, 0, 1, 0]
        frames = await browser.send(browser.head(5))
        assert [found.kind for found in frames] == [FrameType.GOAWAY, FrameType.PING, 1, 0]
        await browser.send(frame(FrameType.PING, 1, 0, b"draining"))
        assert browser.connection.is_closed


async def test_idle_connection_is_closed_with_goaway() -> None:
    async with browsing(big_app()) as (browser, client):
        await browser.send(browser.head(1))
        await client.advance(31)
        (found,) = browser.news()
        assert (found.kind, found.payload) == (FrameType.GOAWAY, b"\0\0\0\1" + bytes(4))
        assert browser.connection.is_closed


async def test_last_response_is_not_cut_while_its_client_reads_slowly() -> None:
    app = big_app()
    async with browsing(app, (SettingId.INITIAL_WINDOW_SIZE, 1 << 20)) as (browser, client):
        connection = browser.connection
        await browser.send(window_update_frame(0, 1 << 20))
        connection.pause_reading(window=1000)
        await browser.send(*(browser.head(stream, "/big") for stream in (1, 3)))
        client.server.begin_drain()
        await client.settle()
        await browser.send(frame(FrameType.PING, 1, 0, b"draining"))
        for _ in range(20):
            await client.advance(10)
            await connection.read(10000)
        await connection.resume_reading()
        assert sum(size for _, size in data(browser.news())) == 131072
        assert connection.is_closed
        assert not connection.was_reset


async def test_last_response_is_cut_if_its_client_reads_nothing() -> None:
    async with browsing(big_app()) as (browser, client):
        browser.connection.pause_reading()
        await browser.send(browser.head(1))
        client.server.begin_drain()
        await browser.send(frame(FrameType.PING, 1, 0, b"draining"))
        await client.advance(29)
        assert not browser.connection.was_reset
        await client.advance(33)
        assert browser.connection.was_reset


async def test_partial_frame_has_a_deadline_and_a_running_upload_has_not() -> None:
    app = an_app()

    @app.post("/")
    async def handler(request: Request) -> str:
        return str(len(await request.read()))

    async with browsing(app) as (browser, client):
        piece = frame(FrameType.DATA, 0, 1, b"x" * 12000)
        await browser.send(browser.head(1, method="POST", ends=False), piece[:5])
        for _ in range(4):
            # Each read ends within a frame.
            await client.advance(8)
            await browser.send(piece[5:], piece[:5])
        assert not browser.connection.is_closed
        await client.advance(16)
        (found,) = [found for found in browser.news() if found.kind == FrameType.GOAWAY]
        assert found.payload[4:8] == ErrorCode.ENHANCE_YOUR_CALM.to_bytes(4)


async def test_unread_content_is_dropped_and_the_stream_reset() -> None:
    async with browsing(big_app()) as (browser, client):
        frames = await browser.send(browser.head(1, "/missing", method="POST", ends=False))
        assert [found.kind for found in frames] == [FrameType.HEADERS, FrameType.DATA]
        assert await browser.send(frame(FrameType.DATA, 0, 1, b"x" * 100)) == []
        await client.advance(3)
        assert browser.news() == [Frame(FrameType.RST_STREAM, 0, 1, bytes(4))]
        # Data on the way is ignored.
        assert await browser.send(frame(FrameType.DATA, END_STREAM, 1, b"x" * 100)) == []


async def test_log_has_the_reason_of_a_reset(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "turnbuckle.server")
    async with browsing(big_app()) as (browser, _):
        await browser.send(browser.head(1, "/", ("x-a", "1\n2")))
        await browser.send(browser.head(3), frame(FrameType.DATA, 0, 3, b"late"))
    texts = [record.getMessage() for record in caplog.records if "HTTP/2 stream" in record.getMessage()]
    assert [text.partition(" reset: ")[2] for text in texts] == [
        "value of field b'x-a' is malformed",
        "DATA after the end of the request",
    ]


async def test_reset_cancels_the_handler_of_a_stream() -> None:
    app, ends = an_app(), list[str]()

    @app.get("/")
    async def handler() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ends.append("left")

    async with browsing(app) as (browser, _):
        await browser.send(browser.head(1))
        assert not ends
        await browser.send(reset_frame(1, ErrorCode.CANCEL))
        assert ends == ["left"]


async def test_response_that_breaks_off_is_sent_before_its_reset() -> None:
    app = an_app()

    @app.get("/")
    async def handler() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("broken")

    async with browsing(app) as (browser, _):
        frames = await browser.send(browser.head(1))
        assert [found.kind for found in frames] == [FrameType.HEADERS, FrameType.DATA, FrameType.RST_STREAM]
        assert frames[-1].payload == ErrorCode.INTERNAL_ERROR.to_bytes(4)


async def test_responses_have_interim_ones_and_trailers() -> None:
    app = an_app()

    @app.post("/")
    async def handler(request: Request) -> Response:
        await request.early_hints(["</style.css>; rel=preload"])
        content = await request.read()
        return Response(content, trailers={"X-Sum": str(sum(content))})

    async with browsing(app) as (browser, _):
        head = browser.head(1, "/", ("expect", "100-continue"), ("te", "trailers"), method="POST", ends=False)
        frames = await browser.send(head)
        assert [browser.fields(found)[b":status"] for found in frames] == [b"103", b"100"]
        trailers = browser._encoder.encode([("x-more", "1")])
        frames = await browser.send(
            frame(FrameType.DATA, 0, 1, b"\1\2"), frame(FrameType.HEADERS, END_HEADERS | END_STREAM, 1, trailers)
        )
        head_frame, content, last = (found for found in frames if found.kind != FrameType.WINDOW_UPDATE)
        assert browser.fields(head_frame)[b":status"] == b"200"
        assert content.payload == b"\1\2"
        assert browser.fields(last) == {b"x-sum": b"3"}
        assert last.flags & END_STREAM


# -- WebSockets


def chat_app() -> App:
    app = an_app()

    @app.websocket("/chat/{room}")
    async def chat(socket: WebSocket, room: str) -> None:
        await socket.send(f"welcome to {room}")
        async for message in socket:
            await socket.send(message)

    @app.get("/chat/{room}")
    async def page(room: str) -> str:
        return room

    return app


def connect(browser: Browser, stream: int, path: str, protocol: str = "websocket") -> bytes:
    pairs = [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":authority", "testserver")]
    pairs += [(":path", path), ("sec-websocket-version", "13"), ("origin", "http://testserver")]
    return frame(FrameType.HEADERS, END_HEADERS, stream, browser._encoder.encode(pairs))


def masked(opcode: int, payload: bytes) -> bytes:
    return bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload


async def test_websocket_runs_on_a_stream() -> None:
    async with Client(chat_app()) as client:
        browser = Browser(client.connect())
        (settings, *_) = await browser.start()
        assert b"\0\x08\0\0\0\1" in settings.payload
        early = frame(FrameType.DATA, 0, 1, masked(1, b"early"))
        frames = await browser.send(connect(browser, 1, "/chat/tea"), early)
        assert browser.fields(frames[0])[b":status"] == b"200"
        assert b"upgrade" not in browser.fields(frames[0])
        sent = b"".join(found.payload for found in frames if found.kind == FrameType.DATA)
        assert sent == b"\x81\x0ewelcome to tea\x81\x05early"
        frames = await browser.send(frame(FrameType.DATA, 0, 1, masked(8, b"\x03\xe8")))
        assert b"".join(found.payload for found in frames) == b"\x88\x02\x03\xe8"
        assert frames[-1].flags & END_STREAM


async def test_connect_for_an_unknown_protocol_calls_no_handler() -> None:
    called: list[str] = []
    app = chat_app()

    @app.get("/page")
    async def page(request: Request) -> str:
        called.append(request.method)
        return "page"

    async with browsing(app) as (browser, _):
        frames = await browser.send(connect(browser, 1, "/page", "other"))
        assert browser.fields(frames[0])[b":status"] == b"501"
        assert called == []
        # In HTTP/1.1, an offer may be ignored; here, 2xx would mean a tunnel.
        frames = await browser.send(connect(browser, 3, "/page"))
        assert browser.fields(frames[0])[b":status"] == b"501"


async def test_websocket_that_is_refused_or_reset() -> None:
    async with browsing(chat_app()) as (browser, _):
        frames = await browser.send(connect(browser, 1, "/missing"))
        assert browser.fields(frames[0])[b":status"] == b"404"
        frames = await browser.send(connect(browser, 3, "/chat/tea", "other"))
        assert browser.fields(frames[0])[b":status"] == b"501"
        await browser.send(connect(browser, 5, "/chat/tea"))
        await browser.send(reset_frame(5, ErrorCode.CANCEL))
        frames = await browser.send(browser.head(7, "/chat/tea"))
        assert data(frames) == [(7, 3)]


async def test_unread_data_of_a_lost_websocket_returns_to_the_window() -> None:
    app = an_app(stream_window=65535, connection_window=65535)

    @app.websocket("/busy")
    async def busy(socket: WebSocket) -> None:
        await socket.accept()
        await asyncio.Event().wait()

    async with browsing(app) as (browser, _):
        await browser.send(connect(browser, 1, "/busy"))
        # The queue of the WebSocket takes some of them; it reads no more then, and the stream keeps the others.
        messages = frame(FrameType.DATA, 0, 1, masked(1, b"x" * 100) * 40)
        await browser.send(*[messages] * 14)
        frames = await browser.send(reset_frame(1, ErrorCode.CANCEL))
        assert [(found.kind, found.stream) for found in frames] == [(FrameType.WINDOW_UPDATE, 0)]
        (update,) = frames
        assert int.from_bytes(update.payload) == 14 * len(messages[9:])


async def test_extended_connect_is_malformed_without_websockets() -> None:
    async with browsing(App(plugins=[("http2", {"cleartext": True})])) as (browser, _):
        assert await browser.send(connect(browser, 1, "/")) == [Frame(FrameType.RST_STREAM, 0, 1, b"\0\0\0\1")]


async def test_mounted_app_sees_the_version() -> None:
    async def mounted(scope: Scope, receive: object, send: Callable[[Scope], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["http_version"].encode()})

    app = App(plugins=[("asgi", {"lifespan": "off"}), ("http2", {"cleartext": True})])
    app.mount("/m", mounted)
    async with browsing(app) as (browser, client):
        frames = await browser.send(browser.head(1, "/m"))
        assert b"".join(found.payload for found in frames if found.kind == FrameType.DATA) == b"2"
        assert (await client.get("/m")).text == "1.1"
