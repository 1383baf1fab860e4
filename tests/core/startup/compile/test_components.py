"""The core itself uses two kinds of components: ``json`` and ``loop``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import attrs
import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import JSON, App, Component, Handler, Middleware, Plugin, Request, ResourceKey, Response, Setup
from turnbuckle.testing import Client, expect_problems


class Shouting:
    """Writes everything in capitals, and reads the number of bytes."""

    def encode(self, value: object, /) -> bytes:
        return repr(value).upper().encode()

    def decode(self, content: bytes, /) -> object:
        if content == b"no":
            raise ValueError("on purpose")
        return len(content)


@attrs.frozen
class Point:
    x: int


def offering(*components: Component, name: str = "offering") -> type[Plugin]:
    return make_plugin(name, provide_components=lambda self, setup: components)


def app_with(*components: Component) -> App:
    return App(plugins=[offering(*components)])


async def test_json_component_writes_and_reads() -> None:
    app = app_with(Component("json", "shouting", lambda setup: Shouting()))
    app.get("/dict")(lambda: {"a": 1})
    app.get("/list")(lambda: ["a"])
    app.get("/attrs")(lambda: Point(1))
    app.get("/response")(lambda: JSON({"a": 1}))

    @app.post("/read")
    async def read(request: Request) -> str:
        return str(await request.json())

    async with Client(app) as client:
        texts = {path: (await client.get(path)).text for path in ("/dict", "/list", "/attrs", "/response")}
        kinds = {(await client.get(path)).headers["content-type"] for path in texts}
        assert (await client.post("/read", content=b"12345")).text == "5"
        refused = await client.post("/read", content=b"no")
    assert texts == {"/dict": "{'A': 1}", "/list": "['A']", "/attrs": "POINT(X=1)", "/response": "{'A': 1}"}
    assert kinds == {"application/json"}
    assert refused.status == 400


async def test_response_types_of_others_stay_as_they_are() -> None:
    app = app_with(Component("json", "shouting", lambda setup: Shouting()))
    app.response_type(dict)(lambda value: Response("mine"))
    app.get("/dict")(lambda: {"a": 1})
    app.get("/list")(lambda: ["a"])
    async with Client(app) as client:
        assert [(await client.get(path)).text for path in ("/dict", "/list")] == ["mine", "['A']"]


async def test_setting_chooses_the_component() -> None:
    quiet = offering(Component("json", "quiet", lambda setup: Quiet()), name="quiet")
    shouting = offering(Component("json", "shouting", lambda setup: Shouting()), name="shouting")
    app = App(plugins=[quiet, shouting], settings={"components": {"json": "shouting"}})
    app.get("/")(lambda: ["a"])
    async with Client(app) as client:
        assert (await client.get("/")).text == "['A']"


class Quiet(Shouting):
    def encode(self, value: object, /) -> bytes:
        return b"[]"


def test_loop_component_makes_the_loop() -> None:
    app = app_with(Component("loop", "selector", lambda setup: asyncio.SelectorEventLoop))
    assert app.compile().loop_factory is asyncio.SelectorEventLoop


def fail(setup: Setup) -> object:
    raise OSError("on purpose")


@pytest.mark.parametrize(
    ("component", "message"),
    [
        pytest.param(Component("json", "mine", fail), "'mine' cannot be made: OSError: on purpose", id="raises"),
        pytest.param(Component("json", "mine", lambda setup: object()), "has no encode, decode", id="no-codec"),
        pytest.param(Component("loop", "mine", lambda setup: 3), "3 cannot be called", id="no-loop"),
    ],
)
def test_component_that_cannot_be_made(component: Component, message: str) -> None:
    with expect_problems("TB507") as problems:
        app_with(component).compile()
    assert message in str(problems[0])
    assert "plugin 'offering'" in str(problems[0])


class _Store:
    pass


async def _async_factory(setup: Setup) -> _Store:
    return _Store()


def _failing(setup: Setup) -> object:
    raise OSError("no disk")


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        pytest.param(lambda setup: _Store, "the class _Store: return an instance, such as _Store()", id="class"),
        pytest.param(lambda setup: None, "returned None: a 'return' is missing", id="none"),
        pytest.param(lambda setup: _async_factory(attrs.evolve(setup)), "returned a coroutine", id="coroutine"),
        pytest.param(_async_factory, "its factory is async", id="async"),
        pytest.param(_failing, "OSError: no disk", id="fails"),
        pytest.param(lambda: [_Store()], "does not take the setup", id="no-argument"),
        pytest.param(_Store(), "which cannot be called", id="instance"),
        pytest.param(lambda setup: setup.component("store"), "RecursionError", id="itself"),
    ],
)
def test_mistake_of_a_component_that_nothing_requests_is_found(factory: Callable[..., object], says: str) -> None:
    with expect_problems("TB507") as problems:
        app_with(Component("store", "mine", factory)).compile()
    assert says in problems[0].diagnostic.text


def test_mistake_of_a_requested_component_is_reported_once() -> None:
    around = Middleware("m", lambda next_handler, setup: setup.component("store") and next_handler)  # type: ignore[return-value, arg-type]  # the mistake under test
    app = App(plugins=[offering(Component("store", "mine", lambda setup: None))], middleware=[around])
    with expect_problems("TB501") as problems:
        app.compile()
    assert len(problems) == 1


def test_component_that_needs_a_resource_is_left_to_its_lifespan() -> None:
    key = ResourceKey("database", list)
    app = app_with(Component("store", "mine", lambda setup: setup.resource(key)))
    app.compile()
    assert app.plan.components["store"].name == "mine"


def test_component_is_made_once_if_nothing_requests_it() -> None:
    made: list[Setup] = []
    app_with(Component("store", "mine", lambda setup: made.append(setup) or _Store())).compile()  # type: ignore[func-returns-value]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("kind", "near"),
    [
        ("jason", "json"),
        ("JSON", "json"),
        ("josn", "json"),
        ("json-codec", "json"),
        ("lop", "loop"),
        ("event_loop", "loop"),
        ("shadow-parser", "shadow_parser"),
        ("shadowparser", "shadow_parser"),
        *((kind, "") for kind in ("json", "templates", "store", "sessions", "pool", "json_schema", "mail")),
    ],
)
def test_kind_that_nothing_uses_and_is_similar_to_a_used_one(kind: str, near: str) -> None:
    app = app_with(Component(kind, "mine", lambda setup: Quiet()))
    app.compile()
    found = app.plan.diagnostics
    assert [(one.level, one.code) for one in found] == ([("warning", "TB508")] if near else [])
    if near:
        assert found[0].text == f"nothing uses {kind} component 'mine'; did you mean the kind {near!r}?"
        assert found[0].origins[0].plugin == "offering"
        assert found[0].fix.startswith(f"write Component({near!r}, 'mine', ...)")


def requesting(*kinds: str) -> type[Plugin]:
    def factory(call_next: Handler, setup: Setup[object]) -> Handler:
        for kind in kinds:
            with suppress(LookupError):
                setup.component(kind)
        return call_next

    return make_plugin("requesting", provide_middleware=lambda self, setup: [Middleware("m", factory)])


def test_kind_that_is_similar_to_one_that_a_plugin_requests() -> None:
    sessions = offering(Component("sesion_store", "mine", lambda setup: Quiet()))
    app = App(plugins=[sessions, requesting("session_store")])
    app.compile()
    (found,) = app.plan.diagnostics
    assert found.text == "nothing uses sesion_store component 'mine'; did you mean the kind 'session_store'?"


def test_similar_kinds_that_are_both_requested_are_legal() -> None:
    both = offering(*(Component(kind, "mine", lambda setup: Quiet()) for kind in ("jsonb", "store_a", "store_b")))
    app = App(plugins=[both, requesting("jsonb", "store_a", "store_b")])
    app.compile()
    assert not app.plan.diagnostics


def test_request_of_a_kind_that_is_missing_names_the_similar_one() -> None:
    app = app_with(Component("jsonn", "mine", lambda setup: setup.component("josn")))
    with expect_problems("TB507") as problems:
        app.compile()
    assert "no enabled plugin provides a component of kind 'josn'; did you mean 'jsonn'?" in str(problems[0])
