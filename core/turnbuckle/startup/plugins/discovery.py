"""Find installed plugins by metadata alone; nothing is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import attrs

from turnbuckle.diagnostics import Origin

__all__ = ["GROUP", "InstalledPlugin", "installed_plugins"]

GROUP: Final = "turnbuckle.plugins"


@attrs.frozen
class InstalledPlugin:
    """An entry point of the group ``turnbuckle.plugins``.

    Attributes:
        name: the name of the plugin.
        value: ``module:attribute``.
        distribution: name and version of the distribution that has it.
        entry_point: to load it by.
    """

    name: str
    value: str
    distribution: str
    entry_point: EntryPoint = attrs.field(repr=False, eq=False)

    @property
    def origin(self) -> Origin:
        """Return where it comes from."""
        return Origin(plugin=self.name, location=self.value, distribution=self.distribution)

    @property
    def is_ours(self) -> bool:
        """Return whether it comes with the framework, and so was installed by nobody's choice."""
        return self.distribution.startswith("turnbuckle ")

    @property
    def extra(self) -> str:
        """Return the extra of the distribution that it needs, as its entry point names it; "" for none."""
        return ",".join(self.entry_point.extras)


def installed_plugins(found: Iterable[EntryPoint] | None = None) -> tuple[InstalledPlugin, ...]:
    """Return all installed plugins by name, then by distribution; two of one name are both there.

    Args:
        found: entry points to take instead of those of this environment.
    """
    points = entry_points(group=GROUP) if found is None else found
    installed = {(each.name, each.value, _distribution(each)): each for each in points}
    return tuple(InstalledPlugin(*key, installed[key]) for key in sorted(installed))


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else ""
