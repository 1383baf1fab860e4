"""Find the distribution that an imported module was installed by."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Final

__all__ = ["distribution_of"]

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def distribution_of(module: str) -> str:
    """Return name and version of a module's distribution; "" if it has none, or more than one.

    A module of the project itself is none of an installed distribution, and costs no look at all the others.
    """
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None or not _INSTALLED.intersection(Path(path).parts):
        return ""
    return _distribution_of_package(module.partition(".")[0])


@cache
def _distribution_of_package(name: str) -> str:
    names = set(packages_distributions().get(name, ()))
    if len(names) != 1:
        return ""
    (found,) = names
    try:
        return f"{found} {version(found)}"
    except PackageNotFoundError:
        return ""
