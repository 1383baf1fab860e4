"""Commands of plugins are added to the commands of the core, and never replace them."""

from __future__ import annotations

import pytest

from turnbuckle.cli.group import turnbuckle
from turnbuckle.startup.collect.builtin import BUILTIN_COMMANDS

from .conftest import Project

_PLUGIN = """\
import click

from turnbuckle import Plan, Plugin, PluginInfo, Route


async def home(request):
    return "hello"


class Greeting(Plugin):
    info = PluginInfo(name="greeting")

    def provide_routes(self, setup):
        return [Route(path="/hello", handler=home)]

    def provide_commands(self, setup):
        @click.command("greet")
        @click.argument("who")
        @click.pass_obj
        def greet(plan: Plan, who: str) -> None:
            '''Greet a person.'''
            paths = " ".join(planned.route.path for planned, _ in plan.routes())
            click.echo(f"Hello, {who}, at {paths}!")

        return [greet]
"""
_BROKEN = "raise RuntimeError('no luck')\n"
_APP = "from greeting import Greeting\nfrom turnbuckle import App\n\nhall = App(plugins=[Greeting])\n"


def test_command_of_the_folder(project: Project) -> None:
    project.write("turnbuckle_plugin.py", _PLUGIN)
    assert project.call("greet", "Ann").output == "Hello, Ann, at /hello!\n"
    assert "\n  greet     Greet a person.\n" in project.call("--help").output


def test_command_is_unknown_where_nothing_enables_its_plugin(project: Project) -> None:
    project.write("greeting.py", _PLUGIN)
    result = project.call("greet", "Ann")
    assert result.exit_code == 2
    assert "No such command 'greet'" in result.stderr


def test_command_of_an_app_that_is_named(project: Project) -> None:
    project.write("greeting.py", _PLUGIN)
    project.write("hall.py", _APP)
    assert project.call("--app", "hall:hall", "greet", "Ann").output == "Hello, Ann, at /hello!\n"
    assert "\n  greet  " in project.call("--app", "hall:hall", "--help").output
    assert "greet" not in project.call("--help").output


def test_command_that_is_misspelt(project: Project) -> None:
    project.write("turnbuckle_plugin.py", _PLUGIN)
    result = project.call("great", "Ann")
    assert result.exit_code == 2
    assert "No such command 'great'" in result.stderr


def test_broken_plugin_does_not_hide_the_help(project: Project) -> None:
    project.write("turnbuckle_plugin.py", _BROKEN)
    result = project.call("--help")
    assert result.exit_code == 0
    assert "\n  plugins " in result.stdout
    assert "TB103" in result.stderr
    assert "no luck" in result.stderr


def test_broken_plugin_is_named_when_a_command_may_be_its_own(project: Project) -> None:
    project.write("turnbuckle_plugin.py", _BROKEN)
    result = project.call("greet", "Ann")
    assert result.exit_code == 3
    assert "TB103" in result.stderr


@pytest.mark.parametrize("arguments", [("plugins",), ("serve", "--help"), ("--version",)])
def test_commands_of_the_core_import_no_plugin(project: Project, arguments: tuple[str, ...]) -> None:
    project.write("turnbuckle_plugin.py", "print('imported')\n" + _PLUGIN)
    result = project.call(*arguments)
    assert result.exit_code == 0
    assert "imported" not in result.output


def test_name_of_a_command_of_the_core_is_refused(project: Project) -> None:
    project.write("turnbuckle_plugin.py", _PLUGIN.replace('"greet"', '"serve"'))
    result = project.call("check", "shop")
    assert result.exit_code == 3
    assert "TB417 command 'serve' has the name of a built-in command" in result.stderr
    assert "turnbuckle_plugin.py:16" in result.stderr
    assert "turnbuckle.cli.commands.serve" in result.stderr


def test_commands_of_the_core_are_reserved() -> None:
    import click

    with click.Context(turnbuckle) as context:
        assert set(turnbuckle.list_commands(context)) <= BUILTIN_COMMANDS


_FAILING = _PLUGIN.replace("paths = ", "raise ValueError('no\\nluck')\n            paths = ")


def test_command_that_raises_is_reported_in_one_line(project: Project) -> None:
    path = project.write("turnbuckle_plugin.py", _FAILING)
    result = project.call("greet", "Ann")
    assert result.exit_code == 1
    line = 1 + _FAILING[: _FAILING.index("raise ValueError")].count("\n")
    assert result.stderr == (
        f"error: command 'greet' of plugin 'greeting' at {path.name}:{line}: ValueError: no luck\n"
    )


def test_command_that_raises_has_a_traceback_when_asked(project: Project) -> None:
    project.write("turnbuckle_plugin.py", _FAILING)
    err = project.call("-v", "greet", "Ann").stderr
    assert err.startswith("Traceback")
    assert err.endswith("ValueError: no luck\n")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        pytest.param("click.UsageError('no such hall')", 2, id="usage"),
        pytest.param("SystemExit(7)", 7, id="exit"),
        pytest.param("click.exceptions.Exit(4)", 4, id="click-exit"),
    ],
)
def test_command_may_end_as_it_likes(project: Project, raised: str, code: int) -> None:
    project.write("turnbuckle_plugin.py", _FAILING.replace("ValueError('no\\nluck')", raised))
    result = project.call("greet", "Ann")
    assert result.exit_code == code
    assert "plugin 'greeting'" not in result.stderr
