"""Run a server in a separate process, for faults that would also hit the tests."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from tests.processes import unmeasured_environ

TIMEOUT: Final = 60.0
GET: Final = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Return once the condition holds.

    Raises:
        TimeoutError: it does not hold in time.
    """
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {TIMEOUT} s for {what}")
        time.sleep(0.01)


@attrs.frozen
class ServerProcess:
    """A server process, the port that it listens on, and the file with its stderr."""

    popen: subprocess.Popen[bytes]
    port: int
    log: Path

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)

    def ask(self, request: bytes = GET) -> bytes:
        """Send a request on a new connection, and return everything received."""
        with self.connect() as client:
            client.sendall(request)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def lines(self, part: str = "") -> list[str]:
        """Return the lines of the log that contain a text."""
        return [line for line in self.log.read_text().splitlines() if part in line]

    @property
    def fds(self) -> int:
        """The number of open file descriptors of the server."""
        return len(os.listdir(f"/proc/{self.popen.pid}/fd"))

    def fds_at_rest(self) -> int:
        """Send a request, wait until its connection is closed, and return the number of open file descriptors."""
        sockets = self._sockets()
        self.ask()
        # The server lingers until it has noticed that the client is gone.
        wait_for(lambda: self._sockets() == sockets, "the connection to be closed")
        return self.fds

    def _sockets(self) -> int:
        found = 0
        for path in Path(f"/proc/{self.popen.pid}/fd").iterdir():
            # Some may be closed meanwhile.
            with suppress(FileNotFoundError):
                found += str(path.readlink()).startswith("socket:")
        return found


@contextmanager
def server_process(code: str, folder: Path, *, is_measured: bool = False) -> Iterator[ServerProcess]:
    """Run Python code that starts a server, until the block ends; the code must log the address.

    Coverage measures the process if ``is_measured``.
    """
    log = folder / "stderr.log"
    environ = dict(os.environ) if is_measured else unmeasured_environ()
    with log.open("wb") as stderr:
        popen = subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=stderr, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: popen.poll() is not None or _port_in(log), "the server to listen")
        port = _port_in(log)
        if port is None:
            raise RuntimeError(f"the server did not start: {log.read_text()}")
        yield ServerProcess(popen, port, log)
        popen.terminate()
        popen.wait(TIMEOUT)
    finally:
        popen.kill()
        popen.wait()


def _port_in(log: Path) -> int | None:
    found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read_text())
    return int(found[1]) if found else None
