"""Windows in both directions: closed, tiny, negative, exceeded; padding counts (RFC 9113, sections 5.2, 6.1, 6.9)."""

from __future__ import annotations

import time

import pytest

from tests.plugins.http2.frames import Code, Kind, Setting, data, get, ping, post, rst_stream, settings, window_update
from tests.plugins.http2.peer import H2Peer
from tests.plugins.http2.serving import PIECE, Served, serving
from turnbuckle import Timeouts
from turnbuckle.testing import Connection

# -- the window of the client


@pytest.mark.parametrize("size", [1, 3])
async def test_response_is_sent_in_pieces_of_the_window(engine: str, size: int) -> None:
    async with serving(engine) as served:
        await served.peer.start((Setting.INITIAL_WINDOW_SIZE, size))
        await served.peer.send(get(1))
        pieces = [served.peer.response(1).content]
        while not served.peer.response(1).is_complete:
            await served.peer.send(window_update(1, size))
            pieces.append(served.peer.response(1).content)

        assert pieces[:2] == [b"hello"[:size], b"hello"[: 2 * size]]
        assert pieces[-1] == b"hello"


async def test_window_of_the_connection_holds_for_all_streams(served: Served) -> None:
    await served.peer.send(get(1, b"/large/3"), get(3, b"/large/3"))
    both = served.peer.responses[1].content + served.peer.responses[3].content
    assert len(both) == 65535

    await served.peer.send(window_update(0, 1000))
    await served.peer.open_windows(0)
    assert [len(served.peer.response(stream).content) for stream in (1, 3)] == [3 * PIECE] * 2
    assert all(served.peer.response(stream).is_complete for stream in (1, 3))


