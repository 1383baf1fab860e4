"""Tell how much memory this process has."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Final

__all__ = ["resident_memory"]

_STATM: Final = Path("/proc/self/statm")


def resident_memory() -> int:
    """Return the octets of resident memory; the most that they ever were where the system does not tell."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
