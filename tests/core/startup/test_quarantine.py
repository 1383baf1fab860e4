"""An app starts without its broken optional plugins; any other mistake stops the start."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from tests.core.startup.finding import Site, error_of, make_plugin, plugin_states, warning_of
from turnbuckle import (
    App,
    Component,
    ErrorHandler,
    Lifespan,
    Middleware,
    ParserProvider,
    Plugin,
    PluginInfo,
    Response,
    ResponseType,
    Route,
    RouterProvider,
    SettingsSources,
    TreeRouter,
    hookspec,
)
from turnbuckle.startup.pipeline import plugin_inventory
from turnbuckle.testing import Client

OPTIONAL = SettingsSources(flags=("plugins.optional=extra",))


def _hook(*records: object) -> Callable[..., list[object]]:
    return lambda self, setup: list(records)


def _broken(*args: object) -> object:
    raise RuntimeError("broken")


async def _answer() -> str:
    return "answer"


@attrs.frozen
class Config:
    size: int = 1


class _Specs:
    @hookspec(firstresult=True)
    def make(self) -> object: ...


def _info(**facts: object) -> PluginInfo:
    return PluginInfo(name="extra", **facts)  # type: ignore[arg-type]  # a table of them


BROKEN = [
    pytest.param("TB106", make_plugin("extra", info=_info(requires="nowhere")), id="requires"),
    pytest.param("TB107", make_plugin("extra", info=_info(conflicts="main")), id="conflicts"),
    pytest.param("TB108", make_plugin("extra", info=_info(api=9)), id="api"),
    pytest.param("TB202", (make_plugin("extra", info=_info(config=Config)), {"size": "x"}), id="config"),
    pytest.param("TB210", make_plugin("extra", info=_info(config=int)), id="config-class"),
    pytest.param("TB305", make_plugin("extra", hookspecs=_Specs), id="hookspecs"),
    pytest.param("TB301", make_plugin("extra", provide_route=_hook()), id="misspelt"),
    pytest.param("TB306", make_plugin("extra", review_plan=lambda self, plan: _broken()), id="review"),
    pytest.param("TB308", make_plugin("extra", provide_routes=_hook(1)), id="record"),
    pytest.param("TB401", make_plugin("extra", provide_routers=_hook(RouterProvider("other", _broken))), id="slot"),
    pytest.param("TB404", make_plugin("extra", provide_response_types=_hook(ResponseType(set, _broken))), id="type"),
    pytest.param("TB405", make_plugin("extra", provide_routes=_hook(Route(path="x", handler=_answer))), id="path"),
    pytest.param("TB406", make_plugin("extra", provide_routes=_hook(Route(path="/", handler=_answer))), id="route"),
    pytest.param("TB410", make_plugin("extra", provide_middleware=_hook(Middleware("own", _broken))), id="name"),
    pytest.param(
        "TB412", make_plugin("extra", provide_middleware=_hook(Middleware("m", _broken, needs="x"))), id="needs"
    ),
    pytest.param(
        "TB414",
        make_plugin("extra", provide_error_handlers=_hook(ErrorHandler(KeyError, _broken))),
        id="error-handler",
    ),
    pytest.param("TB501", make_plugin("extra", provide_middleware=_hook(Middleware("m", _broken))), id="factory"),
    pytest.param("TB505", make_plugin("extra", provide_lifespans=_hook(Lifespan("l", lambda: None))), id="lifespan"),
    pytest.param(
        "TB507", make_plugin("extra", provide_components=_hook(Component("json", "j", _broken))), id="component"
    ),
]


def _app(*plugins: object) -> App:
    main = make_plugin(
        "main",
        provide_routers=_hook(RouterProvider("mine", _tree)),
        provide_response_types=_hook(ResponseType(set, lambda value: Response(b""))),
        provide_routes=_hook(Route(path="/", handler=_answer)),
        provide_middleware=_hook(Middleware("own", lambda call_next, setup: call_next)),
        provide_error_handlers=_hook(ErrorHandler(KeyError, _broken)),
    )
    return App(plugins=[*plugins, main])


def _tree(setup: object) -> object:
    return TreeRouter()


@pytest.mark.parametrize(("code", "plugin"), BROKEN)
async def test_optional_plugin_is_left_out(code: str, plugin: object) -> None:
    app = _app(plugin)
    app.compile(OPTIONAL)
    (found,) = app.plan.diagnostics
    assert (found.level, found.code) == ("warning", "TB110")
    assert found.text.startswith(f"optional plugin 'extra' is left out: {code} ")
    assert plugin_states(app.plan) == {"extra": "quarantined", "main": "enabled"}
    async with Client(app) as client:
        assert (await client.get("/")).text == "answer"


@pytest.mark.parametrize(("code", "plugin"), BROKEN)
def test_same_plugin_stops_the_start_if_it_is_not_optional(code: str, plugin: object) -> None:
    assert error_of(_app(plugin), code).origins


def test_parser_that_cannot_be_made_gives_way_to_the_one_built_in() -> None:
    app = App(plugins=[make_plugin("extra", provide_parsers=_hook(ParserProvider("p", _broken)))])
    app.compile(OPTIONAL)
    assert app.plan.parser.name == "h1"


def test_plugin_that_requires_one_left_out_stops_the_start() -> None:
    app = App(
        plugins=[
            make_plugin("extra", provide_routes=_broken),
            make_plugin("b", info=PluginInfo(name="b", requires="extra")),
        ]
    )
    found = error_of(app, "TB106", OPTIONAL)
    assert found.text == "plugin 'b' requires plugin 'extra', which is optional and was left out"


@pytest.mark.parametrize("fails", ["import", "hook", "api"])
def test_optional_plugins_that_require_one_left_out_are_left_out_too(fails: str, site: Site) -> None:
    extra: object = "extra"
    if fails == "import":
        site.install("extra", "1 / 0")
    elif fails == "hook":
        extra = make_plugin("extra", provide_routes=_broken)
    else:
        extra = make_plugin("extra", info=_info(api=9))
    others = [PluginInfo(name="b", requires="extra"), PluginInfo(name="c", requires="b")]
    app = App(plugins=[extra, *(make_plugin(info.name, info=info) for info in others)])
    app.compile(SettingsSources(flags=("plugins.optional=extra,b,c",)))
    states = {"extra": "quarantined", "b": "quarantined", "c": "quarantined"}
    assert plugin_states(app.plan).items() >= states.items()
    assert {diagnostic.code for diagnostic in app.plan.diagnostics} == {"TB110"}


def test_of_two_optional_rivals_one_stays() -> None:
    plugins = [make_plugin(name, provide_routers=_hook(RouterProvider(name, _tree))) for name in ("a", "b")]
    app = App(plugins=plugins)
    warning_of(app, "TB110", SettingsSources(flags=("plugins.optional=a,b",)))
    assert plugin_states(app.plan) == {"a": "quarantined", "b": "enabled"}


def test_what_is_wrong_elsewhere_stops_the_start_all_the_same() -> None:
    app = _app(make_plugin("extra", info=_info(api=9)))
    app.get("/")(_answer)
    found = error_of(app, "TB406", OPTIONAL)
    assert "GET /" in found.text


def test_parts_of_the_core_are_not_optional() -> None:
    app = App(router=_broken)
    assert error_of(app, "TB502", SettingsSources(flags=("plugins.optional=tree",))).level == "error"


def test_optional_plugin_in_a_scope_is_left_out() -> None:
    app = App()
    app.scope("/a", plugins=[make_plugin("extra", info=_info(requires="nowhere"))])
    warning_of(app, "TB110", OPTIONAL)
    assert plugin_states(app.plan) == {"extra": "quarantined"}


def test_inventory_lists_what_is_left_out_for_its_relations() -> None:
    found = plugin_inventory(_app(make_plugin("extra", info=_info(requires="nowhere"))).declaration(), OPTIONAL)
    (extra,) = [plugin for plugin in found.plugins if plugin.name == "extra"]
    assert (extra.state, extra.note[:5]) == ("quarantined", "TB106")


def test_good_plugin_is_asked_again_with_nothing_left_from_before() -> None:
    class Counting(Plugin):
        info = PluginInfo(name="counting")

        def provide_routes(self, setup: object) -> list[Route]:
            return [Route(path="/counted", handler=_answer)]

    app = App(plugins=[Counting, make_plugin("extra", info=_info(api=9))])
    app.compile(OPTIONAL)
    assert [planned.route.path for planned, _ in app.plan.routes()] == ["/counted"]
