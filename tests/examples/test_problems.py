"""Every problem code has a page, and the example of each page has the problem and its whole output."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from turnbuckle.cli.group import turnbuckle
from turnbuckle.startup.model.codes import CODES

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs/problems"
PAGES: Final = sorted(FOLDER.glob("TB*.md"))
# Its example needs two installed distributions.
NOT_RUN: Final = {"TB102"}
SOURCE_OF_LOCK: Final = "from turnbuckle import App\napp = App()\napp.get('/orders')(lambda request: '')\n"
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILES: Final = {"python": "main.py", "toml": "turnbuckle.toml"}


def example(page: Path) -> tuple[dict[str, str], list[str]]:
    """Return the files of an example by name, and the lines of its console."""
    files: dict[str, str] = {}
    console: list[str] = []
    for language, text in _BLOCK.findall(page.read_text(encoding="utf-8").partition("## Fix")[0]):
        if language == "console":
            console = text.splitlines()
        else:
            first, _, rest = text.partition("\n")
            named = first.startswith("# ") and "." in first
            files[first[2:] if named else _FILES[language]] = rest if named else text
    return files, console


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("main", "turnbuckle_plugin"):
        # Registered with monkeypatch, so that the modules of the example are removed afterwards.
        monkeypatch.setitem(sys.modules, name, sys)
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {page.stem for page in PAGES} == set(CODES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_has_meaning_example_and_fix(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}: {CODES[page.stem]}\n\n")
    means, example_of_it, fix = re.split(r"\n## Example\n|\n## Fix\n", text)
    assert min(len(means), len(example_of_it), len(fix)) > 20
    assert max(len(line) for line in (means + fix).splitlines()) <= 132
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (page.parent / link).exists(), link


def test_index_lists_every_code_with_its_title() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\* \[(TB\d+)\]\(\1\.md\): (.+)$", index, re.MULTILINE))
    assert listed == dict(CODES)


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in NOT_RUN], ids=lambda page: page.stem)
def test_example_has_the_problem(page: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, console = example(page)
    prompt, first, *_ = console
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
        # A module of the same name that another test has imported would be found instead.
        monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)
    importlib.invalidate_caches()
    words = shlex.split(prompt.removeprefix("$ "))
    while "=" in words[0]:
        monkeypatch.setenv(*words.pop(0).split("="))
    if page.stem == "TB601":
        lock_with_a_route(project)
    result = CliRunner().invoke(turnbuckle, words[1:], prog_name="turnbuckle")
    level = first.partition(" ")[0]
    assert f"{level} {page.stem} " in result.stderr
    assert comparable(result.stderr, project) == comparable("\n".join(console[1:]), project), (
        "run: python -m tests.problem_outputs"
    )
    assert result.exit_code == (3 if level == "error:" else 0)
    assert "Traceback" not in result.stderr


def comparable(output: str, folder: Path) -> list[str]:
    """Return the lines of an output without the parts that differ between machines, runs, and versions of our files."""
    output = output.replace(f"{folder}/", "").replace(f"{ROOT}/", "")
    output = re.sub(r"\b0x[0-9a-f]+", "0x...", output)
    output = re.sub(r"(?<!\S)\S+/bin/python[\d.]*", ".venv/bin/python", output)
    return re.sub(r"\b((?:core|plugins|contrib)/[\w/]+\.py):\d+", r"\1", output).splitlines()


def lock_with_a_route(project: Path) -> None:
    (project / "before.py").write_text(SOURCE_OF_LOCK)
    assert CliRunner().invoke(turnbuckle, ["plan", "./before.py", "--lock"]).exit_code == 0
