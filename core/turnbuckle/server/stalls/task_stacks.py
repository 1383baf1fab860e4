"""Say what something that does not end is waiting for, or what a loop is busy with: request, place in the code.

Nobody keeps books for this: whoever asks, which is seldom, looks at the frames of suspended coroutines. Each object
that is awaited leads to the next one; those that are written in C are asked for what they refer to.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Final

from turnbuckle.diagnostics import Origin
from turnbuckle.web.handlers import call_in_thread, call_plain_handler
from turnbuckle.web.request.request import Request

__all__ = ["await_location", "blocking_location", "callback_frames", "request_holder"]

# An await leads to another at most this often before it is taken for a circle.
_DEEPEST: Final = 200

_CORE: Final = str(Path(__file__).parents[2])
_STDLIB: Final = sysconfig.get_path("stdlib")

# What a loop is run by, and what asyncio's loop runs callbacks from; uvloop has no frames.
_ASYNCIO: Final = str(Path(asyncio.__file__).parent)
_OF_LOOP: Final = ("_run", "run", "_run_once", "run_forever", "run_until_complete")


def await_location(waiting: object) -> str:
    """Return ``file:line in function`` of the await that something is at; "" if that cannot be known.

    Args:
        waiting: a task, a coroutine or an async generator that is suspended. If that is for a plain handler in a
            thread, the place is where that thread is.

    Returns:
        The innermost place that is neither in the core nor in the standard library, and in no installed package if
        there is a choice.
    """
    frames = list(_frames(waiting))
    if (threaded := next(filter(None, map(_thread_of, frames)), None)) is not None:
        frames = threaded
    return _place_in(frames)


def _place_in(frames: Sequence[FrameType]) -> str:
    """Return ``file:line in function`` of the innermost frame of those that say most; "" if there is none."""
    of_others = [frame for frame in frames if not _is_core_or_stdlib(frame.f_code.co_filename)]
    of_app = [frame for frame in of_others if "site-packages" not in frame.f_code.co_filename]
    for choice in (of_app, of_others, frames):
        if choice:
            frame = choice[-1]
            return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
    return ""


def request_holder(task: asyncio.Task[None]) -> str:
    """Return which request a task serves, who supplied its route, and where it waits."""
    parts = _of_request(_frames(task)) or ["a request"]
    if place := await_location(task):
        parts.append(f"waiting at {place}")
    return ", ".join(parts)


def callback_frames(innermost: FrameType | None) -> list[FrameType]:
    """Return the frames of what a loop runs at the moment, the innermost last, from any frame of its thread."""
    frames = list(_outwards(innermost))
    own = (number for number, frame in enumerate(frames) if _is_of_loop(frame.f_code))
    return frames[: next(own, len(frames))][::-1]


def blocking_location(frames: Sequence[FrameType]) -> str:
    """Return which request the frames of a callback serve, and the place in them; "" if they only wait."""
    if all(_is_stdlib(frame.f_code.co_filename) for frame in frames):
        return ""
    return ", ".join([*(_of_request(frames) or ["a callback"]), f"at {_place_in(frames)}"])


def _is_of_loop(code: CodeType) -> bool:
    return code.co_name in _OF_LOOP and code.co_filename.startswith(_ASYNCIO)


def _of_request(frames: Iterable[FrameType]) -> list[str]:
    """Return which request is served in frames, and its route; nothing if none is."""
    request = next((found for frame in frames if (found := _request_of(frame)) is not None), None)
    if request is None:
        return []
    if request.route is None:
        return [str(request)]
    return [str(request), _described(request.route.path, request.route.origin)]


def _described(path: str, origin: Origin | None) -> str:
    return f"route {path!r} of {origin}" if origin is not None else f"route {path!r}"


def _request_of(frame: FrameType) -> Request | None:
    # A slot that every request filled would be paid for by every request.
    found = frame.f_locals.get("request")
    return found if isinstance(found, Request) else None


def _thread_of(frame: FrameType) -> list[FrameType] | None:
    """Return the frames of the thread in which a plain handler runs, if this frame waits for one."""
    if frame.f_code is not call_in_thread.__code__:
        return None
    for innermost in sys._current_frames().values():
        frames = list(_outwards(innermost))
        if any(_calls_the_same(each, frame) for each in frames):
            return frames[::-1]
    return None


def _calls_the_same(frame: FrameType, other: FrameType) -> bool:
    here, there = frame.f_locals, other.f_locals
    is_call = frame.f_code is call_plain_handler.__code__
    return is_call and here["handler"] is there["handler"] and here["args"] is there["args"]


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_core_or_stdlib(filename: str) -> bool:
    return filename.startswith((_CORE, "<")) or _is_stdlib(filename)


def _is_stdlib(filename: str) -> bool:
    return filename.startswith(_STDLIB) and "site-packages" not in filename


def _frames(waiting: object) -> Iterator[FrameType]:
    """Yield the frames of what is awaited, from the outermost to the innermost."""
    current: object = waiting
    for _ in range(_DEEPEST):
        frame: FrameType | None = None
        match current:
            case CoroutineType():
                frame, current = current.cr_frame, current.cr_await
            case AsyncGeneratorType():
                frame, current = current.ag_frame, current.ag_await
            case GeneratorType():
                frame, current = current.gi_frame, current.gi_yieldfrom
            case asyncio.Task():
                current = current.get_coro()
            case None:
                return
            case _:
                current = _behind(current)
        if frame is not None:
            yield frame


def _behind(awaited: object) -> object:
    """Return what an object written in C stands for: a step of an async generator, the wait for a task."""
    kinds = (CoroutineType, AsyncGeneratorType, asyncio.Task)
    return next((each for each in gc.get_referents(awaited) if isinstance(each, kinds)), None)
