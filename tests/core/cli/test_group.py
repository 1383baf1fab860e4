"""The command itself: its help, its version, and its imports."""

import subprocess
import sys

import pytest

from turnbuckle import __version__

from .conftest import Project


def test_help_names_every_command(project: Project) -> None:
    result = project.call("--help")
    assert result.exit_code == 0
    for name in ("serve", "check", "routes", "plan", "plugins", "why", "explain", "settings"):
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize("name", ["serve", "check", "routes", "plan", "plugins", "explain", "settings"])
def test_help_of_a_command_explains_its_options(project: Project, name: str) -> None:
    result = project.call(name, "-h")
    assert result.exit_code == 0
    for option in ("TARGET", "--set KEY=VALUE", "--parser NAME", "--plugin NAME", "--verbose"):
        assert option in result.output


def test_version_is_the_package_version(project: Project) -> None:
    assert project.call("--version").output == f"turnbuckle {__version__}\n"


def test_unknown_command_is_a_usage_error(project: Project) -> None:
    result = project.call("chek")
    assert result.exit_code == 2
    assert "No such command 'chek'" in result.stderr


def test_missing_target_is_a_usage_error(project: Project) -> None:
    assert project.call("check").exit_code == 2


def test_module_is_the_same_command(project: Project) -> None:
    with project.spawn("--version") as process:
        out, err = process.communicate()
    assert (process.returncode, out, err) == (0, f"turnbuckle {__version__}\n", "")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from turnbuckle.cli.group import turnbuckle; turnbuckle(['--help'], standalone_mode=False);"
        "print({'asyncio', 'pluggy', 'cattrs', 'turnbuckle.app'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "set()"
