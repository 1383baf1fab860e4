"""A run of wrk on a server, and its result."""

import itertools
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.cpu import cpu_seconds, pinned
from bench.servers import Running, ServerFailed

SCRIPT: Final = Path(__file__).parent / "numbered.lua"
CONNECTIONS: Final = 64

# For numbers of eight digits.
_SEEDS: Final = itertools.cycle(range(90))
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


def measure(
    target: Running,
    template: str | None,
    *,
    core: int,
    seconds: int,
    bound: int = 0,
    connections: int = CONNECTIONS,
) -> Sample:
    """Load `target` for `seconds` with wrk on `core`; the numbers in the requests of each run are different.

    Args:
        template: The request; each `%d` is a new number. None for wrk's own request (only Host).
        bound: The first number of a request is below it; 0 for no bound.
        connections: The number of keep-alive connections.

    Raises:
        ServerFailed: wrk could not connect.
    """
    options = ("-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s")
    url = f"http://127.0.0.1:{target.port}/"
    if template is None:
        return _run(target, ("wrk", *options, url), core)
    with tempfile.NamedTemporaryFile("w", newline="") as file:
        file.write(template)
        file.flush()
        script = ("-s", str(SCRIPT), url, "--", str(next(_SEEDS)), file.name, str(bound))
        return _run(target, ("wrk", *options, *script), core)


def _run(target: Running, argv: Sequence[str], core: int) -> Sample:
    cpu, clock = cpu_seconds(target.pid), time.monotonic()
    with pinned(core):
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
