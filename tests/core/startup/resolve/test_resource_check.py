"""A resource that a handler requests for certain, and nothing provides, is reported at startup."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.core.startup.finding import warning_of
from turnbuckle import App, Handler, Request, ResourceKey, ResourceUnavailable, Response, middleware

STORE = ResourceKey("store", dict)
STORE_OF_LIST = ResourceKey("store", list)
STORES = ResourceKey("stores", dict)
HERE = sys.modules[__name__]


def show(request: Request) -> Any:
    return request.resource(STORE)


async def show_other_name(incoming: Request) -> Any:
    store = incoming.resource(STORE)
    return store["x"]


async def show_of_a_module(request: Request) -> Any:
    return request.resource(HERE.STORE)


@functools.wraps(show)
async def wrapping(request: Request) -> Any:
    return show(request)


class Views:
    async def method(self, request: Request) -> Any:
        return request.resource(STORE)


async def expecting(request: Request) -> Any:
    try:
        return request.resource(STORE)
    except ResourceUnavailable:
        return {}


async def of_a_variable(request: Request) -> Any:
    key = STORE
    return request.resource(key)


async def of_another_object(request: Request) -> Any:
    other: Any = request
    return other.resource(STORE)


async def provided() -> AsyncIterator[dict[str, str]]:
    yield {}


async def provided_list() -> AsyncIterator[list[str]]:
    yield []


@pytest.mark.parametrize("handler", [show, show_other_name, show_of_a_module, wrapping, Views().method])
def test_missing_resource_of_a_handler(handler: Callable[..., Any]) -> None:
    app = App()
    app.get("/a")(handler)
    found = warning_of(app, "TB431")
    assert found.text == "handler of route '/a' requests resource 'store', which nothing provides"
    assert re.fullmatch(r"tests/\S+/test_resource_check\.py:\d+", found.origins[0].location)
    app = App()
    app.get("/a")(handler)
    app.lifespan(provides=STORE)(provided)
    assert not app.resolve().diagnostics


@pytest.mark.parametrize("handler", [expecting, of_a_variable, of_another_object])
def test_uncertain_request_is_not_reported(handler: Callable[..., Any]) -> None:
    app = App()
    app.get("/a")(handler)
    assert not app.resolve().diagnostics


def test_similar_key_and_other_type_are_named() -> None:
    app = App()
    app.get("/a")(show)
    app.lifespan(provides=STORES)(provided)
    assert warning_of(app, "TB431").text.endswith("; did you mean 'stores'?")
    app = App()
    app.get("/a")(show)
    app.lifespan(provides=STORE_OF_LIST)(provided_list)
    assert warning_of(app, "TB431").text.endswith("the provided 'store' is of type list, not dict")


def test_scopes_have_the_resources_of_the_scopes_around() -> None:
    app = App()
    inner = app.scope("/inner")
    inner.get("/a")(show)
    app.lifespan(provides=STORE)(provided)
    assert not app.resolve().diagnostics
    app = App()
    inner = app.scope("/inner")
    app.get("/a")(show)
    inner.lifespan(provides=STORE)(provided)
    assert warning_of(app, "TB431").text.startswith("handler of route '/a' requests resource 'store'")


def test_middleware_and_error_handlers_may_request_resources_of_inner_scopes() -> None:
    @middleware
    async def storing(request: Request, call_next: Handler) -> Response:
        request.resource(STORE)
        return await call_next(request)

    def answer(request: Request, error: ValueError) -> Any:
        return request.resource(STORE)

    for is_provided in (False, True):
        app = App(middleware=[storing])
        app.error_handler(ValueError)(answer)
        inner = app.scope("/inner")
        if is_provided:
            inner.lifespan(provides=STORE)(provided)
        texts = [found.text.partition(" requests ")[0] for found in app.resolve().diagnostics]
        assert texts == ([] if is_provided else ["middleware 'storing'", "error handler for ValueError"])
