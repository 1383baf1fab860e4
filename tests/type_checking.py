"""Run mypy over code that tests write."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.processes import unmeasured_environ

# Checking the standard library and Turnbuckle takes far longer than checking the code of a test.
_CACHE: Final = Path(__file__).parents[1] / ".mypy_cache" / "tests"


def run_mypy(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run mypy in a folder, with a cache that all tests share; one process at a time uses it."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(_CACHE), *arguments]
    with (_CACHE / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(
            command, cwd=folder, env=environ or unmeasured_environ(), capture_output=True, text=True, check=False
        )
