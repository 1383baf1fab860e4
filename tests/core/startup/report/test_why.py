"""Why each part of an app is as it is."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import (
    App,
    Component,
    Handler,
    Middleware,
    ParserProvider,
    Plan,
    PluginInfo,
    Request,
    ResponseType,
    SettingsSources,
    Setup,
    Text,
)
from turnbuckle.http.parser import H1Parser
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.startup.report.why import Answer, why_component, why_parser, why_router, why_setting
from turnbuckle.startup.report.why_middleware import why_middleware
from turnbuckle.startup.report.why_routes import why_response, why_route


class Special:
    """A type that nothing renders."""


@attrs.frozen
class Config:
    """Settings.

    Attributes:
        key: opens the door.
    """

    key: str = attrs.field(default="", metadata={"secret": True})


async def _answer(request: Request, **params: object) -> str:
    return ""


def _step_aside(call_next: Handler, setup: Setup) -> Handler:
    return call_next


def _link(name: str, **more: object) -> Middleware:
    return Middleware(name, _step_aside, **more)


def _facts(answer: Answer, label: str) -> list[str]:
    return [text for name, text in answer.facts if name == label]


# -- slots


def test_passed_parser_lists_the_rejected_ones() -> None:
    plugin = make_plugin("fast", provide_parsers=lambda self, setup: [ParserProvider("fast", H1Parser)])
    (answer,) = why_parser(App(parser=H1Parser, plugins=[plugin]).resolve())
    assert (answer.name, answer.rule) == ("H1Parser", "it was passed to the app")
    assert [candidate.name for candidate in answer.rejected] == ["h1", "fast"]
    assert answer.rejected[1].source.startswith("plugin 'fast' in provide_parsers at ")


def test_routers_of_app_and_scopes_are_explained() -> None:
    app = App()
    app.scope("/api", router=TreeRouter)
    app.scope("/web")
    assert [(answer.name, answer.scope) for answer in why_router(app.resolve())] == [
        ("tree", ""),
        ("TreeRouter", "/api"),
    ]


def test_component_of_a_kind_is_explained() -> None:
    plugin = make_plugin("fast", provide_components=lambda self, setup: [Component("json", "quick", _answer)])
    plan = App(plugins=[plugin]).resolve()
    (answer,) = why_component(plan, "json")
    assert (answer.kind, answer.name) == ("json component", "quick")
    with pytest.raises(LookupError, match="kind 'jsn'; did you mean 'json'"):
        why_component(plan, "jsn")


# -- middleware


def _chained() -> Plan:
    first = make_plugin("first", provide_middleware=lambda self, setup: [_link("one"), _link("two")])
    second = make_plugin("second", provide_middleware=lambda self, setup: [_link("three", after=("two",))])
    third = make_plugin("third", provide_middleware=lambda self, setup: [_link("four")])
    app = App(plugins=[first, second, third], middleware=[_link("edge", zone="edge"), _link("last"), _link("own")])
    app.scope("/s", middleware=[_link("inner", needs=("one",), provides=("user",), reads_body=True)])
    return app.resolve()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("one", "edge: zone 'edge' is outside of zone 'app'", id="zone"),
        pytest.param("two", "one: in the order of their plugin", id="one-plugin"),
        pytest.param("three", "two: 'three' has 'two' in its after", id="after"),
        pytest.param("four", "three: no constraint: plugins in dependency order, then by name", id="two-plugins"),
        pytest.param("last", "four: the app's own middleware is inside of the middleware of plugins", id="app"),
        pytest.param("own", "last: in the order of the app's code", id="as-written"),
        pytest.param("inner", "own: a scope is inside of the scopes around it", id="scope"),
    ],
)
def test_place_of_middleware_is_explained(name: str, reason: str) -> None:
    (answer,) = why_middleware(_chained(), name)
    assert _facts(answer, "inside of") == [reason]


def test_middleware_that_asks_to_be_before_another_is_explained() -> None:
    links = [_link("b"), _link("a", before=("b",))]
    (answer,) = why_middleware(App(middleware=links).resolve(), "b")
    assert _facts(answer, "inside of") == ["a: 'a' has 'b' in its before"]


def test_order_of_the_settings_is_named() -> None:
    app = App(middleware=[_link("a"), _link("b")], settings={"middleware": {"order": ["b", "a"]}})
    (answer,) = why_middleware(app.resolve(), "b")
    (text,) = _facts(answer, "outside of")
    assert text.startswith("a: set by middleware.order (App(...) at ")


def test_chain_and_effects_of_middleware_are_explained() -> None:
    (answer,) = why_middleware(_chained(), "inner")
    assert answer.scope == "/s"
    assert _facts(answer, "chain") == ["edge > one > two > three > four > last > own > [inner]"]
    assert _facts(answer, "needs") == ["one"]
    assert _facts(answer, "provides") == ["user"]
    assert _facts(answer, "reads the content") == ["yes"]
    assert _facts(answer, "buffers responses") == []


def test_middleware_that_does_not_exist_is_refused() -> None:
    with pytest.raises(LookupError, match="no middleware is named 'innr'; did you mean 'inner'"):
        why_middleware(_chained(), "innr")


# -- response types


@pytest.mark.parametrize(
    ("name", "chosen", "rule"),
    [
        pytest.param("dict", "dict for dict", "it is for the type itself", id="itself"),
        pytest.param("None", "NoneType for NoneType", "it is for the type itself", id="none"),
        pytest.param(
            "collections:OrderedDict",
            "dict for collections.OrderedDict",
            "it is for the nearest base class",
            id="base",
        ),
        pytest.param("set", "none for set", "a handler that returns such a value fails with a TypeError", id="nothing"),
    ],
)
def test_response_of_a_type_is_explained(name: str, chosen: str, rule: str) -> None:
    (answer,) = why_response(App().resolve(), name)
    assert (answer.name, answer.rule) == (chosen, rule)


def test_response_of_an_abstract_type_is_explained() -> None:
    (answer,) = why_response(App().resolve(), f"{Config.__module__}:Config")
    assert answer.rule.startswith("the type is a subclass of ")


def test_replaced_response_type_is_listed_with_its_scope() -> None:
    app = App()
    plugin = make_plugin("mine", provide_response_types=lambda self, setup: [ResponseType(str, Text, "text/x")])
    app.scope("/s", plugins=[plugin])
    outer, inner = why_response(app.resolve(), "str")
    assert (outer.scope, outer.rejected) == ("", ())
    assert (inner.scope, _facts(inner, "media type")) == ("/s", ["text/x"])
    assert inner.rejected[0].source.startswith("plugin 'responses' ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("dct", "no type 'dct'; did you mean 'dict'", id="misspelt"),
        pytest.param("zzz:Nope", "no type 'zzz:Nope'; there are .*; write module:Name", id="no-module"),
        pytest.param("len", "'len' is <built-in function len>, not a type", id="function"),
    ],
)
def test_type_that_does_not_exist_is_refused(name: str, message: str) -> None:
    with pytest.raises(LookupError, match=message):
        why_response(App().resolve(), name)


# -- routes


def _routed() -> Plan:
    app = App(middleware=[_link("outer")])
    app.get("/users/me", name="me")(_answer)
    app.get("/users/{name}")(_answer)
    app.post("/users/{name}")(_answer)
    return app.resolve()


@pytest.mark.parametrize("path", ["/users/me", "me"])
def test_route_is_found_by_pattern_and_name(path: str) -> None:
    (answer,) = why_route(_routed(), path)
    assert answer.name == "GET /users/me"
    assert _facts(answer, "handler") == [f"{__name__}._answer"]
    assert (_facts(answer, "router"), _facts(answer, "chain")) == (["tree"], ["outer"])


def test_routes_are_found_by_a_path_as_clients_ask_for_it() -> None:
    answers = why_route(_routed(), "/users/anna")
    assert [(answer.name, answer.rule) for answer in answers] == [
        ("GET /users/{name}", "it answers GET /users/anna"),
        ("POST /users/{name}", "it answers POST /users/anna"),
    ]
    assert [candidate.reason for candidate in answers[0].rejected] == ["it answers POST, not GET"]


@pytest.mark.parametrize("path", ["/users", "nope"])
def test_route_that_does_not_exist_is_refused(path: str) -> None:
    with pytest.raises(LookupError, match=f"no route has the pattern, the name or the path {path!r}"):
        why_route(_routed(), path)


# -- settings


def test_setting_names_its_source_and_the_overruled_values(tmp_path: Path) -> None:
    (tmp_path / "turnbuckle.toml").write_text("[limits]\ncontent = 5\n")
    sources = SettingsSources(folder=tmp_path, environ={"TURNBUCKLE_LIMITS_CONTENT": "6"}, flags=("limits.content=7",))
    (answer,) = why_setting(App().resolve(sources), "limits.content")
    assert (answer.name, answer.rule) == ("limits.content = 7", "set by --set")
    assert [(candidate.name, candidate.source.rpartition("/")[2]) for candidate in answer.rejected] == [
        ("5", "turnbuckle.toml:2"),
        ("'6'", "$TURNBUCKLE_LIMITS_CONTENT"),
    ]
    assert _facts(answer, "takes") == ["a whole number"]
    assert _facts(answer, "meaning") == ["decoded content of one request; beyond it 413"]


def test_setting_at_its_default() -> None:
    (answer,) = why_setting(App().resolve(), "server.port")
    assert (answer.name, answer.rule) == ("server.port = 8000", "it is not set")


def test_secret_is_never_printed() -> None:
    plugin = make_plugin("door", info=PluginInfo(name="door", config=Config))
    app = App(plugins=[(plugin, {"key": "pa55word"})])
    plan = app.resolve(SettingsSources(environ={"TURNBUCKLE_PLUGIN_DOOR_KEY": "hunter2"}))
    (answer,) = why_setting(plan, "plugin.door.key")
    assert answer.name == "plugin.door.key = ********"
    assert [candidate.name for candidate in answer.rejected] == ["********"]
    assert _facts(answer, "meaning") == ["opens the door"]
    assert "pa55word" not in str(answer)
    assert "hunter2" not in str(answer)


def test_section_is_all_of_its_settings() -> None:
    names = [answer.name.partition(" ")[0] for answer in why_setting(App().resolve(), "routing")]
    assert names == ["routing.trailing_slash"]
    assert len(why_setting(App().resolve(), "limits")) > 5


@pytest.mark.parametrize(("key", "near"), [("lmits", "limits"), ("server.prt", "server.port")])
def test_setting_that_does_not_exist_is_refused(key: str, near: str) -> None:
    with pytest.raises(LookupError, match=f"no setting {key!r}; did you mean {near!r}"):
        why_setting(App().resolve(), key)
