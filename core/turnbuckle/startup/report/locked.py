"""Hold a plan against its lock: what differs is a finding, and an error for who asked to be held to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from turnbuckle.diagnostics import Diagnostic, Level
from turnbuckle.plan import Plan
from turnbuckle.startup.report.diff import PlanDifference, differences
from turnbuckle.startup.report.lock import composition_of, read_composition

__all__ = ["compare_with_lock"]

_FIX = "if that is meant, write the lock again with 'turnbuckle plan TARGET --lock'"


def compare_with_lock(plan: Plan, path: Path, *, is_binding: bool) -> tuple[Diagnostic, ...]:
    """Return in what a plan differs from a lock.

    Args:
        plan: the plan.
        path: the lock.
        is_binding: whether a difference is an error, not a warning; another version of a plugin alone never is.

    Raises:
        StartupError: TB602, the lock cannot be read.
    """
    found = differences(read_composition(path), composition_of(plan))
    upgrades = [each for each in found if each.is_upgrade]
    changes = [each for each in found if not each.is_upgrade]
    return (
        *_diagnostics(upgrades, path, "warning"),
        *_diagnostics(changes, path, "error" if is_binding else "warning"),
    )


def _diagnostics(found: Sequence[PlanDifference], path: Path, level: Level) -> list[Diagnostic]:
    # What to do about all of them is said once, below the last.
    return [
        Diagnostic(
            level=level,
            code="TB601",
            text=f"not as in {path}: {each.text}",
            fix=_FIX if each is found[-1] else "",
        )
        for each in found
    ]
