"""The metrics of several workers: merged, never falling, and without the files of workers that are gone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.processes import unmeasured_environ
from turnbuckle_contrib.metrics.families import Family, Sample, merge
from turnbuckle_contrib.metrics.workers import SharedMetrics


def _families(requests: float, memory: float = 1.0) -> list[Family]:
    return [
        Family("requests", "counter", "", [Sample("requests_total", {"route": "/"}, requests)]),
        Family("memory", "gauge", "", [Sample("memory", {}, memory)]),
    ]


def _values(families: list[Family]) -> dict[str, float]:
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_merge_by_type() -> None:
    def gauge(name: str, value: float) -> Family:
        return Family(name, "gauge", "", [Sample(name, {}, value)])

    living = [[*_families(3, 10), gauge("python_info", 1), gauge("process_start_time_seconds", 50)] for _ in range(2)]
    living[1][3] = gauge("process_start_time_seconds", 40)
    merged = merge(living, [[*_families(4, 99), Family("odd", "gauge", "", [Sample("odd", {}, 1)])]])
    assert _values(merged) == {
        "requests_total": 10,
        "memory": 20,
        "python_info": 1,
        "process_start_time_seconds": 40,
    }


def test_workers_come_and_go(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    one, two, three = (SharedMetrics(folder, number) for number in (1, 2, 3))
    one.open()
    two.open()
    one.write(_families(5))
    two.write(_families(7))
    assert _values(one.merged(_families(6))) == {"requests_total": 13, "memory": 2, "turnbuckle_workers": 2}
    two.close()
    assert _values(one.merged(_families(6))) == {"requests_total": 13, "memory": 1, "turnbuckle_workers": 1}
    three.open()
    assert sorted(path.name for path in folder.iterdir()) == ["1.alive", "1.json", "3.alive", "ended.json", "lock"]
    assert _values(three.merged(_families(1))) == {"requests_total": 13, "memory": 2, "turnbuckle_workers": 2}
    three.close()
    one.close()
    assert not folder.exists()
    one.close()


def test_service_that_starts_again_forgets_the_last_one(tmp_path: Path) -> None:
    for name in ("7.alive", "7.new"):
        (tmp_path / name).write_bytes(b"")
    for name in ("7.json", "ended.json"):
        (tmp_path / name).write_text(json.dumps([["requests", "counter", "", [["requests_total", {}, 9]]]]))
    shared = SharedMetrics(tmp_path, 8)
    shared.open()
    assert _values(shared.merged(_families(1))) == {"requests_total": 1, "memory": 1, "turnbuckle_workers": 1}
    shared.close()


def test_damaged_file_is_left_out(tmp_path: Path) -> None:
    shared = SharedMetrics(tmp_path, 1)
    shared.open()
    (tmp_path / "ended.json").write_text("[[")
    assert _values(shared.merged(_families(1)))["requests_total"] == 1
    shared.close()


def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="other users may write"):
        SharedMetrics(folder, 1).open()
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        SharedMetrics(link, 1).open()


_APP = """\
import os

from turnbuckle import App

app = App(plugins=["metrics"], settings={"plugin": {"metrics": {"interval": 0.1}}})


@app.get("/pid")
async def pid() -> str:
    return str(os.getpid())
"""


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _get(url: str) -> str:
    with urlopen(url) as response:
        return str(response.read().decode())


def _read(url: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", _get(f"{url}/-/metrics"), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_two_workers_one_of_which_is_killed(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_APP)
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "turnbuckle", "serve", "main:app", "--workers", "2", "--port", "0"]
    environ = {**unmeasured_environ(), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([*command, "--ready-file", str(ready)], cwd=tmp_path, env=environ) as process:
        try:
            _wait_for(lambda: ready.exists() and ready.read_text().strip())
            url = ready.read_text().split()[1].rstrip("/")
            pids: dict[str, int] = {}
            while len(pids) < 2 or sum(pids.values()) < 20:
                pid = _get(f"{url}/pid")
                pids[pid] = pids.get(pid, 0) + 1
            total = 'turnbuckle_requests_total{method="GET",route="/pid",status="2xx"}'
            _wait_for(lambda: _read(url, total) == sum(pids.values()))
            assert _read(url, "turnbuckle_workers") == 2
            os.kill(int(next(iter(pids))), signal.SIGKILL)
            _wait_for(lambda: _is_replaced(url, set(pids)))
            _wait_for(lambda: _read(url, "turnbuckle_workers") == 2)
            assert _read(url, total) >= sum(pids.values())
            (folder,) = tmp_path.glob("turnbuckle-metrics-*")
            assert len(list(folder.glob("*.alive"))) == 2
        finally:
            process.terminate()
    assert not folder.exists()


def _is_replaced(url: str, pids: set[str]) -> bool:
    try:
        return _get(f"{url}/pid") not in pids
    except OSError:
        return False
