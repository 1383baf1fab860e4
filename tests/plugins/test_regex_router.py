from __future__ import annotations

import re
from typing import Literal

import pytest

from turnbuckle import (
    App,
    MethodNotAllowed,
    NotFound,
    Request,
    Route,
    RouteConflict,
    RouteError,
    Router,
    SlashRedirect,
)
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import RouterConformance
from turnbuckle_plugins.path_router import TrailingSlash
from turnbuckle_plugins.regex_router import RegexRouter


class TestRegexRouter(RouterConformance):
    prefers = "first"

    many = 500
    policies = ("strict", "redirect", "ignore")

    def make_router(self) -> Router:
        return RegexRouter()

    def make_router_with(self, policy: Literal["strict", "redirect", "ignore"]) -> Router:
        return RegexRouter(policy)


def router_of(*routes: Route, trailing_slash: TrailingSlash = "strict") -> RegexRouter:
    router = RegexRouter(trailing_slash)
    for route in routes:
        router.add(route)
    router.freeze()
    return router


def route(path: str, *methods: str, name: str = "") -> Route:
    return Route(path=path, handler=lambda: path, methods=methods or ("GET",), name=name)


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        pytest.param("/^a/[0-9]+", "/a/12", {}, id="no-groups"),
        pytest.param("/^a/[0-9]+", "/a/12/", None, id="to-the-end"),
        pytest.param("/^a/(?P<x>[0-9]+)", "/a/12", {"x": "12"}, id="group"),
        pytest.param("/^(?P<x>.*)", "/a/b", {"x": "a/b"}, id="over-slashes"),
        pytest.param("/^(?P<x>.*)", "/", {"x": ""}, id="root"),
        pytest.param("/^(?P<x>[^/]+)", "/a%2Fb", {"x": "a/b"}, id="encoded-slash"),
        pytest.param("/^a(?P<x>/.*)?", "/a", {}, id="group-that-took-no-part"),
        pytest.param("/^(?i)a", "/A", {}, id="flag"),
        pytest.param("/{t}/^x/(?P<y>.+)", "/one/x/a/b", {"t": "one", "y": "a/b"}, id="behind-a-pattern"),
        pytest.param("/{t:int}/^x", "/one/x", None, id="pattern-does-not-fit"),
        pytest.param("/a/^", "/a/", {}, id="nothing-left"),
        pytest.param("/a/^", "/a", None, id="the-slash-counts"),
    ],
)
def test_expression(pattern: str, path: str, params: dict[str, str] | None) -> None:
    router = router_of(route(pattern))
    if params is None:
        with pytest.raises(NotFound):
            router.match("GET", path)
    else:
        assert router.match("GET", path).path_params == params


def test_first_match_wins() -> None:
    special, general = route("/users/me"), route("/{kind}/{name}")
    assert router_of(special, general).match("GET", "/users/me").route is special
    assert router_of(general, special).match("GET", "/users/me").route is general


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        pytest.param("/^(", "is not a regular expression: missing )", id="syntax"),
        pytest.param("/{x}/^(?P<x>a)", "parameter 'x' occurs twice", id="twice"),
        pytest.param("/{x:path}/^a", "cannot follow a parameter that spans segments", id="spanning"),
        pytest.param("/{x/^a", "'{' without '}'", id="pattern"),
    ],
)
def test_expression_that_cannot_be_used(pattern: str, complaint: str) -> None:
    with pytest.raises(RouteError, match=re.escape(complaint)):
        RegexRouter().add(route(pattern))


def test_same_expression_twice_is_refused() -> None:
    with pytest.raises(RouteConflict, match="both answer GET at the same paths"):
        router_of(route("/^a+"), route("/^a+", "POST", "GET"))
    assert router_of(route("/^a+"), route("/^a+", "POST")).match("POST", "/aa")


def test_link_to_an_expression() -> None:
    router = router_of(route("/^a+", name="many"))
    with pytest.raises(RouteError, match=re.escape("the path of GET /^a+ cannot be built: it is a regular expr")):
        router.url_for("many")


