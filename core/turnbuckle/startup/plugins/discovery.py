"""Find plugins: installed ones by their metadata, and those in a project's own ``turnbuckle_plugin.py``."""

from __future__ import annotations

import inspect
import sys
from abc import ABC
from collections.abc import Iterable
from functools import cache
from importlib.metadata import (
    Distribution,
    EntryPoint,
    PackageNotFoundError,
    entry_points,
    packages_distributions,
    version,
)
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final, TypeGuard

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plugin import Plugin

__all__ = ["GROUP", "LOCAL_FILE", "InstalledPlugin", "distribution_of", "installed_plugins", "local_plugins"]

GROUP: Final = "turnbuckle.plugins"
"""The group of the entry points of plugins."""

LOCAL_FILE: Final = "turnbuckle_plugin.py"
"""The file in the folder of a project whose plugins are enabled without further settings."""

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


@attrs.frozen
class InstalledPlugin:
    """An entry point of the group ``turnbuckle.plugins``.

    Attributes:
        name: the name of the plugin.
        value: ``module:attribute``.
        distribution: name and version of the distribution that has it.
        entry_point: the entry point, which loads the plugin.
    """

    name: str
    value: str
    distribution: str
    entry_point: EntryPoint = attrs.field(repr=False, eq=False)

    @property
    def origin(self) -> Origin:
        """Return where the plugin comes from."""
        return Origin(plugin=self.name, location=self.value, distribution=self.distribution)

    @property
    def is_bundled(self) -> bool:
        """Return whether the plugin comes with the framework, so that the user did not choose to install it."""
        return self.distribution.startswith("turnbuckle ")

    @property
    def extra(self) -> str:
        """Return the extra of the distribution that the plugin needs, as its entry point names it; "" for none."""
        return ",".join(self.entry_point.extras)


def installed_plugins(found: Iterable[EntryPoint] | None = None) -> tuple[InstalledPlugin, ...]:
    """Return all installed plugins by name, then by distribution, from metadata only: nothing is imported.

    Args:
        found: entry points to use instead of the entry points of this environment.
    """
    points = entry_points(group=GROUP) if found is None else tuple(found)
    # Each access to the metadata of a distribution parses it again, and a distribution can have many plugins.
    names = {distribution: _name_and_version(distribution) for distribution in {point.dist for point in points}}
    installed = {(point.name, point.value, name): point for point in points if (name := names[point.dist]) is not None}
    return tuple(InstalledPlugin(*key, installed[key]) for key in sorted(installed))


def distribution_of(module: str) -> str:
    """Return name and version of the distribution of an imported module; "" if it has none, or more than one.

    A module of the project itself has no distribution, and the list of all distributions is not read for it.
    """
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None or not _INSTALLED.intersection(Path(path).parts):
        return ""
    return _distribution_of_package(module.partition(".")[0])


def local_plugins(path: Path) -> list[type[Plugin]]:
    """Import a file, and return the plugin classes that it defines, in the order of their definitions.

    Raises:
        Exception: any exception of the code in the file.
    """
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file", path=str(path))
    module = module_from_spec(spec)
    # attrs and pickle look up classes by their module, so the module must be registered while it runs.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    # A class may have several names in the module.
    classes = dict.fromkeys(value for value in vars(module).values() if _is_plugin_of(value, path.stem))
    return [cls for cls in classes if not _is_base(cls, classes)]


def _name_and_version(distribution: Distribution | None) -> str | None:
    """Return name and version of a distribution, "" for no distribution.

    Returns:
        None for a remainder of an interrupted pip, such as ``~y_plugin-0.9.dist-info``.
    """
    if distribution is None:
        return ""
    # pip renames the folder before it deletes it. The metadata may be gone by then.
    folder: object = getattr(distribution, "_path", None)
    if isinstance(folder, Path) and folder.name.startswith("~"):
        return None
    metadata = distribution.metadata
    return f"{metadata['Name']} {metadata['Version']}" if "Name" in metadata else None


@cache
def _distribution_of_package(name: str) -> str:
    # A remainder of an interrupted pip may have no name.
    names = {found for found in packages_distributions().get(name, ()) if found}
    if len(names) != 1:
        return ""
    (found,) = names
    try:
        return f"{found} {version(found)}"
    except PackageNotFoundError:
        return ""


def _is_plugin_of(value: object, module: str) -> TypeGuard[type[Plugin]]:
    return isinstance(value, type) and issubclass(value, Plugin) and value.__module__ == module


def _is_base(cls: type[Plugin], classes: Iterable[type[Plugin]]) -> bool:
    """Return whether a class only serves other plugins as a base: it is abstract, or has no info."""
    if inspect.isabstract(cls) or ABC in cls.__bases__:
        return True
    is_derived_from = any(cls in other.__mro__[1:] for other in classes)
    return is_derived_from and getattr(cls, "info", None) is None
