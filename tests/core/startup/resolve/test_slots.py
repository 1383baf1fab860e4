"""One candidate fills a slot: passed beats asked for beats enabled beats built in; a tie is an error."""

from __future__ import annotations

import attrs
import pytest

from tests.core.startup.finding import error_of, make_plugin
from turnbuckle import (
    App,
    Component,
    Limits,
    Parser,
    ParserProvider,
    Plugin,
    PluginInfo,
    RouterProvider,
    SettingsSources,
    Setup,
    TreeRouter,
)
from turnbuckle.http.parser import H1Parser


def _parsers(name: str, *parsers: str) -> type[Plugin]:
    provided = [ParserProvider(parser_name, H1Parser) for parser_name in parsers or (name,)]
    return make_plugin(name, provide_parsers=lambda self, setup: provided)


def _routers(name: str) -> type[Plugin]:
    return make_plugin(name, provide_routers=lambda self, setup: [RouterProvider(name, lambda setup: TreeRouter())])


def test_builtin_parts_fill_the_slots() -> None:
    plan = App().resolve()
    assert (plan.parser.name, plan.parser.rule, plan.parser.rejected) == ("h1", "it is built in", ())
    assert plan.root.router is not None
    assert plan.root.router.name == "tree"


def test_enabled_plugin_takes_precedence_over_the_built_in_one() -> None:
    plan = App(plugins=[_parsers("fast")]).resolve()
    assert plan.parser.name == "fast"
    assert [candidate.name for candidate in plan.parser.rejected] == ["h1"]
    assert plan.parser.origin.plugin == "fast"


def test_setting_beats_plugins() -> None:
    app = App(plugins=[_parsers("a"), _parsers("b")])
    assert app.resolve(SettingsSources(flags=("parser=b",))).parser.name == "b"
    assert app.resolve(SettingsSources(flags=("parser=h1",))).parser.name == "h1"
    assert app.resolve(SettingsSources(flags=("parser=h1",))).parser.rule == "setting parser (--set) asks for it"


def test_name_in_code_beats_the_setting() -> None:
    app = App(plugins=[_parsers("a"), _parsers("b")], parser="a")
    plan = app.resolve(SettingsSources(flags=("parser=b",)))
    assert (plan.parser.name, plan.parser.rule) == ("a", "App(parser='a') asks for it")


def test_value_passed_beats_all() -> None:
    plan = App(plugins=[_parsers("a"), _parsers("b")], parser=H1Parser).resolve(SettingsSources(flags=("parser=b",)))
    assert (plan.parser.name, plan.parser.rule) == ("H1Parser", "it was passed to the app")
    assert len(plan.parser.rejected) == 3


def test_two_plugins_for_one_slot() -> None:
    found = error_of(App(plugins=[_parsers("a"), _parsers("b")]), "TB401")
    assert found.text == "2 plugins offer a parser: 'a', 'b'"
    assert found.fix == 'decide with the setting parser = "a"'
    assert [origin.plugin for origin in found.origins] == ["a", "b"]


def test_two_routers_for_one_slot() -> None:
    assert 'router = "a"' in error_of(App(plugins=[_routers("a"), _routers("b")]), "TB401").fix


@pytest.mark.parametrize("flags", [(), ("parser=same",)])
def test_two_candidates_of_one_name(flags: tuple[str, ...]) -> None:
    app = App(plugins=[_parsers("a", "same"), _parsers("b", "same")])
    assert error_of(app, "TB401", SettingsSources(flags=flags)).fix.endswith("-p no:a")


def test_name_that_nothing_has() -> None:
    found = error_of(App(settings={"router": "treee"}), "TB402")
    assert found.text == "no router is named 'treee'; did you mean 'tree'?"


def _component(plugin: str, kind: str, made: list[str] | None = None) -> type[Plugin]:
    def factory(setup: Setup) -> object:
        if made is not None:
            made.append(f"{setup.plugin}:{setup.config}")
        return f"{plugin} makes {kind}"

    return make_plugin(plugin, provide_components=lambda self, setup: [Component(kind, plugin, factory)])


def test_component_of_each_kind_is_chosen() -> None:
    plugins = [_component("a", "json"), _component("b", "json"), _component("c", "loop")]
    plan = App(plugins=plugins, settings={"components": {"json": "b"}}).resolve()
    assert {kind: choice.name for kind, choice in plan.components.items()} == {"json": "b", "loop": "c"}
    assert 'components.json = "a"' in error_of(App(plugins=plugins), "TB401").fix


def test_component_that_nothing_provides() -> None:
    found = error_of(App(settings={"components": {"json": "x"}}), "TB402")
    assert (found.text, found.why) == ("no json component is named 'x'", "available: none")


def test_component_is_made_once_on_request() -> None:
    made: list[str] = []
    got: list[object] = []

    @attrs.frozen
    class Config:
        level: int = 7

    base = _component("a", "store", made)
    component = type("A", (base,), {"info": PluginInfo(name="a", config=Config)})

    def make_parser(limits: Limits) -> Parser:
        return H1Parser(limits)

    def provide_middleware(self: Plugin, setup: Setup) -> list[object]:
        from turnbuckle import Middleware

        def factory(call_next: object, setup: Setup) -> object:
            got.extend([setup.component("store"), setup.component("store")])
            with pytest.raises(LookupError, match="a component of kind 'xml'; there are store"):
                setup.component("xml")
            return call_next

        return [Middleware("m", factory)]

    user = make_plugin("user", provide_middleware=provide_middleware)
    App(plugins=[component, user], parser=make_parser).compile()
    assert got == ["a makes store", "a makes store"]
    assert made == ["a:" + repr(Config())]


def test_scope_has_the_router_of_the_app_unless_it_has_its_own() -> None:
    app = App()
    app.scope("/plain")
    app.scope("/named", router="mine", plugins=[_routers("mine")])
    app.scope("/plugin", plugins=[_routers("mine")])
    app.scope("/value", router=TreeRouter)
    app.scope("/core", router="tree")
    outer = app.scope("/outer", plugins=[_routers("outer")])
    outer.scope("/own", router="outer", plugins=[_routers("outer")])
    outer.scope("/around", router="outer")
    outer.scope("/core", router="tree")
    plan = app.resolve(SettingsSources(flags=("router=tree",)))
    names = {scope.prefix: scope.router.name if scope.router else None for scope in plan.root.walk()}
    assert names == {
        "": "tree",
        "/plain": None,
        "/named": "mine",
        "/plugin": "mine",
        "/value": "TreeRouter",
        "/core": "tree",
        "/outer": "outer",
        "/outer/own": "outer",
        "/outer/around": "outer",
        "/outer/core": "tree",
    }


def test_scope_asks_for_a_router_that_it_does_not_have() -> None:
    app = App()
    app.scope("/x", router="mine")
    assert "no router is named 'mine'" in error_of(app, "TB402").text


def test_scope_with_a_router_needs_a_prefix() -> None:
    app = App()
    app.scope(router=TreeRouter)
    assert "needs a prefix" in error_of(app, "TB421").text
