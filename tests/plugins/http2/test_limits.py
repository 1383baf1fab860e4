"""The limits, deadlines and ends of HTTP/1.1 hold for streams (RFC 9113, sections 5.1.2, 6.8, 8.1 and 10.5.1)."""

from __future__ import annotations

import pytest

from tests.plugins.http2.frames import (
    PREFACE,
    Code,
    Kind,
    Setting,
    block,
    continuation,
    data,
    get,
    goaway,
    headers,
    ping,
    post,
    request,
)
from tests.plugins.http2.serving import Served, serving
from turnbuckle import Timeouts

Pairs = list[tuple[bytes, bytes]]


async def _send_block(served: Served, stream: int, fields: Pairs) -> None:
    encoded = block(fields)
    parts = [encoded[start : start + 16384] for start in range(0, len(encoded), 16384)]
    frames = [headers(stream, parts[0], is_complete=len(parts) == 1)]
    frames += [continuation(stream, part, is_complete=part is parts[-1]) for part in parts[1:]]
    await served.peer.send(*frames)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param(request(b"GET", b"/", (b"x", b"a" * 17000)), 431, id="long-line"),
        pytest.param(request(b"GET", b"/", *[(b"x", b"a" * 1000)] * 70), 431, id="many-bytes"),
        pytest.param(request(b"GET", b"/", *[(b"x", b"a")] * 200), 431, id="many-lines"),
        pytest.param(request(b"GET", b"/" + b"a" * 9000), 414, id="long-path"),
    ],
)
async def test_large_request_is_refused_and_the_connection_goes_on(
    served: Served, engine: str, fields: Pairs, status: int
) -> None:
    await _send_block(served, 1, fields)
    if engine == "zttp" and served.peer.goaway:
        # A gap: zttp itself refuses more than 64 KiB, and its table cannot be used after that.
        served.peer.check_ended(Code.ENHANCE_YOUR_CALM)
        return
    assert served.peer.response(1).statuses == [status]
    assert served.handlers.begun == 0

    await served.peer.send(get(3))
    assert served.peer.response(3).status == 200


async def test_field_block_without_bound_ends_the_connection(served: Served) -> None:
    await _send_block(served, 1, request(b"GET", b"/", *[(b"x", b"a" * 1000)] * 4000))

    served.peer.check_ended(Code.ENHANCE_YOUR_CALM, Code.PROTOCOL_ERROR, Code.COMPRESSION_ERROR)
    assert served.handlers.begun == 0


async def test_content_beyond_its_limit_is_refused(engine: str) -> None:
    async with serving(engine, settings={"limits": {"content": 1000}}) as served:
        await served.peer.start()
        await served.peer.send(post(1, b"/echo"), data(1, bytes(1001), ends=True))
        await served.peer.send(post(3, b"/echo", (b"content-length", b"1001")))
        assert (served.peer.response(1).statuses, served.peer.response(3).statuses) == ([413], [413])

        await served.peer.send(get(5))
        assert served.peer.response(5).status == 200


async def test_trailers_beyond_their_limit_are_refused(served: Served) -> None:
    await served.peer.send(post(1, b"/echo"), data(1, b"x"), headers(1, [(b"x", b"a")] * 100))

    response = served.peer.response(1)
    assert response.reset is not None or served.peer.is_closed or response.status in {400, 431}


# -- deadlines


async def test_field_block_has_a_deadline(served: Served) -> None:
    await served.peer.send(headers(1, request(), is_complete=False))
    seconds = 0
    while not served.peer.is_closed and seconds < 30:
        await served.advance(1)
        seconds += 1
        await served.peer.send(continuation(1, b""))

    assert seconds <= 15
    served.peer.check_ended(Code.ENHANCE_YOUR_CALM)


