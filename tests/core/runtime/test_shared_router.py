"""A router that is passed by value serves one resolution after another."""

from __future__ import annotations

import pytest

from tests.core.startup.finding import error_of, warning_of
from turnbuckle import App, Converter, Match, Request, Route, RouteConflict, TreeRouter
from turnbuckle.routing.hosts import LinkingRouter
from turnbuckle.runtime.shared_router import SharedRouter, share
from turnbuckle.testing import Client


async def _one(request: Request) -> str:
    return "one"


async def _own(request: Request, id: int) -> str:
    return f"own {id}"


def _route(handler: object = _one, path: str = "/x") -> Route:
    return Route(path=path, handler=handler)


def test_second_resolution_has_new_handlers() -> None:
    router = SharedRouter(TreeRouter())
    for handler in (_one, _own):
        again = router.begin()
        again.add(_route(handler))
        again.freeze()
        match = again.match("GET", "/x")
        assert match.handler is handler
        assert match.route == _route(handler)


def test_same_route_twice_in_one_resolution_is_refused() -> None:
    router = SharedRouter(TreeRouter())
    router.add(_route())
    with pytest.raises(RouteConflict):
        router.add(_route())


def test_cell_can_be_called() -> None:
    inner = TreeRouter()
    router = SharedRouter(inner)
    router.add(_route(lambda word: word * 2))
    router.freeze()
    assert inner.match("GET", "/x").handler("a") == "aa"


async def test_app_with_a_router_that_holds_routes() -> None:
    router = TreeRouter()
    router.add(_route(_own, "/own/{id:int}"))
    app = App(router=router)
    app.get("/x")(_one)
    app.get("/h", host="a.example")(_one)
    for _ in range(2):
        async with Client(app) as client:
            assert (await client.get("/x")).text == "one"
            assert (await client.get("/own/3")).text == "own 3"
            assert (await client.get("/own/4")).text == "own 4"
            assert (await client.get("/h", headers={"Host": "a.example"})).text == "one"


def test_conflict_with_a_route_that_it_holds() -> None:
    router = TreeRouter()
    router.add(_route())
    app = App(router=router)
    app.get("/x")(_one)
    assert "GET /x" in error_of(app, "TB406").text


async def test_router_writes_the_paths_of_its_routes() -> None:
    hexadecimal = Converter(regex="[0-9a-f]+", convert=lambda text: int(text, 16), format=lambda value: f"{value:x}")
    app = App(router=TreeRouter(converters={"hex": hexadecimal}))

    @app.get("/colours/{code:hex}", name="colour")
    async def colour(request: Request, code: int) -> str:
        return request.url_for("colour", code=code + 1)

    assert app.url_for("colour", code=255) == "/colours/ff"
    async with Client(app) as client:
        assert (await client.get("/colours/ff")).text == "/colours/100"


def test_unreachable_route_is_reported_each_time() -> None:
    app = App(router=TreeRouter())
    app.get("/{a:re([a-z]+)}")(lambda request, a: a)
    app.get("/{b:re([a-c]+)}")(lambda request, b: b)
    for _ in range(2):
        found = warning_of(app, "TB407")
        assert "GET /{b:re([a-c]+)} (" in found.text
        assert len(found.origins) == 2


def test_router_that_writes_no_paths_does_not_seem_to() -> None:
    class Plain:
        def add(self, route: Route, /) -> None:
            """Forget it."""

        def freeze(self) -> None:
            """Do nothing."""

        def match(self, method: str, path: str, /) -> Match:
            raise NotImplementedError

    assert not isinstance(share(Plain()), LinkingRouter)
    assert isinstance(share(TreeRouter()), LinkingRouter)
