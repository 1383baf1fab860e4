"""The suites on the page are run as a reader would run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.processes import unmeasured_environ
from turnbuckle.testing import conformance

PAGE: Final = Path(__file__).parents[2] / "docs" / "extend" / "conformance-suites.md"
BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
_PLUGINS: Final = ("turnbuckle.testing.pytest_plugin", "pytest_asyncio.plugin", "no:cacheprovider")
_OPTIONS: Final = ("asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function")


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--continue-on-collection-errors"]
    command += [word for plugin in _PLUGINS for word in ("-p", plugin)]
    command += [word for option in _OPTIONS for word in ("-o", option)]
    # Loading every installed plugin takes long.
    environ = unmeasured_environ() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=300, cwd=folder, env=environ, check=False
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the output of one run of all examples."""
    folder = tmp_path_factory.mktemp("page")
    for number, block in enumerate(BLOCKS):
        file = folder / f"test_page_{number}.py"
        file.write_text(block, encoding="utf-8")
        if "plan_snapshot" in block:
            assert run_pytest(folder, "--update-plans", "-k", "test_plan", file.name).returncode == 0
    done = run_pytest(folder)
    return done.stdout + done.stderr


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_example_passes(number: int, report: str) -> None:
    outcomes = re.findall(rf"^([A-Z]+) test_page_{number}\.py", report, re.MULTILINE)
    assert set(outcomes) == {"PASSED"}, report


def test_every_suite_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in conformance.__all__ if f"| `{name}` |" not in text] == []
