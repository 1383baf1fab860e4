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
    Setup,
    Sources,
)
from turnbuckle.http.parser import H1Parser
from turnbuckle.startup.show import plan_as_json, plan_as_text


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


def test_plan_as_text() -> None:
    text = plan_as_text(_app().resolve(Sources(plugins=("no:absent",))))
    for line in (
        "app shop",
        "  parser fast: an enabled plugin beats what is built in  [plugin 'fast' in provide_parsers at ",
        "    not h1  [plugin 'h1' in provide_parsers at ",
        "  json component quick: ",
        "  scope /",
        "    router tree: it is built in  [",
        "    middleware m (app)  [the app at ",
        "    lifespan life  [plugin 'fast' in provide_lifespans at ",
        "    scope a.example/admin",
        "      middleware audit (app)  [the app at ",
        "      GET a.example/admin/x 'x'  [the app at ",
        "  fast (enabled, ",
        "  absent (disabled, 0.0 ms) disabled by -p no:absent",
        "  plugin.fast.key = ********  [App(...) at ",
        "  warning: TB112 plugin 'absent' is disabled, but there is no such plugin",
        "  warning: TB409 middleware 'm' is ordered by 'x', which is not there",
    ):
        assert f"\n{line}" in f"\n{text}", line
    assert "pa55word" not in text
    assert "limits.content" not in text


def test_all_settings_are_shown_when_asked_for() -> None:
    assert "  limits.content = 16777216  [default]" in plan_as_text(App().resolve(), settings=True)


def test_plan_as_json() -> None:
    data = plan_as_json(_app().resolve())
    text = json.dumps(data)
    assert "pa55word" not in text
    again = json.loads(text)
    assert set(again) == {
        "app",
        "parser",
        "components",
        "scopes",
        "protocols",
        "plugins",
        "settings",
        "diagnostics",
        "seconds",
    }
    assert again["parser"]["losers"][0]["name"] == "h1"
    root, admin = again["scopes"]
    assert (root["router"]["name"], admin["router"]) == ("tree", None)
    assert admin["routes"][0] == {
        "methods": ["GET"],
        "path": "/admin/x",
        "host": "a.example",
        "name": "x",
        "plugin": "app",
        "place": admin["routes"][0]["place"],
        "distribution": "",
        "hook": "",
    }
    assert "test_show.py" in admin["routes"][0]["place"]
    assert again["settings"]["server.port"] == {"value": "8000", "source": "default"}


def test_route_without_origin_is_shown() -> None:
    plan = _app().resolve()
    (admin,) = plan.root.scopes
    (planned,) = admin.routes
    bare = attrs.evolve(planned, route=attrs.evolve(planned.route, origin=None))
    shown = attrs.evolve(plan, root=attrs.evolve(admin, routes=(bare,)))
    (scope,) = json.loads(json.dumps(plan_as_json(shown)))["scopes"]
    assert "place" not in scope["routes"][0]
