"""``plan --lock`` writes a lock; ``check`` and ``serve`` compare an app with it; ``plan --diff`` compares two."""

import json

import pytest

from .conftest import SHOP, Project

WITH_ADMIN = SHOP + '\n\n@app.get("/admin")\nasync def admin(request: Request) -> str:\n    return ""\n'
CHANGE = "TB601 not as in turnbuckle.lock: route GET /admin is new, of the app"


@pytest.fixture
def locked(project: Project) -> Project:
    assert project.call("plan", "shop", "--lock").exit_code == 0
    return project


def test_lock_is_written_beside_the_app(project: Project) -> None:
    result = project.call("plan", "--lock", "shop")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "turnbuckle.lock is written: 0 plugins, 0 middleware, 1 route\n"
    assert json.loads((project.folder / "turnbuckle.lock").read_text())["app"] == "shop"


def test_lock_is_written_where_the_option_says(project: Project) -> None:
    assert project.call("plan", "shop", "--lock=other.lock").exit_code == 0
    assert (project.folder / "other.lock").is_file()
    assert not (project.folder / "turnbuckle.lock").exists()


def test_lock_that_cannot_be_written_is_reported(project: Project) -> None:
    result = project.call("plan", "shop", "--lock=missing/x.lock")
    assert result.exit_code == 3
    assert result.stderr == "error: 'missing/x.lock' cannot be written: No such file or directory\n"


def test_lock_that_is_written_again_says_what_changed(locked: Project) -> None:
    locked.write("shop2.py", WITH_ADMIN)
    result = locked.call("plan", "shop2", "--lock")
    assert result.stdout.splitlines() == [
        "turnbuckle.lock is updated: 0 plugins, 0 middleware, 2 routes",
        "  route GET /admin is new, of the app",
    ]


@pytest.mark.parametrize("command", ["check", "serve"])
@pytest.mark.parametrize("option", ["--locked", "--locked=turnbuckle.lock"])
def test_locked_refuses_what_changed(locked: Project, command: str, option: str) -> None:
    locked.write("shop2.py", WITH_ADMIN)
    result = locked.call(command, option, "shop2")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(f"error: {CHANGE}\n  fix: ")


def test_check_without_locked_warns_of_what_changed(locked: Project) -> None:
    locked.write("shop2.py", WITH_ADMIN)
    result = locked.call("check", "shop2")
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: {CHANGE}\n")
    assert result.stdout == "shop2:app can be served: 2 routes, 1 warning\n"


def test_locked_says_nothing_about_the_same_app(locked: Project) -> None:
    result = locked.call("check", "shop", "--locked")
    assert (result.exit_code, result.stderr) == (0, "")


def test_locked_lets_an_upgrade_alone_pass_with_a_warning(locked: Project) -> None:
    path = locked.folder / "turnbuckle.lock"
    lock = json.loads(path.read_text())
    path.write_text(json.dumps({**lock, "turnbuckle": "0.0.1"}))
    result = locked.call("check", "shop", "--locked")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: TB601 not as in turnbuckle.lock: turnbuckle was 0.0.1, and is ")


def test_locked_needs_a_lock(project: Project) -> None:
    result = project.call("check", "shop", "--locked")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: TB602 lock 'turnbuckle.lock' cannot be read: No such file or directory\n")


def test_settings_are_no_part_of_the_lock(locked: Project) -> None:
    result = locked.call("check", "shop", "--locked", "--set", "limits.content=5")
    assert (result.exit_code, result.stderr) == (0, "")


def test_diff_compares_targets_locks_and_plans(locked: Project) -> None:
    locked.write("shop2.py", WITH_ADMIN)
    locked.write("plan.json", locked.call("plan", "shop", "--json").stdout)
    for before in ("turnbuckle.lock", "plan.json", "shop", "shop:app"):
        result = locked.call("plan", "--diff", before, "shop2.py")
        assert (result.exit_code, result.stdout) == (0, "route GET /admin is new, of the app\n"), before
    assert locked.call("plan", "--diff", "plan.json", "turnbuckle.lock").stdout == (
        "turnbuckle.lock has the same composition as plan.json\n"
    )


def test_diff_is_json_when_asked(locked: Project) -> None:
    locked.write("shop2.py", WITH_ADMIN)
    data = json.loads(locked.call("plan", "--diff", "shop", "shop2", "--json").stdout)
    difference = {"text": "route GET /admin is new, of the app", "is_upgrade": False}
    assert data == {"schema": "turnbuckle.diff/1", "differences": [difference]}


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["shop", "--diff", "shop", "shop"], id="target"),
        pytest.param(["--lock", "--diff", "shop", "shop"], id="lock"),
        pytest.param(["--diff", "shop"], id="one"),
        pytest.param([], id="nothing"),
        pytest.param(["--diff", "shop", "no target"], id="no-target"),
    ],
)
def test_plan_called_wrongly_is_a_usage_error(project: Project, args: list[str]) -> None:
    assert project.call("plan", *args).exit_code == 2


def test_diff_of_a_file_that_is_no_lock_is_refused(project: Project) -> None:
    project.write("odd.json", "[]")
    result = project.call("plan", "--diff", "odd.json", "shop")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: TB602 lock 'odd.json' cannot be read: its schema is None")
