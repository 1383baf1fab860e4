from __future__ import annotations

from collections.abc import Iterable

import pluggy
import pytest

from turnbuckle import App, Handler, Plugin, PluginInfo, Request, Response, Route, Setup, middleware
from turnbuckle.testing import assert_no_hot_hooks


@middleware
async def quiet(request: Request, call_next: Handler) -> Response:
    return await call_next(request)


class Quiet(Plugin):
    """Has hooks that are called at startup only."""

    info = PluginInfo(name="quiet")

    def provide_middleware(self, setup: Setup) -> Iterable:
        return [quiet]

    def provide_routes(self, setup: Setup) -> Iterable:
        return [Route(path="/quiet", handler=lambda: "quiet")]


class AsksItself(Plugin):
    """Calls its own hook for each request."""

    info = PluginInfo(name="asks_itself")

    def provide_routes(self, setup: Setup) -> Iterable:
        async def count() -> str:
            return str(len(list(self.provide_components(setup))))

        return [Route(path="/count", handler=count, methods=["POST"])]

    def provide_components(self, setup: Setup) -> Iterable:
        return []


class AsksPluggy(Plugin):
    """Has its own hooks, and calls them for each request."""

    info = PluginInfo(name="asks_pluggy")

    def provide_middleware(self, setup: Setup) -> Iterable:
        manager = pluggy.PluginManager("other")
        manager.add_hookspecs(OtherHooks)

        @middleware
        async def ask(request: Request, call_next: Handler) -> Response:
            manager.hook.before_request(request=request)
            return await call_next(request)

        return [ask]


class OtherHooks:
    @pluggy.HookspecMarker("other")
    def before_request(self, request: Request) -> None:
        """Look at a request."""


class AsksInAThread(AsksItself):
    """Calls its own hook in a thread."""

    info = PluginInfo(name="asks_in_a_thread")

    def provide_routes(self, setup: Setup) -> Iterable:
        return [Route(path="/count", handler=lambda: str(list(self.provide_components(setup))))]


async def test_quiet_app_passes() -> None:
    app = App(plugins=[Quiet])
    app.get("/items/{number:int}")(lambda number: f"{number}")
    await assert_no_hot_hooks(app)
    assert await assert_no_hot_hooks(app, "GET /items/7", "GET /quiet") is None


@pytest.mark.parametrize(
    ("plugin", "request_line", "hook"),
    [
        pytest.param(AsksItself, "POST /count", "AsksItself.provide_components", id="own-hook"),
        pytest.param(AsksPluggy, "GET /nothing-is-here", "HookCaller.__call__", id="pluggy"),
        pytest.param(AsksInAThread, "GET /count", "AsksItself.provide_components", id="thread"),
    ],
)
async def test_hot_hook_fails(plugin: type[Plugin], request_line: str, hook: str) -> None:
    with pytest.raises(AssertionError, match=rf"{request_line} calls .*{hook} from .*test_hot_hooks.py:\d+"):
        await assert_no_hot_hooks(App(plugins=[plugin]))
