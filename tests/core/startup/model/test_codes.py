"""Every code of a finding has a title, is used, and is tried by a test."""

from __future__ import annotations

import re
from pathlib import Path

import turnbuckle
from turnbuckle.startup.model.codes import CODES

_CODE = re.compile(r"\bTB[1-8]\d\d\b")


def _codes_in(folder: Path, *, without: str) -> set[str]:
    found = set()
    for path in folder.rglob("*.py"):
        if path.name != without:
            found.update(_CODE.findall(path.read_text(encoding="utf-8")))
    return found


def test_codes_that_are_used_have_a_title() -> None:
    assert _codes_in(Path(turnbuckle.__file__).parent, without="codes.py") == set(CODES)


def test_every_code_is_tried() -> None:
    assert set(CODES) - _codes_in(Path(__file__).parents[2], without=Path(__file__).name) == set()
