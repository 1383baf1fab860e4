"""Floods: each frame is legal, and their number is the attack. The connection ends before they cost much.

Sources: RFC 9113, section 10.5; CVE-2023-44487 (rapid reset), CVE-2025-8671 (MadeYouReset), CVE-2024-27316
(CONTINUATION), CVE-2019-9511 to 9518.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.plugins.http2.frames import (
    Code,
    Kind,
    Setting,
    continuation,
    data,
    frame,
    get,
    headers,
    ping,
    post,
    priority,
    request,
    rst_stream,
    settings,
    window_update,
)
from tests.plugins.http2.serving import Served, serving
from turnbuckle.testing import Connection

_BATCH = 200
_CALM = (Code.ENHANCE_YOUR_CALM,)


class Flood(NamedTuple):
    """Frames by number, after some first frames, and the accepted ends."""

    unit: Callable[[int], bytes]
    first: bytes = b""
    codes: tuple[Code, ...] = _CALM
    most: int = 10_000


def _stream(number: int) -> int:
    return 2 * number + 1


FLOODS = {
    "rapid-reset": Flood(lambda n: get(_stream(n), b"/wait") + rst_stream(_stream(n)), most=2000),
    "rapid-reset-of-answered-requests": Flood(lambda n: get(_stream(n)) + rst_stream(_stream(n)), most=2000),
    "rapid-reset-of-uploads": Flood(lambda n: post(_stream(n), b"/echo") + rst_stream(_stream(n)), most=2000),
    # The server resets each stream, because the client breaks a rule of streams.
    "made-you-reset-by-window-of-0": Flood(
        lambda n: get(_stream(n), b"/wait") + window_update(_stream(n), 0),
        codes=(Code.ENHANCE_YOUR_CALM, Code.PROTOCOL_ERROR),
        most=2000,
    ),
    "made-you-reset-by-window-overflow": Flood(
        lambda n: get(_stream(n), b"/wait") + window_update(_stream(n), 2**31 - 1),
        codes=(Code.ENHANCE_YOUR_CALM, Code.FLOW_CONTROL_ERROR),
        most=2000,
    ),
    "made-you-reset-by-content-after-the-end": Flood(
        lambda n: get(_stream(n), b"/wait") + data(_stream(n), b"x"),
        codes=(Code.ENHANCE_YOUR_CALM, Code.STREAM_CLOSED),
        most=2000,
    ),
    "made-you-reset-by-too-much-content": Flood(
        lambda n: post(_stream(n), b"/wait", (b"content-length", b"1")) + data(_stream(n), b"xx"),
        codes=(Code.ENHANCE_YOUR_CALM, Code.PROTOCOL_ERROR),
        most=2000,
    ),
    "malformed-requests": Flood(
        lambda n: headers(_stream(n), request(b"GET", b"/", (b"Upper", b"x"))),
        codes=(Code.ENHANCE_YOUR_CALM, Code.PROTOCOL_ERROR),
        most=2000,
    ),
    "refused-streams": Flood(lambda n: get(_stream(n), b"/wait"), most=2000),
    "settings": Flood(lambda n: settings((Setting.MAX_CONCURRENT_STREAMS, n))),
    "settings-of-no-value": Flood(lambda n: settings()),
    "settings-of-many-values": Flood(lambda n: settings(*((Setting.UNKNOWN, n),) * 2700), most=200),
    "settings-that-move-windows": Flood(lambda n: settings((Setting.INITIAL_WINDOW_SIZE, 1000 + n % 2))),
    "settings-acknowledged-without-need": Flood(
        lambda n: settings(ack=True), codes=(Code.ENHANCE_YOUR_CALM, Code.PROTOCOL_ERROR)
    ),
    "ping": Flood(lambda n: ping()),
    "ping-acknowledged-without-need": Flood(lambda n: ping(ack=True)),
    "priority": Flood(lambda n: priority(_stream(n % 1000))),
    "priority-of-idle-streams": Flood(lambda n: priority(_stream(n))),
    "priority-update": Flood(
        lambda n: frame(Kind.PRIORITY_UPDATE, (1).to_bytes(4) + b"u=%d" % (n % 8)),
    ),
    "empty-data": Flood(lambda n: data(1), post(1, b"/echo")),
    "data-of-padding": Flood(lambda n: data(1, padding=0), post(1, b"/echo")),
    "window-updates": Flood(lambda n: window_update(0, 1)),
    "window-updates-of-a-stream": Flood(lambda n: window_update(1, 1), get(1, b"/wait")),
    "window-updates-of-a-closed-stream": Flood(lambda n: window_update(1, 1), get(1)),
    "resets-of-a-closed-stream": Flood(lambda n: rst_stream(1), get(1)),
    "unknown-frames": Flood(lambda n: frame(Kind.UNKNOWN, b"x")),
    "empty-continuations": Flood(lambda n: continuation(1), headers(1, request(), is_complete=False), most=1000),
    "continuations": Flood(
        lambda n: continuation(1, b"\0\1a\1b" * 100), headers(1, request(), is_complete=False), most=2000
    ),
    "large-continuations": Flood(
        lambda n: continuation(1, b"\0\1a\1b" * 3200), headers(1, request(), is_complete=False), most=200
    ),
    "trailers-without-end": Flood(
        lambda n: continuation(1, b"\0\1a\1b" * 100),
        post(1, b"/echo") + headers(1, [(b"a", b"b")], is_complete=False),
        most=2000,
    ),
    "requests-without-end-of-headers": Flood(
        lambda n: continuation(1, b"\0" if n % 3 == 0 else b"\1a" if n % 3 == 1 else b"\1b"),
        headers(1, request(), is_complete=False),
        most=2000,
    ),
}


async def _send_flood(served: Served, flood: Flood) -> int:
    """Send frames until the connection ends; return how many."""
    await served.peer.send(flood.first)
    for start in range(0, flood.most, _BATCH):
        await served.peer.send(*map(flood.unit, range(start, start + _BATCH)))
        if served.peer.is_closed:
            return start + _BATCH
    raise AssertionError(f"the connection still goes on after {flood.most} frames")


@pytest.mark.parametrize("flood", [pytest.param(flood, id=name) for name, flood in FLOODS.items()])
async def test_flood_ends_the_connection(served: Served, flood: Flood, caplog: pytest.LogCaptureFixture) -> None:
    await _send_flood(served, flood)

    served.peer.check_ended(*flood.codes)
    assert served.handlers.peak <= 100
    assert _lines(caplog), "no line of the log explains the end"


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "HTTP/2" in record.getMessage()]


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(lambda n: ping(), id="ping"),
        pytest.param(lambda n: settings(), id="settings"),
        pytest.param(lambda n: get(_stream(n)) + rst_stream(_stream(n)), id="reset"),
        pytest.param(lambda n: get(_stream(n)), id="get"),
    ],
)
async def test_answers_that_are_not_read_are_bounded(engine: str, unit: Callable[[int], bytes]) -> None:
    async with serving(engine) as served:
        await served.peer.start()
        connection = served.peer.connection
        assert isinstance(connection, Connection)
        connection.pause_reading()
        for start in range(0, 20_000, _BATCH):
            if connection.is_lost or connection.undelivered > 2**20:
                break
            await connection.send(b"".join(map(unit, range(start, start + _BATCH))))

        assert connection.unread < 2**19


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(lambda n: get(_stream(n), b"/stubborn") + rst_stream(_stream(n)), id="reset"),
        pytest.param(lambda n: get(_stream(n), b"/stubborn") + window_update(_stream(n), 0), id="made-you-reset"),
    ],
)
async def test_stream_counts_until_its_handler_ends(engine: str, unit: Callable[[int], bytes]) -> None:
    async with serving(engine) as served:
        most = (await served.peer.start())[Setting.MAX_CONCURRENT_STREAMS]
        for number in range(most + 50):
            await served.peer.send(unit(number))
            if served.peer.is_closed:
                break

        assert served.handlers.peak <= most


# -- the same frames in the numbers of honest clients


def _browsing() -> Iterator[bytes]:
    """Yield 400 requests, a tenth of them cancelled, with the other frames that browsers and gRPC clients send."""
    for number in range(400):
        stream = _stream(number)
        yield frame(Kind.PRIORITY_UPDATE, stream.to_bytes(4) + b"u=3, i")
        yield get(stream, b"/wait" if number % 10 == 0 else b"/")
        yield rst_stream(stream) if number % 10 == 0 else window_update(0, 5)
        if number % 20 == 0:
            yield ping()


async def test_honest_client_is_not_ended(served: Served) -> None:
    for frames in _browsing():
        await served.peer.send(frames)
        await served.advance(0.02)

    assert served.peer.goaway is None
    assert not served.peer.is_closed
    assert [served.peer.response(_stream(number)).statuses for number in range(1, 400, 10)] == [[200]] * 40


async def test_download_with_a_window_update_for_each_frame_is_not_a_flood(served: Served) -> None:
    content = 0
    await served.peer.send(get(1, b"/stream/400"))
    while len(served.peer.response(1).content) > content:
        news = len(served.peer.response(1).content) - content
        content += news
        await served.peer.send(*(window_update(stream, news) for stream in (0, 1)))

    assert (served.peer.goaway, content) == (None, 400 * 16384)
    assert served.peer.response(1).is_complete


async def test_upload_in_small_frames_is_not_a_flood(served: Served) -> None:
    await served.peer.send(post(1, b"/echo"))
    for _ in range(100):
        await served.peer.send(data(1, b"x" * 100))
    await served.peer.send(data(1, ends=True))

    assert served.peer.response(1).content == b"x" * 10_000


# -- memory


def _bomb() -> bytes:
    """Return a block whose 4,000 references to one large field stand for 16 MB."""
    value = b"a" * 4000
    added = b"\x40\1x" + b"\x7f" + bytes(((len(value) - 127) & 0x7F | 0x80, (len(value) - 127) >> 7)) + value
    return headers(1, request())[9:] + added + b"\xbe" * 4000


def _endless() -> bytes:
    return headers(1, request())[9:] + b"\x7f" + b"\x80" * 10_000


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        pytest.param(_bomb(), (Code.ENHANCE_YOUR_CALM, Code.COMPRESSION_ERROR, Code.PROTOCOL_ERROR), id="bomb"),
        pytest.param(_endless(), (Code.COMPRESSION_ERROR, Code.PROTOCOL_ERROR), id="endless-integer"),
        pytest.param(b"\0" + b"\xff" * 9 + b"\x7f", (Code.COMPRESSION_ERROR,), id="huge-integer"),
        pytest.param(b"\x3f\xe1\xff\xff\xff\x07", (Code.COMPRESSION_ERROR,), id="huge-table"),
    ],
)
async def test_field_block_costs_little_memory(served: Served, fields: bytes, codes: tuple[Code, ...]) -> None:
    tracemalloc.start()
    try:
        await served.peer.send(headers(1, fields))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2**20
    assert served.handlers.begun == 0
    if served.peer.response(1).heads:
        assert served.peer.response(1).status == 431
    else:
        assert served.peer.outcome[1] in codes


async def test_table_of_the_client_may_not_cost_memory(served: Served) -> None:
    tracemalloc.start()
    try:
        await served.peer.send(settings((Setting.HEADER_TABLE_SIZE, 2**32 - 1), (Setting.MAX_HEADER_LIST_SIZE, 1)))
        for number in range(40):
            await served.peer.send(get(_stream(number), b"/echo", (b"x", b"%d" % number * 1500)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2**21


async def test_content_in_frames_of_one_byte_costs_little_memory(served: Served) -> None:
    await served.peer.send(post(1, b"/wait"))
    frames = [data(1, b"x")] * 500
    tracemalloc.start()
    try:
        for _ in range(40):
            await served.peer.send(*frames)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    # The test itself stores the sent bytes: 200 kB.
    assert peak < 2 * 2**20
    assert served.peer.goaway is None


async def test_lost_connections_leave_nothing_behind(engine: str) -> None:
    async with serving(engine) as served:
        sizes = []
        tracemalloc.start()
        try:
            for _ in range(3):
                for _ in range(20):
                    await _lose(served)
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()

    assert sizes[2] - sizes[1] < 20 * 1024


async def _lose(served: Served) -> None:
    peer = served.connect()
    await peer.start()
    await peer.send(get(1), post(3, b"/echo"), data(3, b"x" * 1000), headers(5, request(), is_complete=False))
    assert isinstance(peer.connection, Connection)
    await peer.connection.reset()
