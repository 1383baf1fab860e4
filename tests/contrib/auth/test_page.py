"""docs/learn/authentication.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[3]
_PAGE: Final = _ROOT / "docs" / "learn" / "authentication.md"
_FOLDERS: Final = ("auth", "openid_connect")


def test_page_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", _PAGE.read_text(encoding="utf-8")))
    files = [file for folder in _FOLDERS for file in (_ROOT / "tests" / "contrib" / folder).glob("test_*.py")]
    defined = {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8"))}
    assert len(named) > 20
    assert named <= defined, sorted(named - defined)
