"""The workloads, and a run of wrk on a server."""

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.cpu import cpu_seconds, pinned
from bench.servers import Running

SCRIPTS: Final = Path(__file__).parent / "wrk"
CONNECTIONS: Final = 64

_REQUESTS: Final = re.compile(r"^\s*(\d+) requests in ", re.MULTILINE)
_BAD_STATUS: Final = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_SOCKET_ERRORS: Final = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")


@dataclass(frozen=True)
class Workload:
    """One kind of request.

    Args:
        name: The name for `--workload` and in the JSON.
        title: The title in the table.
        script: The wrk script in wrk/, or None for wrk's own request (only Host).
        at_most: For the names of other servers, the share of their CPU time that Turnbuckle may take.
    """

    name: str
    title: str
    script: str | None = None
    at_most: dict[str, float] = field(default_factory=dict)


WORKLOADS: Final = (
    Workload(
        "small",
        "small requests (Host only)",
        at_most={"floor": 1.7, "uvicorn": 0.65, "blacksheep": 0.5, "starlette": 0.45},
    ),
    Workload(
        "browser",
        "browser-like requests (12 fields)",
        script="browser.lua",
        at_most={"uvicorn": 0.75, "blacksheep": 0.65, "starlette": 0.55},
    ),
    Workload("varied", "varied requests (12 fields; target and values never repeat)", script="varied.lua"),
)


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


def measure(target: Running, workload: Workload, *, core: int, seconds: int, seed: int) -> Sample:
    """Load `target` for `seconds` with wrk on `core`; `seed` makes a varied workload differ from run to run."""
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    if workload.script is not None:
        argv += ["-s", str(SCRIPTS / workload.script)]
    argv += [f"http://127.0.0.1:{target.port}/", "--", str(seed)]
    cpu, clock = cpu_seconds(target.pid), time.monotonic()
    with pinned(core):
        report = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(target.pid) - cpu
    return Sample(_requests(report), _errors(report), spent, time.monotonic() - clock)


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
