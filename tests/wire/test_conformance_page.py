"""The modules and tests in docs/operate/conformance.md exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.wire.test_cases import CASES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operate/conformance.md"
_ROW = re.compile(r"^\| ([0-9][^|]*) \| ([^|]+) \| `([^`|]+)` \| `([^`|]+)` \|$", re.MULTILINE)
ROWS = _ROW.findall(PAGE.read_text(encoding="utf-8"))


@cache
def functions_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_row_is_read() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [0-9]", line)]
    assert len(lines) == len(ROWS) >= 120


@pytest.mark.parametrize("module", sorted({module for _, _, module, _ in ROWS}))
def test_module_exists(module: str) -> None:
    assert (ROOT / "core/turnbuckle" / module).is_file()


@pytest.mark.parametrize("test", sorted({test for _, _, _, test in ROWS}))
def test_test_exists(test: str) -> None:
    file, _, name = test.partition("::")
    function, _, case = name.partition("[")
    assert function in functions_in(ROOT / "tests" / file)
    assert not case or case.removesuffix("]") in CASES
