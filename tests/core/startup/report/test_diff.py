"""Differences between two compositions, in words; TB601 for an app that differs from its lock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import App, Component, Lifespan, Middleware, Request, ResponseType, RouterProvider, Setup, Text
from turnbuckle.http.parser import H1Parser
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.startup.report.diff import Composition, PlanDifference, differences
from turnbuckle.startup.report.lock import compare_with_lock, composition_of, lock_text
from turnbuckle.web.types import Handler


class Special:
    """A type to render."""


async def _pool() -> AsyncIterator[None]:
    yield


async def _answer(request: Request, *rest: object) -> str:
    return ""


def _step_aside(call_next: Handler, setup: Setup) -> Handler:
    return call_next


def _link(name: str, zone: str = "app") -> Middleware:
    return Middleware(name, _step_aside, zone=zone)


def _text(plugin: str) -> object:
    return make_plugin(plugin, provide_response_types=lambda self, setup: [ResponseType(Special, Text, "text/x")])


def _base() -> App:
    app = App("shop", middleware=[_link("a"), _link("b"), _link("c")])
    app.get("/x", name="x")(_answer)
    return app


def _changed(change: Callable[[App], object]) -> App:
    app = _base()
    change(app)
    return app


def _with_plugin(**hooks: object) -> App:
    app = App("shop", plugins=[make_plugin("extra", **hooks)], middleware=[_link("a"), _link("b"), _link("c")])
    app.get("/x", name="x")(_answer)
    return app


def _between(before: App, after: App) -> list[str]:
    return [
        difference.text for difference in differences(composition_of(before.resolve()), composition_of(after.resolve()))
    ]


@pytest.mark.parametrize(
    ("after", "texts"),
    [
        pytest.param(_base(), [], id="same"),
        pytest.param(
            _changed(lambda app: app.add_middleware(_link("d"))),
            ["middleware 'd' is new, of the app, inside of 'c'"],
            id="middleware",
        ),
        pytest.param(
            _changed(lambda app: app.add_middleware(_link("d", "edge"))),
            ["middleware 'd' is new, of the app, outermost"],
            id="outermost-middleware",
        ),
        pytest.param(_changed(lambda app: app.post("/y")(_answer)), ["route POST /y is new, of the app"], id="route"),
        pytest.param(_changed(lambda app: app.lifespan(_pool)), ["lifespan '_pool' is new, of the app"], id="lifespan"),
        pytest.param(
            _changed(lambda app: app.error_handler(KeyError)(_answer)),
            ["error handler 'KeyError' is new, of the app"],
            id="error-handler",
        ),
        pytest.param(
            _changed(lambda app: app.scope("/admin", host="h.example").get("/")(_answer)),
            ["scope h.example/admin is new, with 1 route and 0 middleware"],
            id="scope",
        ),
        pytest.param(
            _with_plugin(
                provide_components=lambda self, setup: [Component("json", "quick", _answer)],
                provide_lifespans=lambda self, setup: [Lifespan("life", _answer)],
            ),
            [
                "plugin 'extra' is new, of no distribution",
                "the json component was none, and is 'quick' of plugin 'extra'",
                "lifespan 'life' is new, of plugin 'extra'",
            ],
            id="plugin",
        ),
        pytest.param(
            _with_plugin(provide_routers=lambda self, setup: [RouterProvider("other", lambda setup: TreeRouter())]),
            [
                "plugin 'extra' is new, of no distribution",
                "the router was 'tree' of plugin 'tree', and is 'other' of plugin 'extra'",
            ],
            id="router",
        ),
    ],
)
def test_difference_in_words(after: App, texts: list[str]) -> None:
    assert _between(_base(), after) == texts


def test_parser_and_removed_records_are_reported() -> None:
    after = App("shop", parser=H1Parser)
    assert _between(_base(), after) == [
        "the parser was 'h1' of plugin 'h1', and is 'H1Parser' of the app",
        "middleware 'a' is gone; it was of the app",
        "middleware 'b' is gone; it was of the app",
        "middleware 'c' is gone; it was of the app",
        "route GET /x is gone; it was of the app",
    ]


def test_order_of_unchanged_records_is_reported() -> None:
    after = App("shop", middleware=[_link("c"), _link("new"), _link("a"), _link("b")])
    after.get("/x", name="x")(_answer)
    assert _between(_base(), after) == [
        "middleware 'new' is new, of the app, inside of 'c'",
        "the order of middleware was 'a', 'b', 'c', and is 'c', 'a', 'b'",
    ]


def test_changed_facts_of_a_record_are_reported() -> None:
    after = App("shop", middleware=[_link("a"), _link("b"), _link("c")])
    after.get("/x", name="y")(_answer)
    assert _between(_base(), after) == ["route GET /x is named 'y', not 'x'"]


def test_changed_provider_of_a_record_is_reported() -> None:
    before, after = App(plugins=[_text("one")]), App(plugins=[_text("two")])
    assert _between(before, after)[2:] == [
        f"response type '{__name__}.Special' was of plugin 'one', and is of plugin 'two'"
    ]


def _one_route_each(first: str, second: str, router: object) -> App:
    app = App(router=router)
    app.get(first)(_answer)
    app.get(second)(_answer)
    return app


def test_order_of_routes_is_reported_if_the_router_may_depend_on_it() -> None:
    other = RouterProvider("first_match", lambda setup: TreeRouter())
    assert _between(_one_route_each("/a", "/b", None), _one_route_each("/b", "/a", None)) == []
    assert _between(_one_route_each("/a", "/b", other), _one_route_each("/b", "/a", other)) == [
        "the order of routes was GET /a, GET /b, and is GET /b, GET /a"
    ]


def test_scopes_with_the_same_prefix_are_distinguished() -> None:
    before, after = App(), App()
    for app in (before, after):
        app.scope("/s").get("/a")(_answer)
    after.scope("/s").get("/b")(_answer)
    assert _between(before, after) == ["scope /s is new, with 1 route and 0 middleware"]


def _upgraded(composition: Composition) -> Composition:
    plugins = [{**plugin, "distribution": "acme", "version": "2.0"} for plugin in composition["plugins"]]
    return {**composition, "plugins": plugins, "turnbuckle": "9"}


def test_another_version_is_an_upgrade() -> None:
    composition = composition_of(App().resolve())
    found = differences(composition, _upgraded(composition))
    assert all(difference.is_upgrade for difference in found)
    assert PlanDifference("plugin 'h1' was of no distribution, and is of acme 2.0", is_upgrade=True) in found
    assert len(found) == 4


@pytest.mark.parametrize(("is_binding", "level"), [(True, "error"), (False, "warning")])
def test_lock_that_differs_is_a_finding(tmp_path: Path, is_binding: bool, level: str) -> None:
    path = tmp_path / "turnbuckle.lock"
    path.write_text(lock_text(composition_of(_base().resolve())))
    found = compare_with_lock(App("shop").resolve(), path, is_binding=is_binding)
    assert {(diagnostic.code, diagnostic.level) for diagnostic in found} == {("TB601", level)}
    assert [bool(diagnostic.fix) for diagnostic in found] == [False, False, False, True]


def test_upgrade_is_a_warning_even_if_the_lock_is_binding(tmp_path: Path) -> None:
    path = tmp_path / "turnbuckle.lock"
    path.write_text(lock_text(_upgraded(composition_of(_base().resolve()))))
    found = compare_with_lock(_base().resolve(), path, is_binding=True)
    assert {diagnostic.level for diagnostic in found} == {"warning"}
