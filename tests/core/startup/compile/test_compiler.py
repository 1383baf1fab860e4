"""What a compiled app does with requests: chains, scopes, misses, errors, hosts."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from tests.core.startup.finding import error_of, make_plugin
from turnbuckle import (
    App,
    Component,
    Handler,
    Lifespan,
    Match,
    MethodNotAllowed,
    Middleware,
    NotFound,
    Plugin,
    Redirect,
    Request,
    Response,
    Route,
    Setup,
    StartupError,
    Text,
    TreeRouter,
    Unauthorized,
    middleware,
)
from turnbuckle.runtime.dispatch import CompiledRoute, answer_miss
from turnbuckle.testing import Client
from turnbuckle.web.response.errors import ErrorTable


def _tag(tag: str) -> Middleware:
    @middleware(name=tag)
    async def add(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        response.headers.add("Seen", tag)
        return response

    return add


async def _word(request: Request) -> str:
    return "word"


async def _fail(request: Request) -> str:
    raise KeyError("secret")


def _seen(response: object) -> list[str]:
    return list(response.headers.get_list("seen"))


async def test_middleware_is_around_every_answer() -> None:
    app = App(middleware=[_tag("outer"), _tag("inner")])
    app.get("/")(_word)
    app.get("/fail")(_fail)
    async with Client(app, raise_exceptions=False) as client:
        got = {path: await client.get(path) for path in ("/", "/fail", "/nowhere")}
        got["405"] = await client.post("/")
    assert {key: response.status for key, response in got.items()} == {
        "/": 200,
        "/fail": 500,
        "/nowhere": 404,
        "405": 405,
    }
    for response in got.values():
        assert _seen(response) == ["inner", "outer"]


async def test_scope_middleware_is_inside_that_of_the_app_and_around_its_misses() -> None:
    app = App(middleware=[_tag("app")])
    app.get("/out")(_word)
    scope = app.scope("/in", middleware=[_tag("scope")])
    scope.get("/")(_word)
    deep = scope.scope("/deep", middleware=[_tag("deep")])
    deep.get("/x")(_word)
    async with Client(app) as client:
        seen = {
            path: _seen(await client.get(path))
            for path in ("/out", "/in", "/in/no", "/in/deep/x", "/in/deep/no", "/inner")
        }
    assert seen == {
        "/out": ["app"],
        "/in": ["scope", "app"],
        "/in/no": ["scope", "app"],
        "/in/deep/x": ["deep", "scope", "app"],
        "/in/deep/no": ["deep", "scope", "app"],
        "/inner": ["app"],
    }


def _counter(name: str, made: list[str]) -> Middleware:
    """Return a middleware whose factory has a counter in its closure, as in a rate limiter."""

    def factory(call_next: Handler, setup: Setup) -> Handler:
        made.append(name)
        count = 0

        async def handler(request: Request) -> Response:
            nonlocal count
            count += 1
            response = await call_next(request)
            response.headers.add("Count", f"{name} {count}")
            return response

        return handler

    return Middleware(name, factory)


async def test_scope_middleware_is_made_once_and_counts_for_the_whole_scope() -> None:
    made: list[str] = []
    app = App(middleware=[_counter("app", made)])
    scope = app.scope("/s", middleware=[_counter("scope", made)])
    for path in ("/a", "/b", "/{name}"):
        scope.get(path)(_word)
    scope.scope("/plain").get("/x")(_word)
    deep = scope.scope("/deep", middleware=[_counter("deep", made)])
    deep.get("/x")(_word)
    async with Client(app) as client:
        paths = ("/s/a", "/s/b", "/s/c", "/s/plain/x", "/s/deep/x", "/s/deep/no", "/s/no/no", "/no")
        counts = [list((await client.get(path)).headers.get_list("count")) for path in paths]
        assert (await client.post("/s/deep/x")).status == 405
        counts.append(list((await client.get("/s/deep/x")).headers.get_list("count")))
    assert sorted(made) == ["app", "deep", "scope"]
    assert counts == [
        ["scope 1", "app 1"],
        ["scope 2", "app 2"],
        ["scope 3", "app 3"],
        ["scope 4", "app 4"],
        ["deep 1", "scope 5", "app 5"],
        ["deep 2", "scope 6", "app 6"],
        ["scope 7", "app 7"],
        ["app 8"],
        ["deep 4", "scope 9", "app 10"],
    ]


async def test_middleware_that_calls_twice_has_all_that_is_inside_run_twice() -> None:
    @middleware
    async def twice(request: Request, call_next: Handler) -> Response:
        await call_next(request)
        return await call_next(request)

    made: list[str] = []
    app = App()
    outer = app.scope("/s", middleware=[_counter("outer", made), twice])
    outer.scope("/in", middleware=[twice, _counter("inner", made)]).get("/x")(_word)
    async with Client(app) as client:
        response = await client.get("/s/in/x")
    assert list(response.headers.get_list("count")) == ["inner 4", "outer 1"]


async def test_options_is_answered_and_405_has_allow() -> None:
    app = App()
    app.get("/x")(_word)
    app.delete("/x")(_word)
    scope = app.scope("/s", middleware=[_tag("scope")])
    scope.put("/y")(_word)
    async with Client(app) as client:
        options = await client.request("OPTIONS", "/x")
        refused = await client.post("/x")
        inside = await client.request("OPTIONS", "/s/y")
        star = await client.raw(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        nowhere = await client.request("OPTIONS", "/no")
    assert (options.status, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")
    assert (refused.status, refused.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS")
    assert (inside.status, inside.headers["allow"], _seen(inside)) == (204, "OPTIONS, PUT", ["scope"])
    assert nowhere.status == 404
    assert b"HTTP/1.1 204 " in bytes(star.received)
    assert b"Allow: DELETE, GET, HEAD, OPTIONS, PUT" in bytes(star.received)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        pytest.param("MMMM", "/x", 501, id="unknown"),
        pytest.param("MMMM", "/nowhere", 501, id="unknown-and-no-path"),
        pytest.param("MMMM", "/s/y", 501, id="unknown-in-a-scope"),
        pytest.param("get", "/x", 501, id="other-case"),
        pytest.param("CONNECT", "example.com:443", 501, id="connect"),
        pytest.param("TRACE", "/x", 405, id="trace"),
        pytest.param("PROPFIND", "/x", 405, id="registered"),
        pytest.param("PROPFIND", "/nowhere", 404, id="registered-and-no-path"),
        pytest.param("BREW", "/pot", 200, id="of-a-route"),
        pytest.param("BREW", "/x", 405, id="of-another-route"),
        pytest.param("GET", "/pot", 405, id="known"),
    ],
)
async def test_unknown_method_is_not_implemented(method: str, target: str, status: int) -> None:
    app = App(middleware=[_tag("app")])
    app.get("/x")(_word)
    app.route("/pot", methods=["BREW"])(_word)
    app.scope("/s", middleware=[_tag("scope")]).get("/y")(_word)
    async with Client(app, raise_exceptions=False) as client:
        answer = await client.raw(f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    head = bytes(answer.received)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Seen: app" in head
    assert (b"Allow: " in head) == (status == 405)


async def test_options_of_its_own_and_head() -> None:
    app = App()
    app.get("/")(_word)

    @app.options("/")
    async def options(request: Request) -> Text:
        return Text("mine")

    @app.head("/h")
    async def head(request: Request) -> Response:
        return Response(headers={"X-Head": "1"})

    async with Client(app) as client:
        assert (await client.request("OPTIONS", "/")).text == "mine"
        response = await client.request("HEAD", "/")
        assert (response.status, response.content, response.headers["content-length"]) == (200, b"", "4")
        assert (await client.request("HEAD", "/h")).headers["x-head"] == "1"


async def test_slash_is_corrected_if_the_setting_says_so() -> None:
    app = App(settings={"routing": {"trailing_slash": "redirect"}})
    app.get("/x/")(_word)
    async with Client(app, follow_redirects=False) as client:
        response = await client.get("/x?a=1&b=%20")
        plain = await client.get("/x")
        evil = await client.get("//evil.example/..%2fx")
    assert (response.status, response.headers["location"]) == (308, "/x/?a=1&b=%20")
    assert plain.headers["location"] == "/x/"
    assert evil.status == 404


async def test_request_knows_its_route_and_parameters() -> None:
    app = App()

    @app.get("/{name}/{id:int}", name="it")
    async def show(request: Request, id: int, name: str) -> str:
        assert request.route is not None
        assert request.route.handler is show
        return f"{name} {id} {request.route.name} {request.url_for('it', name='z', id=1)} {dict(request.path_params)}"

    async with Client(app) as client:
        assert (await client.get("/a%20b/3")).text == "a b 3 it /z/1 {'name': 'a b', 'id': 3}"


async def test_response_types_and_error_handlers_of_a_scope_stay_inside() -> None:
    app = App()
    scope = app.scope("/s")
    for group in (app, scope):
        group.get("/set")(lambda request: {1})
        group.get("/fail")(_fail)
        group.get("/plain")(_word)
    inner = scope.scope("/same")
    inner.get("/set")(lambda request: {1})

    @scope.response_type(set)
    def render(value: set[int]) -> Response:
        return Response(f"set of {len(value)}")

    @scope.error_handler(KeyError)
    async def answer(request: Request, error: KeyError) -> Response:
        return Response("no such key", 410)

    async with Client(app, raise_exceptions=False) as client:
        statuses = {
            path: (await client.get(path)).status for path in ("/set", "/fail", "/s/set", "/s/fail", "/s/plain")
        }
        assert (await client.get("/s/same/set")).text == "set of 1"
    assert statuses == {"/set": 500, "/fail": 500, "/s/set": 200, "/s/fail": 410, "/s/plain": 200}


async def test_error_handlers_of_a_scope_answer_for_its_middleware() -> None:
    app = App(middleware=[_tag("app")])

    @middleware
    async def refuse(request: Request, call_next: Handler) -> Response:
        raise Unauthorized("who are you")

    scope = app.scope("/s", middleware=[refuse])
    scope.get("/x")(_word)

    @scope.error_handler(Unauthorized)
    async def answer(request: Request, error: Unauthorized) -> str:
        return "log in"

    async with Client(app) as client:
        for path in ("/s/x", "/s/no"):
            response = await client.get(path)
            assert (response.text, _seen(response)) == ("log in", ["app"])


async def test_middleware_that_raises_is_answered() -> None:
    @middleware
    async def teapot(request: Request, call_next: Handler) -> Response:
        raise Unauthorized("no")

    async with Client(App(middleware=[teapot])) as client:
        assert (await client.get("/")).status == 401


async def test_middleware_that_returns_no_response_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    @middleware
    async def forgetful(request: Request, call_next: Handler) -> Response:
        if request.path == "/":
            return None
        return await call_next(request)

    with caplog.at_level(logging.ERROR):
        async with Client(App("shop", middleware=[forgetful]), raise_exceptions=False) as client:
            assert (await client.get("/")).status == 500
    assert re.search(r"middleware 'forgetful' \(\S+:\d+\) of app 'shop' returned None, which is not", caplog.text)


class Renders:
    def __call__(self, value: object):  # type: ignore[no-untyped-def]  # noqa: ANN204  # as users write it
        return "text"

    def render(self, value: object):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return "text"


@pytest.mark.parametrize(
    ("render", "name"),
    [
        pytest.param(lambda value: "text", "<lambda>", id="lambda"),
        pytest.param(Renders(), "Renders", id="object"),
        pytest.param(Renders().render, "Renders.render", id="method"),
        pytest.param(partial(Renders.render, None), "Renders.render", id="partial"),
    ],
)
async def test_response_type_that_makes_no_response_is_answered(
    render: Callable[..., Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    app.response_type(set)(render)
    app.get("/")(lambda request: {1})
    with caplog.at_level(logging.ERROR):
        async with Client(app, raise_exceptions=False) as client:
            assert (await client.get("/")).status == 500
    place = rf"test_compiler\S*\.{re.escape(name)} at tests/\S+test_compiler\.py:\d+"
    found = rf"the response type for set \(\S*{place}\) returned 'text', which is not a Response; write Response\("
    assert re.search(found, caplog.text)


async def test_cancellation_is_not_answered() -> None:
    app = App(middleware=[_tag("app")])
    started = asyncio.Event()

    @app.get("/")
    async def wait(request: Request) -> str:
        started.set()
        await asyncio.Event().wait()
        return ""

    async with Client(app) as client:
        task = asyncio.ensure_future(client.get("/"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_debug_shows_tracebacks() -> None:
    for debug in (True, False):
        app = App(debug=debug)
        app.get("/")(_fail)
        async with Client(app, raise_exceptions=False) as client:
            assert ("KeyError" in (await client.get("/")).text) is debug


async def test_routes_of_hosts() -> None:
    app = App()
    app.get("/")(_word)

    @app.get("/", host="{tenant}.example.com")
    async def tenant(request: Request, tenant: str) -> str:
        return tenant

    async with Client(app) as client:
        assert (await client.get("/", headers={"Host": "me.example.com:80"})).text == "me"
        assert (await client.get("/", headers={"Host": "other.org"})).text == "word"


async def test_hosts_in_a_scope_with_a_router_of_its_own() -> None:
    app = App()
    app.get("/")(_word)
    scope = app.scope("/s", router=TreeRouter())
    scope.get("/")(_word)
    scope.get("/x", host="a.example")(_word)
    async with Client(app) as client:
        got = [
            (await client.get(path, headers={"Host": "a.example"})).status for path in ("/", "/s", "/s/x", "/s/y", "/t")
        ]
        other = await client.get("/s/x", headers={"Host": "b.example"})
    assert got == [200, 200, 200, 404, 404]
    assert other.status == 404


async def test_hosts_of_a_router_that_a_plugin_makes() -> None:
    app = App()
    app.get("/", host="a.example")(_word)
    async with Client(app) as client:
        assert (await client.get("/", headers={"Host": "a.example"})).text == "word"


class _Own:
    """A router with its own handlers."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def add(self, route: Route, /) -> None: ...

    def freeze(self) -> None: ...

    def match(self, method: str, path: str, /) -> Match:
        if self.error is not None:
            raise self.error

        async def handle(request: Request) -> str:
            return f"own {path} {request.route}"

        return Match(handle)


