"""Know, and raise, how many files the process may have open: each connection is one."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["most_open_files", "raise_file_limit"]


def most_open_files() -> int:
    """Return how many files the process may have open; 0 if there is no limit, or none that is known."""
    if sys.platform == "win32":
        return 0
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if soft == resource.RLIM_INFINITY else soft


def raise_file_limit() -> None:
    """Let the process have as many files open as the system allows it.

    The usual limit is there for programs that use ``select``, which asyncio does not.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Some systems name a hard limit that they do not grant.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