async def test_window_of_0_holds_back_the_handler(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.start((Setting.INITIAL_WINDOW_SIZE, 0))
        await served.peer.send(get(1, b"/stream/1000"), get(3))

        assert served.peer.response(1).statuses == [200]
        assert served.peer.response(1).content == b""
        assert served.handlers.pieces <= 20
        assert served.peer.response(3).content == b""


async def test_window_of_0_for_ever_is_ended_by_the_write_deadline(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.start((Setting.INITIAL_WINDOW_SIZE, 0))
        await served.peer.send(get(1, b"/stream/1000"), get(3))
        # The client seems alive.
        for _ in range(20):
            await served.advance(5)
            if served.peer.is_closed or served.peer.response(1).reset is not None:
                break
            await served.peer.send(ping())

        if not served.peer.is_closed:
            assert served.peer.response(1).reset in {Code.CANCEL, Code.INTERNAL_ERROR, Code.FLOW_CONTROL_ERROR}
            assert served.peer.response(3).reset is not None
        assert served.handlers.pieces <= 20


async def test_window_that_can_never_open_ends_the_connection(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.start((Setting.INITIAL_WINDOW_SIZE, 0))
        await served.peer.send(get(1), get(3, b"/stream/100"), window_update(1, 1))
        assert served.peer.response(1).content == b"h"
        assert isinstance(served.peer.connection, Connection)
        await served.peer.connection.half_close()

        assert served.peer.is_closed


async def test_reader_that_is_too_slow_is_ended(engine: str) -> None:
    async with serving(engine, timeouts=Timeouts(write=10, write_rate=500)) as served:
        await served.peer.start((Setting.INITIAL_WINDOW_SIZE, 1))
        await served.peer.send(get(1, b"/stream/1000"))
        for _ in range(30):
            await served.advance(1)
            if served.peer.is_closed or served.peer.response(1).reset is not None:
                break
            await served.peer.send(window_update(1, 1))

        assert served.peer.is_closed or served.peer.response(1).reset is not None
        assert served.handlers.pieces <= 20


async def test_window_may_become_negative(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.start((Setting.INITIAL_WINDOW_SIZE, 3))
        await served.peer.send(get(1))
        assert served.peer.response(1).content == b"hel"

        await served.peer.send(settings((Setting.INITIAL_WINDOW_SIZE, 1)))
        await served.peer.send(window_update(1, 2))
        assert served.peer.response(1).content == b"hel"
        await served.peer.send(window_update(1, 1))
        assert served.peer.response(1).content == b"hell"
        await served.peer.send(settings((Setting.INITIAL_WINDOW_SIZE, 2)))
        assert (served.peer.response(1).content, served.peer.response(1).is_complete) == (b"hello", True)


async def test_window_of_a_waiting_stream_does_not_stop_another(served: Served) -> None:
    await served.peer.open_windows(0)
    await served.peer.send(get(1, b"/stream/100"))
    await served.peer.send(get(3, b"/large/2"))

    assert len(served.peer.response(1).content) == 65535
    assert served.peer.response(3).is_complete


async def test_tiny_windows_cost_linear_time(engine: str) -> None:
    seconds = []
    for size in (1000, 4000):
        async with serving(engine) as served:
            await served.peer.start((Setting.INITIAL_WINDOW_SIZE, 1))
            await served.peer.send(get(1, b"/stream/1000"))
            start = time.process_time()
            for _ in range(size // 100):
                await served.peer.send(window_update(1, 1) * 100)
            seconds.append(time.process_time() - start)

    assert seconds[1] < seconds[0] * 4 * 4


# -- the window of the server


async def test_content_beyond_the_window_ends_the_stream(served: Served) -> None:
    window = served.peer.frames[0].settings().get(Setting.INITIAL_WINDOW_SIZE, 65535)
    await served.peer.send(post(1, b"/wait"))
    sent = 0
    while sent <= window + 2 * PIECE and served.peer.outcome[0] == "none":
        await served.peer.send(data(1, bytes(PIECE)))
        sent += PIECE

    assert served.peer.outcome[1] == Code.FLOW_CONTROL_ERROR


async def test_content_that_is_not_read_opens_no_window(served: Served) -> None:
    await served.peer.send(post(1, b"/wait"))
    for _ in range(3):
        await served.peer.send(data(1, bytes(PIECE)))

    assert _opened(served.peer, 1) == 0
    # The other streams of the connection go on.
    await served.peer.send(post(3, b"/echo"), data(3, b"hello", ends=True))
    assert served.peer.response(3).content == b"hello"


def _opened(peer: H2Peer, stream: int) -> int:
    return sum(
        int.from_bytes(received.payload)
        for received in peer.frames
        if received.kind == Kind.WINDOW_UPDATE and received.stream == stream
    )


async def test_content_that_is_read_opens_both_windows(served: Served) -> None:
    await served.peer.send(post(1, b"/echo"))
    sent = 0
    for _ in range(30):
        await served.peer.send(data(1, bytes(PIECE)))
        sent += PIECE
        assert served.peer.outcome[0] == "none", f"after {sent} bytes"
    await served.peer.send(data(1, ends=True))

    assert served.peer.response(1).status == 200
    assert _opened(served.peer, 0) > sent - 2**20


@pytest.mark.parametrize(
    "path",
    [pytest.param(b"/", id="unread"), pytest.param(b"/none", id="not-found"), pytest.param(b"/wait", id="reset")],
)
async def test_content_that_nothing_reads_opens_the_window_of_the_connection(served: Served, path: bytes) -> None:
    window = 65535 + _opened(served.peer, 0)
    sent = 0
    for number in range(100):
        stream = 2 * number + 1
        await served.peer.send(post(stream, path), data(stream, bytes(PIECE)))
        await served.peer.send(data(stream, bytes(PIECE)), rst_stream(stream))
        sent += 2 * PIECE
        if served.peer.goaway is not None:
            # So many cancelled streams may be a flood; the window was not the cause.
            assert served.peer.goaway.code == Code.ENHANCE_YOUR_CALM
            assert sent > window
            return

    assert window + _opened(served.peer, 0) - 65535 >= sent - window


async def test_padding_counts_and_is_returned(served: Served) -> None:
    await served.peer.send(post(1, b"/echo"))
    for _ in range(20):
        await served.peer.send(*[data(1, b"x" * 100, padding=255)] * 30)
        assert served.peer.outcome[0] == "none"
    await served.peer.send(data(1, ends=True, padding=255))

    assert served.peer.response(1).content == b"x" * 100 * 600
    assert _opened(served.peer, 1) > 600 * 356 - 2**17


async def test_padding_without_content_is_ended(served: Served) -> None:
    await served.peer.send(post(1, b"/echo"))
    sent = 0
    while not (served.peer.is_closed or served.peer.response(1).reset is not None):
        await served.peer.send(*[data(1, padding=255)] * 100)
        sent += 100
        assert sent < 20_000