def test_other_form_is_redirected_to() -> None:
    router = router_of(route("/a"), route("/b/", "POST"), trailing_slash="redirect")
    for path, other in (("/a/", "/a"), ("/b", "/b/")):
        with pytest.raises(SlashRedirect) as caught:
            router.match("GET", path)
        assert caught.value.path == other
    with pytest.raises(NotFound) as missed:
        router.match("GET", "/c/")
    assert not isinstance(missed.value, SlashRedirect)


def test_other_form_is_ignored() -> None:
    first = route("/a")
    router = router_of(first, trailing_slash="ignore")
    assert router.match("GET", "/a/").route is first
    with pytest.raises(MethodNotAllowed):
        router.match("POST", "/a/")


async def test_app_with_expressions_in_scopes() -> None:
    app = App(plugins=["regex_router"], settings={"routing": {"trailing_slash": "redirect"}})

    @app.get("/^(?P<year>[0-9]{4})/(?P<rest>.*)", name="archive")
    async def archive(request: Request, year: str, rest: str) -> str:
        return f"{year} {rest}"

    @app.scope("/{tenant}").get("/files/{path:path}", name="file")
    async def file(tenant: str, path: str) -> str:
        return f"{tenant} {path}"

    async with Client(app) as client:
        assert (await client.get("/2024/a/b")).text == "2024 a/b"
        assert (await client.get("/one/files/x/y")).text == "one x/y"
        assert (await client.get("/one/nothing")).status == 404
    assert app.plan.root.router is not None
    assert app.plan.root.router.name == "regex"
    assert app.url_for("file", tenant="one", path="a/b") == "/one/files/a/b"
    with pytest.raises(RouteError, match="it is a regular expression"):
        app.url_for("archive", year="2024", rest="")


def hidden(*routes: Route) -> dict[str, tuple[str, ...]]:
    found = router_of(*routes).unreachable_routes()
    return {unreachable.route.describe(): tuple(route.describe() for route in unreachable.by) for unreachable in found}


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        pytest.param([route("/{x}"), route("/me")], {"GET /me": ("GET /{x}",)}, id="text-behind-a-parameter"),
        pytest.param([route("/me"), route("/{x}")], {}, id="text-before-it"),
        pytest.param([route("/{x:path}"), route("/a/{y}")], {"GET /a/{y}": ("GET /{x:path}",)}, id="behind-a-path"),
        pytest.param([route("/{x:int}"), route("/{y}")], {}, id="only-some"),
        pytest.param([route("/{x}"), route("/me", "POST")], {}, id="another-method"),
        pytest.param([route("/{x}"), route("/me", "HEAD")], {"HEAD /me": ("GET /{x}",)}, id="head-follows-get"),
        pytest.param([route("/^.*"), route("/me")], {}, id="what-expressions-take-is-not-known"),
        pytest.param([route("/{x}"), route("/^me")], {}, id="expressions-are-not-looked-at"),
        pytest.param(
            [route("/{x:re([a-m].*)}"), route("/{x:re([^a-m].*)}"), route("/{y}")],
            {"GET /{y}": ("GET /{x:re([a-m].*)}", "GET /{x:re([^a-m].*)}")},
            id="two-together",
        ),
    ],
)
def test_hidden_routes_are_reported(routes: list[Route], expected: dict[str, tuple[str, ...]]) -> None:
    assert hidden(*routes) == expected


def test_hidden_route_is_a_warning_of_the_app() -> None:
    app = App(plugins=["regex_router"])
    app.get("/{page}")(lambda page: page)
    app.get("/about")(lambda: "about")
    (found,) = app.plan.diagnostics
    assert (found.code, found.level) == ("TB407", "warning")
    assert "GET /about" in found.text


def test_very_many_routes_are_not_held_against_each_other() -> None:
    many = [route(f"/{number}") for number in range(1000)]
    assert hidden(route("/{x}"), *many) == {}


async def test_groups_of_an_expression_are_converted_by_the_annotation() -> None:
    app = App(plugins=["regex_router"])

    @app.get("/^(?P<year>[0-9a-f]{4})/")
    async def archive(year: int, page: int = 1) -> dict[str, int]:
        return {"year": year, "page": page}

    async with Client(app) as client:
        assert (await client.get("/2026/?page=2")).json() == {"year": 2026, "page": 2}
        assert (await client.get("/2026/?page=two")).status == 422
        assert (await client.get("/abcd/")).status == 404