async def test_router_with_handlers_of_its_own() -> None:
    for router in (_Own, _Own()):
        async with Client(App(router=router)) as client:
            assert (await client.get("/x")).text == "own /x None"


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("x"), 500), (NotFound(), 404), (MethodNotAllowed(["GET"]), 405)]
)
async def test_router_that_raises(error: Exception, status: int) -> None:
    async with Client(App(router=lambda: _Own(error)), raise_exceptions=False) as client:
        assert (await client.get("/x")).status == status


async def test_handlers_may_be_anything_that_can_be_called() -> None:
    app = App()

    class Greeter:
        async def __call__(self, request: Request) -> str:
            return "hello"

        def plain(self, request: Request) -> Redirect:
            return Redirect("/elsewhere")

    async def stream(request: Request) -> AsyncIterator[str]:
        yield "a"
        yield "b"

    app.get("/object")(Greeter())
    app.get("/method")(Greeter().plain)
    app.get("/stream")(stream)
    async with Client(app, follow_redirects=False) as client:
        assert (await client.get("/object")).text == "hello"
        assert (await client.get("/method")).status == 302
        assert (await client.get("/stream")).text == "ab"


async def test_lifespans_are_entered_with_their_setup() -> None:
    events: list[str] = []
    app = App("shop")

    @asynccontextmanager
    async def life(setup: Setup) -> AsyncIterator[None]:
        events.append(f"enter {setup.plugin}{setup.scope}")
        yield
        events.append(f"leave {setup.plugin}{setup.scope}")

    plugin = make_plugin("p", provide_lifespans=lambda self, setup: [Lifespan("life", life)])
    app = App(plugins=[plugin])
    app.scope("/s", plugins=[make_plugin("q", provide_lifespans=lambda self, setup: [Lifespan("life", life)])])
    app.lifespan(life)
    async with Client(app):
        assert events == ["enter p", "enter app", "enter q/s"]
    assert events[3:] == ["leave q/s", "leave app", "leave p"]


