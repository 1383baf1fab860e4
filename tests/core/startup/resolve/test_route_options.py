"""Routes, scopes and mounts have options for plugins, which are checked and converted at startup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from tests.core.startup.finding import error_of, errors_of, make_plugin, warning_of
from turnbuckle import App, Plugin, PluginInfo, Request, Route, SettingsSources, Setup, WebSocket
from turnbuckle.testing import Client


async def _hello(request: Request) -> str:
    return "hello"


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("write a number")
    return value * 10


_LEVEL = make_plugin("level", info=PluginInfo(name="level", route_options={"level": _whole, "label": str}))


def _options_of(app: App) -> dict[str, Mapping[str, object]]:
    plan = app.resolve()
    routes = [planned.route for planned, _ in plan.routes()] + [planned.route for planned, _ in plan.mounts()]
    return {route.path: route.options for route in routes}


def test_options_are_converted_and_inherited() -> None:
    app = App(plugins=[_LEVEL], options={"level": 1, "label": "all"})
    app.get("/plain")(_hello)
    app.get("/own", options={"level": 2})(_hello)
    inner = app.scope("/in", options={"label": "inner"})
    inner.post("/plain")(_hello)
    inner.scope("/deep", options={"level": 3}).add_route("/own", _hello, options={"label": "deep"})
    assert _options_of(app) == {
        "/plain": {"level": 10, "label": "all"},
        "/own": {"level": 20, "label": "all"},
        "/in/plain": {"level": 10, "label": "inner"},
        "/in/deep/own": {"level": 30, "label": "deep"},
    }


def test_a_scope_has_the_options_of_its_own_plugins() -> None:
    app = App()
    app.scope("/in", plugins=[_LEVEL], options={"level": 1}).get("/plain")(_hello)
    app.get("/plain")(_hello)
    assert _options_of(app) == {"/plain": {}, "/in/plain": {"level": 10}}


def test_mounts_and_websockets_have_options() -> None:
    async def mounted(scope: object, receive: object, send: object) -> None: ...

    async def socket(socket: WebSocket) -> None: ...

    app = App(plugins=[_LEVEL, "asgi", "websocket"], options={"label": "all"})
    app.mount("/asgi", mounted, options={"level": 4})
    app.websocket("/ws", options={"level": 5})(socket)
    assert _options_of(app) == {"/asgi": {"level": 40, "label": "all"}, "/ws": {"level": 50, "label": "all"}}


def test_options_of_a_route_of_a_plugin_need_no_plugin() -> None:
    routes = [Route(path="/a", handler=_hello, options={"level": 1, "unknown": 2})]
    pages = make_plugin("pages", provide_routes=lambda self, setup: routes)
    assert _options_of(App(plugins=[pages])) == {"/a": {}}
    assert _options_of(App(plugins=[pages, _LEVEL])) == {"/a": {"level": 10}}


@pytest.mark.parametrize(
    ("option", "text", "fix"),
    [
        pytest.param("levle", "; did you mean 'level'?", "write 'level'", id="misspelt"),
        pytest.param(
            "cache_control", "; there are label, level", "correct the name, or remove the option", id="unknown"
        ),
    ],
)
def test_an_undeclared_option_is_a_problem(option: str, text: str, fix: str) -> None:
    app = App(plugins=[_LEVEL])
    app.get("/a", options={option: 1})(_hello)
    found = error_of(app, "TB438")
    assert found.text == f"route '/a' has the option {option!r}, which no enabled plugin declares{text}"
    assert found.fix == fix
    assert "test_route_options.py" in found.origins[0].location


@pytest.mark.parametrize("where", ["the app", "scope '/in'"])
def test_an_undeclared_option_of_a_scope_is_reported_once(where: str) -> None:
    app = App(options={"level": 1} if where == "the app" else {})
    scope = app if where == "the app" else app.scope("/in", options={"level": 1})
    scope.get("/a")(_hello)
    scope.get("/b")(_hello)
    found = error_of(app, "TB438")
    assert found.text == f"{where} has the option 'level', which no enabled plugin declares"
    assert found.fix == "enable the plugin that declares it, as in App(plugins=['level']), or remove the option"


def test_an_option_of_a_plugin_of_another_scope_names_the_scope() -> None:
    app = App()
    app.scope("/in", plugins=[_LEVEL])
    app.get("/a", options={"level": 1})(_hello)
    found = error_of(app, "TB438")
    assert found.text.endswith("; plugin 'level' declares it, and is enabled in scope '/in' only")
    assert found.fix == "enable 'level' for the whole app, or move the route into its scope"


def test_an_option_of_a_plugin_that_is_left_out_is_a_warning() -> None:
    app = App(plugins=["health"])
    app.get("/a", options={"level": 1})(_hello)
    assert "'level'" in warning_of(app, "TB438", SettingsSources(plugins=("no:health",))).text


def test_an_invalid_value_names_the_plugin() -> None:
    app = App(plugins=[_LEVEL])
    app.get("/a", options={"level": "high"})(_hello)
    found = error_of(app, "TB439")
    assert found.text == "option 'level' of route '/a' cannot be 'high': write a number"
    assert [origin.plugin for origin in found.origins] == ["app", "level"]


def test_a_check_may_raise_anything() -> None:
    def fails(value: object) -> object:
        raise LookupError("broken")

    broken = make_plugin("broken", info=PluginInfo(name="broken", route_options={"x": fails}))
    app = App(plugins=[broken], options={"x": 1})
    assert error_of(app, "TB439").text == "option 'x' of the app cannot be 1: LookupError: broken"


def test_two_plugins_cannot_declare_one_option() -> None:
    other = make_plugin("other", info=PluginInfo(name="other", route_options={"level": int}))
    found = error_of(App(plugins=[_LEVEL, other]), "TB440")
    assert {origin.plugin for origin in found.origins} == {"level", "other"}
    app = App(plugins=[_LEVEL])
    app.scope("/in", plugins=[other])
    assert [problem.code for problem in errors_of(app)] == ["TB440"]


def test_a_plugin_may_be_enabled_in_a_scope_and_around_it() -> None:
    app = App(plugins=[_LEVEL], options={"level": 1})
    app.scope("/in", plugins=[_LEVEL]).get("/a")(_hello)
    assert _options_of(app) == {"/in/a": {"level": 10}}


@pytest.mark.parametrize("value", ["level", ["level"], {"level": 1}, {1: int}])
def test_route_options_of_a_plugin_are_functions_by_name(value: object) -> None:
    with pytest.raises(TypeError, match="route"):
        PluginInfo(name="x", route_options=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["level", 5])
def test_options_are_a_mapping(value: object) -> None:
    with pytest.raises(TypeError, match="options are values by name"):
        App().get("/", options=value)(_hello)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="options are values by name"):
        App(options=value)  # type: ignore[arg-type]


async def test_a_request_has_the_converted_options() -> None:
    app = App(plugins=[_LEVEL])

    @app.get("/a", options={"level": 2})
    async def show(request: Request) -> str:
        return str(request.route.options if request.route else None)

    async with Client(app) as client:
        assert (await client.get("/a")).text == "{'level': 20}"


def test_the_info_of_a_plugin_has_its_options() -> None:
    class Example(Plugin):
        info = PluginInfo(name="example", route_options={"level": int})

        def provide_routes(self, setup: Setup) -> Iterable[Route]:
            return [Route(path="/a", handler=_hello, options={"level": "7"})]

    assert _options_of(App(plugins=[Example])) == {"/a": {"level": 7}}
