"""The environment of processes that tests start."""

from __future__ import annotations

import os


def unmeasured_environ() -> dict[str, str]:
    """Return the environment without coverage, for processes that run only lines that other tests cover.

    Measuring a process takes longer than starting most of them.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
