"""Run the stages in order: discover, load, configure, collect, resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnbuckle.startup.declared import Declaration
    from turnbuckle.startup.plan import Plan
    from turnbuckle.startup.sources import Sources

__all__ = ["resolve"]


def resolve(declaration: Declaration, sources: Sources | None = None) -> Plan:
    """Return the plan of an app.

    Args:
        declaration: what the app wrote down.
        sources: what else counts; nothing but the code when None.

    Raises:
        StartupError: with every problem that was found.
    """
    raise RuntimeError("not resolved yet")
