"""The setting ``parser``: a name or a table, and the shadow that is chosen by it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.core.startup.finding import error_of
from tests.wire.cases import NEXT
from tests.wire.serving import make_app
from turnbuckle import App, StartupError
from turnbuckle.plan import Plan
from turnbuckle.startup.model.sources import SettingsSources
from turnbuckle.startup.report.plan_json import plan_as_json
from turnbuckle.startup.report.plan_text import plan_as_text
from turnbuckle.testing import Client
from turnbuckle_plugins.shadow_parser import ShadowParserFactory


def resolved(text: str = "", *flags: str, folder: Path, environ: dict[str, str] | None = None) -> Plan:
    (folder / "turnbuckle.toml").write_text(text)
    return make_app().resolve(SettingsSources(folder=folder, flags=flags, environ=environ or {}))


@pytest.mark.parametrize(
    ("text", "flags", "environ"),
    [
        pytest.param('parser = "h11"', (), {}, id="name"),
        pytest.param('parser.name = "h11"', (), {}, id="dotted"),
        pytest.param('[parser]\nname = "h11"', (), {}, id="table"),
        pytest.param("", ("parser=h11",), {}, id="flag"),
        pytest.param("", ("parser.name=h11",), {}, id="whole-flag"),
        pytest.param("", (), {"TURNBUCKLE_PARSER": "h11"}, id="variable"),
        pytest.param("", (), {"TURNBUCKLE_PARSER_NAME": "h11"}, id="whole-variable"),
        pytest.param('parser = "httptools"', ("parser=h11",), {"TURNBUCKLE_PARSER": "h1"}, id="flag-wins"),
        pytest.param('[parser]\nname = "httptools"', (), {"TURNBUCKLE_PARSER": "h11"}, id="variable-wins"),
    ],
)
def test_parser_is_named(text: str, flags: tuple[str, ...], environ: dict[str, str], tmp_path: Path) -> None:
    plan = resolved(text, *flags, folder=tmp_path, environ=environ)
    assert (plan.parser.name, plan.shadow, plan.settings.parser.name) == ("h11", None, "h11")


@pytest.mark.parametrize("settings", [{"parser": "h11"}, {"parser": {"name": "h11"}}])
def test_parser_is_named_in_code(settings: dict[str, object]) -> None:
    assert App(settings=settings).resolve().parser.name == "h11"


@pytest.mark.parametrize(
    ("text", "flags", "environ"),
    [
        pytest.param('parser.shadow = "h11"', (), {}, id="dotted"),
        pytest.param('[parser]\nshadow = "h11"', (), {}, id="table"),
        pytest.param("", ("parser.shadow=h11",), {}, id="flag"),
        pytest.param("", (), {"TURNBUCKLE_PARSER_SHADOW": "h11"}, id="variable"),
        pytest.param('plugins.enabled = ["h11_parser"]\nparser.shadow = "h11"', (), {}, id="enabled"),
    ],
)
def test_shadow_is_named_and_the_parser_stays(
    text: str, flags: tuple[str, ...], environ: dict[str, str], tmp_path: Path
) -> None:
    plan = resolved(text, *flags, folder=tmp_path, environ=environ)
    assert plan.shadow is not None
    assert (plan.parser.name, plan.shadow.name, plan.settings.parser.shadow_sample) == ("h1", "h11", 0.01)


def test_shadow_and_parser_are_both_named(tmp_path: Path) -> None:
    plan = resolved('[parser]\nname = "httptools"\nshadow = "h1"\nshadow_sample = 0.5', folder=tmp_path)
    assert plan.shadow is not None
    assert (plan.parser.name, plan.shadow.name, plan.settings.parser.shadow_sample) == ("httptools", "h1", 0.5)


def test_shadow_is_shown_in_the_plan(tmp_path: Path) -> None:
    plan = resolved('parser.shadow = "h11"', folder=tmp_path)
    assert ["shadow", "parser", "h11"] in [row.split()[:3] for row in plan_as_text(plan).splitlines()]
    assert plan.components["shadow_parser"].origin.plugin == "shadow_parser"
    shown = plan_as_json(plan)["shadow_parser"]
    assert isinstance(shown, dict)
    assert shown["name"] == "h11"
    assert plan_as_json(resolved(folder=tmp_path))["shadow_parser"] is None


def test_shadow_that_is_not_there_is_refused() -> None:
    found = error_of(App(settings={"parser": {"shadow": "h12"}}), "TB402")
    assert "no shadow parser is named 'h12'" in found.text


def test_shadow_whose_plugin_is_disabled_is_refused(tmp_path: Path) -> None:
    settings = {"parser": {"shadow": "h11"}, "plugins": {"disabled": ["shadow_parser"]}}
    found = error_of(App(settings=settings), "TB402")
    assert "no shadow_parser component is named 'threaded'" in found.text
    assert "enable plugin 'shadow_parser'" in found.fix


def test_shadow_of_itself_is_refused() -> None:
    found = error_of(App(settings={"parser": {"shadow": "h1"}}), "TB202")
    assert found.text == "setting 'parser.shadow' names 'h1', which is the parser itself"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        pytest.param({"parser": 5}, "setting 'parser.name' must be text, not 5", id="no-name"),
        pytest.param({"parser": {"shadow_sample": 2.0}}, "from 0 to 1", id="sample"),
    ],
)
def test_wrong_value_is_refused(settings: dict[str, object], text: str) -> None:
    assert text in error_of(App(settings=settings), "TB202").text


def test_unknown_key_is_refused() -> None:
    with pytest.raises(StartupError):
        App(settings={"parser": {"nam": "h11"}}).resolve()


def test_app_without_a_shadow_has_the_plain_factory() -> None:
    assert not isinstance(App().compile().parser_factory, ShadowParserFactory)


async def test_app_with_a_shadow_serves(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle.shadow")
    app = App(settings={"parser": {"shadow": "h11", "shadow_sample": 1.0}})

    @app.get("/next")
    async def after() -> str:
        return "next"

    application = app.compile()
    shadow = application.parser_factory
    assert isinstance(shadow, ShadowParserFactory)
    async with Client(application) as client:
        assert (await client.raw(NEXT * 3)).statuses == [200] * 3
    assert shadow.flush()
    assert (shadow.counts.requests, shadow.counts.disagreements) == (3, 0)
    assert not caplog.records
