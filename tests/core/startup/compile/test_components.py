"""The core itself uses two kinds of components: ``json`` and ``loop``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import JSON, App, Component, Middleware, Plugin, Request, ResourceKey, Response, Setup
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
