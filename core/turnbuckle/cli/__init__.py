"""The ``turnbuckle`` command: one module for each of its commands, imported when it is called."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line, and exit: 0 done, 1 failed at run time, 2 called wrongly, 3 cannot start."""
    from turnbuckle.cli.group import turnbuckle

    turnbuckle()
