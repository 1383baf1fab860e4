"""Where settings and plugins come from, as the options say."""

import os
from pathlib import Path

import pytest

from turnbuckle.cli.options import AppOptions
from turnbuckle.cli.target import TARGET

from .conftest import Project


def ask(target: str, **more: object) -> AppOptions:
    return AppOptions(target=TARGET.convert(target, None, None), **more)


def test_options_become_settings_with_their_source(project: Project) -> None:
    asked = ask("shop").with_setting("--port", "server.port", 9000).with_setting("--debug", "debug", True)
    plan = asked.with_setting("--host", "server.host", None).resolve()
    assert (plan.settings.server.port, plan.settings.debug) == (9000, True)
    assert plan.setting_values["server.port"].source == "--port"
    assert plan.setting_values["server.host"].source == "default"


def test_environment_is_looked_at(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNBUCKLE_SERVER_PORT", "9001")
    assert ask("shop").resolve().settings.server.port == 9001


def test_settings_of_the_current_folder_are_read(project: Project) -> None:
    project.write("turnbuckle.toml", "[server]\nport = 9002\n")
    project.write("sub/shop.py", "from turnbuckle import App\napp = App()\n")
    assert ask("shop").resolve().settings.server.port == 9002
    assert ask("sub/shop.py").resolve().settings.server.port == 9002


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("turnbuckle.toml", "[server]\nport = 9003\n", id="own-file"),
        pytest.param("pyproject.toml", "[tool.turnbuckle.server]\nport = 9003\n", id="pyproject"),
    ],
)
def test_settings_beside_the_file_of_the_app_come_first(project: Project, name: str, text: str) -> None:
    project.write("turnbuckle.toml", "[server]\nport = 9002\n")
    project.write("sub/web.py", "from turnbuckle import App\napp = App()\n")
    project.write(f"sub/{name}", text)
    assert ask("sub/web.py").resolve().settings.server.port == 9003


def test_pyproject_of_something_else_beside_the_file_is_passed_over(project: Project) -> None:
    project.write("turnbuckle.toml", "[server]\nport = 9002\n")
    project.write("sub/web.py", "from turnbuckle import App\napp = App()\n")
    project.write("sub/pyproject.toml", "[tool.other]\n")
    assert ask("sub/web.py").resolve().settings.server.port == 9002


def test_broken_pyproject_beside_the_file_is_reported(project: Project) -> None:
    project.write("sub/web.py", "from turnbuckle import App\napp = App()\n")
    project.write("sub/pyproject.toml", "[tool\n")
    result = project.call("check", "sub/web.py")
    assert result.exit_code == 3
    assert "TB203" in result.stderr


def test_settings_file_can_be_named(project: Project) -> None:
    path = project.write("conf/live.toml", "[server]\nport = 9004\n")
    assert ask("shop", file=path).resolve().settings.server.port == 9004
    assert project.call("check", "shop", "--settings", "conf/live.toml").exit_code == 0


def test_missing_settings_file_is_reported(project: Project) -> None:
    result = project.call("check", "shop", "--settings", "missing.toml")
    assert result.exit_code == 3
    assert "'missing.toml' cannot be read" in result.stderr


def test_plugins_can_be_enabled_and_switched_off(project: Project) -> None:
    project.write(
        "turnbuckle_plugin.py",
        "from turnbuckle import Plugin, PluginInfo\nclass Mine(Plugin):\n    info = PluginInfo(name='mine')\n",
    )
    assert "mine" in {plugin.name for plugin in ask("shop").resolve().plugins}
    states = {plugin.name: plugin.state for plugin in ask("shop", plugins=("no:mine",)).resolve().plugins}
    assert states["mine"] == "disabled"
    assert "mine" not in {plugin.name for plugin in ask("shop", no_plugins=True).resolve().plugins}
    assert project.call("check", "shop", "--no-plugins").exit_code == 0


@pytest.mark.parametrize("pair", ["foo", "=3", " =3"])
def test_malformed_pair_is_a_usage_error(project: Project, pair: str) -> None:
    result = project.call("check", "shop", "--set", pair)
    assert result.exit_code == 2
    assert f"{pair!r} is not KEY=VALUE" in result.stderr


def test_last_pair_of_a_key_counts(project: Project) -> None:
    result = project.call("plan", "shop", "--set", "server.port=1", "--set", "server.port=2")
    assert "server.port  2  --set" in result.stdout


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        pytest.param(["--set", "server.prot=1"], ["TB201", "did you mean 'server.port'"], id="unknown"),
        pytest.param(["--set", "server.port=x"], ["TB202", "'server.port'", "'x'"], id="wrong"),
        pytest.param(["--parser", "nope"], ["TB402", "no parser is named 'nope'", "--parser"], id="parser"),
        pytest.param(["-p", "nope"], ["TB101", "unknown plugin 'nope'"], id="plugin"),
    ],
)
def test_setting_that_does_not_fit_is_reported(project: Project, args: list[str], parts: list[str]) -> None:
    result = project.call("check", "shop", *args)
    assert result.exit_code == 3
    first = result.stderr.splitlines()[0]
    assert first.startswith("error: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["check", "shop", "--settings", "pipe"], "TB203 settings file 'pipe' cannot be read: it is a named pipe"),
        (["check", "shop", "--locked=pipe"], "TB602 "),
        (["check", "./pipe.py"], "error: 'pipe.py' is not a regular file"),
        (["check", "./folder.py"], "error: 'folder.py' is not a regular file"),
    ],
)
def test_named_pipe_is_not_waited_for(project: Project, args: list[str], message: str) -> None:
    os.mkfifo("pipe")
    os.mkfifo("pipe.py")
    Path("folder.py").mkdir()
    result = project.call(*args)
    assert result.exit_code == 3
    assert message in result.stderr


def test_settings_may_come_from_a_pipe_of_the_shell(project: Project) -> None:
    read, write = os.pipe()
    os.write(write, b"[server]\nport = 9000\n")
    os.close(write)
    result = project.call("why", "setting", "server.port", "shop", "--settings", f"/dev/fd/{read}")
    os.close(read)
    assert "server.port = 9000" in result.stdout
