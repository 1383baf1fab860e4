"""``App`` and ``Scope`` store declarations with their locations, until the app is resolved."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.core.startup.finding import error_of, make_plugin
from turnbuckle import (
    App,
    AppFrozen,
    Diagnostic,
    Handler,
    Lifespan,
    ListenError,
    Middleware,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Scope,
    SettingsSources,
    Setup,
    TLSError,
    TurnbuckleError,
)
from turnbuckle.testing import Client


async def _answer(request: Request) -> str:
    return request.method


async def _pass_on(request: Request, call_next: Handler) -> Response:
    return await call_next(request)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_decorators_of_methods(method: str) -> None:
    app = App()
    decorate = getattr(app, method)("/x", name="n", host="a.example")
    assert decorate(_answer) is _answer
    (route,) = app.declare().routes
    assert (route.path, route.methods, route.name, route.host) == ("/x", {method.upper()}, "n", "a.example")


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        pytest.param(("GET", "post"), {"GET", "POST"}, id="several"),
        pytest.param("query", {"QUERY"}, id="lone-text"),
    ],
)
def test_route_takes_methods_in_any_case(methods: object, expected: set[str]) -> None:
    app = App()
    app.route("/x", methods=methods)(_answer)
    assert app.declare().routes[0].methods == expected


def test_route_answers_get_by_default() -> None:
    app = App()
    app.route("/x")(_answer)
    assert app.declare().routes[0].methods == {"GET"}


def test_route_knows_its_place() -> None:
    app = App()

    @app.get("/x")
    async def here(request: Request) -> str:
        return ""

    app.add_route("/y", Response)
    first, second = app.declare().routes
    assert first.origin is not None
    assert second.origin is not None
    assert first.origin.location.endswith(f"test_app.py:{here.__code__.co_firstlineno}")
    assert "test_app.py" in second.origin.location


def test_middleware_is_taken_in_three_ways() -> None:
    app = App(middleware=[_pass_on, Middleware("record", lambda call_next, setup: call_next)])

    @app.middleware
    async def plain(request: Request, call_next: Handler) -> Response:
        return await call_next(request)

    @app.middleware(name="named", zone="edge", before=("x",), after=("y",))
    async def other(request: Request, call_next: Handler) -> Response:
        return await call_next(request)

    app.add_middleware(_pass_on, name="again", zone="session")
    records = [written.record for written in app.declare().middleware]
    assert [record.name for record in records] == ["_pass_on", "record", "plain", "named", "again"]
    assert (records[3].zone, records[3].before, records[3].after) == ("edge", ("x",), ("y",))


def test_middleware_object_with_an_async_call() -> None:
    class Audit:
        async def __call__(self, request: Request, call_next: Handler) -> Response:
            return await call_next(request)

    (written,) = App(middleware=[Audit()]).declare().middleware
    assert written.record.name == "Audit"
    assert "test_app.py" in written.origin.location


def _sync(request: Request, call_next: Handler) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(3, "middleware is a Middleware record or an 'async def", id="number"),
        pytest.param(_sync, "middleware '_sync' is not an async function; write 'async def'", id="plain-def"),
        pytest.param(Response, "middleware 'Response' is a class; pass an instance", id="class"),
    ],
)
def test_middleware_that_is_none(value: Callable[..., object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        App(middleware=[value])


def test_record_takes_no_options() -> None:
    record = Middleware("record", lambda call_next, setup: call_next)
    with pytest.raises(TypeError, match="middleware 'record' is a record"):
        App().add_middleware(record, name="other")


def test_scopes_are_nested() -> None:
    app = App()
    outer = app.scope("/a/", host="a.example")
    inner = outer.scope("/b")
    assert (inner.prefix, inner.host) == ("/a/b", "a.example")
    (declared,) = app.declare().scopes
    assert [scope.prefix for scope in declared.scopes] == ["/a/b"]


def test_prefix_starts_with_a_slash() -> None:
    with pytest.raises(ValueError, match="prefix 'a' of a scope must start with a slash"):
        App().scope("a")


def test_scope_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError, match=r"opened with app\.scope"):
        Scope(None, "/x", "").get("/")(_answer)


async def _generator() -> AsyncIterator[None]:
    yield


async def _generator_with_setup(setup: Setup) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        pytest.param(_generator, "_generator", id="generator"),
        pytest.param(_generator_with_setup, "_generator_with_setup", id="generator-with-setup"),
        pytest.param(asynccontextmanager(_generator), "_generator", id="context-manager"),
        pytest.param(Lifespan("own", lambda setup: asynccontextmanager(_generator)()), "own", id="record"),
    ],
)
async def test_lifespan(factory: Callable[..., object], name: str) -> None:
    app = App(lifespan=factory)
    (written,) = app.declare().lifespans
    assert written.record.name == name
    context: AbstractAsyncContextManager[object] = written.record.factory(Setup(settings=app.plan.settings))
    async with context:
        pass


def test_lifespan_that_is_none() -> None:
    with pytest.raises(TypeError, match="a lifespan is an 'async def' that yields once, not 3"):
        App(lifespan=3)


_CHANGES: dict[str, Callable[[Scope], object]] = {
    "add a route": lambda scope: scope.get("/x")(_answer),
    "add middleware": lambda scope: scope.add_middleware(_pass_on),
    "add an error handler": lambda scope: scope.error_handler(KeyError)(_answer),
    "add a response type": lambda scope: scope.response_type(set)(Response),
    "add a lifespan": lambda scope: scope.lifespan(_generator),
    "open a scope": lambda scope: scope.scope("/y"),
}


@pytest.mark.parametrize("action", _CHANGES)
@pytest.mark.parametrize("where", ["app", "scope"])
def test_resolved_app_cannot_be_changed(action: str, where: str) -> None:
    app = App("shop")
    scope = app.scope("/s")
    _ = app.plan
    with pytest.raises(AppFrozen, match=f"cannot {action}: app 'shop' is already resolved") as caught:
        _CHANGES[action](scope if where == "scope" else app)
    assert caught.value.phase == "resolved"
    assert isinstance(caught.value, TurnbuckleError)


def test_app_that_a_hook_changes_says_how_far_it_is() -> None:
    app = App("shop", plugins=[make_plugin("late", provide_routes=lambda self, setup: app.add_route("/", _answer))])
    found = error_of(app, "TB306")
    assert "cannot add a route: app 'shop' is already being resolved" in found.text


def test_plan_is_that_of_the_last_resolution() -> None:
    app = App()
    first = app.plan
    assert app.plan is first
    assert app.resolve(SettingsSources(flags=("debug=true",))).settings.debug is True
    assert app.plan.settings.debug is True
    assert isinstance(first, Plan)


async def test_readme_specimen() -> None:
    app = App()

    @app.get("/")
    async def home(request: Request) -> str:
        return "Hello, World!"

    @app.get("/users/{id:int}", name="user")
    async def user(request: Request, id: int) -> dict[str, int]:
        return {"id": id}

    async with Client(app) as client:
        assert (await client.get("/")).text == "Hello, World!"
        assert (await client.get(app.url_for("user", id=3))).json() == {"id": 3}


def test_run_serves_where_the_settings_say(tmp_path: object) -> None:
    app = App(settings={"server": {"unix": f"{tmp_path}/nowhere/socket"}})
    with pytest.raises(ListenError, match="nowhere"):
        app.run(SettingsSources())


def test_run_secures_connections_as_the_settings_say(tmp_path: object) -> None:
    app = App(settings={"tls": {"cert": f"{tmp_path}/nowhere.pem"}})
    with pytest.raises(TLSError, match="nowhere"):
        app.run(SettingsSources())


def test_run_says_that_it_has_no_workers(tmp_path: object, caplog: pytest.LogCaptureFixture) -> None:
    app = App(settings={"server": {"unix": f"{tmp_path}/nowhere/socket"}, "workers": {"count": 4}})
    with pytest.raises(ListenError):
        app.run(SettingsSources())
    assert "serving with one process: workers need 'turnbuckle serve'" in caplog.messages


async def test_run_in_a_running_loop_names_the_way_that_works() -> None:
    with pytest.raises(RuntimeError, match=r"async with HTTPServer\(app.compile\(\), port=8000\)"):
        App().run()


@pytest.mark.parametrize("is_enabled", [True, False])
def test_startup_pauses_the_collection_of_garbage_and_restores_it(is_enabled: bool) -> None:
    seen: list[bool] = []

    class Watching(Plugin):
        info = PluginInfo(name="watching")

        def review_plan(self, plan: Plan) -> list[Diagnostic]:
            seen.append(gc.isenabled())
            return []

    was_enabled = gc.isenabled()
    (gc.enable if is_enabled else gc.disable)()
    try:
        App(plugins=[Watching]).compile()
        assert gc.isenabled() is is_enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()
    assert seen == [False]
