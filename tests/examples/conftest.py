"""Import the examples by their path, as ``turnbuckle serve`` does: each test gets new modules."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

EXAMPLES: Final = Path(__file__).parents[2] / "examples"


@contextmanager
def importing() -> Iterator[Callable[[Path, str], ModuleType]]:
    """Yield a function that imports a module from a folder; the modules are removed at the end."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:

        def import_module(folder: Path, name: str) -> ModuleType:
            patch.setattr(sys, "path", [str(folder), *sys.path])
            return importlib.import_module(name)

        yield import_module
    for name in set(sys.modules) - before:
        if _is_example(sys.modules[name]):
            del sys.modules[name]


@pytest.fixture
def import_from() -> Iterator[Callable[[Path, str], ModuleType]]:
    """Return a function that imports a module from a folder; the modules are removed after the test."""
    with importing() as import_module:
        yield import_module


@pytest.fixture
def notes(import_from: Callable[[Path, str], ModuleType]) -> Callable[[str], ModuleType]:
    """Return a function that imports a module of the notes application."""
    return lambda name: import_from(EXAMPLES / "notes", name)


def _is_example(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and EXAMPLES in Path(file).parents
