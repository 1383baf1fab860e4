"""The table of fixed bounds has the numbers of the code."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

_PAGE = Path(__file__).parents[2] / "docs/use/limits.md"
_ROWS = re.findall(
    r"^\|[^|]*\(`([a-z_/]+)\.py`, `([A-Z_]+)`\) \| (\d+) \|", _PAGE.read_text(encoding="utf-8"), re.MULTILINE
)


def test_bounds_that_cut_off_clients_are_in_the_table() -> None:
    assert {name for _, name, _ in _ROWS} >= {"_MAX_WITHOUT_DATA", "_MAX_UNREAD_ANSWERS", "_MAX_HANDSHAKE"}


@pytest.mark.parametrize(("module", "name", "number"), _ROWS)
def test_fixed_bound_is_the_constant_of_the_code(module: str, name: str, number: str) -> None:
    assert getattr(import_module(f"turnbuckle.{module.replace('/', '.')}"), name) == int(number)
