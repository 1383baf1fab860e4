"""Say what something that does not end is waiting for: request, place in the code.

Nobody keeps books for this: whoever asks, which is seldom, looks at the frames of suspended coroutines. Each object
that is awaited leads to the next one; those that are written in C are asked for what they refer to.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Final

from turnbuckle.records import Origin
from turnbuckle.web.handlers import call_here, call_in_thread
from turnbuckle.web.request import Request

__all__ = ["request_holder", "waits_at"]

# An await leads to another at most this often before it is taken for a circle.
_DEEPEST: Final = 200

_CORE: Final = str(Path(__file__).parents[1])
_STDLIB: Final = sysconfig.get_path("stdlib")


def waits_at(waiting: object) -> str:
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
    request = next((found for frame in _frames(task) if (found := _request_of(frame)) is not None), None)
    parts = [str(request) if request is None else f"{request}"]
    if request is not None and request.route is not None:
        parts.append(_described(request.route.path, request.route.origin))
    place = waits_at(task)
    if place:
        parts.append(f"waiting at {place}")
    return ", ".join(parts)


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
    is_call = frame.f_code is call_here.__code__
    return is_call and here["handler"] is there["handler"] and here["args"] is there["args"]


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_core_or_stdlib(filename: str) -> bool:
    if filename.startswith((_CORE, "<")):
        return True
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
