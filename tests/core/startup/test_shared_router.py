"""A router that is passed by value serves one resolution after another."""

from __future__ import annotations

import pytest

from tests.core.startup.finding import error_of
from turnbuckle import App, Request, Route, RouteConflict, TreeRouter
from turnbuckle.startup.shared_router import SharedRouter
from turnbuckle.testing import Client


async def _one(request: Request) -> str:
    return "one"


async def _own(request: Request, id: int) -> str:
    return f"own {id}"


def _route(handler: object = _one, path: str = "/x") -> Route:
    return Route(path=path, handler=handler)


def test_second_resolution_brings_new_handlers() -> None:
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
