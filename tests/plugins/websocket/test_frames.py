"""Frames become messages, whole or in pieces; broken ones close the WebSocket with the code of RFC 6455."""

from __future__ import annotations

import asyncio
import itertools
import zlib

import pytest

from tests.plugins.websocket.peer import BINARY, CLOSE, PING, PONG, TEXT, SocketPeer, close, frame
from turnbuckle import App, WebSocket, WebSocketClosed
from turnbuckle.testing import Client

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"


def echo_app(seen: list[object] | None = None, **options: object) -> App:
    app = App(plugins=[("websocket", options)])

    @app.websocket("/")
    async def echo(socket: WebSocket) -> None:
        async for message in socket:
            await socket.send(message)
        if seen is not None:
            closed = socket.closed
            seen.append((closed.code, closed.reason, closed.was_clean) if closed is not None else None)

    return app


TEXT_OF_3_BYTES = "\u20ac".encode()


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        pytest.param(frame(TEXT, b"a"), [(TEXT, b"a")], id="text"),
        pytest.param(frame(BINARY, b"\xff\x00"), [(BINARY, b"\xff\x00")], id="binary"),
        pytest.param(frame(TEXT), [(TEXT, b"")], id="empty"),
        pytest.param(frame(TEXT, b"a" * 126), [(TEXT, b"a" * 126)], id="126"),
        pytest.param(frame(BINARY, b"a" * 65536), [(BINARY, b"a" * 65536)], id="65536"),
        pytest.param(frame(TEXT, b"a") + frame(BINARY, b"b"), [(TEXT, b"a"), (BINARY, b"b")], id="two"),
        pytest.param(frame(PING, b"x"), [(PONG, b"x")], id="ping"),
        pytest.param(frame(PONG, b"x"), [], id="pong"),
        pytest.param(
            frame(TEXT, b"a", fin=False) + frame(PING) + frame(0, b"", fin=False) + frame(0, b"b"),
            [(PONG, b""), (TEXT, b"ab")],
            id="fragments-with-a-ping",
        ),
        pytest.param(
            frame(TEXT, TEXT_OF_3_BYTES[:1], fin=False) + frame(0, TEXT_OF_3_BYTES[1:]),
            [(TEXT, TEXT_OF_3_BYTES)],
            id="fragments-of-a-character",
        ),
        pytest.param(
            frame(BINARY, b"\xff", fin=False) + frame(0, b"\xfe") + frame(TEXT, b"a"),
            [(BINARY, b"\xff\xfe"), (TEXT, b"a")],
            id="fragments-and-a-message",
        ),
    ],
)
@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
async def test_frames_are_read(sent: bytes, received: list[tuple[int, bytes]], bytewise: bool) -> None:
    async with Client(echo_app()) as client:
        peer = SocketPeer(client)
        await peer.open()
        if bytewise:
            await peer.connection.send_bytewise(sent[:300])
            await peer.connection.send(sent[300:])
        else:
            await peer.connection.send(sent)
        assert peer.frames == received


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(frame(TEXT, b"a", masked=False), 1002, id="not-masked"),
        pytest.param(frame(3), 1002, id="opcode"),
        pytest.param(frame(11), 1002, id="control-opcode"),
        pytest.param(frame(TEXT, b"a", bits=0x40), 1002, id="rsv1"),
        pytest.param(frame(TEXT, b"a", bits=0x20), 1002, id="rsv2"),
        pytest.param(frame(PING, b"a", fin=False), 1002, id="fragmented-ping"),
        pytest.param(frame(PING, b"a" * 126), 1002, id="long-ping"),
        pytest.param(frame(0, b"a"), 1002, id="continuation-of-nothing"),
        pytest.param(frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002, id="message-in-a-message"),
        pytest.param(frame(CLOSE, b"\x03"), 1002, id="close-of-one-byte"),
        pytest.param(close(1005), 1002, id="close-reserved"),
        pytest.param(close(999), 1002, id="close-code"),
        pytest.param(frame(CLOSE, b"\x03\xe8\xff"), 1007, id="close-reason"),
        pytest.param(frame(TEXT, b"\xff"), 1007, id="text"),
        pytest.param(frame(TEXT, b"a\xff", fin=False), 1007, id="fragment-of-text"),
        pytest.param(frame(TEXT, TEXT_OF_3_BYTES[:2], fin=False) + frame(0), 1007, id="text-that-is-cut"),
        pytest.param(frame(TEXT, b"\xed\xa0\x80"), 1007, id="surrogate"),
        pytest.param(frame(TEXT, b"a" * 101)[:8], 1009, id="frame-too-large"),
        pytest.param(b"\x82\xff" + b"\xff" * 12, 1009, id="length-of-64-bits"),
        pytest.param(frame(TEXT, b"a" * 60, fin=False) + frame(0, b"a" * 60), 1009, id="message-too-large"),
    ],
)
async def test_violation_closes_with_a_code(sent: bytes, code: int) -> None:
    seen: list[object] = []
    async with Client(echo_app(seen, max_message=100)) as client:
        peer = SocketPeer(client)
        await peer.open()
        # The message before the violation is answered.
        await peer.connection.send(frame(TEXT, b"good") + sent)
        await peer.connection.send(frame(TEXT, b"not read"))
        assert peer.frames[0] == (TEXT, b"good")
        assert peer.close_code == code
        assert len(peer.frames) == 2
        assert seen == [(code, peer.frames[1][1][2:].decode(), False)]
        assert peer.connection.is_closed
        assert not peer.connection.was_reset


