from __future__ import annotations

from typing import Literal

import pytest

from turnbuckle import App, NotFound, Route, Router, SlashRedirect
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import RouterConformance
from turnbuckle_plugins.path_router import TrailingSlash
from turnbuckle_plugins.werkzeug_router import WerkzeugRouter


class TestWerkzeugRouter(RouterConformance):
    prefers = "any"

    many = 500
    policies = ("strict", "redirect", "ignore")

    def make_router(self) -> Router:
        return WerkzeugRouter()

    def make_router_with(self, policy: Literal["strict", "redirect", "ignore"]) -> Router:
        return WerkzeugRouter(policy)


def router_of(*paths: str, trailing_slash: TrailingSlash = "strict") -> WerkzeugRouter:
    router = WerkzeugRouter(trailing_slash)
    for path in paths:
        router.add(Route(path=path, handler=lambda: None, name=path))
    router.freeze()
    return router


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        pytest.param("/{größe}", "/7", {"größe": "7"}, id="name-that-werkzeug-does-not-take"),
        pytest.param("/%3Cint:x>", "/%3Cint:x%3E", {}, id="text-that-looks-like-a-rule"),
        pytest.param("/a%2F{x}", "/a%2Fb", {"x": "b"}, id="slash-in-text-before-a-parameter"),
        pytest.param("/{x:re([a/]+)}", "/a%2Fa", {"x": "a/a"}, id="slash-in-an-expression"),
        pytest.param("/{x:path}/{y}", "/a/b/c", {"x": "a/b", "y": "c"}, id="behind-a-path"),
        pytest.param("/{a:int}-{b:int}", "/1-2", {"a": 1, "b": 2}, id="two-in-a-segment"),
        pytest.param("/a=b/{x}", "/a=b/=", {"x": "="}, id="the-mark-itself"),
    ],
)
def test_translated(pattern: str, path: str, params: dict[str, object]) -> None:
    router = router_of(pattern)
    assert router.match("GET", path).path_params == params
    assert router.match("GET", router.url_for(pattern, **params)).path_params == params


def test_specific_rules_go_first() -> None:
    router = router_of("/{x}", "/{x:int}", "/7", "/v{x}")
    found = {path: router.match("GET", path).route for path in ("/7", "/8", "/v8", "/w")}
    assert {path: route and route.path for path, route in found.items()} == {
        "/7": "/7",
        "/8": "/{x:int}",
        "/v8": "/v{x}",
        "/w": "/{x}",
    }


def test_slash_at_the_end() -> None:
    assert router_of("/a", trailing_slash="ignore").match("GET", "/a/")
    with pytest.raises(SlashRedirect):
        router_of("/a/", trailing_slash="redirect").match("GET", "/a")
    with pytest.raises(NotFound):
        router_of("/a/").match("GET", "/a")


async def test_app() -> None:
    app = App(plugins=["werkzeug_router"])

    @app.get("/items/{number:int}", name="item")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    @app.get("/", host="{tenant}.example.com")
    async def tenant(tenant: str) -> str:
        return tenant

    async with Client(app) as client:
        assert (await client.get("/items/7")).json() == {"number": 7}
        assert (await client.get("http://one.example.com/")).text == "one"
    assert app.url_for("item", number=7) == "/items/7"
