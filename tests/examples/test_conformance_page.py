"""The suites on the page are run as a reader would run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from turnbuckle.testing import conformance

PAGE: Final = Path(__file__).parents[2] / "docs" / "extend" / "conformance-suites.md"
BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-o",
        "asyncio_mode=auto",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    ]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_example_passes(number: int, tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text(BLOCKS[number], encoding="utf-8")
    if "plan_snapshot" in BLOCKS[number]:
        assert run_pytest(tmp_path, "--update-plans", "-k", "test_plan").returncode == 0
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_suite_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in conformance.__all__ if f"| `{name}` |" not in text] == []
