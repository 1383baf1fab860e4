"""Links are written by the router that has the route, if it can write at all."""

from __future__ import annotations

import pytest

from turnbuckle import App, Match, Route, RouteError, Router, RouterProvider, TreeRouter


class Mute:
    """A router that does not build paths and has its own patterns."""

    def __init__(self) -> None:
        self.tree = TreeRouter()

    def add(self, route: Route, /) -> None:
        if route.path.startswith("/"):
            self.tree.add(route)

    def freeze(self) -> None:
        self.tree.freeze()

    def match(self, method: str, path: str, /) -> Match:
        return self.tree.match(method, path)


class Upper(Mute):
    """A router that writes all paths in capitals."""

    def url_for(self, name: str, /, **params: object) -> str:
        return self.tree.url_for(name, **params).upper()

    def unreachable_routes(self) -> tuple[()]:
        return ()


async def answer() -> str:
    return ""


def app_with(router: type[Router]) -> App:
    app = App(router=RouterProvider("tested", lambda setup: router()))
    app.get("/a/{x}", name="plain")(answer)
    app.get("/a/{x}", name="hosted", host="{tenant}.example.com")(answer)
    app.scope("/s", router=RouterProvider("inner", lambda setup: TreeRouter())).get("/{x}", name="inner")(answer)
    return app


def test_router_writes_its_own_paths() -> None:
    app = app_with(Upper)
    assert app.url_for("plain", x="b") == "/A/B"
    assert app.url_for("hosted", x="b", tenant="one") == "//one.example.com/A/B"
    assert app.url_for("inner", x="b") == "/s/b"


def test_paths_of_a_router_that_writes_none_are_read_as_usual() -> None:
    app = app_with(Mute)
    assert app.url_for("plain", x="b") == "/a/b"
    assert app.url_for("hosted", x="b", tenant="one") == "//one.example.com/a/b"
    assert app.url_for("inner", x="b") == "/s/b"


def test_paths_that_no_router_can_build() -> None:
    app = App(router=RouterProvider("tested", lambda setup: Mute()))
    app.get("~a+", name="expression")(answer)
    with pytest.raises(RouteError, match="the router of route 'expression' does not build paths"):
        app.url_for("expression")
    with pytest.raises(RouteError, match="no route is named 'nothing'"):
        app.url_for("nothing")
