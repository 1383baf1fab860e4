"""``serve`` in real processes whose log blocks, fails or is not there: it serves as if nothing was."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.core.cli.conftest import SECONDS, Project
from tests.processes import unmeasured_environ

_REQUEST = b'GET /?q=%b HTTP/1.1\r\nHost: a.example\r\nUser-Agent: "x\r\n\r\n'
_AT_ONCE = 100

FAILING = """\
from turnbuckle import App, Request

app = App("shop", plugins=["request_id"])

@app.get("/")
async def home(request: Request) -> str:
    raise ValueError("no\\n2026-01-01T00:00:00.000Z INFO    turnbuckle.server: forged \\x1b[2J" + request.query)
"""


@contextmanager
def _served(project: Project, *args: str, stderr: int, shell: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    # With the idle timeout that fits the proxies for which a Unix socket is meant, there is no hint on stderr.
    settings = ("--unix", "web.sock", "--set", "timeouts.idle=75")
    command = [sys.executable, "-m", "turnbuckle", "serve", "shop:app", *settings, *args]
    if shell:
        # Without a descriptor 2 at all: the next file that is opened would get its number.
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    with subprocess.Popen(
        command, cwd=project.folder, env=unmeasured_environ(), stdout=subprocess.DEVNULL, stderr=stderr
    ) as process:
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        try:
            while not _connects(project.folder / "web.sock"):
                with suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"ended with {process.wait(0.02)}")
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except OSError:
            return False
        return True


def _ask(folder: Path, number: int, query: bytes = b"1") -> int:
    """Return how many of so many requests on one connection are answered with 200 or 500."""
    answered = 0
    requests = (_REQUEST % query) * _AT_ONCE
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(SECONDS)
        sock.connect(str(folder / "web.sock"))
        for _ in range(number // _AT_ONCE):
            sock.sendall(requests)
            received = b""
            while received.count(b"HTTP/1.1 ") < _AT_ONCE or not received.endswith((b"Welcome", b"Error")):
                data = sock.recv(65536)
                assert data, received[-200:]
                received += data
            answered += received.count(b"HTTP/1.1 ")
    return answered


def _are_written(lines: Sequence[bytes], query: bytes) -> bool:
    """Return whether the lines of all requests with a query are written soon, so that no other lines are waiting."""
    pause = threading.Event()
    for _ in range(100):
        if sum(query in line for line in list(lines)) == _AT_ONCE:
            return True
        pause.wait(0.01)
    return False


def _stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(SECONDS)


@pytest.mark.parametrize("form", ["text", "json"])
def test_serve_goes_on_while_its_log_is_not_read(project: Project, form: str) -> None:
    args = ("--access-log", "--log-format", form, "--set", "log.queue=500")
    with _served(project, *args, stderr=subprocess.PIPE) as process:
        assert _ask(project.folder, 10_000) == 10_000
        assert process.stderr is not None
        lines: list[bytes] = []
        reader = threading.Thread(target=lines.extend, args=(process.stderr,))
        reader.start()
        # While the log is read again, the queue empties.
        for number in itertools.count():
            query = b"again%06d" % number
            assert _ask(project.folder, _AT_ONCE, query) == _AT_ONCE
            if _are_written(lines, query):
                break
        assert _ask(project.folder, 100, b"later") == 100
        process.send_signal(signal.SIGTERM)
        reader.join(SECONDS)
        assert sum(b"lines are missing here" in line for line in lines) >= 1
        assert sum(b"q=later" in line for line in lines) == 100
        assert process.wait(SECONDS) == 0


def test_serve_stops_while_its_log_is_not_read(project: Project) -> None:
    with _served(project, "--access-log", stderr=subprocess.PIPE) as process:
        assert _ask(project.folder, 2000) == 2000
        assert _stop(process) == 0


def test_serve_goes_on_when_the_disk_is_full(project: Project) -> None:
    with _served(project, "--access-log", "--set", "log.destination=/dev/full", stderr=subprocess.PIPE) as process:
        assert _ask(project.folder, 1000) == 1000
        assert _stop(process) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_serve_goes_on_when_stderr_is_full(project: Project) -> None:
    # The short idle timeout is a hint, which cannot be printed.
    args = ("--access-log", "--set", "timeouts.idle=5")
    with open("/dev/full", "wb") as full, _served(project, *args, stderr=full.fileno()) as process:
        assert _ask(project.folder, 1000) == 1000
        assert _stop(process) == 0


def test_serve_goes_on_when_the_reader_of_its_log_is_gone(project: Project) -> None:
    reading, writing = os.pipe()
    with _served(project, "--access-log", stderr=writing) as process:
        os.close(writing)
        os.close(reading)
        assert _ask(project.folder, 1000) == 1000
        assert _stop(process) == 0


def test_serve_writes_to_no_connection_when_stderr_is_closed(project: Project) -> None:
    with _served(project, "--access-log", stderr=subprocess.DEVNULL, shell=True) as process:
        assert _ask(project.folder, 1000) == 1000
        assert _stop(process) == 0


def test_serve_logs_errors_in_json_with_the_id_of_the_request_and_without_its_query(project: Project) -> None:
    project.write("shop.py", FAILING)
    args = ("--access-log", "--log-format", "json", "--set", "log.destination=log", "--set", "log.queries=false")
    with _served(project, *args, stderr=subprocess.PIPE) as process:
        assert _ask(project.folder, 100) == 100
        assert _stop(process) == 0
    records = [json.loads(line) for line in (project.folder / "log").read_text().splitlines()]
    errors = [record for record in records if record["logger"] == "turnbuckle.error"]
    accesses = [record for record in records if record["logger"] == "turnbuckle.access"]
    assert len(errors) == len(accesses) == 100
    assert {record["message"] for record in errors} == {"GET '/' failed"}
    assert {(record["target"], record["status"], record["bytes"], record["route"]) for record in accesses} == {
        ("/", 500, 21, "/")
    }
    assert [record["request_id"] for record in errors] == [record["request_id"] for record in accesses]
    assert len({record["request_id"] for record in accesses}) == 100
    assert errors[0]["exception"].startswith("Traceback")


def test_serve_logs_a_traceback_that_can_forge_no_line(project: Project) -> None:
    project.write("shop.py", FAILING)
    with _served(project, "--set", "log.destination=log", stderr=subprocess.PIPE) as process:
        assert _ask(project.folder, 100) == 100
        assert _stop(process) == 0
    text = (project.folder / "log").read_text()
    assert "\x1b" not in text
    assert text.count("ValueError: no\n") == 100
    assert all(line.startswith("  | ") for line in text.splitlines() if "forged" in line)


def test_serve_says_that_a_log_cannot_be_opened(project: Project) -> None:
    with project.spawn("serve", "shop:app", "--port", "0", "--set", "log.destination=none/log") as process:
        err = process.communicate()[1]
    assert process.returncode == 3
    assert err == "error: cannot log to 'none/log': No such file or directory\n"
