"""``why`` says why one part of an app is as it is."""

import json

import pytest

from tests.core.cli.conftest import Project
from turnbuckle.startup.report.settings_reference import settings_reference

PAGES = """\
from turnbuckle import App, Component, Plugin, PluginInfo, Request


class Fast(Plugin):
    info = PluginInfo(name="fast")

    def provide_components(self, setup):
        return [Component("json", "quick", lambda setup: None)]


app = App(plugins=[Fast])
scope = app.scope("/s")


@app.middleware
async def audit(request, call_next):
    return await call_next(request)


@scope.get("/users/{id:int}", name="user")
async def user(request: Request, id: int) -> str:
    return ""
"""


@pytest.fixture
def pages(project: Project) -> Project:
    project.write("pages.py", PAGES)
    return project


def _words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("args", "lines"),
    [
        pytest.param(["parser"], ["parser h1", "why it is built in"], id="parser"),
        pytest.param(["router"], ["router tree", "why it is built in"], id="router"),
        pytest.param(
            ["component", "json"],
            ["json component quick", "from plugin 'fast' in provide_components at pages.py:7"],
            id="component",
        ),
        pytest.param(["middleware", "audit"], ["middleware audit", "chain [audit]"], id="middleware"),
        pytest.param(["response", "dict"], ["response dict for dict", "media type application/json"], id="response"),
        pytest.param(
            ["route", "/s/users/5"],
            ["route GET /s/users/{id:int} in scope /s", "why it answers GET /s/users/5", "chain audit"],
            id="route",
        ),
        pytest.param(
            ["setting", "limits.content"],
            ["setting limits.content = 16777216", "why it is not set", "takes a whole number"],
            id="setting",
        ),
    ],
)
def test_why_shows_the_choice_and_the_rule(pages: Project, args: list[str], lines: list[str]) -> None:
    result = pages.call("why", *args, "pages")
    assert (result.exit_code, result.stderr) == (0, "")
    shown = _words(result.stdout)
    assert [line for line in lines if line not in shown] == []
    data = json.loads(pages.call("why", *args, "pages", "--json").stdout)
    assert data["schema"] == "turnbuckle.why/1"
    assert f"{data['answers'][0]['kind']} {data['answers'][0]['name']}" in lines[0]


def test_why_shows_the_rejected_candidates(pages: Project) -> None:
    lines = _words(pages.call("why", "setting", "server.port", "pages", "--set", "server.port=5").stdout)
    assert "setting server.port = 5" in lines
    pages.write("turnbuckle.toml", "[server]\nport = 4\n")
    lines = _words(pages.call("why", "setting", "server.port", "pages", "--set", "server.port=5").stdout)
    assert "not 4 turnbuckle.toml:2" in lines


def test_why_shows_a_section_of_settings_as_a_table(pages: Project) -> None:
    lines = pages.call("why", "setting", "routing", "pages").stdout.splitlines()
    assert lines[0] == "setting routing.trailing_slash = 'strict'"
    lines = pages.call("why", "setting", "limits", "pages").stdout.splitlines()
    assert [line for line in lines if not line.startswith("limits.") or "it is not set" not in line] == []


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["middleware", "nope"], id="middleware"),
        pytest.param(["component", "nope"], id="component"),
        pytest.param(["response", "nope"], id="response"),
        pytest.param(["route", "/nope"], id="route"),
        pytest.param(["setting", "nope"], id="setting"),
    ],
)
def test_why_of_what_is_not_there_is_a_usage_error(pages: Project, args: list[str]) -> None:
    result = pages.call("why", *args, "pages")
    assert result.exit_code == 2
    assert "Error: no " in result.stderr


def test_why_of_what_was_not_decided_exits_with_3(pages: Project) -> None:
    result = pages.call("why", "parser", "pages", "--parser", "nope")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: TB402 ")


def test_settings_prints_the_reference(pages: Project) -> None:
    result = pages.call("settings")
    assert (result.exit_code, result.stdout) == (0, settings_reference())