async def test_preface_has_a_deadline(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.send(PREFACE[:20])
        await served.advance(20)

        assert served.peer.is_closed


async def test_settings_behind_the_preface_have_a_deadline(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.send(PREFACE)
        await served.advance(120)

        assert served.peer.is_closed


async def test_connection_without_requests_ends_by_goaway(served: Served) -> None:
    await served.peer.send(get(1))
    for _ in range(100):
        await served.advance(2)
        if served.peer.is_closed:
            break
        # Pings do not keep it open.
        await served.peer.send(ping())

    served.peer.check_ended(Code.NO_ERROR)


async def test_connection_with_a_request_is_not_idle(served: Served) -> None:
    await served.peer.send(get(1, b"/wait"))
    await served.advance(300)
    assert not served.peer.is_closed

    served.handlers.released.set()
    await served.peer.send(ping())
    assert served.peer.response(1).content == b"done"


async def test_content_that_does_not_come_is_timed_out(served: Served) -> None:
    await served.peer.send(post(1, b"/echo"), data(1, b"x"))
    await served.advance(35)

    assert served.peer.response(1).statuses == [408]
    await served.peer.send(get(3))
    assert served.peer.response(3).status == 200


async def test_content_that_trickles_is_timed_out(served: Served) -> None:
    await served.peer.send(post(1, b"/echo"))
    for _ in range(100):
        await served.advance(1)
        if served.peer.response(1).heads:
            break
        await served.peer.send(data(1, b"x"))

    assert served.peer.response(1).statuses == [408]


async def test_handler_that_takes_too_long_is_answered_for(engine: str) -> None:
    async with serving(engine, timeouts=Timeouts(handler=5)) as served:
        await served.peer.start()
        await served.peer.send(get(1, b"/wait"))
        await served.advance(6)

        assert served.peer.response(1).statuses == [503]
        assert served.handlers.running == 0


async def test_streams_together_share_no_deadline(engine: str) -> None:
    async with serving(engine, timeouts=Timeouts(handler=5)) as served:
        await served.peer.start()
        await served.peer.send(get(1, b"/wait"))
        await served.advance(3)
        await served.peer.send(get(3, b"/wait"))
        await served.advance(3)

        assert (served.peer.response(1).statuses, served.peer.response(3).statuses) == ([503], [])


# -- ends


async def test_client_that_is_gone_leaves_no_handler(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.start()
        await served.peer.open_windows(0)
        await served.peer.send(get(1, b"/stream/1000"), post(3, b"/echo"), data(3, b"x"))
        await served.peer.send(get(5, b"/wait"))
        connection = served.client.connect()
        await connection.close()
        await served.peer.connection.reset()  # type: ignore[attr-defined]
        served.handlers.released.set()
        await served.advance(1)

        assert served.handlers.running == 0
        assert served.handlers.pieces <= 20


async def test_half_closed_connection_is_answered_and_ended(served: Served) -> None:
    await served.peer.send(get(1, b"/large/1"))
    await served.peer.connection.half_close()  # type: ignore[attr-defined]
    served.peer.read()

    assert len(served.peer.response(1).content) == 16384
    assert served.peer.is_closed


async def test_goaway_of_the_client_ends_after_its_streams(served: Served) -> None:
    await served.peer.send(get(1, b"/wait"), goaway())
    assert not served.peer.is_closed
    served.handlers.released.set()
    await served.peer.send(ping())

    assert served.peer.response(1).content == b"done"
    await served.advance(60)
    assert served.peer.is_closed


async def test_drain_answers_the_streams_that_were_sent(served: Served) -> None:
    await served.peer.send(get(1, b"/wait"))
    served.client.server.begin_drain()
    await served.peer.send(get(3))
    assert served.peer.goaway is not None
    assert served.peer.goaway.code == Code.NO_ERROR
    assert not served.peer.is_closed

    served.handlers.released.set()
    await served.advance(1)
    assert served.peer.response(1).content == b"done"
    last = served.peer.goaway
    assert last is not None
    is_promised = int.from_bytes(last.payload[:4]) >= 3
    assert (served.peer.response(3).statuses == [200]) == is_promised
    await served.advance(30)
    assert served.peer.is_closed


async def test_last_stream_identifier_may_be_used(served: Served) -> None:
    await served.peer.send(get(2**31 - 1))

    assert served.peer.response(2**31 - 1).content == b"hello"


async def test_server_announces_its_limits(engine: str) -> None:
    async with serving(engine) as served:
        announced = await served.peer.start()

        assert 1 <= announced[Setting.MAX_CONCURRENT_STREAMS] <= 1000
        assert announced[Setting.MAX_HEADER_LIST_SIZE] >= 65536
        assert announced.get(Setting.ENABLE_PUSH, 0) == 0
        assert announced.get(Setting.MAX_FRAME_SIZE, 16384) == 16384
        assert announced.get(Setting.HEADER_TABLE_SIZE, 4096) <= 65536


async def test_response_has_no_field_of_a_connection(served: Served) -> None:
    await served.peer.send(get(1), headers(3, request(b"HEAD", b"/")))
    fields = served.peer.response(1).fields

    assert not {"connection", "keep-alive", "transfer-encoding", "upgrade"} & set(fields)
    assert fields["content-length"] == "5"
    assert "date" in fields
    assert all(name == name.lower() for name in fields)


async def test_large_response_fields_are_split_into_frames(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.start((Setting.HEADER_TABLE_SIZE, 0))
        await served.peer.send(get(1, b"/fields/40"))

        kinds = [received.kind for received in served.peer.frames if received.stream == 1]
        assert kinds[:3] == [Kind.HEADERS, Kind.CONTINUATION, Kind.CONTINUATION]
        assert all(len(received.payload) <= 16384 for received in served.peer.frames)
        assert served.peer.response(1).statuses == [200]


async def test_http_1_is_served_on_the_same_listener(served: Served) -> None:
    exchange = await served.client.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert exchange.statuses == [200]
