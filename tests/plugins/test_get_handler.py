"""Objects that know handlers by path serve as routers."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from turnbuckle import App, NotFound, Request, Response, SettingsSources, StartupError
from turnbuckle.testing import Client


class Page:
    """Returns the given value."""

    def __init__(self, body: object) -> None:
        self.body = body

    async def handle(self, request: Request) -> object:
        """Answer."""
        if self.body is None:
            raise NotFound("not today")
        return self.body


PAGES = {"/text": Page("text"), "/response": Page(Response("made", 201)), "/grün": Page("green"), "/no": Page(None)}


class Paths:
    """Knows a few paths."""

    def get_handler(self, path: str) -> Page | None:
        """Return the page at a path."""
        if path == "/raises":
            raise NotFound
        return PAGES.get(path)


async def _route(request: Request) -> str:
    return "route"


def _app(router: object = None) -> App:
    app = App(router=router)
    app.get("/route")(_route)
    app.get("/slash/")(_route)
    return app


@pytest.mark.parametrize("router", [Paths, Paths()])
async def test_app_with_such_a_router(router: object) -> None:
    async with Client(_app(router)) as client:
        for path, status, text in (
            ("/text", 200, "text"),
            ("/response", 201, "made"),
            ("/gr%C3%BCn?x=1", 200, "green"),
            ("/no", 404, "not today"),
            ("/raises", 404, "Not Found"),
            ("/nowhere", 404, "Not Found"),
            ("/route", 200, "route"),
        ):
            response = await client.get(path)
            assert (response.status, response.text) == (status, text), path
        assert (await client.post("/text")).text == "text"
        assert (await client.post("/route")).status == 405


async def test_policy_for_slashes_holds_for_routes() -> None:
    app = App(router=Paths, settings={"routing": {"trailing_slash": "ignore"}})
    app.get("/slash/")(_route)
    async with Client(app) as client:
        assert (await client.get("/slash")).text == "route"


async def test_router_of_a_scope() -> None:
    class Below:
        def get_handler(self, path: str) -> Page:
            return Page(path)

    app = _app()
    app.scope("/legacy", router=Below())
    async with Client(app) as client:
        assert (await client.get("/legacy/a/b")).text == "/legacy/a/b"
        assert (await client.get("/route")).text == "route"
        assert (await client.get("/other")).status == 404


async def test_router_named_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("their_router")
    module.paths = Paths()
    monkeypatch.setitem(sys.modules, "their_router", module)
    sources = SettingsSources(flags=("plugins.enabled=get_handler", "plugin.get_handler.router=their_router:paths"))
    async with Client(_app(), sources=sources) as client:
        assert (await client.get("/text")).text == "text"


def test_plugin_without_a_router_offers_none() -> None:
    plan = App().resolve(SettingsSources(plugins=("get_handler",)))
    assert plan.root.router is not None
    assert plan.root.router.name == "tree"


class TypedPage:
    """Takes a parameter that nothing supplies."""

    async def handle(self, request: Request, page: int = 1) -> str:
        """Answer."""
        return str(page)


class TypedPaths:
    """Names the class of its handlers."""

    def get_handler(self, path: str) -> TypedPage | None:
        """Return the page at a path."""
        return TypedPage()


def test_typed_parameter_is_refused_at_startup() -> None:
    with pytest.raises(StartupError) as caught:
        _app(TypedPaths()).compile()
    text = "\n".join(map(str, caught.value.problems))
    assert "TypedPage.handle takes the typed parameter 'page', which nothing supplies" in text
    assert "fix: remove 'page', and read the request in 'handle'" in text


async def test_typed_parameter_of_a_class_that_is_not_annotated() -> None:
    class Unknown:
        def get_handler(self, path: str) -> object:
            return TypedPage()

    async with Client(_app(Unknown()), raise_exceptions=False) as client:
        for _ in range(2):
            assert (await client.get("/a?page=2")).status == 500
