"""Commands and options of other servers are answered with their spelling here."""

import re
from pathlib import Path

import pytest

from turnbuckle.cli import hints
from turnbuckle.startup.report.settings_reference import settings_reference

from .conftest import Project


@pytest.mark.parametrize(
    ("command", "suggestion"),
    [
        ("run", "'serve'"),
        ("runserver", "'serve'"),
        ("start", "'serve'"),
        ("serv", "'serve'"),
        ("urls", "'routes'"),
        ("startproject", "'new'"),
        ("main:app", "'turnbuckle serve main:app'"),
        ("main.py", "'turnbuckle serve main.py'"),
    ],
)
def test_command_of_another_server_is_answered_with_this_one(project: Project, command: str, suggestion: str) -> None:
    result = project.call(command, "main:app")
    assert result.exit_code == 2
    assert f"No such command {command!r}. Did you mean {suggestion}?" in result.stderr


def test_command_without_a_likeness_is_answered_with_all(project: Project) -> None:
    assert "The commands are serve, check" in project.call("frobnicate").stderr


@pytest.mark.parametrize(
    ("option", "suggestion"),
    [
        ("--bind", "'--host ADDRESS' and '--port NUMBER'"),
        ("-b", "'--host ADDRESS' and '--port NUMBER'"),
        ("-w", "'--workers NUMBER'"),
        ("--uds", "'--unix PATH'"),
        ("--ssl-keyfile", "'--tls-key FILE'"),
        ("--app", "main:app"),
        ("--factory", "main:create_app()"),
        ("--timeout-keep-alive", "timeouts.idle"),
    ],
)
def test_option_of_another_server_is_answered_with_this_one(project: Project, option: str, suggestion: str) -> None:
    result = project.call("serve", "main:app", option, "x")
    assert result.exit_code == 2
    assert f"No such option {option!r}. Did you mean" in result.stderr
    assert suggestion in result.stderr


def test_number_as_a_plugin_is_answered_with_the_port(project: Project) -> None:
    assert "did you mean '--port 8000'?" in project.call("serve", "main:app", "-p", "8000").stderr


def test_suggested_options_and_settings_exist(project: Project) -> None:
    text = Path(hints.__file__).read_text(encoding="utf-8")
    usage = project.call("serve", "--help").output
    reference = settings_reference()
    for option in re.findall(r"'(--[a-z-]+)[ ']", text):
        assert option in usage
    for key in re.findall(r"--set ([a-z_.]+)=", text):
        assert f"`{key}`" in reference
