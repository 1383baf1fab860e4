"""Programs that some tests start, such as a database: without them, the tests are skipped, except in ``.ci/run``."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRED = "TEST_SERVICES"
"""The variable that makes a missing program a failure; ``.ci/run`` sets it."""


def missing(reason: str) -> NoReturn:
    """Skip the test because a program is missing; fail if the environment says that it must be there.

    Args:
        reason: the program, and how to install it.
    """
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, and {reason}")
    pytest.skip(f"{reason}: this is NOT tested")
