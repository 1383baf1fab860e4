"""A plan can be read, by people and by programs, and tells no secrets."""

from __future__ import annotations

import json

import attrs

from tests.core.startup.finding import make_plugin
from turnbuckle import (
    App,
    Component,
    ErrorHandler,
    Handler,
    Lifespan,
    Middleware,
    ParserProvider,
    PluginInfo,
    ProtocolProvider,
    Request,
    SettingsSources,
    Setup,
)
from turnbuckle.http.parser import H1Parser
from turnbuckle.startup.report.plan_json import plan_as_json
from turnbuckle.startup.report.plan_text import plan_as_text


@attrs.frozen
class Config:
    key: str = attrs.field(default="", metadata={"secret": True})


async def _answer(request: Request, *rest: object) -> str:
    return ""


def _step_aside(call_next: Handler, setup: Setup) -> Handler:
    return call_next


def _app() -> App:
    plugin = make_plugin(
        "fast",
        info=PluginInfo(name="fast", config=Config),
        provide_parsers=lambda self, setup: [ParserProvider("fast", H1Parser)],
        provide_components=lambda self, setup: [Component("json", "quick", _answer)],
        provide_protocols=lambda self, setup: [ProtocolProvider(name="ws", factory=_answer, upgrade="websocket")],
        provide_lifespans=lambda self, setup: [Lifespan("life", _answer)],
        provide_error_handlers=lambda self, setup: [ErrorHandler(KeyError, _answer)],
    )
    app = App("shop", plugins=[(plugin, {"key": "pa55word"})], middleware=[Middleware("m", _step_aside, before=("x",))])
    scope = app.scope("/admin", host="a.example", middleware=[Middleware("audit", _step_aside)])
    scope.get("/x", name="x")(_answer)
    return app


def _words(text: str) -> list[str]:
    """Return the lines of a text, with one space for each run of them."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_plan_as_text() -> None:
    text = plan_as_text(_app().resolve(SettingsSources(plugins=("no:absent",))))
    lines = _words(text)
    for start in (
        "app shop",
        "parser fast an enabled plugin takes precedence over the built-in one fast ",
        "not h1 h1 ",
        "json component quick an enabled plugin takes precedence",
        "protocols",
        "ws Upgrade: websocket fast ",
        "scope /",
        "router tree it is built in tree ",
        "middleware, outermost first",
        "m app app ",
        "error handlers",
        "KeyError fast ",
        "lifespans",
        "life fast ",
        "scope a.example/admin",
        "audit app app ",
        "routes",
        "GET a.example/admin/x x app ",
        "plugins",
        "fast enabled ",
        "absent disabled disabled by -p no:absent",
        "start-up",
        "load and collect ",
        "settings",
        "plugin.fast.key ******** plugin settings at ",
        "diagnostics",
        "warning: TB112 plugin 'absent' is disabled, but there is no such plugin",
        "info: TB409 middleware 'm' is ordered by 'x', which does not exist",
    ):
        assert any(line.startswith(start) for line in lines), start
    assert "pa55word" not in text
    assert "server.port" not in text


def test_text_keeps_scopes_inside_of_the_app() -> None:
    lines = plan_as_text(_app().resolve()).splitlines()
    assert "  scope /" in lines
    assert "    scope a.example/admin" in lines


def test_text_has_built_in_parts_only_on_request() -> None:
    plan = App().resolve()
    assert "settings: all at their defaults" in plan_as_text(plan)
    assert "response types" not in plan_as_text(plan)
    everything = _words(plan_as_text(plan, settings=True))
    assert "limits.content 16777216 default" in everything
    assert "response types" in everything


def test_route_without_origin_is_shown() -> None:
    plan = _app().resolve()
    (admin,) = plan.root.scopes
    (planned,) = admin.routes
    bare = attrs.evolve(planned, route=attrs.evolve(planned.route, origin=None))
    shown = attrs.evolve(plan, root=attrs.evolve(admin, routes=(bare,)))
    (scope,) = json.loads(json.dumps(plan_as_json(shown)))["scopes"]
    assert scope["routes"][0]["origin"] == {}
    assert "GET a.example/admin/x x" in _words(plan_as_text(shown))
