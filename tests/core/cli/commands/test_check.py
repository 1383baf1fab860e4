"""``check`` lists every problem, and serves nothing."""

import pytest

from tests.core.cli.conftest import Project


def test_check_of_a_sound_app_exits_with_0(project: Project) -> None:
    result = project.call("check", "shop:app")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "shop:app can be served: 1 route, 0 warnings\n"


def test_check_lists_every_problem(project: Project) -> None:
    project.write("turnbuckle.toml", "[limits]\ncontnt = 5\n[server]\nport = 99999\n")
    result = project.call("check", "shop:app", "--parser", "nope")
    assert result.exit_code == 3
    assert result.stdout == ""
    for part in ("'limits.contnt'; did you mean", "99999", "'nope'", "3 problems stop the start"):
        assert part in result.stderr
    assert "Traceback" not in result.stderr


def test_check_lists_warnings_with_problems(project: Project) -> None:
    project.write("turnbuckle.toml", "[limits]\ncontnt = 5\n[plugin.nope]\nx = 1\n")
    result = project.call("check", "shop:app")
    assert result.exit_code == 3
    assert result.stderr.startswith("warning: TB208 settings for plugin 'nope'")
    assert "\nerror: TB201 unknown setting 'limits.contnt'" in result.stderr


def test_check_finds_what_only_shows_when_parts_are_made(project: Project) -> None:
    project.write(
        "factories.py",
        "from turnbuckle import App, Middleware\n"
        "def factory(next_handler, setup):\n    raise LookupError('no key')\n"
        "app = App(middleware=[Middleware('sign', factory)])\n",
    )
    result = project.call("check", "factories")
    assert result.exit_code == 3
    assert "error: TB501" in result.stderr
    assert "no key" in result.stderr


def test_check_enters_no_lifespan(project: Project) -> None:
    project.write(
        "alive.py",
        "from turnbuckle import App\n"
        "async def run():\n    raise RuntimeError('entered')\n    yield\n"
        "app = App(lifespan=run)\n",
    )
    assert project.call("check", "alive").exit_code == 0


def test_check_shows_warnings_and_exits_with_0(project: Project) -> None:
    result = project.call("check", "shop:app", "-p", "no:missing")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: TB112 plugin 'missing' is disabled")
    assert "1 route, 1 warning\n" in result.stdout


def test_check_of_an_app_with_an_unexpected_failure_exits_with_1(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        "odd.py",
        "from turnbuckle import App\n"
        "class Odd(App):\n    def resolve(self, sources=None):\n        raise OSError('disk\\ngone')\n"
        "app = Odd()\n",
    )
    result = project.call("check", "odd")
    assert (result.exit_code, result.stderr) == (1, "error: OSError: disk gone\n")


def test_problem_during_import_is_reported_like_any_other(project: Project) -> None:
    project.write("eager.py", "from turnbuckle import App\napp = App(parser='nope')\napp.resolve()\n")
    result = project.call("check", "eager")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: TB4")
