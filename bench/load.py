"""A run of wrk on a server, and its result."""

import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.cpu import cpu_seconds, pinned
from bench.scenarios import Scenario
from bench.servers import Running, ServerFailed

SCRIPTS: Final = Path(__file__).parent / "wrk"
CONNECTIONS: Final = 64

_REQUESTS: Final = re.compile(r"^\s*(\d+) requests in ", re.MULTILINE)
_BAD_STATUS: Final = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_SOCKET_ERRORS: Final = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")


@dataclass(frozen=True)
class Sample:
    """The result of one run of wrk on one server."""

    requests: int
    errors: int
    cpu_seconds: float
    seconds: float

    @property
    def cpu_micros(self) -> float:
        """CPU time per request in microseconds; infinite without requests."""
        return self.cpu_seconds * 1e6 / self.requests if self.requests else float("inf")


def measure(target: Running, scenario: Scenario, *, core: int, seconds: int, seed: int) -> Sample:
    """Load `target` for `seconds` with wrk on `core`; `seed` makes the requests differ from run to run.

    Raises:
        ServerFailed: wrk could not connect.
    """
    script = () if scenario.script is None else ("-s", str(SCRIPTS / scenario.script))
    return run_wrk(target, script, (str(seed),), core=core, seconds=seconds)


def run_wrk(
    target: Running,
    script: Sequence[str],
    arguments: Sequence[str],
    *,
    core: int,
    seconds: int,
    connections: int = CONNECTIONS,
) -> Sample:
    """Load `target` with wrk.

    Args:
        script: the option that names the script.
        arguments: the arguments of the script.

    Raises:
        ServerFailed: wrk could not connect.
    """
    options = ("-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", *script)
    cpu, clock = cpu_seconds(target.pid), time.monotonic()
    with pinned(core):
        argv = ["wrk", *options, f"http://127.0.0.1:{target.port}/", "--", *arguments]
        finished = subprocess.run(argv, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise ServerFailed(f"{target.server.title} does not answer under load: {_last_line(finished)}")
    report = finished.stdout
    spent = cpu_seconds(target.pid) - cpu
    return Sample(_requests(report), _errors(report), spent, time.monotonic() - clock)


def _last_line(finished: subprocess.CompletedProcess[str]) -> str:
    return (finished.stdout + finished.stderr).strip().rpartition("\n")[2] or f"wrk exits with {finished.returncode}"


def _requests(report: str) -> int:
    found = _REQUESTS.search(report)
    if found is None:
        raise ValueError(f"wrk printed no number of requests: {report!r}")
    return int(found[1])


def _errors(report: str) -> int:
    bad_status, socket_errors = _BAD_STATUS.search(report), _SOCKET_ERRORS.search(report)
    errors = sum(int(number) for found in (bad_status, socket_errors) if found for number in found.groups())
    # A hanging server causes no errors within a short run, but answers no requests.
    return errors or int(_requests(report) == 0)
