"""Frames that break a rule of the protocol, or look as if they did: the states of streams, sizes, settings, HPACK.

The groups follow the sections of RFC 9113, and of RFC 7541 at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from tests.plugins.http2.frames import (
    PREFACE,
    Code,
    Flag,
    Kind,
    Setting,
    block,
    continuation,
    data,
    frame,
    get,
    goaway,
    headers,
    ping,
    post,
    priority,
    request,
    rst_stream,
    settings,
    window_update,
)
from tests.plugins.http2.peer import H2Peer
from tests.plugins.http2.serving import Served, serving

PROTOCOL, SIZE, CLOSED = Code.PROTOCOL_ERROR, Code.FRAME_SIZE_ERROR, Code.STREAM_CLOSED
FLOW, COMPRESSION = Code.FLOW_CONTROL_ERROR, Code.COMPRESSION_ERROR


class Wrong(NamedTuple):
    """Frames after the preface, and the accepted error codes; ``may_reset`` if an end of the stream is enough."""

    frames: bytes
    codes: tuple[Code, ...] = (PROTOCOL,)
    may_reset: bool = False


def _fatal(*frames: bytes, codes: tuple[Code, ...] = (PROTOCOL,)) -> Wrong:
    return Wrong(b"".join(frames), codes)


def _stream_error(*frames: bytes, codes: tuple[Code, ...] = (PROTOCOL,)) -> Wrong:
    return Wrong(b"".join(frames), codes, may_reset=True)


_OPEN = post(1, b"/wait")
_BEGUN = headers(1, request(), is_complete=False)
# The word "test" in the Huffman code (RFC 7541, appendix B), with four bits of padding.
_TEST = b"\x49\x50\x9f"

WRONG: Mapping[str, Wrong] = {
    # 4.2: sizes.
    "large-data": _stream_error(_OPEN, data(1, bytes(16385)), codes=(SIZE,)),
    "large-headers": _fatal(headers(1, request(b"GET", b"/", (b"x", b"a" * 20000))), codes=(SIZE,)),
    "large-settings": _fatal(frame(Kind.SETTINGS, bytes(16386)), codes=(SIZE,)),
    "large-unknown": _fatal(frame(Kind.UNKNOWN, bytes(16385)), codes=(SIZE,)),
    "largest-length": _fatal(_OPEN, b"\xff\xff\xff\0\0\0\0\0\1" + bytes(20000), codes=(SIZE,)),
    # 4.3: nothing within a field block.
    "priority-within-headers": _fatal(_BEGUN, priority(1)),
    "data-within-headers": _fatal(_BEGUN, data(1, b"x")),
    "ping-within-headers": _fatal(_BEGUN, ping()),
    "settings-within-headers": _fatal(_BEGUN, settings()),
    "unknown-within-headers": _fatal(_BEGUN, frame(Kind.UNKNOWN, b"x")),
    "other-headers-within-headers": _fatal(_BEGUN, headers(3, request())),
    "continuation-of-another-stream": _fatal(_BEGUN, continuation(3, is_complete=True)),
    "reset-within-headers": _fatal(_BEGUN, rst_stream(1)),
    # 5.1: states.
    "data-on-idle": _fatal(data(1, b"x")),
    "reset-on-idle": _fatal(rst_stream(1)),
    "window-update-on-idle": _fatal(window_update(1, 100)),
    "continuation-on-idle": _fatal(continuation(1, block(request()), is_complete=True)),
    "data-on-half-closed": _stream_error(get(1, b"/wait"), data(1, b"x"), codes=(CLOSED,)),
    "headers-on-half-closed": _stream_error(get(1, b"/wait"), get(1), codes=(CLOSED,)),
    "continuation-on-half-closed": _fatal(get(1, b"/wait"), continuation(1, is_complete=True)),
    "data-after-reset": _stream_error(_OPEN, rst_stream(1), data(1, b"x"), codes=(CLOSED,)),
    "headers-after-reset": _stream_error(_OPEN, rst_stream(1), get(1), codes=(CLOSED, PROTOCOL)),
    "continuation-after-reset": _fatal(_OPEN, rst_stream(1), continuation(1, is_complete=True)),
    "data-on-closed": _stream_error(get(1), data(1, b"x"), codes=(CLOSED,)),
    "headers-on-closed": _stream_error(get(1), get(1), codes=(CLOSED, PROTOCOL)),
    # 5.1.1: identifiers.
    "even-stream": _fatal(get(2)),
    "smaller-stream": _stream_error(get(5), get(3), codes=(PROTOCOL, CLOSED)),
    "same-stream": _stream_error(get(5), get(5), codes=(PROTOCOL, CLOSED)),
    # 6.1 to 6.10.
    "data-on-stream-0": _fatal(data(0, b"x")),
    "data-with-too-much-padding": _fatal(
        _OPEN, frame(Kind.DATA, b"\6hello", stream=1, flags=Flag.PADDED | Flag.END_STREAM)
    ),
    "data-with-padding-as-long-as-the-frame": _fatal(_OPEN, frame(Kind.DATA, b"\1", stream=1, flags=Flag.PADDED)),
    "padded-data-without-length": _fatal(_OPEN, frame(Kind.DATA, stream=1, flags=Flag.PADDED), codes=(PROTOCOL, SIZE)),
    "headers-on-stream-0": _fatal(get(0)),
    "headers-with-too-much-padding": _fatal(headers(1, b"\xff" + block(request()), flags=Flag.PADDED)),
    "headers-with-half-a-priority": _fatal(
        frame(Kind.HEADERS, bytes(3), stream=1, flags=Flag.PRIORITY | Flag.END_HEADERS), codes=(SIZE, PROTOCOL)
    ),
    "priority-on-stream-0": _fatal(priority(0)),
    "short-priority": _stream_error(get(1), frame(Kind.PRIORITY, bytes(4), stream=1), codes=(SIZE,)),
    "reset-on-stream-0": _fatal(rst_stream(0)),
    "short-reset": _fatal(_OPEN, frame(Kind.RST_STREAM, bytes(3), stream=1), codes=(SIZE,)),
    "settings-with-ack-and-values": _fatal(settings((Setting.ENABLE_PUSH, 0), ack=True), codes=(SIZE,)),
    "settings-on-a-stream": _fatal(frame(Kind.SETTINGS, stream=1)),
    "settings-of-odd-size": _fatal(frame(Kind.SETTINGS, bytes(5)), codes=(SIZE,)),
    "settings-push-2": _fatal(settings((Setting.ENABLE_PUSH, 2))),
    "settings-window-too-large": _fatal(settings((Setting.INITIAL_WINDOW_SIZE, 2**31)), codes=(FLOW,)),
    "settings-frame-too-small": _fatal(settings((Setting.MAX_FRAME_SIZE, 16383))),
    "settings-frame-too-large": _fatal(settings((Setting.MAX_FRAME_SIZE, 2**24))),
    "push-promise": _fatal(frame(Kind.PUSH_PROMISE, b"\0\0\0\2" + block(request()), stream=1, flags=4)),
    "ping-on-a-stream": _fatal(frame(Kind.PING, bytes(8), stream=1)),
    "ping-of-6-bytes": _fatal(frame(Kind.PING, bytes(6)), codes=(SIZE,)),
    "goaway-on-a-stream": _fatal(frame(Kind.GOAWAY, bytes(8), stream=1)),
    "short-goaway": _fatal(frame(Kind.GOAWAY, bytes(7)), codes=(SIZE, PROTOCOL)),
    "window-update-of-0": _fatal(window_update(0, 0)),
    "window-update-of-0-on-a-stream": _stream_error(get(1, b"/wait"), window_update(1, 0)),
    "short-window-update": _fatal(frame(Kind.WINDOW_UPDATE, bytes(3)), codes=(SIZE,)),
    "continuation-on-stream-0": _fatal(_BEGUN, continuation(0, is_complete=True)),
    "continuation-after-complete-headers": _fatal(get(1, b"/wait"), continuation(1, is_complete=True)),
    "continuation-after-the-last": _fatal(
        _BEGUN, continuation(1, is_complete=True), continuation(1, is_complete=True), codes=(PROTOCOL, CLOSED)
    ),
    "continuation-after-data": _fatal(_OPEN, data(1, b"x"), continuation(1, is_complete=True)),
    # 6.9: windows.
    "window-overflow": _fatal(*[window_update(0, 2**31 - 1)] * 2, codes=(FLOW,)),
    "window-overflow-of-a-stream": _stream_error(get(1, b"/wait"), *[window_update(1, 2**31 - 1)] * 2, codes=(FLOW,)),
    "window-overflow-by-settings": _fatal(
        get(1, b"/wait"),
        window_update(1, 2**31 - 1 - 65535),
        settings((Setting.INITIAL_WINDOW_SIZE, 65536)),
        codes=(FLOW,),
    ),
    # 8.1.
    "second-headers-without-end": _stream_error(_OPEN, headers(1, [(b"x", b"y")], ends=False)),
    # RFC 7541.
    "index-0": _fatal(headers(1, b"\x80"), codes=(COMPRESSION,)),
    "index-beyond-the-table": _fatal(headers(1, block(request()) + b"\xc0"), codes=(COMPRESSION,)),
    "index-of-a-name-beyond-the-table": _fatal(headers(1, block(request()) + b"\x7e\1a"), codes=(COMPRESSION,)),
    "block-cut-short": _fatal(headers(1, block(request())[:-1]), codes=(COMPRESSION,)),
    "table-size-at-the-end": _fatal(headers(1, block(request()) + b"\x20"), codes=(COMPRESSION,)),
    "table-size-too-large": _fatal(headers(1, b"\x3f\xe2\x7f" + block(request())), codes=(COMPRESSION,)),
    "huffman-padding-of-a-byte": _fatal(
        headers(1, block(request()) + b"\0\1x\x84" + _TEST + b"\xff"), codes=(COMPRESSION,)
    ),
    "huffman-padding-of-zeros": _fatal(headers(1, block(request()) + b"\0\1x\x83\x49\x50\x90"), codes=(COMPRESSION,)),
    "huffman-end-of-string": _fatal(headers(1, block(request()) + b"\0\1x\x84\xff\xff\xff\xff"), codes=(COMPRESSION,)),
}


@pytest.mark.parametrize("name", WRONG)
async def test_wrong_frame_ends_stream_or_connection(
    served: Served, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = WRONG[name]
    await served.peer.send(wrong.frames)

    kind, code = served.peer.outcome
    assert code in wrong.codes, f"{served.peer.frames[-3:]}"
    if kind == "RST_STREAM":
        assert wrong.may_reset
        await _check_goes_on(served.peer)
    else:
        assert served.peer.is_closed
        assert any("HTTP/2" in record.getMessage() for record in caplog.records)
    assert served.handlers.running <= 1


async def _check_goes_on(peer: H2Peer, stream: int = 101) -> None:
    await peer.send(get(stream))
    assert (peer.response(stream).statuses, peer.response(stream).content) == ([200], b"hello")


# GET, http and / as indexes of the static table (RFC 7541, appendix A).
_BEFORE = b"\x82\x86\x84"

RIGHT: Mapping[str, bytes] = {
    "unknown-type": frame(Kind.UNKNOWN, b"12345678") + get(1),
    "unknown-type-on-a-stream": frame(Kind.UNKNOWN, b"12345678", stream=7) + get(1),
    "undefined-flags": frame(Kind.PING, bytes(8), flags=0xFE) + get(1),
    "reserved-bit": frame(Kind.PING, bytes(8), stream=2**31) + get(1),
    "largest-data": post(1, b"/") + data(1, bytes(16384), ends=True),
    "padded-data": post(1, b"/") + data(1, b"hello", padding=255) + data(1, padding=0) + data(1, ends=True, padding=9),
    "padded-headers": headers(1, request(), flags=Flag.PADDED, before=b"\5", after=bytes(5)),
    "headers-with-priority": headers(1, request(), flags=Flag.PRIORITY, before=b"\0\0\0\0\xff"),
    "headers-with-padding-and-priority": headers(
        1, request(), flags=Flag.PRIORITY | Flag.PADDED, before=b"\5\0\0\0\0\xff", after=bytes(5)
    ),
    "headers-in-pieces": headers(1, block(request())[:10], is_complete=False)
    + continuation(1, block(request())[10:11])
    + continuation(1, block(request())[11:], is_complete=True),
    "empty-headers-and-continuation": headers(1, b"", is_complete=False)
    + continuation(1, block(request()), is_complete=True),
    "priority-on-idle": priority(1, 3) + get(1),
    "priority-on-idle-and-lower-stream": priority(5) + get(1),
    "priority-exclusive": priority(1, 2**31 | 3, 255) + get(1),
    "priority-on-half-closed": get(1) + priority(1),
    "priority-on-closed": post(1) + rst_stream(1) + priority(1) + get(3),
    "reset-twice": post(3, b"/wait") + rst_stream(3) * 2 + get(5),
    "reset-with-unknown-code": post(3, b"/wait") + rst_stream(3, 0xFF) + get(5),
    "window-update-on-half-closed": get(1) + window_update(1, 10) + window_update(0, 10),
    "largest-windows": get(1) + window_update(0, 2**31 - 1 - 65535),
    "unknown-setting": settings((Setting.UNKNOWN, 1)) + get(1),
    "settings-twice": settings((Setting.INITIAL_WINDOW_SIZE, 1), (Setting.INITIAL_WINDOW_SIZE, 100)) + get(1),
    "settings-of-every-kind": settings(
        (Setting.HEADER_TABLE_SIZE, 0),
        (Setting.ENABLE_PUSH, 0),
        (Setting.MAX_CONCURRENT_STREAMS, 0),
        (Setting.MAX_FRAME_SIZE, 2**24 - 1),
        (Setting.MAX_HEADER_LIST_SIZE, 2**32 - 1),
    )
    + get(1),
    "ping-ack": ping(b"no ping!", ack=True) + get(1),
    "goaway-then-answer": get(1) + goaway(),
    "goaway-with-unknown-code": get(1) + goaway(0xFF),
    "skipped-streams": get(2**31 - 1),
    "trailers": post(1) + data(1, b"x") + headers(1, [(b"x", b"y")]),
    "indexed": headers(1, _BEFORE + b"\x41\x0atestserver"),
    "huffman": headers(1, _BEFORE + b"\x41\x83" + _TEST),
    "not-indexed": headers(1, _BEFORE + b"\x01\x0atestserver"),
    "never-indexed": headers(1, _BEFORE + b"\x11\x0atestserver" + b"\x10\1x\1y"),
    "from-the-table": headers(1, block(request(), first=0x40)) + headers(3, b"\xc1\xc0\xbf\xbe"),
    "table-sizes": headers(1, b"\x20\x3f\xe1\x1f" + block(request())),
}


@pytest.mark.parametrize("frames", [pytest.param(frames, id=name) for name, frames in RIGHT.items()])
@pytest.mark.parametrize("split", ["whole", "in-pieces"])
async def test_right_frames_are_served(served: Served, frames: bytes, split: str) -> None:
    size = len(frames) if split == "whole" else 7
    for start in range(0, min(len(frames), 1400), size):
        await served.peer.send(frames[start : start + size])
    await served.peer.send(frames[min(len(frames), 1400) :] if split != "whole" else b"")

    answered = [response for response in served.peer.responses.values() if response.statuses == [200]]
    assert [response.content for response in answered if response.is_complete][:1] == [b"hello"]
    assert served.peer.goaway is None or served.peer.goaway.code == 0


async def test_ping_is_answered_with_its_payload(served: Served) -> None:
    (answer,) = await served.peer.send(ping(b"payload!"))

    assert answer == (Kind.PING, Flag.ACK, 0, b"payload!")


async def test_settings_are_acknowledged(served: Served) -> None:
    (answer,) = await served.peer.send(settings((Setting.INITIAL_WINDOW_SIZE, 100)))

    assert answer == (Kind.SETTINGS, Flag.ACK, 0, b"")


async def test_stream_that_was_reset_may_not_be_answered(served: Served) -> None:
    await served.peer.send(get(1, b"/wait"), rst_stream(1))
    served.handlers.released.set()
    await served.peer.send(ping())

    assert served.peer.response(1).heads == []
    await _check_goes_on(served.peer)


@pytest.mark.parametrize("size", [1, 7, 24, 25, 40])
async def test_preface_in_pieces(engine: str, size: int) -> None:
    async with serving(engine) as served:
        raw = PREFACE + settings() + get(1)
        for start in range(0, len(raw), size):
            await served.peer.send(raw[start : start + size])

        assert served.peer.response(1).content == b"hello"


@pytest.mark.parametrize("raw", [PREFACE[:-1] + b"\0", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI / HTTP/2.0\r\n\r\n"])
async def test_wrong_preface_ends_the_connection(engine: str, raw: bytes) -> None:
    async with serving(engine) as served:
        await served.peer.connection.send(raw + get(1))

        assert served.peer.is_closed
        assert served.handlers.begun == 0


async def test_preface_without_settings_ends_the_connection(engine: str) -> None:
    async with serving(engine) as served:
        await served.peer.send(PREFACE, get(1))

        served.peer.check_ended(PROTOCOL)
        assert served.handlers.begun == 0


async def test_streams_beyond_the_limit_are_refused(served: Served) -> None:
    most = served.peer.frames[0].settings()[Setting.MAX_CONCURRENT_STREAMS]
    await served.peer.send(*(get(2 * number + 1, b"/wait") for number in range(most + 1)))

    served.peer.check_reset(2 * most + 1, Code.REFUSED_STREAM, PROTOCOL)
    assert served.handlers.running == most
    served.handlers.released.set()
    await served.peer.send(ping())
    await served.peer.send(get(2 * most + 3))
    assert served.peer.response(2 * most + 3).status == 200
