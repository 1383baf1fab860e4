from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from turnbuckle import App, Handler, Request, Response
from turnbuckle.testing.snapshots import PlanSnapshot, plan_text

_TEST = """
import pytest
from turnbuckle import App

@pytest.mark.parametrize("path", ["/a/b"])
def test_plan(plan_snapshot, path):
    app = App()
    app.get({path})(lambda: "")
    plan_snapshot(app)
    plan_snapshot(app.plan, "again")
"""


def app_with(*paths: str) -> App:
    app = App()
    for path in paths:
        app.get(path)(lambda: "")
    return app


def test_kept_plan_passes(tmp_path: Path) -> None:
    PlanSnapshot(tmp_path, "test_it", is_updating=True)(app_with("/a"))
    PlanSnapshot(tmp_path, "test_it", is_updating=False)(app_with("/a"))
    assert [path.name for path in (tmp_path / "plans").iterdir()] == ["test_it.txt"]


def add_route(app: App) -> None:
    app.get("/b")(lambda: "")


def add_middleware(app: App) -> None:
    async def watch(request: Request, call_next: Handler) -> Response:
        return await call_next(request)

    app.add_middleware(watch)


def add_scope(app: App) -> None:
    app.scope("/s").post("/c")(lambda: "")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        pytest.param(add_route, '"path": "/b"', id="route"),
        pytest.param(add_middleware, '"name": "watch"', id="middleware"),
        pytest.param(add_scope, '"prefix": "/s"', id="scope"),
    ],
)
def test_changed_plan_fails(change: Callable[[App], None], shown: str, tmp_path: Path) -> None:
    PlanSnapshot(tmp_path, "test_it", is_updating=True)(app_with("/a"))
    app = app_with("/a")
    change(app)
    with pytest.raises(AssertionError, match="the plan has changed; pytest --update-plans accepts that") as caught:
        PlanSnapshot(tmp_path, "test_it", is_updating=False)(app)
    assert shown in str(caught.value)


def test_missing_plan_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"test_it.txt does not exist; pytest --update-plans writes it"):
        PlanSnapshot(tmp_path, "test_it", is_updating=False)(app_with())


def test_text_holds_nothing_of_the_machine() -> None:
    text = plan_text(app_with("/a").plan)
    assert str(Path(__file__).parent) not in text
    assert "version" not in text


def _run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plugin = ["-p", "turnbuckle.testing.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, *arguments, str(folder)]
    # Loading every installed plugin takes longer than the test.
    environ = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, env=environ, check=False)


def test_fixture_keeps_and_compares(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(_TEST.replace("{path}", "path"))
    assert _run_pytest(tmp_path).returncode == 1
    assert _run_pytest(tmp_path, "--update-plans").returncode == 0
    assert sorted(path.name for path in (tmp_path / "plans").iterdir()) == [
        "test_plan-a-b-again.txt",
        "test_plan-a-b.txt",
    ]
    assert _run_pytest(tmp_path).returncode == 0
    (tmp_path / "test_it.py").write_text(_TEST.replace("{path}", "'/changed'"))
    assert "the plan has changed" in _run_pytest(tmp_path).stdout
