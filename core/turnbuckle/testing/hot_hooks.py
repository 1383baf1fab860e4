"""Check that requests call no hook: plugins speak at startup, and are silent from then on.

Every call that the serving thread makes is looked at, so that hooks are found however they are called.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from turnbuckle.app import App
from turnbuckle.hookspecs import Hooks
from turnbuckle.plugin import Plugin
from turnbuckle.testing.client.client import Client

__all__ = ["assert_no_hot_hooks"]

_HOOKS: Final = frozenset(name for name in vars(Hooks) if name.startswith(("provide_", "review_")))


async def assert_no_hot_hooks(app: App, *requests: str) -> None:
    """Serve requests, and fail if one of them calls a hook, or anything of pluggy.

    Args:
        app: what is served.
        requests: such as ``"GET /items"``; each route without parameters, and a path that is not there, by default.

    Raises:
        AssertionError: with the hook and where it was called from.
    """
    asked = requests or tuple(_requests(app))
    async with Client(app) as client:
        # The first request may find what the others need, and keep it.
        for request in (*asked, *asked):
            method, _, target = request.partition(" ")
            with _watching() as calls:
                await client.request(method, target)
            assert not calls, f"{request} calls {', '.join(dict.fromkeys(calls))}"


def _requests(app: App) -> Iterator[str]:
    yield "GET /nothing-is-here"
    for planned, scope in app.plan.routes():
        if "{" not in planned.route.path and not planned.route.host and not scope.host:
            yield from (f"{method} {planned.route.path}" for method in sorted(planned.route.methods))


@contextmanager
def _watching() -> Iterator[list[str]]:
    """Note the calls of hooks while the block runs, here and in threads that start meanwhile."""
    calls: list[str] = []

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and _is_hook(frame):
            calls.append(_described(frame))

    before = sys.getprofile()
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


def _is_hook(frame: FrameType) -> bool:
    if str(frame.f_globals.get("__name__")).partition(".")[0] == "pluggy":
        return True
    return frame.f_code.co_name in _HOOKS and isinstance(frame.f_locals.get("self"), Plugin)


def _described(frame: FrameType) -> str:
    code, caller = frame.f_code, frame.f_back
    where = f" from {caller.f_code.co_filename}:{caller.f_lineno}" if caller is not None else ""
    return f"{code.co_qualname}{where}"
