"""An app behind adapters that call it in the same process; ``make test-apps`` installs them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.processes import unmeasured_environ

BIN: Final = Path(os.environ.get("TEST_APPS", ""))
pytestmark = pytest.mark.skipif(not BIN.name, reason="NOT RUN: no adapters; 'make test-apps' installs them")


def test_adapters_get_responses_and_run_lifespans() -> None:
    output = subprocess.run(
        [str(BIN / "python"), str(Path(__file__).parent / "adapters.py")],
        env=unmeasured_environ(),
        capture_output=True,
        check=True,
    ).stdout
    home = ["https://shop.example/?a=1", "/", True]
    # Mangum returns bytes that are no text in base64.
    assert json.loads(output) == {
        "auto": [200, home, "aGVsbG8=", ["enter", "after", "leave", "enter", "leave"]],
        "off": [200, home, "aGVsbG8=", ["enter", "after"]],
        "httpx": ["http://shop/", "/", False],
        "mounted": ["http://shop/shop/", "/shop/", False],
    }
