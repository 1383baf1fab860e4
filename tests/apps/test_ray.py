"""The example on Ray Serve, with two replicas; ``make test-ray`` installs Ray."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.processes import unmeasured_environ

FOLDER: Final = Path(__file__).parents[2] / "examples/scaling"
BIN: Final = Path(os.environ.get("TEST_RAY", ""))
pytestmark = pytest.mark.skipif(not BIN.name, reason="NOT RUN: no Ray; 'make test-ray' installs it")


def test_two_replicas_answer_and_stream_and_carry_websockets() -> None:
    done = subprocess.run(
        [str(BIN / "python"), "ray_shop.py", "--port", "8123"],
        cwd=FOLDER,
        env={**unmeasured_environ(), "RAY_DEDUP_LOGS": "0"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if line.startswith(("re", "up", "ev", "ec")))
    assert lines["upload"] == '{"size":3000000}'
    assert lines["echo"] == "hello"
    number, _, seconds = lines["events"].partition(" within ")
    assert number == "3"
    assert float(seconds.removesuffix(" s")) > 0.2
