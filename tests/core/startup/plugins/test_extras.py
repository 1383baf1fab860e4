"""Tests of ``turnbuckle.startup.plugins.extras``."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from turnbuckle import App, SettingsSources


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


@pytest.mark.parametrize("is_installed", [True, False])
def test_package_that_gives_way_to_the_right_module_is_accepted(
    is_installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(importlib.import_module("sys").modules, "multipart", raising=False)
    (tmp_path / "multipart").mkdir()
    (tmp_path / "multipart" / "__init__.py").write_text('file_path = Path(p, "multipart.py")\n')
    if is_installed:
        (tmp_path / "multipart.py").write_text("class PushMultipartParser: ...\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    importlib.invalidate_caches()
    found = [diagnostic.fix for diagnostic in App().plan.diagnostics]
    assert found == ([] if is_installed else ["pip install 'multipart>=1.2'; both distributions may be installed"])


def _install(folder: Path, name: str, version: str) -> None:
    """Install the metadata of a distribution, which hides the version that is installed."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.mark.parametrize("version", ["1.1", "1.1.9", "0.2.5", "1.1rc1", "1"])
def test_old_version_is_reported(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, "multipart", version)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    (found,) = App().plan.diagnostics
    assert (found.code, found.level) == ("TB113", "warning")
    assert found.text == f"package 'multipart' has the version {version}, but 1.2 or later is needed"
    assert found.fix == "pip install --upgrade 'multipart>=1.2'"


@pytest.mark.parametrize("version", ["1.2", "1.2.0", "1.10", "2", "1.2.post1"])
def test_later_version_is_accepted(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, "multipart", version)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert _codes() == []


def test_old_package_of_an_enabled_plugin_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, "msgspec", "0.17.3")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert _codes() == []
    (found,) = App(plugins=["msgspec_json"]).resolve(SettingsSources(entry_points=True)).diagnostics
    assert found.text == "package 'msgspec' has the version 0.17.3, but 0.18 or later is needed"
    assert found.origins[0].plugin == "msgspec_json"
