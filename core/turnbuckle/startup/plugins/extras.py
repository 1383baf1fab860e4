"""Check the installed packages of extras: one can be too old, or another distribution can have its module's name.

A missing package is no mistake here. Its extra was not chosen, and the part that needs it says so when it is used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from turnbuckle.diagnostics import Origin
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.plugins.discovery import InstalledPlugin

__all__ = ["check_extras", "check_packages"]

# The name that the module must define. The distribution python-multipart has a module of the same name without it.
_MODULE: Final = "multipart"
_NAME: Final = b"PushMultipartParser"
# From version 0.0.13 on, python-multipart looks for the file of the other distribution, and gives way to it.
_GIVES_WAY: Final = b'"multipart.py"'
_EXTRA: Final = "forms"
# A line of Requires-Dist: a name, version specifiers, and a marker that names an extra.
_REQUIREMENT: Final = re.compile(
    r"\s*([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*;.*\bextra\s*==\s*['\"]([^'\"]+)"
)
_MINIMUM: Final = re.compile(r">=\s*([0-9.]+)")


def check_extras(diagnostics: Diagnostics) -> None:
    """Warn if the module ``multipart`` cannot read multipart forms, or is too old. Nothing is imported."""
    try:
        spec = find_spec(_MODULE)
    except (ImportError, ValueError):
        return
    if spec is None or spec.origin is None:
        return
    origin = Origin(plugin="app", location=spec.origin)
    gives_way = _defines(Path(spec.origin), _GIVES_WAY)
    own = next((path for path in _own_modules() if gives_way), Path(spec.origin))
    if _defines(own, _NAME):
        why = "requests with a multipart form may fail, or be read with defects that later versions have corrected"
        _report_outdated(_required_by("turnbuckle", [_EXTRA]), origin, why, diagnostics)
        return
    diagnostics.add(
        "TB113",
        f"module {_MODULE!r} is not the one of the distribution 'multipart', version 1.2 or later",
        origin,
        why="requests with a multipart form would be answered with 415; 'python-multipart' is another distribution",
        fix="pip install 'multipart>=1.2'; both distributions may be installed"
        if gives_way
        else "pip uninstall python-multipart, then pip install --force-reinstall 'multipart>=1.2'",
        level="warning",
    )


def check_packages(plugin: InstalledPlugin, diagnostics: Diagnostics) -> None:
    """Warn if a package that the extra of a plugin names is older than the version that the extra requires."""
    extras = plugin.entry_point.extras
    if extras and plugin.entry_point.dist is not None:
        why = f"plugin {plugin.name!r} was written for later versions, and may fail while it serves requests"
        _report_outdated(_requirements(plugin.entry_point.dist, extras), plugin.origin, why, diagnostics)


def _report_outdated(required: Iterable[tuple[str, str]], origin: Origin, why: str, diagnostics: Diagnostics) -> None:
    for name, minimum in required:
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue
        if _numbers(installed) < _numbers(minimum):
            diagnostics.add(
                "TB113",
                f"package {name!r} has the version {installed}, but {minimum} or later is needed",
                origin,
                why=why,
                fix=f"pip install --upgrade '{name}>={minimum}'",
                level="warning",
            )


def _required_by(name: str, extras: Iterable[str]) -> Iterator[tuple[str, str]]:
    try:
        yield from _requirements(distribution(name), extras)
    except PackageNotFoundError:  # it runs from a folder without metadata
        return


def _requirements(owner: Distribution, extras: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the packages that the extras of a distribution name, each with the minimum of its version."""
    for line in _lines_of(owner):
        found = _REQUIREMENT.match(line)
        minimum = _MINIMUM.search(found[2]) if found is not None else None
        if found is not None and minimum is not None and found[3] in extras:
            yield found[1], minimum[1]


# Many plugins are of one distribution, and its metadata is long.
@lru_cache(maxsize=4)
def _lines_of(owner: Distribution) -> tuple[str, ...]:
    return tuple(owner.requires or ())


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers at the start of a version, without zeros at their end; letters of pre-releases end them."""
    numbers = [int(part) for part in re.match(r"[0-9.]*", text)[0].split(".") if part]  # type: ignore[index]  # it matches
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _own_modules() -> Iterator[Path]:
    """Yield the files of the distribution multipart, even if a package of the same name comes first."""
    for folder in sys.path:
        path = Path(folder, "multipart.py")
        if path.is_file():
            yield path


def _defines(path: Path, name: bytes) -> bool:
    try:
        return name in path.read_bytes()
    except OSError:
        return True
