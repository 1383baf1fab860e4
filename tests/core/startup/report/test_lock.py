"""A lock holds what an upgrade could change, and nothing of the machine that it was written on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.startup.finding import Site, make_plugin
from turnbuckle import (
    App,
    Component,
    ErrorHandler,
    Lifespan,
    Middleware,
    ProtocolProvider,
    Request,
    Setup,
    StartupError,
)
from turnbuckle.startup.report.lock import composition_of, lock_text, read_composition
from turnbuckle.startup.report.plan_json import plan_as_json
from turnbuckle.web.types import Handler


async def _answer(request: Request, *rest: object) -> str:
    return ""


def _step_aside(call_next: Handler, setup: Setup) -> Handler:
    return call_next


def _app() -> App:
    plugin = make_plugin(
        "fast",
        provide_components=lambda self, setup: [Component("json", "quick", _answer)],
        provide_protocols=lambda self, setup: [ProtocolProvider(name="ws", factory=_answer, upgrade="websocket")],
        provide_lifespans=lambda self, setup: [Lifespan("life", _answer)],
        provide_error_handlers=lambda self, setup: [ErrorHandler(KeyError, _answer)],
    )
    app = App("shop", plugins=[plugin], middleware=[Middleware("m", _step_aside)])
    app.scope("/admin", host="a.example", middleware=[Middleware("audit", _step_aside)]).get("/x")(_answer)
    return app


def test_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    composition = composition_of(_app().resolve())
    path = tmp_path / "turnbuckle.lock"
    path.write_text(lock_text(composition))
    assert read_composition(path) == composition


def test_plan_in_json_is_read_as_its_lock(tmp_path: Path) -> None:
    plan = _app().resolve()
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan_as_json(plan)))
    assert read_composition(path) == composition_of(plan)


def test_lock_holds_no_place_and_no_time() -> None:
    text = lock_text(composition_of(_app().resolve()))
    assert str(Path(__file__).parent) not in text
    assert ".py:" not in text
    assert "seconds" not in text


def test_lock_has_one_record_on_a_line() -> None:
    lines = lock_text(composition_of(_app().resolve())).splitlines()
    assert '        {"name": "audit", "zone": "app", "plugin": "app"}' in lines
    assert '  "components": {"json": {"name": "quick", "plugin": "fast"}},' in lines


def test_lock_names_versions(site: Site) -> None:
    source = "from turnbuckle import Plugin, PluginInfo\nclass It(Plugin):\n    info = PluginInfo(name='proxy_rules')\n"
    site.install("proxy_rules", source, distribution="acme")
    plugins = composition_of(App(plugins=["proxy_rules"]).resolve())["plugins"]
    assert {"name": "proxy_rules", "scope": "", "distribution": "acme", "version": "1.2"} in plugins


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("{", "it is not JSON", id="malformed"),
        pytest.param("[]", "its schema is None", id="list"),
        pytest.param('{"schema": "turnbuckle.lock/9"}', "its schema is 'turnbuckle.lock/9'", id="newer"),
        pytest.param('{"schema": "turnbuckle.lock/1"}', "an entry is missing: 'turnbuckle'", id="empty"),
        pytest.param(
            '{"schema": "turnbuckle.lock/1", "turnbuckle": "1", "app": "", "parser": 5}',
            "an entry is missing",
            id="wrong",
        ),
    ],
)
def test_file_that_is_no_lock_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "turnbuckle.lock"
    path.write_text(text)
    with pytest.raises(StartupError) as caught:
        read_composition(path)
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == "TB602"
    assert reason in problem.diagnostic.text
    assert problem.diagnostic.fix


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="stop") as caught:
        read_composition(tmp_path / "x.lock")
    assert "No such file" in str(caught.value.problems[0].diagnostic)
