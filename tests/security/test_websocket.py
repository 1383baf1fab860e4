"""Attacks by frames of a WebSocket and by pages of other sites; each test begins with the number of its row."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from tests.plugins.websocket.peer import BINARY, PING, TEXT, SocketPeer, close, frame, request
from turnbuckle import App, WebSocket
from turnbuckle.testing import Client

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"


def echo_app(**options: object) -> App:
    app = App(plugins=[("websocket", options)])

    @app.websocket("/")
    async def echo(socket: WebSocket) -> None:
        async for message in socket:
            await socket.send(message)

    return app


async def close_code(sent: bytes, fields: str = "", **options: object) -> int | None:
    """Return the code that the server closes with after some bytes."""
    async with Client(echo_app(**options)) as client:
        peer = SocketPeer(client)
        await peer.open("/", fields)
        await peer.connection.send(sent)
        return peer.close_code


def deflated(data: bytes) -> bytes:
    """Return the payload of a compressed message."""
    compressor = zlib.compressobj(wbits=-12)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


async def test_row_66_small_message_that_inflates_is_refused_before_it_is_large() -> None:
    bomb = frame(TEXT, deflated(b"a" * 50_000_000), bits=0x40)
    assert len(bomb) < 60_000
    tracemalloc.start()
    try:
        assert await close_code(bomb, DEFLATE) == 1009
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


async def test_row_66_fragments_that_inflate_are_bounded_together() -> None:
    compressor = zlib.compressobj(wbits=-12)
    first, second = (compressor.compress(b"a" * 900) + compressor.flush(zlib.Z_SYNC_FLUSH) for _ in range(2))
    pieces = frame(TEXT, first, fin=False, bits=0x40) + frame(0, second, fin=False)
    assert await close_code(pieces, DEFLATE, max_message=1000) == 1009


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(frame(TEXT, b"a", bits=0x10), id="reserved-bit"),
        pytest.param(frame(TEXT, b"a", bits=0x40), id="compression-that-was-not-negotiated"),
        pytest.param(frame(0, b"a"), id="continuation-of-nothing"),
        pytest.param(frame(TEXT, b"a", fin=False) + frame(BINARY, b"b"), id="message-in-a-message"),
        pytest.param(frame(7), id="type"),
    ],
)
async def test_row_67_frames_out_of_order_are_refused(sent: bytes) -> None:
    assert await close_code(sent) == 1002


async def test_row_68_endless_fragments_are_bounded_in_sum_and_cost_no_memory() -> None:
    async with Client(echo_app(max_message=10_000)) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.connection.send(frame(TEXT, b"a", fin=False))
        tracemalloc.start()
        try:
            for _ in range(9):
                await peer.connection.send(frame(0, fin=False) * 100)
            assert tracemalloc.get_traced_memory()[0] < 1_000_000
        finally:
            tracemalloc.stop()
        await peer.connection.send(frame(0, b"a" * 100, fin=False) * 100)
        assert peer.close_code == 1009


async def test_row_68_empty_fragments_are_bounded_in_number() -> None:
    assert await close_code(frame(TEXT, b"a", fin=False) + frame(0, fin=False) * 1001) == 1008


async def test_row_68_flood_of_pings_from_a_peer_that_reads_nothing_is_bounded() -> None:
    async with Client(echo_app()) as client:
        peer = SocketPeer(client)
        await peer.open()
        peer.connection.pause_reading()
        for _ in range(40):
            await peer.connection.send(frame(PING, b"a" * 125) * 200)
        assert peer.connection.unread < 200_000


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x82\xff\x7f" + b"\xff" * 7 + b"mask", id="2**63-1"),
        pytest.param(b"\x82\xff\xff" + b"\xff" * 7 + b"mask", id="2**64-1"),
        pytest.param(b"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01mask", id="one-more"),
    ],
)
async def test_row_69_length_beyond_the_limit_is_refused_at_once(sent: bytes) -> None:
    assert await close_code(sent) == 1009


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(frame(TEXT, b"a", masked=False), 1002, id="no-mask"),
        pytest.param(close(1006), 1002, id="close-code"),
        pytest.param(frame(8, b"\x03"), 1002, id="short-close"),
        pytest.param(frame(PING, b"a" * 126), 1002, id="long-ping"),
        pytest.param(frame(PING, fin=False), 1002, id="fragmented-ping"),
        pytest.param(frame(TEXT, b"\xc0\x80"), 1007, id="text"),
        pytest.param(frame(8, b"\x03\xe8\xff"), 1007, id="reason"),
    ],
)
async def test_row_70_frames_that_break_the_protocol_close_with_its_code(sent: bytes, code: int) -> None:
    assert await close_code(sent) == code


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://testserver.evil.example", "file://"])
async def test_row_71_page_of_another_site_opens_no_websocket(origin: str) -> None:
    async with Client(echo_app()) as client:
        peer = SocketPeer(client)
        await peer.connection.send(request("/", f"Origin: {origin}\r\nCookie: session=1\r\n"))
        assert peer.connection.statuses == [403]
