"""A response type with an ``async def`` gets the request, before any middleware sees the response."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from turnbuckle import App, Handler, NotFound, Plugin, PluginInfo, Request, Response, ResponseType, Setup, Text
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import ResponseTypeConformance


class Page:
    def __init__(self, text: str) -> None:
        self.text = text


async def _render(page: Page, request: Request) -> Response:
    return Text(f"{page.text} at {request.path}")


class _Object:
    async def __call__(self, page: Page, request: Request) -> Response:
        return await _render(page, request)


class TestAsyncResponseType(ResponseTypeConformance):
    def response_type(self) -> ResponseType:
        return ResponseType(Page, _render, "text/plain")

    def make_values(self) -> Sequence[object]:
        return [Page("one"), Page("two")]


async def _mark(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    response.headers.set("X-Length", str(len(response.body)))  # type: ignore[arg-type]  # it is bytes
    return response


def _app(render: object = _render) -> App:
    app = App(middleware=[_mark])
    app.response_type(Page)(render)  # type: ignore[type-var]

    @app.get("/")
    async def home(request: Request) -> Page:
        return Page("home")

    @app.get("/thread")
    def thread(request: Request) -> Page:
        return Page("thread")

    @app.get("/text")
    async def text(request: Request) -> str:
        return "text"

    @app.error_handler(NotFound)
    async def missing(request: Request, error: NotFound) -> Page:
        return Page("missing")

    inner = app.scope("/inner", middleware=[_mark])

    @inner.get("/{id:int}")
    async def item(request: Request, id: int) -> Page:
        return Page(f"item {id}")

    return app


@pytest.mark.parametrize("render", [_render, _Object(), _Object().__call__], ids=["function", "object", "method"])
async def test_async_response_type_takes_value_and_request(render: object) -> None:
    async with Client(_app(render)) as client:
        paths = ("/", "/thread", "/text", "/inner/7", "/nowhere", "/inner/x")
        answers = [await client.get(path) for path in paths]
    assert [answer.text for answer in answers] == [
        "home at /",
        "thread at /thread",
        "text",
        "item 7 at /inner/7",
        "missing at /nowhere",
        "missing at /inner/x",
    ]
    assert all(answer.headers["X-Length"] == str(len(answer.content)) for answer in answers)


async def test_async_response_type_may_be_of_a_scope_only() -> None:
    app = App()
    inner = app.scope("/inner")
    inner.response_type(Page)(_render)

    async def home(request: Request) -> object:
        return Page("home")

    inner.get("/a")(home)
    app.get("/")(home)
    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/inner/a")).text == "home at /inner/a"
        assert (await client.get("/")).status == 500


async def test_exception_of_an_async_response_type_is_answered_by_the_scope() -> None:
    app = App()

    @app.response_type(Page)
    async def fail(page: Page, request: Request) -> Response:
        raise KeyError(page.text)

    @app.error_handler(KeyError)
    async def answer(request: Request, error: KeyError) -> Response:
        return Text(f"no {error}", 409)

    @app.get("/")
    async def home(request: Request) -> Page:
        return Page("home")

    async with Client(app) as client:
        response = await client.get("/")
    assert (response.status, response.text) == (409, "no 'home'")


async def test_async_response_type_that_makes_no_response_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def returns_text(page: Page, request: Request) -> object:
        return page.text

    with caplog.at_level(logging.ERROR):
        async with Client(_app(returns_text), raise_exceptions=False) as client:
            assert (await client.get("/")).status == 500
    assert "the response type for Page (" in caplog.text
    assert "returned 'home', which is not a Response" in caplog.text


async def test_value_of_a_foreign_router_is_finished() -> None:
    class Rendering(Plugin):
        info = PluginInfo(name="rendering")

        def provide_response_types(self, setup: Setup) -> list[ResponseType]:
            return [ResponseType(Page, _render)]

    class Item:
        async def handle(self, request: Request) -> object:
            return Page("foreign")

    class Router:
        def get_handler(self, path: str) -> Item:
            return Item()

    async with Client(App(router=Router(), plugins=[Rendering])) as client:
        assert (await client.get("/x")).text == "foreign at /x"
