"""Find the request and the line of code that a task waits at, or that blocks the event loop.

Nothing is recorded while requests run. The functions here, which are called rarely, walk the frames of suspended
coroutines: each awaited object leads to the next, and for awaited objects written in C the garbage collector lists what
they refer to.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Final

from turnbuckle.diagnostics import Origin
from turnbuckle.web.handlers import call_in_thread, call_plain_handler
from turnbuckle.web.request.request import Request

__all__ = ["await_location", "blocking_location", "callback_frames", "describe_request"]

# A longer chain of awaits is taken for a cycle.
_MAX_AWAITS: Final = 200

_CORE_FOLDER: Final = str(Path(__file__).parents[2]) + os.sep
_STDLIB_FOLDER: Final = sysconfig.get_path("stdlib")

# Functions of asyncio that run the loop and its callbacks; uvloop has no Python frames.
_ASYNCIO_FOLDER: Final = str(Path(asyncio.__file__).parent)
_LOOP_FUNCTIONS: Final = ("_run", "run", "_run_once", "run_forever", "run_until_complete")


def await_location(waiting: object) -> str:
    """Return ``file:line in function`` of the await that a task waits at; "" if it is unknown.

    Args:
        waiting: a suspended task, coroutine or async generator. If it waits for a plain handler in a thread, the
            location is the current line of that thread.

    Returns:
        The innermost location outside the core and the standard library, and outside installed packages where possible.
    """
    frames = list(_awaited_frames(waiting))
    if (threaded := next(filter(None, map(_thread_frames, frames)), None)) is not None:
        frames = threaded
    return _innermost_location(frames)


def _innermost_location(frames: Sequence[FrameType]) -> str:
    """Return ``file:line in function`` of the innermost frame: of the app, else a package, else any; "" for none."""
    third_party = [frame for frame in frames if not _is_core_or_stdlib(frame.f_code.co_filename)]
    app = [frame for frame in third_party if "site-packages" not in frame.f_code.co_filename]
    for candidates in (app, third_party, frames):
        if candidates:
            frame = candidates[-1]
            return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
    return ""


def describe_request(task: asyncio.Task[None]) -> str:
    """Return the request that a task serves, the origin of its route, and where it waits."""
    parts = _request_parts(_awaited_frames(task)) or ["a request"]
    if location := await_location(task):
        parts.append(f"waiting at {location}")
    return ", ".join(parts)


def callback_frames(innermost: FrameType | None) -> list[FrameType]:
    """Return the frames of the callback that the loop runs at the moment, the innermost last.

    Args:
        innermost: the innermost frame of the loop's thread.
    """
    frames = list(_callers(innermost))
    loop_frames = (number for number, frame in enumerate(frames) if _is_loop_function(frame.f_code))
    return frames[: next(loop_frames, len(frames))][::-1]


def blocking_location(frames: Sequence[FrameType]) -> str:
    """Return the request that the frames of a callback serve, and their location.

    Returns:
        "" if all frames are of the standard library: the loop waits for input.
    """
    if all(_is_stdlib(frame.f_code.co_filename) for frame in frames):
        return ""
    return ", ".join([*(_request_parts(frames) or ["a callback"]), f"at {_innermost_location(frames)}"])


def _is_loop_function(code: CodeType) -> bool:
    return code.co_name in _LOOP_FUNCTIONS and code.co_filename.startswith(_ASYNCIO_FOLDER)


def _request_parts(frames: Iterable[FrameType]) -> list[str]:
    """Return the request that frames serve, and its route, in words; empty if they serve none."""
    request = next((found for frame in frames if (found := _request_of(frame)) is not None), None)
    if request is None:
        return []
    if request.route is None:
        return [str(request)]
    return [str(request), _describe_route(request.route.path, request.route.origin)]


def _describe_route(path: str, origin: Origin | None) -> str:
    return f"route {path!r} of {origin}" if origin is not None else f"route {path!r}"


def _request_of(frame: FrameType) -> Request | None:
    # A slot on the task would cost something on every request. Looking at the local variables costs only the caller.
    found = frame.f_locals.get("request")
    return found if isinstance(found, Request) else None


def _thread_frames(frame: FrameType) -> list[FrameType] | None:
    """Return the frames of the thread that runs a plain handler, if this frame waits for one."""
    if frame.f_code is not call_in_thread.__code__:
        return None
    for innermost in sys._current_frames().values():
        frames = list(_callers(innermost))
        if any(_is_same_call(thread_frame, frame) for thread_frame in frames):
            return frames[::-1]
    return None


def _is_same_call(frame: FrameType, other: FrameType) -> bool:
    here, there = frame.f_locals, other.f_locals
    is_call = frame.f_code is call_plain_handler.__code__
    return is_call and here["handler"] is there["handler"] and here["args"] is there["args"]


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_core_or_stdlib(filename: str) -> bool:
    return filename.startswith((_CORE_FOLDER, "<")) or _is_stdlib(filename)


def _is_stdlib(filename: str) -> bool:
    return filename.startswith(_STDLIB_FOLDER) and "site-packages" not in filename


def _awaited_frames(waiting: object) -> Iterator[FrameType]:
    """Yield the frames of a chain of awaits, the outermost first."""
    current: object = waiting
    for _ in range(_MAX_AWAITS):
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
                current = _awaited_by(current)
        if frame is not None:
            yield frame


def _awaited_by(awaited: object) -> object:
    """Return the Python object behind an awaitable written in C: a step of an async generator, the wait for a task."""
    kinds = (CoroutineType, AsyncGeneratorType, asyncio.Task)
    return next((referent for referent in gc.get_referents(awaited) if isinstance(referent, kinds)), None)