def test_settings_reach_the_application() -> None:
    settings = {
        "log": {"access": True, "queries": False},
        "limits": {"content": 5},
        "timeouts": {"idle": 2},
        "server": {"cancel_on_disconnect": True},
    }
    application = App(settings=settings).compile()
    assert (application.access_log, application.log_queries, application.cancel_on_disconnect) == (True, False, True)
    assert (application.limits.content, application.timeouts.idle) == (5, 2.0)


def test_middleware_that_cannot_be_made_is_reported_once() -> None:
    def factory(call_next: Handler, setup: Setup) -> Handler:
        raise RuntimeError("no luck")

    app = App()
    scope = app.scope("/s", middleware=[Middleware("broken", factory)])
    scope.get("/a")(_word)
    scope.get("/b")(_word)
    found = error_of(app, "TB501")
    assert found.text == "middleware 'broken' cannot be made: RuntimeError: no luck"


def test_middleware_factory_that_makes_no_handler() -> None:
    app = App(middleware=[Middleware("broken", lambda call_next, setup: None)])
    assert "returned None, which is not a handler" in error_of(app, "TB501").text


def test_router_that_can_be_made_once_only() -> None:
    made: list[TreeRouter] = []

    def once(setup: Setup) -> TreeRouter:
        if made:
            raise RuntimeError("once is enough")
        made.append(TreeRouter())
        return made[0]

    app = App(router=once)
    app.compile()
    # The first compilation uses the router made by resolve(); each further one needs a new router.
    with pytest.raises(StartupError) as caught:
        app.compile()
    assert "once is enough" in str(caught.value.problems[0].diagnostic)


