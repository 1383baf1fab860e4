"""Start `turnbuckle serve` for a measurement, and stop it again."""

import http.client
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.servers import free_port

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Launched:
    """A started server."""

    pid: int
    port: int

    def memory(self, key: str) -> int:
        """Return its memory in bytes: `VmRSS` is the current value, `VmHWM` the peak."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024


@contextmanager
def launched(app: str, *options: str) -> Iterator[Launched]:
    """Serve an app during the block.

    Raises:
        TimeoutError: It did not answer in time.
    """
    port = free_port()
    command = (sys.executable, "-m", "turnbuckle", "serve", app, "--port", str(port), *options)
    with subprocess.Popen((*command, "--log-level", "error")) as process:
        try:
            _await_answer(port)
            yield Launched(process.pid, port)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def allow_files(needed: int) -> int:
    """Raise the limit of open files of this process as far as needed and allowed; return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        soft = min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def _await_answer(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
            connection.close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing answers on port {port}")
