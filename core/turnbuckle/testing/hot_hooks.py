"""Check that requests call no hook: hooks are called at startup only.

The check profiles every call of the serving thread, so it finds hooks however they are called.
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
    """Serve requests, and fail if one of them calls a hook or a function of pluggy.

    Args:
        app: the app.
        requests: such as ``"GET /items"``; by default each route without parameters, and an unknown path.

    Raises:
        AssertionError: with the hook and its caller.
    """
    targets = requests or tuple(_requests(app))
    async with Client(app) as client:
        # The first request may fill caches that the second one uses.
        for request in (*targets, *targets):
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
    """Collect the calls of hooks during the block, in this thread and in threads that it starts."""
    calls: list[str] = []

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and _is_hook(frame):
            calls.append(_describe(frame))

    before = sys.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


def _is_hook(frame: FrameType) -> bool:
    if str(frame.f_globals.get("__name__")).partition(".")[0] == "pluggy":
        return True
    return frame.f_code.co_name in _HOOKS and isinstance(frame.f_locals.get("self"), Plugin)


def _describe(frame: FrameType) -> str:
    code, caller = frame.f_code, frame.f_back
    where = f" from {caller.f_code.co_filename}:{caller.f_lineno}" if caller is not None else ""
    return f"{code.co_qualname}{where}"
