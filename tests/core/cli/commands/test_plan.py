"""``plan`` shows every decision with where it comes from."""

import json

from tests.core.cli.conftest import Project


def test_plan_is_an_outline_of_the_app(project: Project) -> None:
    result = project.call("plan", "shop", "--set", "timeouts.idle=5")
    assert (result.exit_code, result.stderr) == (0, "")
    for part in ("app shop\n", "  parser  h1  ", "  scope /\n", "GET  /  home  app  shop.py:6", "plugins\n"):
        assert part in result.stdout
    assert "  timeouts.idle  5.0  --set\n" in result.stdout
    assert "server.port" not in result.stdout


def test_plan_shows_every_setting_when_asked(project: Project) -> None:
    lines = project.call("plan", "shop", "--all").stdout.splitlines()
    assert ["server.port", "8000", "default"] in [line.split() for line in lines]


def test_plan_is_json_when_asked(project: Project) -> None:
    plan = json.loads(project.call("plan", "shop", "--json").stdout)
    assert plan["app"] == "shop"
    assert plan["settings"]["server.port"]["value"] == 8000


def test_plan_of_a_broken_app_exits_with_3(project: Project) -> None:
    result = project.call("plan", "shop", "--parser", "nope")
    assert (result.exit_code, result.stdout) == (3, "")
