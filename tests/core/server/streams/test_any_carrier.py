"""A run keeps the contract of ``StreamChannel``, and ends, after any sequence of reports of its carrier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings, strategies as st

from tests.core.server.streams.hosting import Hosted, hosting
from tests.core.server.streams.recording_channel import RecordingChannel
from turnbuckle import ProtocolError, Request, Response, Stream, StreamRun
from turnbuckle.server.model.timeouts import Timeouts

_PATHS = ("/hello", "/echo", "/copy", "/late", "/wait", "/boom", "/break")
_STEPS = ("data", "data", "end", "fail", "take", "take", "disconnect", "settle", "settle", "second", "minute", "abort")


async def _copied(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        yield piece + b"!"


async def _breaking() -> AsyncIterator[bytes]:
    yield b"a"
    raise LookupError("the source is gone")


async def _handle(request: Request) -> Response:
    match request.path:
        case "/echo":
            return Response(await request.read())
        case "/copy":
            return Stream(_copied(request), trailers={"X-End": "1"})
        case "/late":
            await asyncio.sleep(0)
            return Response("late")
        case "/wait":
            await request.disconnected()
        case "/boom":
            raise LookupError("boom")
        case "/break":
            return Stream(_breaking())
    return Response("hello")


def _check(channel: RecordingChannel, received: int) -> None:
    kinds = [event[0] for event in channel.events]
    assert kinds.count("head") <= 1
    final = [kind for kind in kinds if kind != "interim"]
    assert not final or final[0] in ("head", "reset")
    ends = [
        number
        for number, event in enumerate(channel.events)
        if event[0] in ("trailers", "reset") or (event[0] in ("head", "data") and event[-1])
    ]
    # A response that the peer does not take is reset after its end.
    assert len(ends) <= 1 or [kinds[number] for number in ends[1:]] == ["reset"]
    assert not ends or ends[-1] == len(kinds) - 1
    assert channel.consumed == received


async def _step(step: str, hosted: Hosted, run: StreamRun, channel: RecordingChannel) -> int:
    match step:
        case "data":
            run.content_received(b"abc")
            return 3
        case "end":
            run.content_ended()
        case "fail":
            run.content_failed(ProtocolError("malformed", status=400))
        case "take":
            channel.take(2, run)
        case "disconnect":
            run.disconnect()
        case "settle":
            await hosted.settle()
        case "second" | "minute":
            await hosted.advance(1 if step == "second" else 61)
        case "abort":
            run.abort()
    return 0


async def _run(path: str, window: int | None, cancels: bool, steps: list[str]) -> bool:
    timeouts = Timeouts(handler=50, content=20, write=20, total=60)
    async with hosting(_handle, timeouts=timeouts, cancel_on_disconnect=cancels) as hosted:
        run, channel = await hosted.begin("POST", path, has_content=True, window=window)
        received, has_ended = 0, False
        for step in steps:
            if not (has_ended and step in ("data", "end", "fail")):
                received += await _step(step, hosted, run, channel)
            has_ended = has_ended or step in ("end", "fail")
        await hosted.advance(61)
        assert run.is_done
        assert not run.is_running
        _check(channel, received)
        stopping = asyncio.create_task(hosted.host.stop())
        await hosted.settle()
        return stopping.done()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=100)
@given(
    path=st.sampled_from(_PATHS),
    window=st.sampled_from([None, 0, 4]),
    cancels=st.booleans(),
    steps=st.lists(st.sampled_from(_STEPS), max_size=8),
)
def test_run_keeps_the_contract(path: str, window: int | None, cancels: bool, steps: list[str]) -> None:
    assert asyncio.run(_run(path, window, cancels, steps))
