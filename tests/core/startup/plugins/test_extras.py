"""Tests of ``turnbuckle.startup.plugins.extras``."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from turnbuckle import App


def _codes() -> list[str]:
    return [diagnostic.code for diagnostic in App().plan.diagnostics]


def test_right_module_is_accepted() -> None:
    assert _codes() == []


@pytest.mark.parametrize("file", ["multipart.py", "multipart/__init__.py"])
def test_module_of_another_distribution_is_reported(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(importlib.import_module("sys").modules, "multipart", raising=False)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("from .multipart import FormParser\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert _codes() == ["TB113"]
