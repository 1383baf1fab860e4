"""Find code that starts an event loop before the server has one: in modules, hooks and factories.

Such a loop is not the loop of the server. It is closed or never runs again, and so do the connections and tasks that
were made on it. The first request that uses them would fail, or wait for ever.
"""

from __future__ import annotations

import asyncio
import linecache
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from turnbuckle.diagnostics import Diagnostic, Origin, file_location
from turnbuckle.startup.model.locations import is_of_core

__all__ = ["noting_event_loops"]

_ASYNCIO: Final = str(Path(asyncio.__file__).parent)
_CALL: Final = re.compile(r"[\w.]*(?:run|get_event_loop|new_event_loop|run_until_complete|Runner)\b")
_FIXES: Final = {
    "get_event_loop": "write a lifespan, and call asyncio.get_running_loop() in it",
    "new_event_loop": "write a lifespan, which runs on the event loop of the server, and await in it",
}
_AWAIT: Final = "write a lifespan, and await in it; start tasks in it with setup.background(function)"


@contextmanager
def noting_event_loops(found: list[Diagnostic], origin: Origin | None = None) -> Iterator[None]:
    """Add a warning for each place in the block that starts or gets an event loop.

    Args:
        found: the list for the warnings.
        origin: the hook that is called; None for other code.
    """
    policy = _policy()
    names = ("new_event_loop", "get_event_loop")
    before = {name: vars(policy)[name] for name in names if name in vars(policy)}
    seen: set[str] = set()
    for name in names:
        setattr(policy, name, _noting(getattr(policy, name), name, found, seen, origin))
    try:
        yield
    finally:
        for name in names:
            delattr(policy, name)
        vars(policy).update(before)


def _policy() -> Any:
    # Python 3.14 deprecates the public function, but not policies inside of asyncio.
    get = getattr(asyncio.events, "_get_event_loop_policy", None) or asyncio.get_event_loop_policy
    return get()


def _noting(call: Any, name: str, found: list[Diagnostic], seen: set[str], origin: Origin | None) -> Any:
    def noting() -> Any:
        frame = _caller()
        if frame is not None:
            location = file_location(frame.f_code.co_filename, frame.f_lineno)
            if location not in seen:
                seen.add(location)
                found.append(_warning(_called(frame, name), name, location, origin))
        return call()

    return noting


def _caller() -> FrameType | None:
    """Return the nearest frame outside of asyncio; None if it belongs to Turnbuckle."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_ASYNCIO):
        frame = frame.f_back
    return frame if frame is not None and not is_of_core(frame.f_code.co_filename) else None


def _called(frame: FrameType, name: str) -> str:
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)
    match = _CALL.search(line)
    return match[0] if match is not None else f"asyncio.{name}"


def _warning(called: str, name: str, location: str, origin: Origin | None) -> Diagnostic:
    where = "while the app is imported or composed"
    if origin is not None:
        where = f"in hook {origin.hook!r} of plugin {origin.plugin!r}"
    return Diagnostic(
        level="warning",
        code="TB312",
        text=f"{called}() is called {where}, before the server has its event loop",
        why="it makes another loop, which does not serve; connections and tasks of that loop do not work in requests",
        fix=_AWAIT if "run" in called else _FIXES[name],
        origins=(Origin(plugin=origin.plugin if origin is not None else "app", location=location),),
    )
