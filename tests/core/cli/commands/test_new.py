"""New projects work as they are written: installed, tested, type-checked and linted without an edit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.core.cli.conftest import Project
from tests.processes import unmeasured_environ
from tests.type_checking import run_mypy
from turnbuckle import __version__

_KINDS: Final = ("parser", "router", "middleware", "response", "routes")
_MAX_NAME: Final = "abcdefghijklmnopqrstuvwxyz1"


def _environ(folder: Path) -> dict[str, str]:
    """Return an environment in which the packages installed in a folder are found."""
    # pytest does not run under -O with warnings as errors, because it warns about disabled assertions.
    environ = unmeasured_environ() | {"PYTHONPATH": str(folder / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("PYTHONOPTIMIZE", None)
    return environ


def _run(folder: Path, module: str, *args: str) -> str:
    """Run a module in a folder with the packages installed there; it must succeed. Return its output."""
    result = subprocess.run(
        [sys.executable, "-m", module, *args],
        cwd=folder,
        env=_environ(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def _install(folder: Path, *names: str) -> None:
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet")
    _run(folder, "pip", "install", *options, "--target", "site", *names)


def _write_plugin(project: Project, name: str, kind: str) -> Path:
    result = project.call("new", "plugin", name, "--kind", kind)
    assert result.exit_code == 0, result.output
    return project.folder / f"turnbuckle-{name.replace('_', '-')}"


def test_new_plugins_are_installed_and_pass_their_tests(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # In one run, because installing and starting pytest takes longer than most of these tests.
    folders = [_write_plugin(project, f"shiny_{kind}", kind) for kind in _KINDS]
    _install(project.folder, *(f"./{folder.name}" for folder in folders))
    options = ("-q", "-p", "no:cacheprovider", "--rootdir", ".", "-c", str(folders[0] / "pyproject.toml"))
    report = _run(project.folder, "pytest", *options, "-rA", *(f"{folder.name}/tests" for folder in folders))
    monkeypatch.syspath_prepend(project.folder / "site")
    for kind in _KINDS:
        assert f"PASSED turnbuckle-shiny-{kind}/tests/" in report
        result = project.call("check", "shop.py", "-p", f"shiny_{kind}")
        assert (result.exit_code, result.stderr) == (0, "")


def test_new_plugins_are_linted(project: Project) -> None:
    for kind in _KINDS:
        for name in (f"shiny_{kind}", f"{_MAX_NAME[:-1]}{_KINDS.index(kind)}", f"{kind[0]}{_KINDS.index(kind)}"):
            _write_plugin(project, name, kind)
    (project.folder / "shop.py").unlink()
    assert "All checks passed" in _run(project.folder, "ruff", "check", "--no-cache")
    assert "already formatted" in _run(project.folder, "ruff", "format", "--check", "--no-cache")


def test_new_plugins_are_type_checked(project: Project) -> None:
    for kind in ("router", "middleware"):
        folder = _write_plugin(project, f"shiny_{kind}", kind)
        result = run_mypy(folder, environ=_environ(folder))
        assert "Success" in result.stdout, result.stdout + result.stderr


def test_new_app_passes_its_tests(project: Project) -> None:
    result = project.call("new", "app", "book-shop")
    assert result.exit_code == 0, result.output
    folder = project.folder / "book-shop"
    assert "3 passed" in _run(folder, "pytest", "-q", "-p", "no:cacheprovider")
    assert "main:app can be served: 2 routes, 0 warnings" in _run(folder, "turnbuckle", "check", "main:app")
    _run(folder, "ruff", "check", "--no-cache")
    _run(folder, "ruff", "format", "--check", "--no-cache")


def test_new_project_lists_the_written_files(project: Project) -> None:
    output = project.call("new", "plugin", "shiny", "--kind", "routes").output
    folder = project.folder / "turnbuckle-shiny"
    written = [line.removeprefix("wrote ") for line in output.splitlines() if line.startswith("wrote ")]
    assert {str(path.relative_to(project.folder)) for path in folder.rglob("*") if path.is_file()} == set(written)
    assert "pip install -e '.[test]'" in output
    assert f'dependencies = ["turnbuckle>={__version__}"]' in (folder / "pyproject.toml").read_text()
    assert (folder / "src/turnbuckle_shiny/py.typed").read_text() == ""


@pytest.mark.parametrize(
    ("args", "folder"),
    [
        pytest.param(("plugin", "shiny", "--kind", "routes"), "turnbuckle-shiny", id="plugin"),
        pytest.param(("app", "shiny"), "shiny", id="app"),
    ],
)
def test_new_project_overwrites_nothing(args: tuple[str, ...], folder: str, project: Project) -> None:
    path = project.write(f"{folder}/mine.txt", "mine")
    result = project.call("new", *args)
    assert result.exit_code == 2
    assert f"'{folder}' already exists; nothing in it was changed" in result.stderr
    assert [file.name for file in path.parent.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("RateLimit", "; did you mean 'rate_limit'?", id="capitals"),
        pytest.param("rate-limit", "; did you mean 'rate_limit'?", id="dash"),
        pytest.param("rate__limit", "; did you mean 'rate_limit'?", id="two-underscores"),
        pytest.param("2fast", "; did you mean 'fast'?", id="digit-first"),
        pytest.param("../etc", "; did you mean 'etc'?", id="path"),
        pytest.param("", "'' does not consist of lower-case words joined by underscores", id="empty"),
        pytest.param("é", "'é' does not consist of lower-case words", id="not-ascii"),
        pytest.param("class", "'class' cannot be the name of a plugin", id="keyword"),
        pytest.param("app", "'app' cannot be the name of a plugin", id="app"),
        pytest.param(_MAX_NAME + "x", "a name of 28 characters exceeds 27: lines", id="too-long"),
        pytest.param("regex_router", "there is already a plugin 'regex_router', in turnbuckle 0", id="installed"),
        pytest.param("tree", "there is already a plugin 'tree', in turnbuckle itself", id="builtin"),
    ],
)
def test_name_of_a_plugin_that_is_refused(name: str, text: str, project: Project) -> None:
    before = sorted(project.folder.iterdir())
    result = project.call("new", "plugin", name, "--kind", "routes")
    assert result.exit_code == 2
    assert text in " ".join(result.stderr.split())
    assert sorted(project.folder.iterdir()) == before


@pytest.mark.parametrize("name", ["Shop", "a b", "/tmp/x", "tests", "asyncio", "turnbuckle", "-x", "shop."])
def test_name_of_an_app_that_is_refused(name: str, project: Project) -> None:
    result = project.call("new", "app", "--", name)
    assert result.exit_code == 2
    assert "Invalid value for NAME" in result.stderr


def test_kind_is_asked_for(project: Project) -> None:
    assert "Missing option '--kind'" in project.call("new", "plugin", "shiny").stderr
    assert "'cake' is not one of 'parser', 'router'" in project.call("new", "plugin", "x", "--kind", "cake").stderr


def test_folder_that_cannot_be_written(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = project.folder / "gone"
    inner.mkdir()
    monkeypatch.chdir(inner)
    inner.rmdir()
    result = project.call("new", "app", "shiny")
    assert result.exit_code == 1
    assert result.stderr == "error: 'shiny' cannot be written: No such file or directory\n"
