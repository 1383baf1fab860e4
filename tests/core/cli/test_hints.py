"""Commands and options of other servers are answered with their spelling here."""

import re
from pathlib import Path

import pytest

from turnbuckle.cli import hints
from turnbuckle.cli.commands import serve
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
        ("help", "'--help'"),
        ("version", "'--version'"),
        ("shop", "'turnbuckle serve shop'"),
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
        ("--listen", "'--bind HOST:PORT'"),
        ("-V", "'--version'"),
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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--host ::1 serve shop", "Did you mean 'turnbuckle serve --host ::1 shop'?"),
        ("--host=::1 serve shop", "Did you mean 'turnbuckle serve --host=::1 shop'?"),
        ("-b 127.0.0.1:1 serve shop", "Did you mean 'turnbuckle serve -b 127.0.0.1:1 shop'?"),
        ("--bind a --bind b shop", "Did you mean 'turnbuckle serve --bind a --bind b shop'?"),
        ("-p cors check shop", "Did you mean 'turnbuckle check -p cors shop'?"),
        ("--set a=b plan shop", "Did you mean 'turnbuckle plan --set a=b shop'?"),
        ("--reload shop", "Did you mean 'turnbuckle serve --reload shop'?"),
        ("--prot 80 serve shop", "No such option '--prot'. Did you mean '--port'? Options of 'serve' follow it."),
        ("--prot 80 shop", "No such option '--prot'. Did you mean '--port'? Options of 'serve' follow it."),
        ("-w 2 serve shop", "Did you mean '--workers NUMBER'? Options of 'serve' follow it."),
        ("--port 80 check shop", "It is an option of 'serve'; elsewhere, write '--set server.port=VALUE'."),
        ("--frobnicate serve shop", "No such option '--frobnicate'."),
    ],
)
def test_option_before_the_command_is_answered_with_its_place(project: Project, words: str, message: str) -> None:
    result = project.call(*words.split())
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("serve shop --bnd x", "Did you mean '--bind'?"),
        ("serve shop --wrokers 2", "Did you mean '--workers'?"),
        ("serve shop --no-acess-log", "Did you mean '--no-access-log'?"),
        ("check shop --port 80", "It is an option of 'serve'; elsewhere, write '--set server.port=VALUE'."),
        ("plan shop --reload", "It is an option of 'serve'."),
        ("routes shop --lock", "No such option '--lock'. Only 'plan' has it."),
        ("routes shop --jsn", "No such option '--jsn'.\n"),
        ("why setting server.port shop --jsn", "Did you mean '--json'?"),
        ("why setting server.port shop --port 3", "No such option '--port'.\n"),
        ("new plugin x --knd parser", "Did you mean '--kind'?"),
    ],
)
def test_option_that_the_command_lacks_is_answered_with_a_likely_one(
    project: Project, words: str, message: str
) -> None:
    result = project.call(*words.split())
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("why settings x shop", "Did you mean 'setting'?"),
        ("why shop.py route /", "The app comes last: 'why route /path shop.py'."),
        ("why shop:app", "The app comes last: 'why route /path shop:app'."),
        ("why server.port shop", "Did you mean 'why setting server.port'?"),
        ("why /items shop", "Did you mean 'why route /items'?"),
        ("why cors shop", "Name the kind of the part first: chain, command, component, "),
        ("serve", "Missing argument 'TARGET'. It names the app, as in main:app"),
        ("explain shop GET /", "the path 'GET' does not begin with '/'; the order is METHOD PATH TARGET"),
    ],
)
def test_command_line_that_lacks_a_part_is_answered_with_the_part(project: Project, words: str, message: str) -> None:
    result = project.call(*words.split())
    assert result.exit_code == 2
    assert message in result.stderr


def test_suggested_settings_are_those_that_the_options_of_serve_set(project: Project) -> None:
    text = Path(serve.__file__).read_text(encoding="utf-8")
    pairs = dict(re.findall(r'with_setting\("(--[a-z-]+)", "([a-z_.]+)"', text))
    assert pairs | {"-b": "server.bind"} == dict(hints._SETTINGS)


def test_number_as_a_plugin_is_answered_with_the_port(project: Project) -> None:
    assert "did you mean '--port 8000'?" in project.call("serve", "main:app", "-p", "8000").stderr


def test_suggested_options_and_settings_exist(project: Project) -> None:
    text = Path(hints.__file__).read_text(encoding="utf-8")
    usage = project.call("serve", "--help").output + project.call("--help").output
    reference = settings_reference()
    for option in re.findall(r"'(--[a-z-]+)[ ']", text):
        assert option in usage
    for key in re.findall(r"--set ([a-z_.]+)=", text):
        assert f"`{key}`" in reference
