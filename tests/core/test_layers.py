"""Imports run one way: contrib, plugins, core; inside the core from the command line down to http."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_CORE = _ROOT / "core" / "turnbuckle"
_LAYERS = ("http", "routing", "web", "server", "startup", "app", "cli")
_PUBLIC = {"turnbuckle", "turnbuckle.hookspecs", "turnbuckle.records", "turnbuckle.errors", "turnbuckle.testing"}
_SANS_IO = {"asyncio", "socket", "ssl", "select", "time", "logging", "threading", "pluggy"}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def _modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("layer", _LAYERS)
def test_layers_import_only_what_is_below(layer: str) -> None:
    above = {f"turnbuckle.{each}" for each in _LAYERS[_LAYERS.index(layer) + 1 :]}
    if layer != "cli":
        above.add("turnbuckle.testing")
    paths = _modules(_CORE / layer) if (_CORE / layer).is_dir() else [_CORE / f"{layer}.py"]
    assert paths
    for path in paths:
        wrong = {name for name in _imports(path) if ".".join(name.split(".")[:2]) in above}
        assert not wrong, path


def test_http_does_no_io() -> None:
    for path in _modules(_CORE / "http"):
        assert not _SANS_IO & {name.split(".")[0] for name in _imports(path)}, path


@pytest.mark.parametrize("folder", ["routing", "web"])
def test_pure_folders_open_no_sockets_and_read_no_clock(folder: str) -> None:
    for path in _modules(_CORE / folder):
        assert not {"socket", "ssl", "select", "pluggy"} & {name.split(".")[0] for name in _imports(path)}, path


def test_pluggy_is_used_in_startup_alone() -> None:
    for path in _modules(_CORE):
        if "startup" not in path.parts and path.name != "hookspecs.py":
            assert "pluggy" not in {name.split(".")[0] for name in _imports(path)}, path


def test_core_imports_no_plugins() -> None:
    for path in _modules(_CORE):
        assert not {"turnbuckle_plugins", "turnbuckle_contrib"} & {name.split(".")[0] for name in _imports(path)}, path


@pytest.mark.parametrize("folder", ["plugins", "contrib"])
def test_plugins_use_the_public_door(folder: str) -> None:
    for path in _modules(_ROOT / folder):
        for name in _imports(path):
            if name.split(".")[0] == "turnbuckle":
                assert ".".join(name.split(".")[:2]) in _PUBLIC, path


def test_plugins_do_not_import_contrib() -> None:
    for path in _modules(_ROOT / "plugins"):
        assert "turnbuckle_contrib" not in {name.split(".")[0] for name in _imports(path)}, path


@pytest.mark.parametrize("folder", ["core", "plugins", "contrib"])
def test_source_roots_are_no_packages(folder: str) -> None:
    assert not (_ROOT / folder / "__init__.py").exists()
    assert folder not in sys.modules
