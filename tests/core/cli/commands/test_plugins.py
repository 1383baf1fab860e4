"""``plugins`` lists them, and works where they do not."""

import json
import sys

from tests.core.cli.conftest import Project

PLUGIN = """\
from turnbuckle import App, Plugin, PluginInfo, Route


class Pages(Plugin):
    info = PluginInfo(name="pages")

    def provide_routes(self, setup):
        return []


class Bad(Plugin):
    info = PluginInfo(name="bad")

    def provide_routes(self, setup):
        raise LookupError("no key")


app = App(plugins=[Pages, Bad])
"""


def _words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_plugins_without_a_target_are_those_installed(project: Project) -> None:
    result = project.call("plugins")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = _words(result.stdout)
    assert "built in" in lines
    assert "h1 api 1 provide_parsers" in lines
    assert lines.index("installed, not enabled") < lines.index("built in")


def test_plugins_without_a_target_imports_none(project: Project) -> None:
    project.write("turnbuckle.toml", '[plugins]\nenabled = ["regex_router"]\n')
    with project.spawn("plugins", "-v") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "enabled by plugins.enabled (turnbuckle.toml:2)" in out


def test_plugins_of_an_app_are_listed_even_if_one_is_broken(project: Project) -> None:
    project.write("site.py", PLUGIN)
    result = project.call("plugins", "./site.py")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = _words(result.stdout)
    start = lines.index("failed: the app cannot start with them")
    assert "bad api 1" in lines[start + 1]
    assert "TB306 hook 'provide_routes' of plugin 'bad' raised LookupError: no key" in lines[start + 1]
    assert lines[0] == "enabled"
    assert lines[1].startswith("pages api 1 ")
    assert lines[1].endswith(" ms provide_routes")


def test_plugins_reports_that_there_are_other_problems(project: Project) -> None:
    result = project.call("plugins", "shop", "--set", "server.port=x")
    assert result.exit_code == 0
    assert result.stderr == "1 other problem: 'turnbuckle check' lists it\n"


def test_plugins_are_json_when_asked(project: Project) -> None:
    project.write("site.py", PLUGIN)
    data = json.loads(project.call("plugins", "./site.py", "--json").stdout)
    assert data["schema"] == "turnbuckle.plugins/1"
    states = {plugin["name"]: plugin["state"] for plugin in data["plugins"]}
    assert (states["pages"], states["bad"], states["h1"]) == ("enabled", "failed", "builtin")
    assert [diagnostic["code"] for diagnostic in data["diagnostics"]] == ["TB306"]


def test_plugins_of_an_app_that_cannot_be_imported_exits_with_3(project: Project) -> None:
    project.write("odd.py", "1 / 0\n")
    assert project.call("plugins", "odd").exit_code == 3
    assert "odd" not in sys.modules
