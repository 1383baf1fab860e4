"""Tables, routes and names are decided; what claims the same thing twice is refused with both places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from tests.core.startup.finding import error_of, errors_of, make_plugin, warning_of
from turnbuckle import (
    App,
    ErrorHandler,
    Match,
    Plugin,
    ProtocolProvider,
    Request,
    Response,
    ResponseType,
    Route,
    RouteError,
    RouterProvider,
    Setup,
    TreeRouter,
)
from turnbuckle.testing import Client


async def _answer(request: Request) -> str:
    return "yes"


async def _takes_id(request: Request, id: int) -> str:
    return str(id)


async def _takes_any_id(request, id) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    return str(id)


def _render(value: object) -> Response:
    return Response(str(value))


def _types(name: str, *types: object) -> type[Plugin]:
    records = [ResponseType(type_, _render) for type_ in types]
    return make_plugin(name, provide_response_types=lambda self, setup: records)


def _type_owner(app: App, kind: type) -> str:
    return next(planned.origin.plugin for planned in app.plan.root.response_types if planned.record.type is kind)


def test_response_type_of_a_plugin_beats_the_builtin_one() -> None:
    assert _type_owner(App(plugins=[_types("p", str)]), str) == "p"


def test_response_type_of_the_app_beats_that_of_a_plugin() -> None:
    app = App(plugins=[_types("p", Path)])
    app.response_type(Path, media_type="text/x")(_render)
    assert _type_owner(app, Path) == "app"


def test_two_plugins_for_one_response_type() -> None:
    found = error_of(App(plugins=[_types("a", set), _types("b", set)]), "TB404")
    assert found.text == "response type for set is defined twice"
    assert [origin.plugin for origin in found.origins] == ["b", "a"]


def test_app_gives_one_response_type_twice() -> None:
    app = App()
    app.response_type(set)(_render)
    app.response_type(set)(_render)
    assert len(error_of(app, "TB404").origins) == 2


def test_response_type_of_a_scope_stays_inside() -> None:
    app = App(plugins=[_types("a", set)])
    scope = app.scope("/x", plugins=[_types("b", set)])
    scope.scope("/y")
    owners = [
        next(
            response_type.origin.plugin for response_type in planned.response_types if response_type.record.type is set
        )
        for planned in app.plan.root.walk()
    ]
    assert owners == ["a", "b", "b"]


def _handlers(name: str, *exceptions: object) -> type[Plugin]:
    records = [ErrorHandler(exception, lambda request, error: _answer()) for exception in exceptions]
    return make_plugin(name, provide_error_handlers=lambda self, setup: records)


def test_two_error_handlers_for_one_exception() -> None:
    found = error_of(App(plugins=[_handlers("a", KeyError), _handlers("b", KeyError)]), "TB414")
    assert found.text == "error handler for KeyError is defined twice"


@pytest.mark.parametrize(
    "plugin",
    [
        pytest.param(_types("p", "str"), id="type-is-text"),
        pytest.param(_handlers("p", "KeyError"), id="exception-is-text"),
        pytest.param(_handlers("p", int), id="no-exception"),
        pytest.param(_handlers("p", KeyboardInterrupt), id="no-exception-for-handlers"),
        pytest.param(
            make_plugin("p", provide_response_types=lambda self, setup: [ResponseType(set, 3)]),
            id="render-cannot-be-called",
        ),
    ],
)
def test_record_that_cannot_be_used(plugin: type[Plugin]) -> None:
    assert "cannot be used" in error_of(App(plugins=[plugin]), "TB504").text


def _protocols(name: str, **tokens: Any) -> type[Plugin]:
    record = ProtocolProvider(name=name, factory=_answer, **tokens)
    return make_plugin(name, provide_protocols=lambda self, setup: [record])


def test_protocols_are_distinguished_by_token() -> None:
    app = App(plugins=[_protocols("a", alpn="h2"), _protocols("b", upgrade="h2"), _protocols("c", upgrade="websocket")])
    assert [entry.record.name for entry in app.plan.protocols] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", ["alpn", "upgrade"])
def test_two_protocols_for_one_token(kind: str) -> None:
    app = App(plugins=[_protocols("a", **{kind: "websocket"}), _protocols("b", **{kind: "WebSocket"})])
    assert error_of(app, "TB416").text == f"{kind} token 'websocket' is defined twice"


def test_two_protocols_that_begin_with_the_same_bytes() -> None:
    app = App(plugins=[_protocols("a", preface=b"LINES/1\n"), _protocols("b", preface=b"LINES/")])
    assert error_of(app, "TB416").text == "preface b'LINES/' is defined twice"


def test_two_commands_of_one_name() -> None:
    plugins = [
        make_plugin(name, provide_commands=lambda self, setup: [click.Command("sync")]) for name in ("one", "two")
    ]
    assert error_of(App(plugins=plugins), "TB417").text == "command 'sync' is defined twice"


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        pytest.param(_protocols("p", upgrade="chat"), "protocol 'p' of plugin 'p'", id="protocol"),
        pytest.param(
            make_plugin("p", provide_commands=lambda self, setup: [click.Command("sync")]),
            "command 'sync' of plugin 'p'",
            id="command",
        ),
    ],
)
def test_record_for_the_whole_app_is_reported_in_a_scope(plugin: type[Plugin], says: str) -> None:
    app = App()
    app.scope("/x", plugins=[plugin])
    found = warning_of(app, "TB426")
    assert found.text == f"{says} has no effect in a scope"
    assert [origin.plugin for origin in found.origins] == ["p", "app"]


def test_two_routes_for_the_same_requests() -> None:
    app = App()
    app.get("/users/{id:int}")(_takes_id)
    app.scope("/users").get("/{id:int}")(_takes_id)
    found = error_of(app, "TB406")
    assert "conflicts with" in found.text
    assert len(found.origins) == 2


def test_route_that_another_hides() -> None:
    app = App()
    app.get("/{a:re([a-z]+)}")(_answer)
    app.get("/{b:re([a-c]+)}")(_answer)
    found = warning_of(app, "TB407")
    assert "GET /{b:re([a-c]+)}" in found.text
    assert found.why.startswith("GET /{a:re([a-z]+)} (")
    assert found.why.endswith(") has each of its paths and comes first, for example '/a'")
    assert len(found.origins) == 2


def test_route_that_others_hide_together() -> None:
    app = App()
    paths = [f"/{{x:re({number}[0-9]*)}}" for number in range(10)]
    for path in (*paths, "/{y:int}"):
        app.add_route(path, _answer)
    found = warning_of(app, "TB407")
    assert [path in found.why for path in paths] == [True] * 5 + [False] * 5
    assert " and 5 more together have each of its paths and come first, for example '/0'" in found.why
    assert len(found.origins) == 11


@pytest.mark.parametrize(
    ("path", "methods", "text"),
    [
        pytest.param("users", ("GET",), "starts with '/'", id="no-slash"),
        pytest.param("/{id:nothing}", ("GET",), "unknown converter 'nothing'", id="converter"),
        pytest.param("/", ("G T",), "a method must be an upper-case token", id="method"),
    ],
)
def test_route_that_cannot_be_used(path: str, methods: tuple[str, ...], text: str) -> None:
    app = App()
    app.add_route(path, _answer, methods=methods)
    found = error_of(app, "TB405")
    assert text in found.text
    assert "test_resolver.py" in found.origins[0].location


def test_route_in_a_scope_without_its_slash() -> None:
    app = App()
    app.scope("/a").get("b")(_answer)
    assert "route 'b' cannot be used" in error_of(app, "TB405").text


def test_router_that_fails_in_its_own_way() -> None:
    class Picky:
        def add(self, route: Route, /) -> None:
            raise KeyError(route.path)

        def freeze(self) -> None: ...

        def match(self, method: str, path: str, /) -> None: ...

    app = App(router=Picky)
    app.get("/x")(_answer)
    assert "route '/x' cannot be used: KeyError: '/x'" in error_of(app, "TB405").text


@pytest.mark.parametrize(
    ("path", "handler", "text"),
    [
        pytest.param("/x", _takes_any_id, "requires 'id', which its path does not give", id="parameter"),
        pytest.param("/x", "text", "", id="no-handler"),
    ],
)
def test_handler_that_does_not_fit(path: str, handler: object, text: str) -> None:
    app = App()
    app.add_route(path, handler)
    assert text in error_of(app, "TB415").text


def test_handler_of_a_plugin_that_does_not_fit() -> None:
    plugin = make_plugin("p", provide_routes=lambda self, setup: [Route(path="/x", handler=_takes_any_id)])
    assert error_of(App(plugins=[plugin]), "TB415").origins[0].plugin == "p"


def test_handler_takes_parameters_of_the_host() -> None:
    app = App()

    @app.get("/", host="{id:int}.example.com")
    async def home(request: Request, id: int) -> str:
        return str(id)

    assert app.plan.diagnostics == ()


def test_all_mistakes_in_routes_are_reported_together() -> None:
    app = App()
    app.get("x")(_answer)
    app.get("/x")(_takes_any_id)
    app.get("/y", name="n")(_answer)
    app.get("/z", name="n")(_answer)
    assert sorted(diagnostic.code for diagnostic in errors_of(app)) == ["TB405", "TB415", "TB420"]


def test_names_are_unique_in_the_whole_app() -> None:
    app = App()
    app.get("/a", name="n")(_answer)
    app.scope("/x", router=TreeRouter).get("/b", name="n")(_answer)
    assert error_of(app, "TB420").text == "route name 'n' is defined twice"


def test_url_for_writes_paths_of_all_scopes() -> None:
    app = App()
    app.get("/a/{id:int}", name="a")(_takes_id)
    scope = app.scope("/x", router=TreeRouter)
    scope.get("/b", name="b")(_answer)
    app.post("/a/{id:int}", name="post")(_takes_id)
    app.get("/", name="host", host="{t}.example.com")(_answer)
    assert app.url_for("a", id=3) == "/a/3"
    assert scope.url_for("b") == "/x/b"
    assert app.url_for("post", id=4) == "/a/4"
    assert app.url_for("host", t="me") == "//me.example.com/"
    with pytest.raises(RouteError, match="no route is named 'c'"):
        app.url_for("c")


class _Plain:
    def add(self, route: Route, /) -> None: ...

    def freeze(self) -> None: ...

    def match(self, method: str, path: str, /) -> None: ...


def test_url_for_asks_the_router_that_knows_the_pattern() -> None:
    from turnbuckle.routing.converters import BUILTIN_CONVERTERS

    app = App(router=lambda: TreeRouter(converters={"number": BUILTIN_CONVERTERS["int"]}))
    app.get("/{id:number}", name="a")(_takes_id)
    app.scope("/p", router=_Plain)
    assert app.url_for("a", id=3) == "/3"


def test_url_for_of_a_router_that_writes_no_paths() -> None:
    app = App(router=_Plain)
    app.get("/^regex$", name="a")(_answer)
    app.get("^regex$", name="b")(_answer)
    with pytest.raises(RouteError, match="the router of route 'b' does not build paths"):
        app.url_for("b")


def test_root_of_a_scope_has_no_slash_at_its_end() -> None:
    app = App()
    scope = app.scope("/a/", host="example.com")
    scope.get("/")(_answer)
    scope.scope("/b").get("/c", host="other.com")(_answer)
    routes = [(planned.route.path, planned.route.host) for planned, _ in app.plan.routes()]
    assert routes == [("/a", "example.com"), ("/a/b/c", "other.com")]


def test_same_plugin_in_two_scopes_with_two_configs() -> None:
    import attrs

    from turnbuckle import PluginInfo

    @attrs.frozen
    class Config:
        word: str = "none"

    def provide_routes(self: Plugin, setup: Setup) -> list[Route]:
        return [Route(path=f"/{setup.config.word}", handler=_answer)]

    plugin = make_plugin("p", info=PluginInfo(name="p", config=Config), provide_routes=provide_routes)
    app = App(plugins=[plugin])
    app.scope("/a", plugins=[(plugin, {"word": "x"})])
    app.install(plugin, at="/b", settings={"word": "y"})
    app.install(plugin, at="/c")
    plan = app.resolve()
    assert [planned.route.path for planned, _ in plan.routes()] == ["/none", "/a/x", "/b/y", "/c/none"]
    assert plan.setting_values["plugin.p.word in scope /b"].value == "y"


@pytest.mark.parametrize("path", ["/{number:int}", "/<number>"])
async def test_handler_is_called_the_same_by_any_router(path: str) -> None:
    async def show(request: Request, number: object) -> str:
        return f"{request.method} {number}"

    async def show_only(number: object) -> str:
        return f"{number}"

    app = App(router=RouterProvider("foreign", lambda setup: _Foreign()))
    app.get(path)(show)
    handlers = {"/1": "GET 1"}
    if path.startswith("/{"):
        app.get("/only" + path)(show_only)
        handlers["/only/1"] = "1"
    async with Client(app) as client:
        for asked, text in handlers.items():
            assert (await client.get(asked)).text == text


class _Foreign:
    """A router with its own notion of paths."""

    def __init__(self) -> None:
        self.routes = {}

    def add(self, route: Route) -> None:
        self.routes[route.path.rpartition("/")[0]] = route

    def freeze(self) -> None:
        pass

    def match(self, method: str, path: str) -> Match:
        prefix, _, number = path.rpartition("/")
        return Match(self.routes[prefix].handler, {"number": number}, self.routes[prefix])


def test_plugin_in_two_scopes_names_its_routes_by_scope() -> None:
    def provide(self: Plugin, setup: Setup) -> list[Route]:
        return [Route(path="/page", handler=_answer, name=f"page{setup.scope}")]

    app = App()
    for prefix in ("/one", "/two"):
        app.install(make_plugin("pages", provide_routes=provide), at=prefix)
    assert (app.url_for("page/one"), app.url_for("page/two")) == ("/one/page", "/two/page")


def test_fix_for_a_plugin_in_two_scopes_with_one_name() -> None:
    pages = make_plugin("pages", provide_routes=lambda self, setup: [Route(path="/page", handler=_answer, name="page")])
    app = App()
    app.install(pages, at="/one")
    app.install(pages, at="/two")
    assert "with setup.scope" in error_of(app, "TB420").fix
