"""Check the installed packages of extras: another distribution can have put its own module in the place of one.

A missing package is no mistake here. Its extra was not chosen, and the part that needs it says so when it is used.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from turnbuckle.diagnostics import Origin
from turnbuckle.startup.model.diagnostics import Diagnostics

__all__ = ["check_extras"]

# The name that the module must define. The distribution python-multipart has a module of the same name without it.
_MODULE: Final = "multipart"
_NAME: Final = b"PushMultipartParser"


def check_extras(diagnostics: Diagnostics) -> None:
    """Warn if the module ``multipart`` is not the module that reads multipart forms. Nothing is imported."""
    try:
        spec = find_spec(_MODULE)
    except (ImportError, ValueError):
        return
    if spec is None or spec.origin is None or _defines(Path(spec.origin), _NAME):
        return
    diagnostics.add(
        "TB113",
        f"module {_MODULE!r} is not the one of the distribution 'multipart', version 1.2 or later",
        Origin(plugin="app", location=spec.origin),
        why="requests with a multipart form would be answered with 415; 'python-multipart' is another distribution",
        fix="pip uninstall python-multipart, then pip install --force-reinstall 'multipart>=1.2'",
        level="warning",
    )


def _defines(path: Path, name: bytes) -> bool:
    try:
        return name in path.read_bytes()
    except OSError:
        return True
