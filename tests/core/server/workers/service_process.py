"""Run ``turnbuckle serve`` in a separate process, and read its output."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.processes import unmeasured_environ

SECONDS = 60

APP = """\
import asyncio
import os
import time
from turnbuckle import App

app = App()
VERSION = "one"


@app.get("/")
async def version(request):
    return VERSION


@app.get("/process")
async def process(request):
    return str(os.getpid())


@app.get("/echo/{number}")
async def echo(request, number):
    if number.endswith("7"):
        await asyncio.sleep(0.05)
    return number


@app.get("/crash")
async def crash(request):
    os._exit(7)


@app.get("/hang")
async def hang(request):
    time.sleep(1000)


@app.get("/late")
async def late(request):
    print("reached", flush=True)
    await asyncio.sleep(0.5)
    return "late"


@app.get("/never")
async def never(request):
    print("reached", flush=True)
    await asyncio.sleep(1000)
"""


class Service:
    """A running ``turnbuckle serve``; its stdout and stderr are read while it runs."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.process = process
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def wait_for(self, text: str, *, count: int = 1) -> str:
        """Return the ``count``-th output line that contains a text; fail if it does not appear."""

        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        with self._news:
            self._news.wait_for(lambda: self._is_over or len(found()) >= count, SECONDS)
            assert len(found()) >= count, f"no line contains {text!r}:\n" + "\n".join(self.lines)
            return found()[count - 1]

    def port(self) -> int:
        """Return the port, once the service listens."""
        return int(self.wait_for("listening on ").rpartition(":")[2])

    def get(self, path: str = "/") -> str:
        """Send a GET request on a new connection, and return the content of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Return the exit status, once all output has been read."""
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status

    def workers(self) -> list[int]:
        """Return the process IDs of the workers that have served, in order."""
        lines = [line for line in self.lines if line.endswith("serves")]
        return [int(line.partition("(process ")[2].partition(")")[0]) for line in lines]


@contextmanager
def service(
    folder: Path,
    *args: str,
    app: str = APP,
    environ: Mapping[str, str] | None = None,
    timeout: float = 2 * SECONDS,
    address: Sequence[str] = ("--port", "0"),
    pass_fds: Sequence[int] = (),
    is_measured: bool = True,
) -> Iterator[Service]:
    """Serve in a separate process; it and its workers end with the block. Coverage measures them if ``is_measured``."""
    (folder / "shop.py").write_text(app)
    command = [sys.executable, "-m", "turnbuckle", "serve", "shop", *address, *args]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**(os.environ if is_measured else unmeasured_environ()), **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        pass_fds=pass_fds,
    ) as process:
        watchdog = threading.Timer(timeout, _end_group, [process.pid])
        watchdog.start()
        try:
            yield Service(folder, process)
        finally:
            watchdog.cancel()
            _end_group(process.pid)


def _end_group(pid: int) -> None:
    # All workers are in the group, including those that outlive a supervisor.
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def has_ended(pid: int) -> bool:
    """Return whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def poll_until(condition: Callable[[], object]) -> None:
    """Return once a condition holds that has no event."""
    pause = threading.Event()
    for _ in range(SECONDS * 20):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("the condition did not become true in time")
