"""Resources: the order of their lifespans, their visibility, and their mistakes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import attrs
import pytest

from tests.core.startup.finding import error_of
from turnbuckle import (
    App,
    Lifespan,
    LifespanError,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    Response,
    Setup,
    StartupError,
)
from turnbuckle.errors import ResourceUnavailable
from turnbuckle.records import Middleware
from turnbuckle.testing import Client
from turnbuckle.web.types import Handler


@attrs.frozen
class Store:
    """Something that handlers use."""

    name: str


@attrs.frozen
class Index:
    """Something that is built on a store."""

    store: Store


STORE = ResourceKey("store", Store)
INDEX = ResourceKey("index", Index)


def storing(name: str = "store", value: object = None) -> Lifespan:
    """Return a lifespan that provides a store."""

    @asynccontextmanager
    async def enter(setup: Setup) -> AsyncIterator[object]:
        yield Store(name) if value is None else value

    return Lifespan(name, enter, provides=STORE)


@asynccontextmanager
async def index(setup: Setup) -> AsyncIterator[Index]:
    yield Index(setup.resource(STORE))


class Provides(Plugin):
    """Returns the lifespans that it was made with."""

    info = PluginInfo(name="provides")

    def __init__(self, *lifespans: Lifespan, name: str = "provides") -> None:
        self.info = PluginInfo(name=name)
        self._lifespans = lifespans

    def provide_lifespans(self, setup: Setup) -> Sequence[Lifespan]:
        return self._lifespans


def store_of(request: Request) -> str:
    return request.resource(STORE).name


async def test_handler_reaches_the_resource_of_a_lifespan() -> None:
    app = App(plugins=[Provides(storing("one"))])
    app.get("/")(store_of)
    async with Client(app) as client:
        assert (await client.get("/")).text == "one"


async def test_app_provides_with_a_decorator() -> None:
    app = App()

    @app.lifespan(provides=STORE)
    async def store() -> AsyncIterator[Store]:
        yield Store("written")

    app.get("/")(store_of)
    async with Client(app) as client:
        assert (await client.get("/")).text == "written"


def test_record_with_options_is_refused() -> None:
    with pytest.raises(TypeError, match="lifespan 'store' is a record"):
        App().lifespan(provides=STORE)(storing())


async def test_lifespan_is_entered_after_its_needs() -> None:
    first = Provides(Lifespan("index", index, provides=INDEX, needs=STORE), name="a")
    app = App(plugins=[first, Provides(storing(), name="b")])
    app.get("/")(lambda request: request.resource(INDEX).store.name)
    assert [lifespan.record.name for lifespan in app.plan.root.lifespans] == ["store", "index"]
    async with Client(app) as client:
        assert (await client.get("/")).text == "store"


def test_lifespans_without_needs_stay_in_order() -> None:
    app = App(plugins=[Provides(Lifespan("z", index), Lifespan("z", index), Lifespan("a", index))])
    assert [lifespan.record.name for lifespan in app.plan.root.lifespans] == ["z", "z", "a"]


async def test_middleware_reaches_resources_while_it_serves() -> None:
    def factory(next_handler: Handler, setup: Setup) -> Handler:
        async def handler(request: Request) -> Response:
            request.state.store = setup.resource(STORE).name
            return await next_handler(request)

        return handler

    app = App(plugins=[Provides(storing())], middleware=[Middleware("with_store", factory)])
    app.get("/")(lambda request: request.state.store)
    async with Client(app) as client:
        assert (await client.get("/")).text == "store"


async def test_each_scope_has_its_own() -> None:
    app = App(plugins=[Provides(storing("outer"))])
    app.get("/")(store_of)
    app.scope("/one", plugins=[Provides(storing("inner"))]).get("/")(store_of)
    app.scope("/two").scope("/deep").get("/")(store_of)
    async with Client(app) as client:
        texts = [(await client.get(path)).text for path in ("/", "/one", "/two/deep")]
    assert texts == ["outer", "inner", "outer"]


async def test_resource_of_a_scope_stays_inside() -> None:
    app = App()
    app.scope("/one", plugins=[Provides(storing("inner"))])

    @app.get("/")
    async def outside(request: Request) -> str:
        with pytest.raises(ResourceUnavailable) as caught:
            request.resource(STORE)
        return str(caught.value)

    async with Client(app) as client:
        text = (await client.get("/")).text
    place = r"tests/\S+/test_resources\.py:\d+"
    assert re.match(rf"nothing provides resource 'store' of type \w+, requested at {place}; ", text)
    assert "; lifespan 'inner' of plugin 'provides' in" in text
    assert text.endswith("in scope '/one' provides it there only")


async def test_resource_is_there_as_long_as_its_lifespan_is_entered() -> None:
    setups: list[Setup] = []

    def factory(next_handler: Handler, setup: Setup) -> Handler:
        setups.append(setup)
        return next_handler

    app = App(plugins=[Provides(storing())], middleware=[Middleware("early", factory)])
    client = Client(app)
    with pytest.raises(ResourceUnavailable, match="while the app is not started: lifespan 'store' of plugin"):
        setups[0].resource(STORE)
    async with client:
        assert setups[0].resource(STORE) == Store("store")
    with pytest.raises(ResourceUnavailable, match="while the app is stopped") as caught:
        setups[0].resource(STORE)
    assert (caught.value.name, caught.value.phase) == ("store", "stopped")


def test_hook_cannot_reach_resources() -> None:
    class Asks(Plugin):
        info = PluginInfo(name="asks")

        def provide_lifespans(self, setup: Setup) -> Sequence[Lifespan]:
            setup.resource(STORE)
            return []

    with pytest.raises(StartupError) as caught:
        App(plugins=[Asks]).plan  # noqa: B018
    assert "TB306" in str(caught.value.exceptions[0])
    assert "resource 'store' is not available here" in str(caught.value.exceptions[0])


async def test_value_of_another_type_is_refused() -> None:
    app = App(plugins=[Provides(storing(value="text"))])
    with pytest.raises(LifespanError, match="TypeError: resource 'store' is a Store, but 'text' was yielded"):
        async with Client(app):
            pass


async def test_one_application_is_served_once_at_a_time() -> None:
    application = App(plugins=[Provides(storing())]).compile()
    async with Client(application):
        with pytest.raises(LifespanError, match="each running server needs its own application"):
            async with Client(application):
                pass
    async with Client(application):
        pass


@pytest.mark.parametrize("wrong", [{"provides": "store"}, {"needs": ["store"]}], ids=["provides", "needs"])
def test_key_is_no_text(wrong: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="the key of a resource must be a ResourceKey, not 'store'"):
        Lifespan("x", index, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lifespans", "expected"),
    [
        pytest.param(
            [storing("one"), storing("two")],
            "TB422 lifespans 'one' and 'two' both provide resource 'store'",
            id="duplicate",
        ),
        pytest.param(
            [Lifespan("index", index, needs=[STORE])],
            "TB423 lifespan 'index' needs resource 'store', which nothing provides",
            id="missing",
        ),
        pytest.param(
            [
                Lifespan("x", index, provides=INDEX, needs=STORE),
                Lifespan("y", index, provides=STORE, needs=INDEX),
            ],
            "TB424 lifespans need each other in a cycle: x -> y -> x",
            id="circle",
        ),
    ],
)
def test_mistake_is_found_at_startup(lifespans: list[Lifespan], expected: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[Provides(*lifespans)]).plan  # noqa: B018
    (problem,) = caught.value.exceptions
    assert str(problem).startswith(expected)
    assert "plugin 'provides' in provide_lifespans at" in str(problem)


def test_scope_may_need_resources_of_outer_scopes() -> None:
    app = App(plugins=[Provides(storing())])
    app.scope("/in", plugins=[Provides(Lifespan("index", index, needs=STORE))])
    assert app.plan.diagnostics == ()


def _needing(key: ResourceKey[object]) -> Middleware:
    return Middleware("m", lambda call_next, setup: call_next, needs=key)


def test_middleware_may_need_a_resource() -> None:
    app = App(middleware=[_needing(STORE)])
    app.lifespan(storing())
    app.scope("/in", middleware=[Middleware("n", lambda call_next, setup: call_next, needs=[STORE, "m"])])
    plan = app.resolve()
    assert plan.diagnostics == ()
    assert plan.root.middleware[0].record.needs == (STORE,)


def test_middleware_without_the_resource_that_it_needs() -> None:
    found = error_of(App(middleware=[_needing(STORE)]), "TB412")
    assert found.text == "middleware 'm' needs resource 'store', which no lifespan provides"


def test_middleware_does_not_see_the_resource_of_a_scope_inside() -> None:
    app = App(middleware=[_needing(STORE)])
    app.scope("/in").lifespan(storing())
    assert "which no lifespan provides" in error_of(app, "TB412").text


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        pytest.param(ResourceKey("stores", Store), "did you mean 'store'?", id="misspelt"),
        pytest.param(ResourceKey("store", Index), "the provided 'store' is of type Store, not Index", id="type"),
    ],
)
def test_middleware_that_needs_a_resource_like_one_that_is_there(key: ResourceKey[object], hint: str) -> None:
    app = App(middleware=[_needing(key)])
    app.lifespan(storing())
    assert hint in error_of(app, "TB412").text
