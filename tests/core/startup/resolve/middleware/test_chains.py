"""Apps, scopes and routes choose named chains of middleware, and take middleware away."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import attrs
import pytest

from tests.core.startup.finding import Site, error_of, errors_of, make_plugin, plugin_states, warning_of
from turnbuckle import (
    App,
    Handler,
    Middleware,
    MiddlewareChain,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Route,
    SettingsSources,
    Setup,
    WebSocket,
)
from turnbuckle.testing import Client

_FIELD = "x-ran"


async def _hello(request: Request) -> str:
    return "hello"


def _mark(name: str, made: list[str] | None = None, **options: object) -> Middleware:
    """Return middleware that adds its name to a field of the response."""

    def factory(next_handler: Handler, setup: Setup) -> Handler:
        if made is not None:
            made.append(name)

        async def marked(request: Request) -> Response:
            response = await next_handler(request)
            response.headers.add(_FIELD, name)
            return response

        return marked

    return Middleware(name, factory, **options)  # type: ignore[arg-type]


def _plugin(name: str, *records: Middleware | MiddlewareChain, **members: object) -> type[Plugin]:
    return make_plugin(name, provide_middleware=lambda self, setup: records, **members)


_IDS = _plugin("ids", _mark("ids", zone="edge"))


def _records(names: str) -> list[Middleware | MiddlewareChain]:
    return [_mark(name) for name in names.split()]


def _runs_of(plan: Plan) -> dict[str, list[str]]:
    """Return the middleware of each route, outermost first."""
    return {
        planned.route.path: [link.record.name for link in plan.middleware_of(planned)] for planned, _ in plan.routes()
    }


async def _ran(app: App, method: str, path: str, **options: object) -> list[str]:
    """Return the middleware that a request ran through, outermost first."""
    async with Client(app, raise_exceptions=False) as client:
        response = await client.request(method, path, **options)  # type: ignore[arg-type]
    return list(reversed(response.headers.get_list(_FIELD)))


def _shop() -> App:
    web = MiddlewareChain("web", [_mark("ids", zone="edge"), _mark("forms"), _mark("sessions", zone="session")])
    api = MiddlewareChain("api", [web.members[0], _mark("tokens")])
    app = App(plugins=[_plugin("chains", web, api)], chain="web", middleware=[_mark("own")])
    app.get("/")(_hello)
    app.post("/hook", without=["forms"])(_hello)
    inner = app.scope("/api", chain="api")
    inner.get("/notes")(_hello)
    inner.post("/plain", chain="")(_hello)
    inner.scope("/deep", without="tokens").get("/notes")(_hello)
    inner.scope("/web", chain="web").get("/page")(_hello)
    return app


_ALL = ["ids", "sessions", "forms", "own"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", _ALL),
        ("HEAD", "/", _ALL),
        ("POST", "/hook", ["ids", "sessions", "own"]),
        ("GET", "/api/notes", ["ids", "tokens", "own"]),
        ("GET", "/api/notes?x=1", ["ids", "tokens", "own"]),
        ("GET", "/%61pi/notes", ["ids", "tokens", "own"]),
        ("POST", "/api/plain", ["own"]),
        ("GET", "/api/deep/notes", ["ids", "own"]),
        ("GET", "/api/web/page", _ALL),
        pytest.param("GET", "/nothing", _ALL, id="404"),
        pytest.param("GET", "/api/nothing", ["ids", "tokens", "own"], id="404-in-scope"),
        pytest.param("GET", "/api", ["ids", "tokens", "own"], id="404-at-scope"),
        pytest.param("GET", "/apis", _ALL, id="404-beside-scope"),
        pytest.param("GET", "/api/deep/nothing", ["ids", "own"], id="404-in-inner-scope"),
        pytest.param("GET", "/hook", ["ids", "sessions", "own"], id="405-as-the-route"),
        pytest.param("OPTIONS", "/hook", ["ids", "sessions", "own"], id="options-as-the-route"),
        pytest.param("GET", "/api/plain", ["own"], id="405-in-scope"),
        pytest.param("NONSENSE", "/api/notes", ["ids", "tokens", "own"], id="501"),
        pytest.param("OPTIONS", "*", _ALL, id="asterisk"),
    ],
)
async def test_requests_run_through_their_chain(method: str, path: str, expected: list[str]) -> None:
    assert await _ran(_shop(), method, path) == expected


async def test_a_preflight_request_is_for_the_route_of_its_method() -> None:
    app = App(plugins=[_plugin("chains", MiddlewareChain("a", _records("x")), MiddlewareChain("b", _records("y")))])
    app.get("/", chain="a")(_hello)
    app.post("/", chain="b")(_hello)
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    assert await _ran(app, "OPTIONS", "/", headers=preflight) == ["y"]
    # Without it, the routes do not agree, and the scope decides.
    assert await _ran(app, "OPTIONS", "/") == []


async def test_websockets_and_mounts_choose_chains() -> None:
    async def mounted(scope: object, receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"mounted"})  # type: ignore[misc]

    async def chat(socket: WebSocket) -> None:
        await socket.send("hi")

    chains = _plugin("chains", MiddlewareChain("a", _records("x")), MiddlewareChain("b", _records("y")))
    app = App(plugins=[chains, "asgi", "websocket"], chain="a")
    app.mount("/sub", mounted, chain="b")
    app.mount("/bare", mounted, without=["x"])
    app.websocket("/chat", chain="b")(chat)
    app.get("/chat")(_hello)
    assert await _ran(app, "GET", "/sub/page") == ["y"]
    assert await _ran(app, "POST", "/bare/page") == []
    assert await _ran(app, "GET", "/chat") == ["x"]
    async with Client(app) as client, client.websocket("/chat") as socket:
        assert await socket.receive() == "hi"
        assert socket.response.headers.get_list(_FIELD) == ["y"]


async def test_hosts_choose_chains() -> None:
    chains = _plugin("chains", MiddlewareChain("a", _records("x")), MiddlewareChain("b", _records("y")))
    app = App(plugins=[chains], chain="a")
    app.get("/")(_hello)
    app.scope(host="api.example", chain="b").get("/")(_hello)
    assert await _ran(app, "GET", "/") == ["x"]
    assert await _ran(app, "GET", "/", headers={"Host": "api.example"}) == ["y"]
    assert await _ran(app, "GET", "/nothing", headers={"Host": "api.example"}) == ["y"]


async def test_routes_of_a_router_of_a_scope_choose_chains() -> None:
    chains = _plugin("chains", MiddlewareChain("a", _records("x")), MiddlewareChain("b", _records("y")))
    app = App(plugins=[chains, "regex_router"], chain="a")
    inner = app.scope("/in", router="regex", chain="b")
    inner.get("/one")(_hello)
    inner.get("/two", without="y")(_hello)
    assert await _ran(app, "GET", "/in/one") == ["y"]
    assert await _ran(app, "GET", "/in/two") == []
    assert await _ran(app, "GET", "/in/three") == ["y"]


async def test_middleware_of_scopes_is_taken_away_by_routes_and_inner_scopes() -> None:
    app = App(middleware=[_mark("outer")])
    scope = app.scope("/in", plugins=[_plugin("gate", _mark("one"), _mark("two"))], middleware=[_mark("own")])
    scope.get("/all")(_hello)
    scope.get("/some", without=["two", "outer"])(_hello)
    scope.get("/none", without=["gate", "own", "outer"])(_hello)
    scope.scope("/deep", without=["gate"]).get("/x")(_hello)
    assert await _ran(app, "GET", "/in/all") == ["outer", "one", "two", "own"]
    assert await _ran(app, "GET", "/in/some") == ["one", "own"]
    assert await _ran(app, "GET", "/in/none") == []
    assert await _ran(app, "GET", "/in/deep/x") == ["outer", "own"]
    assert await _ran(app, "GET", "/in/nothing") == ["outer", "one", "two", "own"]


async def test_a_changed_request_runs_through_the_inner_middleware_of_its_new_route() -> None:
    """A method override must not avoid the middleware that protects the route it leads to."""

    def override(next_handler: Handler, setup: Setup) -> Handler:
        def overriding(request: Request) -> Awaitable[Response]:
            if method := request.headers.get("x-method"):
                request.head = attrs.evolve(request.head, method=method.encode())
            return next_handler(request)

        return overriding

    chain = MiddlewareChain("web", [_mark("ids", zone="edge"), _mark("csrf", zone="security")])
    app = App(
        plugins=[_plugin("chains", chain)], chain="web", middleware=[Middleware("override", override, zone="edge")]
    )
    app.post("/hook", without=["csrf"])(_hello)
    app.put("/hook")(_hello)
    assert await _ran(app, "POST", "/hook") == ["ids"]
    assert await _ran(app, "POST", "/hook", headers={"X-Method": "PUT"}) == ["ids", "csrf"]


async def test_each_factory_is_called_once_and_an_unused_chain_costs_nothing() -> None:
    made: list[str] = []
    chains = [
        MiddlewareChain("a", [_mark("x", made), _mark("y", made)]),
        MiddlewareChain("unused", [_mark("z", made)]),
        MiddlewareChain("removed", [_mark("q", made)]),
    ]
    app = App(plugins=[_plugin("chains", *chains)], chain="a")
    app.get("/")(_hello)
    app.scope("/in", chain="removed", without=["q"]).get("/")(_hello)
    app.scope("/also", chain="a").get("/")(_hello)
    assert [link.record.name for link in app.plan.root.middleware] == ["x", "y", "q"]
    assert await _ran(app, "GET", "/") == ["x", "y"]
    assert sorted(made) == ["x", "y"]


def test_an_app_without_chains_has_no_selections() -> None:
    app = App(middleware=[_mark("own")])
    app.get("/")(_hello)
    plan = app.plan
    assert plan.root.selection is None
    ((planned, _),) = plan.routes()
    assert planned.selection is None
    assert [link.record.name for link in plan.middleware_of(planned)] == ["own"]


# -- records in place of names


async def test_a_chain_may_be_passed_as_a_record() -> None:
    chain = MiddlewareChain("mine", [_mark("x"), "ids"])
    app = App(plugins=[_IDS], chain=chain)
    app.get("/")(_hello)
    app.get("/named", chain="mine")(_hello)
    app.get("/other", chain=MiddlewareChain("other", _mark("y")))(_hello)
    assert await _ran(app, "GET", "/") == ["ids", "x"]
    assert await _ran(app, "GET", "/named") == ["ids", "x"]
    assert await _ran(app, "GET", "/other") == ["ids", "y"]


@pytest.mark.parametrize("value", [5, ["web"], _mark("x")])
def test_a_chain_is_a_name_or_a_record(value: object) -> None:
    with pytest.raises(TypeError, match="chain is the name of a middleware chain"):
        App(chain=value)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="chain is the name of a middleware chain"):
        App().get("/", chain=value)(_hello)  # type: ignore[arg-type]


def test_without_has_names() -> None:
    with pytest.raises(TypeError, match=re.escape("write without=['x']")):
        App(without=[_mark("x")])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="without has names of middleware, not 5"):
        App().scope("/in", without=5)  # type: ignore[arg-type]


# -- members


@pytest.fixture
def installed(site: Site) -> Site:
    """Install the plugin ``pages`` with a chain of its name, and two plugins that are its members."""
    source = (
        "from turnbuckle import Middleware, MiddlewareChain, Plugin, PluginInfo\n"
        "class It(Plugin):\n"
        "    info = PluginInfo(name={name!r})\n"
        "    def provide_middleware(self, setup):\n"
        "        return [{record}]\n"
    )
    link = "Middleware({0!r}, lambda next_handler, setup: lambda request: next_handler(request))"
    site.install("pages", source.format(name="pages", record="MiddlewareChain('pages', ['first', 'second'])"))
    for name in ("first", "second"):
        site.install(name, source.format(name=name, record=link.format(name)))
    return site


def test_a_chosen_chain_enables_its_plugin_and_its_members(installed: Site) -> None:
    app = App()
    app.scope("/in", chain="pages").get("/")(_hello)
    app.get("/")(_hello)
    plan = app.plan
    states = plugin_states(plan)
    assert [states[name] for name in ("pages", "first", "second")] == ["enabled"] * 3
    runs = {
        planned.route.path: [link.record.name for link in plan.middleware_of(planned)] for planned, _ in plan.routes()
    }
    assert runs == {"/": [], "/in": ["first", "second"]}


def test_an_enabled_member_runs_everywhere(installed: Site) -> None:
    app = App(plugins=["second"])
    app.scope("/in", chain="pages").get("/")(_hello)
    app.get("/")(_hello)
    plan = app.plan
    runs = {
        planned.route.path: [link.record.name for link in plan.middleware_of(planned)] for planned, _ in plan.routes()
    }
    assert runs == {"/": ["second"], "/in": ["first", "second"]}


def test_a_member_that_is_enabled_in_the_scope_runs_once(installed: Site) -> None:
    app = App()
    app.scope("/in", plugins=["second"], chain="pages").get("/")(_hello)
    plan = app.plan
    ((planned, _),) = plan.routes()
    assert [link.record.name for link in plan.middleware_of(planned)] == ["first", "second"]
    assert [plugin.scope for plugin in plan.plugins if plugin.name == "second"] == ["/in"]


def test_a_disabled_member_is_left_out(installed: Site) -> None:
    app = App(chain="pages")
    app.get("/")(_hello)
    plan = app.resolve(SettingsSources(plugins=("no:second",)))
    assert [link.record.name for link in plan.root.middleware] == ["first"]
    assert not plan.diagnostics


def test_a_plugin_of_the_app_takes_precedence_over_the_installed_one(installed: Site) -> None:
    app = App(plugins=[_plugin("mine", MiddlewareChain("pages", _records("x")))], chain="pages")
    app.get("/")(_hello)
    assert [link.record.name for link in app.plan.root.middleware] == ["x"]
    assert "pages" not in {name for name, state in plugin_states(app.plan).items() if state == "enabled"}


def test_other_hooks_of_a_member_are_called() -> None:
    async def page(request: Request) -> str:
        return "page"

    member = _plugin("member", _mark("m"), provide_routes=lambda self, setup: [Route(path="/page", handler=page)])
    app = App(plugins=[member], chain=MiddlewareChain("mine", ["member"]))
    assert [planned.route.path for planned, _ in app.plan.routes()] == ["/page"]


# -- settings


async def test_settings_choose_chains(tmp_path: Path) -> None:
    file = tmp_path / "turnbuckle.toml"
    file.write_text('[middleware]\nchain = "a"\nwithout = ["x2"]\n[middleware.chains]\n"/in" = "b"\n')
    chains = _plugin("chains", MiddlewareChain("a", _records("x x2")), MiddlewareChain("b", _records("y")))
    app = App(plugins=[chains])
    app.get("/")(_hello)
    app.scope("/in").get("/")(_hello)
    app.scope("/code", chain="b").get("/")(_hello)
    plan = app.resolve(SettingsSources(folder=tmp_path))
    runs = {
        planned.route.path: [link.record.name for link in plan.middleware_of(planned)] for planned, _ in plan.routes()
    }
    assert runs == {"/": ["x"], "/in": ["y"], "/code": ["y"]}
    selection = plan.root.selection
    assert selection is not None
    assert selection.chosen is not None
    assert selection.chosen.location.endswith("turnbuckle.toml:2")
    assert selection.without[0].origin.location.endswith("turnbuckle.toml:3")


def test_the_code_wins_over_the_settings(tmp_path: Path) -> None:
    (tmp_path / "turnbuckle.toml").write_text('[middleware]\nchain = "b"\n')
    chains = _plugin("chains", MiddlewareChain("a", _records("x")), MiddlewareChain("b", _records("y")))
    app = App(plugins=[chains], chain="a")
    assert [link.record.name for link in app.resolve(SettingsSources(folder=tmp_path)).root.middleware] == ["x"]


# -- order


async def test_the_order_is_solved_over_all_chains() -> None:
    chains = [
        MiddlewareChain("a", [_mark("late"), _mark("early", before=["late"])]),
        MiddlewareChain("b", [_mark("edge", zone="edge"), _mark("first", before=["early"])]),
    ]
    app = App(plugins=[_plugin("chains", *chains)], chain="a", middleware=[_mark("own")])
    app.get("/")(_hello)
    app.get("/b", chain="b")(_hello)
    assert [link.record.name for link in app.plan.root.middleware] == ["edge", "first", "early", "late", "own"]
    assert await _ran(app, "GET", "/b") == ["edge", "first", "own"]


def test_the_setting_order_lists_members_as_well() -> None:
    chain = MiddlewareChain("a", _records("x y"))
    ordered = {"middleware": {"order": ["y", "x"]}}
    app = App(plugins=[_plugin("chains", chain)], chain="a", settings=ordered)
    assert [link.record.name for link in app.plan.root.middleware] == ["y", "x"]
    short = App(plugins=[_plugin("chains", chain)], chain="a", settings={"middleware": {"order": ["y"]}})
    assert error_of(short, "TB419").text == "middleware.order leaves out 'x'"


# -- problems


def test_an_unknown_chain_is_a_problem() -> None:
    app = App(plugins=[_plugin("chains", MiddlewareChain("web", ()))], chain="web")
    app.scope("/in", chain="wep")
    found = error_of(app, "TB441")
    assert found.text == "no enabled plugin provides the middleware chain 'wep'; did you mean 'web'?"
    assert found.fix == "write chain='web'"
    assert "test_chains.py" in found.origins[0].location


def test_an_unknown_chain_without_any_is_a_problem() -> None:
    found = error_of(App(chain="nonsense"), "TB441")
    assert found.text == "no enabled plugin provides the middleware chain 'nonsense'; there are none"
    assert found.fix == "enable a plugin that provides it, or install it"


def test_a_chain_of_a_scope_is_unknown_outside() -> None:
    app = App()
    app.scope("/in", plugins=[_plugin("chains", MiddlewareChain("pages", ()))], chain="pages")
    app.get("/", chain="pages")(_hello)
    assert error_of(app, "TB441").text.startswith("no enabled plugin provides the middleware chain 'pages'")


def test_two_chains_of_one_name_are_refused_with_both_places() -> None:
    app = App(plugins=[_plugin("one", MiddlewareChain("web", ())), _plugin("two", MiddlewareChain("web", ()))])
    found = [problem for problem in errors_of(app) if problem.code == "TB442"]
    assert [problem.text for problem in found] == ["two middleware chains are named 'web'"]
    assert {origin.plugin for origin in found[0].origins} == {"one", "two"}


def test_a_chain_of_a_scope_and_one_around_it_have_different_names() -> None:
    app = App(plugins=[_plugin("one", MiddlewareChain("web", ()))], chain="web")
    app.scope("/in", plugins=[_plugin("two", MiddlewareChain("web", ()))])
    assert error_of(app, "TB442").fix == "give one of them another name, or disable one of the plugins"


def test_an_unknown_member_is_a_problem() -> None:
    app = App(plugins=[_IDS, _plugin("chains", MiddlewareChain("web", ["idz"]))], chain="web")
    found = error_of(app, "TB443")
    assert found.text == "chain 'web' has the member 'idz', which is no installed plugin; did you mean 'ids'?"
    assert found.origins[0].plugin == "chains"


@pytest.mark.parametrize(
    ("without", "text", "fix"),
    [
        pytest.param("forns", "does not exist; did you mean 'forms'?", "write 'forms'", id="misspelt"),
        pytest.param("tokens", "does not run there", "remove it, or correct the name", id="of-another-chain"),
    ],
)
def test_a_removal_without_effect_is_a_problem(without: str, text: str, fix: str) -> None:
    chains = _plugin("chains", MiddlewareChain("web", _records("forms")), MiddlewareChain("api", _records("tokens")))
    app = App(plugins=[chains], chain="web")
    app.get("/", without=[without])(_hello)
    app.scope("/api", chain="api").get("/")(_hello)
    found = error_of(app, "TB444")
    assert found.text == f"without={without!r} takes away middleware which {text}"
    assert found.fix == fix


def test_a_removal_of_the_app_may_be_for_an_inner_scope() -> None:
    chains = _plugin("chains", MiddlewareChain("api", _records("tokens other")))
    app = App(plugins=[chains], without=["tokens"])
    app.scope("/api", chain="api").get("/")(_hello)
    ((planned, _),) = app.plan.routes()
    assert [link.record.name for link in app.plan.middleware_of(planned)] == ["other"]


def test_a_removal_of_a_plugin_that_is_left_out_is_a_warning() -> None:
    app = App(plugins=["health"], without=["health"])
    assert "'health'" in warning_of(app, "TB444", SettingsSources(plugins=("no:health",))).text


def test_removals_of_routes_of_plugins_need_no_middleware() -> None:
    routes = [Route(path="/page", handler=_hello, without=["csrf"])]
    app = App(plugins=[make_plugin("pages", provide_routes=lambda self, setup: routes)])
    assert not app.plan.diagnostics


def test_a_chain_that_nothing_chooses_is_a_warning() -> None:
    found = warning_of(App(plugins=[_plugin("chains", MiddlewareChain("web", _records("x")))]), "TB445")
    assert found.text == "plugin 'chains' provides the chain 'web', which nothing chooses"
    assert found.fix == 'write App(chain="web"), or chain = "web" under [middleware]'


def test_a_chain_of_a_plugin_with_other_parts_need_not_be_chosen() -> None:
    assert not App(plugins=[_plugin("chains", MiddlewareChain("web", ()), _mark("x"))]).plan.diagnostics


def test_the_settings_name_scopes_that_exist() -> None:
    chains = _plugin("chains", MiddlewareChain("web", ()))
    app = App(plugins=[chains], chain="web", settings={"middleware": {"chains": {"/apii": "web"}}})
    app.scope("/api").get("/")(_hello)
    found = error_of(app, "TB446")
    assert found.text == ("middleware.chains has a chain for scope '/apii', which does not exist; did you mean '/api'?")


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (MiddlewareChain("", ()), "its name is empty"),
        (MiddlewareChain("web", [5]), "its members have 5, which is neither the name of a plugin nor a Middleware"),  # type: ignore[list-item]
    ],
)
def test_a_wrong_chain_is_refused(record: MiddlewareChain, text: str) -> None:
    app = App(plugins=[_plugin("chains", record, _mark("x"))])
    assert error_of(app, "TB308").text.endswith(f"returned a wrong MiddlewareChain: {text}")


# -- needs


def _needing() -> type[Plugin]:
    return _plugin(
        "chains",
        MiddlewareChain(
            "web", [_mark("sessions", zone="session", provides=["session"]), _mark("login", needs=["session"])]
        ),
        MiddlewareChain("api", [_mark("tokens", zone="session")]),
    )


def test_a_need_is_fulfilled_in_each_chain() -> None:
    app = App(plugins=[_needing()], chain="web")
    app.get("/")(_hello)
    assert not app.plan.diagnostics


def test_a_need_that_only_another_chain_fulfils_is_a_problem() -> None:
    app = App(plugins=[_needing()], chain="web", middleware=[_mark("cart", needs=["session"])])
    app.scope("/api", chain="api").get("/")(_hello)
    found = error_of(app, "TB412")
    assert found.text == (
        "middleware 'cart' needs 'session' outside of it, and 'sessions', which provides it, "
        "does not run in chain 'api'"
    )
    assert found.fix == "add 'chains' to chain 'api', or take 'cart' away with without="
    assert len(found.origins) == 3


def test_a_need_that_a_removal_takes_away_is_a_problem() -> None:
    app = App(plugins=[_needing()], chain="web")
    app.get("/", without=["sessions"])(_hello)
    found = error_of(app, "TB412")
    assert found.text.endswith(", and 'sessions', which provides it, is taken away")
    assert found.fix == "take 'login' away as well, or keep 'sessions'"


def test_a_need_of_a_scope_is_checked_against_its_chain() -> None:
    app = App(plugins=[_needing()])
    app.scope("/in", middleware=[_mark("cart", needs=["session"])], chain="web").get("/")(_hello)
    assert not app.plan.diagnostics
    app = App(plugins=[_needing()])
    app.scope("/in", middleware=[_mark("cart", needs=["session"])]).get("/")(_hello)
    app.scope("/web", chain="web").get("/")(_hello)
    found = error_of(app, "TB412")
    assert found.text.endswith("does not run without a chain")


def _carts() -> type[Plugin]:
    return _plugin("carts", MiddlewareChain("shop", [_mark("cart", needs=["user"])]))


def test_a_need_that_an_inner_scope_fulfils_is_enabled_for_the_whole_app() -> None:
    app = App(plugins=[_carts()])
    app.scope("/in", plugins=[_plugin("people", _mark("users", provides=["user"]))], chain="shop").get("/")(_hello)
    found = error_of(app, "TB412")
    assert found.text == "middleware 'cart' needs 'user' outside of it, but 'users' is inside"
    assert found.fix == "enable 'people' for the whole app"


def test_a_need_that_a_scope_further_inside_fulfils_is_enabled_in_the_outer_scope() -> None:
    app = App()
    outer = app.scope("/out", plugins=[_carts()])
    outer.scope("/in", middleware=[_mark("users", provides=["user"])], chain="shop").get("/")(_hello)
    assert error_of(app, "TB412").fix == "enable 'users' in scope '/out'"


def test_two_chains_may_set_one_key() -> None:
    chains = _plugin(
        "chains",
        MiddlewareChain("web", _mark("sessions", provides=["user"])),
        MiddlewareChain("api", _mark("tokens", provides=["user"])),
    )
    app = App(plugins=[chains], chain="web")
    app.scope("/api", chain="api").get("/")(_hello)
    assert not app.plan.diagnostics
    both = App(plugins=[chains], chain="web", middleware=[_mark("own", provides=["user"])])
    assert error_of(both, "TB418").text == "middleware 'own' and 'sessions' both set 'user' on the request"


def test_effects_count_for_the_routes_that_run_through_the_middleware() -> None:
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "x"

    app = App(middleware=[_mark("buffer", buffers_response=True)])
    app.get("/", without=["buffer"])(stream)
    assert not app.plan.diagnostics
    app = App(middleware=[_mark("buffer", buffers_response=True)])
    app.get("/")(stream)
    assert warning_of(app, "TB413").fix == (
        "write without=['buffer'] for the route, or move the middleware into another scope"
    )


def test_a_plugin_may_provide_a_chain_from_its_hook() -> None:
    class Chains(Plugin):
        info = PluginInfo(name="chains")

        def provide_middleware(self, setup: Setup) -> Iterable[Middleware | MiddlewareChain]:
            return [MiddlewareChain("web", [_mark("x")], "for browsers")]

    app = App(plugins=[Chains], chain="web")
    (entry,) = app.plan.root.chains
    assert entry.record.description == "for browsers"
