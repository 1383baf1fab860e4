"""Attacks by frames of HTTP/2, with each engine; each test begins with the number of its row."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
import weakref

import pytest

from tests.plugins.http2.browser import END_HEADERS, END_STREAM, Browser
from turnbuckle import App, Request
from turnbuckle.testing import Client
from turnbuckle_plugins.http2.connection import HTTP2Connection
from turnbuckle_plugins.http2.engine.frames import (
    ErrorCode,
    FrameType,
    frame,
    reset_frame,
    settings_frame,
    window_update_frame,
)

engines = pytest.mark.parametrize("engine", ["hpack", "zttp"])
CALM = ErrorCode.ENHANCE_YOUR_CALM


class Served:
    """An app that counts its handlers, and stops them on demand."""

    def __init__(self, engine: str, **config: object) -> None:
        self.app = App(plugins=[("http2", {"cleartext": True, "engine": engine, **config})])
        self.begun = 0
        self.go_on = asyncio.Event()

        @self.app.route("/", methods=["GET", "POST"])
        async def handler(request: Request) -> str:
            self.begun += 1
            return str(len(await request.read()))

        @self.app.get("/slow")
        async def slow() -> str:
            self.begun += 1
            await self.go_on.wait()
            return "slow"


async def sent(engine: str, *frames: bytes, **config: object) -> Browser:
    """Return a connection on which some frames were sent after the preface."""
    async with Client(Served(engine, **config).app) as client:
        browser = Browser(client.connect())
        await browser.start()
        await browser.send(*frames)
        return browser


@engines
async def test_row_72_rapid_resets_begin_no_handlers_and_end_the_connection(engine: str) -> None:
    served = Served(engine)
    async with Client(served.app) as client:
        browser = Browser(client.connect())
        await browser.start()
        for start in range(1, 4000, 200):
            pairs = (browser.head(at) + reset_frame(at, ErrorCode.CANCEL) for at in range(start, start + 200, 2))
            await browser.send(*pairs)
            if browser.end is not None:
                break
        assert browser.end is CALM
        assert browser.connection.is_closed
        assert served.begun == 0


@engines
async def test_row_72_cancelled_requests_count_until_their_handlers_end(engine: str) -> None:
    served = Served(engine, max_streams=10)
    async with Client(served.app) as client:
        browser = Browser(client.connect())
        await browser.start()
        for stream in range(1, 200, 2):
            # In different reads, so that each handler begins unless it is refused.
            await browser.send(browser.head(stream, "/slow"))
            await browser.send(reset_frame(stream, ErrorCode.CANCEL))
        assert served.begun == 10
        served.go_on.set()
        await client.settle()
        frames = await browser.send(browser.head(201))
        assert [found.kind for found in frames] == [FrameType.HEADERS, FrameType.DATA]


@engines
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda stream: window_update_frame(stream, 0), id="window update of 0"),
        pytest.param(lambda stream: window_update_frame(stream, 2**31 - 1), id="window overflow"),
        pytest.param(lambda stream: frame(FrameType.DATA, 0, stream, b"x"), id="data after the end"),
        pytest.param(lambda stream: frame(FrameType.PRIORITY, 0, stream, stream.to_bytes(4) + b"\0"), id="priority"),
    ],
)
async def test_row_73_resets_that_the_server_is_made_to_send_end_the_connection(engine: str, fault: object) -> None:
    assert callable(fault)
    served = Served(engine, max_streams=10)
    async with Client(served.app) as client:
        browser = Browser(client.connect())
        await browser.start()
        for stream in range(1, 1200, 2):
            # The faults reset ten streams; the others are refused while the handlers run.
            await browser.send(browser.head(stream, "/slow"))
            await browser.send(fault(stream))
            if browser.end is not None:
                break
        assert browser.end in {CALM, ErrorCode.PROTOCOL_ERROR}
        assert served.begun <= 10


@engines
@pytest.mark.parametrize("size", [0, 1, 16384])
async def test_row_74_continuation_frames_are_bounded(engine: str, size: int) -> None:
    begin = frame(FrameType.HEADERS, END_STREAM, 1, b"\x82")
    browser = await sent(engine, begin, *[frame(FrameType.CONTINUATION, 0, 1, b"\x86" * size)] * 20)
    assert browser.end is CALM


@engines
@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(frame(FrameType.PING, 0, 0, bytes(8)), id="ping"),
        pytest.param(settings_frame([]), id="settings"),
        pytest.param(frame(FrameType.SETTINGS, 1, 0), id="settings ack"),
        pytest.param(frame(FrameType.PRIORITY, 0, 1, b"\0\0\0\3\0"), id="priority"),
        pytest.param(frame(FrameType.PRIORITY_UPDATE, 0, 0, b"\0\0\0\1u=1"), id="priority update"),
        pytest.param(window_update_frame(0, 1), id="window update"),
        pytest.param(frame(FrameType.DATA, 0, 1), id="empty data"),
        pytest.param(frame(0x99, 0, 0), id="unknown type"),
    ],
)
async def test_row_75_floods_of_control_frames_end_the_connection(engine: str, flood: bytes) -> None:
    async with Client(Served(engine).app) as client:
        browser = Browser(client.connect())
        await browser.start()
        await browser.send(browser.head(1, method="POST", ends=False))
        await browser.send(flood * 900)
        assert browser.end is None
        await browser.send(flood * 200)
        assert browser.end is CALM


async def test_row_75_answers_that_are_not_read_are_bounded() -> None:
    async with Client(Served("hpack", control_frames=10**9).app) as client:
        browser = Browser(client.connect())
        await browser.start()
        browser.connection.pause_reading()
        for _ in range(100):
            await browser.send(frame(FrameType.PING, 0, 0, bytes(8)) * 1000)
        assert browser.connection.unread < 2_000_000
        assert browser.connection.was_reset


@engines
async def test_row_76_block_that_grows_is_stopped_early(engine: str) -> None:
    # An entry of 4000 bytes, and 12000 references to it: 48 MB.
    bomb = b"\x82\x86\x84\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 12000
    tracemalloc.start()
    try:
        browser = await sent(engine, frame(FrameType.HEADERS, END_HEADERS | END_STREAM, 1, bomb))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert browser.end is CALM


@engines
async def test_row_76_integers_are_bounded(engine: str) -> None:
    begun = time.process_time()
    for block in (b"\xff" * 16000, b"\x3f" + b"\x80" * 16000, b"\x00\x7f" + b"\xff" * 16000):
        browser = await sent(engine, frame(FrameType.HEADERS, END_HEADERS | END_STREAM, 1, block))
        assert browser.end in {ErrorCode.COMPRESSION_ERROR, CALM}
    assert time.process_time() - begun < 5


@engines
@pytest.mark.parametrize(
    "field",
    [("x-a", "1\r\ny: 2"), ("x-a", "1\0"), ("X-A", "1"), ("x a", "1"), ("connection", "close"), ("host", "other")],
)
async def test_row_77_malformed_fields_reset_the_stream(engine: str, field: tuple[str, str]) -> None:
    async with Client(Served(engine).app) as client:
        browser = Browser(client.connect())
        await browser.start()
        (found,) = await browser.send(browser.head(1, "/", field))
        assert (found.kind, found.payload) == (FrameType.RST_STREAM, b"\0\0\0\1")
        assert [found.kind for found in await browser.send(browser.head(3))] == [FrameType.HEADERS, FrameType.DATA]


@engines
@pytest.mark.parametrize("size", [4, 6])
async def test_row_77_length_that_does_not_match_the_content_resets_the_stream(engine: str, size: int) -> None:
    async with Client(Served(engine).app) as client:
        browser = Browser(client.connect())
        await browser.start()
        head = browser.head(1, "/", ("content-length", "5"), method="POST", ends=False)
        frames = await browser.send(head, frame(FrameType.DATA, END_STREAM, 1, b"x" * size))
        assert [(found.kind, found.payload) for found in frames] == [(FrameType.RST_STREAM, b"\0\0\0\1")]


@engines
@pytest.mark.parametrize("end", ["reset", "error", "close", "half close"])
async def test_row_79_no_end_of_a_connection_leaves_it_in_memory(engine: str, end: str) -> None:
    served = Served(engine)
    others = {id(found) for found in gc.get_objects() if type(found) is HTTP2Connection}
    async with Client(served.app) as client:
        browser = Browser(client.connect())
        await browser.start()
        (made,) = (
            weakref.ref(found)
            for found in gc.get_objects()
            if type(found) is HTTP2Connection and id(found) not in others
        )
        await browser.send(browser.head(1, "/slow"), browser.head(3, method="POST", ends=False))
        if end == "reset":
            await browser.connection.reset()
        elif end == "error":
            await browser.send(frame(FrameType.DATA, 0, 0))
            assert browser.end is ErrorCode.PROTOCOL_ERROR
            await browser.connection.close()
        elif end == "close":
            await browser.connection.close()
        else:
            await browser.connection.half_close()
        served.go_on.set()
        await client.settle()
        assert browser.connection.is_lost
    del browser, client
    gc.collect()
    assert made() is None