@pytest.mark.parametrize(
    ("sent", "answer", "end"),
    [
        pytest.param(close(1000, "bye"), close(1000, "bye"), (1000, "bye", True), id="code"),
        pytest.param(frame(CLOSE), frame(CLOSE), (1005, "", True), id="no-code"),
        pytest.param(close(4000), close(4000), (4000, "", True), id="own-code"),
    ],
)
async def test_close_of_the_peer_is_answered(sent: bytes, answer: bytes, end: object) -> None:
    seen: list[object] = []
    async with Client(echo_app(seen)) as client:
        peer = SocketPeer(client)
        await peer.open()
        frames = await peer.send(sent)
        assert [frame(opcode, payload) for opcode, payload in frames] == [answer]
        assert seen == [end]
        assert peer.connection.is_closed


def _deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-12)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


async def test_messages_are_compressed_if_that_was_negotiated() -> None:
    async with Client(echo_app(compression_minimum=10)) as client:
        peer = SocketPeer(client)
        await peer.open("/", DEFLATE)
        compressed = _deflated(b"hello " * 100)
        first = frame(TEXT, compressed[:5], fin=False, bits=0x40)
        [(head, payload)] = await peer.send(first + frame(0, compressed[5:]))
        assert head == 0xC1
        inflator = zlib.decompressobj(wbits=-12)
        assert inflator.decompress(payload + b"\x00\x00\xff\xff") == b"hello " * 100
        assert await peer.send(frame(TEXT, b"short")) == [(TEXT, b"short")]


async def test_compression_can_be_switched_off() -> None:
    async with Client(echo_app(compression=False)) as client:
        peer = SocketPeer(client)
        assert "Extensions" not in await peer.open("/", DEFLATE)
        await peer.send(frame(TEXT, b"a", bits=0x40))
        assert peer.close_code == 1002


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(_deflated(b"\x00" * 1_000_000), 1009, id="bomb"),
        pytest.param(b"\xff\xff\xff", 1002, id="no-deflate"),
        pytest.param(_deflated(b"\xff\xff"), 1007, id="text"),
    ],
)
async def test_compressed_messages_are_limited(payload: bytes, code: int) -> None:
    async with Client(echo_app(max_message=10_000)) as client:
        peer = SocketPeer(client)
        await peer.open("/", DEFLATE)
        await peer.send(frame(TEXT, payload, bits=0x40))
        assert peer.close_code == code


