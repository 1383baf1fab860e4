"""A plan is data: it is read-only, and can be compared, pickled and printed."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Annotated, cast

import attrs
import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import App, Component, Plan, Query, Request, ResourceKey, Response, Setup
from turnbuckle._frozen_mapping import FrozenMapping, frozen_mapping
from turnbuckle.diagnostics import Diagnostic, Origin, RejectedCandidate, Sourced
from turnbuckle.plan import Choice, Overruled, PlannedPlugin, SettingValue
from turnbuckle.plugin import Plugin, PluginInfo
from turnbuckle.records import (
    ErrorHandler,
    Lifespan,
    Middleware,
    ParserProvider,
    ProtocolProvider,
    ResponseType,
    RouterProvider,
    middleware,
)
from turnbuckle.routing.converters import Converter
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.schema.faults import SchemaError

NUMBER = ResourceKey("number", int)
HERE = Origin(plugin="app", location="shop.py:1")


class Thing:
    """A class with its own response type."""


async def item(request: Request, id: int | str) -> str:
    return str(id)


async def around(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    return await call_next(request)


@middleware(zone="security")
async def check(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    return await call_next(request)


async def answer(request: Request, error: KeyError) -> str:
    return str(error)


async def lifespan() -> AsyncIterator[int]:
    yield 1


def render(value: Thing) -> Response:
    return Response("")


def make_router(setup: Setup) -> TreeRouter:
    return TreeRouter(converters=setup.converters)


def make_regex(arguments: str) -> Converter:
    return Converter(regex=arguments)


@attrs.frozen
class Config:
    size: int = 1


class Sized(Plugin):
    info = PluginInfo(name="sized", config=Config)


def make_app() -> App:
    app = App(
        plugins=[(Sized, {"size": 2})],
        middleware=[around, check],
        router=make_router,
        settings={"limits": {"content": 1000}},
        converters={"hex": Converter(regex="[0-9a-f]+"), "like": make_regex},
    )
    app.get("/items/{id:hex}", name="item", timeouts={"handler": 5.0})(item)
    app.error_handler(KeyError)(answer)
    app.response_type(Thing)(render)
    app.lifespan(lifespan, provides=NUMBER)
    app.scope("/shop", router="tree").get("/{id:int}")(item)
    return app


RECORDS = [
    HERE,
    Diagnostic(level="error", code="TB101", text="unknown", origins=(HERE,)),
    NUMBER,
    RejectedCandidate("h1", HERE),
    Sourced(ErrorHandler(KeyError, answer), HERE, rejected=(RejectedCandidate("other", HERE),)),
    PluginInfo(name="sized", config=Config),
    ParserProvider("tree", item),
    RouterProvider("tree", TreeRouter),
    Middleware("around", make_regex, provides="user"),
    check,
    ErrorHandler(KeyError, answer),
    ResponseType(Thing, render),
    Lifespan("number", make_regex, provides=NUMBER),
    ProtocolProvider(name="echo", factory=make_regex, upgrade="echo"),
    Component("json", "plain", make_regex),
    Route(path="/items", handler=item, limits={"content": 10}),
    Match(item, {"id": 1}),
    Choice(kind="router", name="tree", provider=RouterProvider("tree", TreeRouter), origin=HERE, rule="built in"),
    SettingValue(key="debug", value=True, source="code", overruled=(Overruled(False, "default"),)),
    PlannedPlugin(name="sized", state="enabled", origin=HERE),
]


@pytest.mark.parametrize(
    "record", RECORDS, ids=lambda record: f"{type(record).__name__}-{getattr(record, 'name', '')}".strip("-")
)
def test_record_survives_pickling(record: object) -> None:
    assert pickle.loads(pickle.dumps(record)) == record


def test_plan_survives_pickling() -> None:
    plan = make_app().resolve()
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_compiled_plan_survives_pickling() -> None:
    app = make_app()
    app.compile()
    assert pickle.loads(pickle.dumps(app.plan)) == app.plan


def test_two_resolutions_give_equal_plans() -> None:
    app = make_app()
    assert app.resolve() == app.resolve()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda app: app.get("/more")(item), id="route"),
        pytest.param(lambda app: app.add_middleware(around, name="again"), id="middleware"),
        pytest.param(lambda app: app.scope("/other"), id="scope"),
    ],
)
def test_plans_of_different_apps_differ(change: Callable[[App], object]) -> None:
    app = make_app()
    change(app)
    assert app.resolve() != make_app().resolve()


def test_plans_with_different_converters_differ() -> None:
    first, second = (App(converters={"x": Converter(regex=regex)}) for regex in ("a", "b"))
    assert attrs.evolve(first.resolve(), converters=second.resolve().converters) != first.resolve()


async def _typed(id: int, tags: dict[str, int], page: Annotated[int, Query(ge=1)] = 1) -> list[int]:
    return []


def test_plan_with_typed_parameters_can_be_pickled() -> None:
    app = App()
    app.post("/{id:int}")(_typed)
    copy = pickle.loads(pickle.dumps(app.plan))
    assert copy == app.plan
    ((planned, _),) = copy.routes()
    *_, tags, page = planned.signature.parameters
    assert tags.schema.decode_json(b'{"a":1}') == {"a": 1}
    with pytest.raises(SchemaError, match="at least 1"):
        page.schema.from_text("0")


def test_plan_with_a_local_function_names_it_when_pickled() -> None:
    app = App()

    @app.get("/")
    async def local() -> str:
        return ""

    assert app.resolve() == app.resolve()
    with pytest.raises((AttributeError, pickle.PicklingError), match=r"<locals>\.local"):
        pickle.dumps(app.plan)


def test_plan_is_printed_with_its_records() -> None:
    text = repr(make_app().resolve())
    assert "path='/items/{id:hex}'" in text
    assert "object at 0x" not in text


def test_frozen_mapping_is_a_comparable_copy() -> None:
    mapping = {"b": 1, "a": 2}
    frozen = frozen_mapping(mapping)
    mapping["c"] = 3
    assert frozen == {"b": 1, "a": 2} == FrozenMapping({"a": 2, "b": 1})
    assert (list(frozen), len(frozen), frozen["a"], repr(frozen)) == (["b", "a"], 2, 2, "{'b': 1, 'a': 2}")
    assert frozen_mapping(frozen) is frozen
    assert pickle.loads(pickle.dumps(frozen)) == frozen


@pytest.fixture
def plan() -> Plan:
    plugin = make_plugin("fast", provide_components=lambda self, setup: [Component("json", "quick", dict)])
    return App(plugins=[plugin], settings={"components": {"json": "quick"}}).plan


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Plan)])
def test_no_attribute_of_a_plan_can_be_set(plan: Plan, name: str) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(plan, name, None)


@pytest.mark.parametrize("path", ["setting_values", "components", "seconds", "root.configs", "settings.components"])
def test_no_mapping_of_a_plan_can_be_changed(plan: Plan, path: str) -> None:
    value: object = plan
    for part in path.split("."):
        value = getattr(value, part)
    with pytest.raises(TypeError):
        cast("MutableMapping[str, object]", value)["new"] = None


def test_a_plan_holds_no_list(plan: Plan) -> None:
    held = [getattr(record, field.name) for record in (plan, plan.root) for field in attrs.fields(type(record))]
    assert [value for value in held if isinstance(value, list | set | dict)] == []


def test_settings_of_a_plan_cannot_be_set(plan: Plan) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        plan.settings.debug = True  # type: ignore[misc]  # that is the point


def test_time_of_every_phase_is_measured(plan: Plan) -> None:
    assert list(plan.seconds) == ["configure", "load and collect", "resolve"]
    assert all(seconds > 0 for seconds in plan.seconds.values())


def test_time_of_every_plugin_that_takes_part_is_measured(plan: Plan) -> None:
    assert [plugin.name for plugin in plan.plugins if not plugin.seconds] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("pa55word", "********", id="text"),
        pytest.param(["pa55word"], "********", id="list"),
        pytest.param("", "''", id="empty"),
        pytest.param(None, "None", id="none"),
    ],
)
def test_secret_is_shown_as_stars(value: object, shown: str) -> None:
    assert SettingValue(key="key", value=value, source="default", secret=True).shown() == shown