async def test_plan_compiled_twice_makes_apps_that_share_nothing() -> None:
    made: list[str] = []
    app = App()
    app.scope("/s", middleware=[_counter("scope", made)]).get("/{name}")(_word)
    for _ in range(2):
        async with Client(app) as first, Client(app) as second:
            counts = [(await client.get("/s/x")).headers["count"] for client in (first, second, first)]
        assert counts == ["scope 1", "scope 1", "scope 2"]
    assert made == ["scope"] * 4


def test_middleware_that_steps_aside_costs_nothing() -> None:
    def factory(call_next: Handler, setup: Setup) -> Handler:
        seen.append(call_next)
        return call_next

    seen: list[Handler] = []
    App(middleware=[Middleware("a", factory), Middleware("b", factory)]).compile()
    assert seen[0] is seen[1]


def test_app_without_middleware_has_no_chain() -> None:
    assert App().compile().handle.__name__ == "dispatch"
    assert App(middleware=[_tag("a")]).compile().handle.__name__ == "guarded"


async def test_compiled_route_can_be_called_as_a_handler() -> None:
    async def call(request: object) -> object:
        return request

    route = Route(path="/", handler=_word)
    assert await CompiledRoute(route, call)(5) == 5


async def test_answer_to_no_miss_is_a_mistake() -> None:
    app = App()
    caught: list[Exception] = []

    @app.get("/")
    async def show(request: Request) -> str:
        try:
            await answer_miss(ErrorTable())(request)
        except TypeError as error:
            caught.append(error)
        return ""

    async with Client(app) as client:
        await client.get("/")
    assert "no exception to answer for" in str(caught[0])


