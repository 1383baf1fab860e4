"""Every code of a finding has a title, is used, and is tried by a test."""

from __future__ import annotations

import re
from pathlib import Path

from turnbuckle.startup.model.codes import CODES

_ROOT = Path(__file__).parents[4]
_CODE = re.compile(r"\bTB[1-9]\d\d\b")


def _codes_in(folder: Path, *, without: str) -> set[str]:
    found = set()
    for path in folder.rglob("*.py"):
        if path.name != without:
            found.update(_CODE.findall(path.read_text(encoding="utf-8")))
    return found


def test_codes_that_are_used_have_a_title() -> None:
    sources = [_ROOT / folder for folder in ("core", "plugins", "contrib")]
    assert set().union(*(_codes_in(folder, without="codes.py") for folder in sources)) == set(CODES)


def test_every_code_is_tried() -> None:
    assert set(CODES) - _codes_in(_ROOT / "tests", without=Path(__file__).name) == set()