def test_settings_of_a_target_has_those_of_its_plugins(project: Project) -> None:
    project.write(
        "own.py",
        "import attrs\nfrom turnbuckle import App, Plugin, PluginInfo\n"
        "@attrs.frozen\nclass Config:\n    size: int = 3\n"
        "class It(Plugin):\n    info = PluginInfo(name='it', config=Config)\n"
        "app = App(plugins=[It])\n",
    )
    assert "| `plugin.it.size` | a whole number | `3` |  |\n" in project.call("settings", "own").stdout


@pytest.mark.parametrize(
    ("args", "first", "holds"),
    [
        pytest.param(("plugin", "fast"), "plugin fast", "json component  quick", id="plugin"),
        pytest.param(("protocol", "chat"), "protocol talk", "Upgrade", id="protocol"),
        pytest.param(("command", "sweep"), "command sweep", "plugin 'talk'", id="command"),
        pytest.param(("component", "loop"), "loop component as in the setting server.loop", "no enabled", id="loop"),
    ],
)
def test_why_of_what_plugins_bring(pages: Project, args: tuple[str, str], first: str, holds: str) -> None:
    pages.write("pages.py", PAGES.replace("plugins=[Fast]", "plugins=[Fast, Talk]").replace("app = ", _TALK + "app = "))
    text = pages.call("why", *args, "pages").stdout
    assert text.splitlines()[0] == first
    assert holds in text
    data = json.loads(pages.call("why", *args, "pages", "--json").stdout)
    assert data["schema"] == "turnbuckle.why/1"
    assert data["answers"][0]["kind"] == first.rpartition(" ")[0] or args[0] == "component"


@pytest.mark.parametrize("kind", ["plugin", "protocol", "command"])
def test_why_of_what_is_not_there(pages: Project, kind: str) -> None:
    result = pages.call("why", kind, "nothing_like_it", "pages")
    assert result.exit_code == 2
    assert "'nothing_like_it'" in result.stderr


def test_explain_shows_the_protocol_that_is_asked_first(pages: Project) -> None:
    pages.write("pages.py", PAGES.replace("plugins=[Fast]", "plugins=[Fast, Talk]").replace("app = ", _TALK + "app = "))
    args = ("explain", "GET", "/s/users/1", "pages", "-H", "Connection: upgrade", "-H")
    text = pages.call(*args, "Upgrade: chat").stdout
    assert (
        "called first, inside of the chain of the app, because the request offers it\n  protocol  talk  talk  pages.py"
        in text
    )
    assert json.loads(pages.call(*args, "Upgrade: chat", "--json").stdout)["protocol"]["name"] == "talk"
    assert "no plugin speaks 'h2c'" in pages.call(*args, "Upgrade: h2c").stdout
    assert json.loads(pages.call(*args, "Upgrade: h2c", "--json").stdout)["protocol"] is None


_TALK = """\
import click
from turnbuckle import ProtocolProvider


class Talk(Plugin):
    info = PluginInfo(name="talk")

    def provide_protocols(self, setup):
        return [ProtocolProvider(name="talk", upgrade="chat", factory=lambda dispatch, setup: dispatch)]

    def provide_commands(self, setup):
        return [click.Command("sweep", help="Sweep the floor.")]


"""


@pytest.mark.parametrize(
    ("question", "known"),
    [
        (("component", "zzz"), "json"),
        (("middleware", "zzz"), "audit"),
        (("plugin", "zzz"), "fast"),
        (("protocol", "zzz"), "there are HTTP/1.1"),
        (("command", "zzz"), "serve"),
        (("response", "zzz"), "dict"),
        (("route", "zzz"), "user"),
        (("setting", "zzz"), "limits"),
        (("middleware", "audti"), "did you mean 'audit'?"),
        (("route", "usr"), "did you mean 'user'?"),
        (("setting", "limits.contnt"), "did you mean 'limits.content'?"),
    ],
)
def test_unknown_name_is_answered_with_candidates(pages: Project, question: tuple[str, str], known: str) -> None:
    result = pages.call("why", *question, "pages")
    assert result.exit_code == 2
    assert known in result.stderr


def test_plugin_of_a_settings_file_is_not_enabled_by_code(pages: Project) -> None:
    pages.write("turnbuckle.toml", '[plugins]\nenabled = ["health"]\n')
    why = pages.call("why", "plugin", "health", "pages").stdout
    assert "enabled by plugins.enabled (turnbuckle.toml:2)" in why
    assert "code" not in why
