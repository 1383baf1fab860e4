"""The ``turnbuckle`` command; each of its commands is a module in ``commands``, imported when it is called."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line, and exit: 0 success, 1 failure at run time, 2 wrong usage, 3 the app cannot start."""
    from turnbuckle.cli.group import turnbuckle

    turnbuckle()