async def test_two_apps_with_different_plugins_live_in_one_process() -> None:
    def routes(word: str) -> type[Plugin]:
        async def handler(request: Request) -> str:
            return word

        return make_plugin("same", provide_routes=lambda self, setup: [Route(path="/", handler=handler)])

    async with Client(App(plugins=[routes("one")])) as first, Client(App(plugins=[routes("two")])) as second:
        assert [(await first.get("/")).text, (await second.get("/")).text] == ["one", "two"]


def test_component_that_is_not_chosen_is_not_made() -> None:
    made: list[object] = []
    records = [Component("store", "a", made.append), Component("store", "b", lambda setup: made)]
    plugin = make_plugin("p", provide_components=lambda self, setup: records)
    App(plugins=[plugin], settings={"components": {"store": "b"}}).compile()
    assert made == []


async def yields_twice(setup: object = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    yield
    yield  # here


async def yields_in_blocks(setup: object = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    try:
        store = yield
    finally:
        yield store  # here


async def yields_in_branches(setup: object = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    if __debug__:
        yield
        return
    yield


async def yields_in_a_handler(setup: object = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    try:
        yield
    except OSError:
        yield


@pytest.mark.parametrize("function", [yields_twice, yields_in_blocks, yields_in_branches, yields_in_a_handler])
@pytest.mark.parametrize("as_record", [False, True])
def test_lifespan_with_a_second_yield_is_reported(function: Callable[..., Any], as_record: bool) -> None:
    lines, first = inspect.getsourcelines(function)
    expected = next((first + at for at, line in enumerate(lines) if "# here" in line), 0)
    app = App(plugins=[make_plugin("p", provide_lifespans=lambda self, setup: [record])]) if as_record else App()
    record = Lifespan("named", asynccontextmanager(function))
    if not as_record:
        app.lifespan(function)
    app.compile()
    found = [one for one in app.plan.diagnostics if one.code == "TB505" or not as_record]
    assert [one.level for one in found] == (["warning"] if expected else [])
    if expected:
        assert f"yields again in line {expected}, so that it fails" in found[0].text
        assert found[0].fix == f"remove the 'yield' in line {expected}"