async def test_frame_limit_may_be_less_than_the_message_limit() -> None:
    async with Client(echo_app(max_message=100, max_frame=50)) as client:
        peer = SocketPeer(client)
        await peer.open()
        pieces = frame(BINARY, b"a" * 50, fin=False) + frame(0, b"b" * 50)
        assert await peer.send(pieces) == [(BINARY, b"a" * 50 + b"b" * 50)]
        await peer.send(frame(BINARY, b"a" * 51))
        assert peer.close_code == 1009


async def test_flood_of_small_frames_lets_others_have_a_turn() -> None:
    async with Client(echo_app()) as client:
        peer = SocketPeer(client)
        await peer.open()
        empty = frame(TEXT, b"", fin=False) + frame(0, fin=False) * 900 + frame(0, b"end")
        assert await peer.send(empty + frame(PONG) * 3000 + empty) == [(TEXT, b"end")] * 2


async def test_handler_that_never_waits_takes_one_queue_of_messages_in_a_turn() -> None:
    app = App(plugins=[("websocket", {"queue": 8})])
    turns: list[int] = []
    received = 0
    has_all = asyncio.Event()

    @app.websocket("/")
    async def count(socket: WebSocket) -> None:
        nonlocal received
        async for _ in socket:
            received += 1
            if received == 1000:
                has_all.set()

    async def watch() -> None:
        while True:
            turns.append(received)
            await asyncio.sleep(0)

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        peer.connection.post(frame(TEXT, b"a") * 1000)
        watching = asyncio.ensure_future(watch())
        await has_all.wait()
        watching.cancel()
    assert max(after - before for before, after in itertools.pairwise(turns)) <= 8


@pytest.mark.parametrize(("size", "most"), [(1, 64), (100_000, 3)])
async def test_handler_that_only_sends_lets_others_have_a_turn(size: int, most: int) -> None:
    app = App(plugins=["websocket"])
    turns: list[int] = []
    sent = 0

    @app.websocket("/")
    async def send(socket: WebSocket) -> None:
        nonlocal sent
        await socket.accept()
        for _ in range(1000):
            await socket.send(bytes(size))
            sent += 1

    async def watch() -> None:
        while True:
            turns.append(sent)
            await asyncio.sleep(0)

    async with Client(app) as client:
        watching = asyncio.ensure_future(watch())
        peer = SocketPeer(client)
        await peer.open()
        watching.cancel()
    assert max(after - before for before, after in itertools.pairwise(turns)) <= most
    assert sent == 1000


async def test_peer_waits_while_the_queue_is_full() -> None:
    app = App(plugins=[("websocket", {"queue": 4})])
    received = []
    gate = asyncio.Semaphore(0)

    @app.websocket("/")
    async def slow(socket: WebSocket) -> None:
        await socket.accept()
        while not socket.request.is_stopping:
            await gate.acquire()
            received.append(await socket.receive())

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.connection.send(b"".join(frame(TEXT, b"%d" % number) for number in range(20)))
        await peer.connection.send(frame(TEXT, b"20"))
        assert peer.connection.undelivered, "the server reads although the queue is full"
        # The peer cannot answer a ping before the messages that it has sent.
        await client.clock.advance(300)
        for _ in range(21):
            gate.release()
        await peer.connection.settle()
        assert received == [str(number) for number in range(21)]
        assert not peer.connection.undelivered


async def test_wrong_kind_of_message_closes_the_websocket() -> None:
    app = App(plugins=["websocket"])
    ends = []

    @app.websocket("/{kind}")
    async def strict(socket: WebSocket, kind: str) -> None:
        try:
            await getattr(socket, f"receive_{kind}")()
        except WebSocketClosed as closed:
            ends.append(closed.code)
            raise

    async with Client(app) as client:
        for kind, sent, code in (
            ("text", frame(BINARY, b"a"), 1003),
            ("bytes", frame(TEXT, b"a"), 1003),
            ("json", frame(TEXT, b"{"), 1007),
        ):
            peer = SocketPeer(client)
            await peer.open(f"/{kind}")
            await peer.send(sent)
            assert peer.close_code == code
            await peer.send(close(code))
        assert ends == [1003, 1003, 1007]
