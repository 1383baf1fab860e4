"""The compared servers: start them on a core, and stop them."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.cpu import pinned

APPS: Final = Path(__file__).parent / "apps"
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Server:
    """A server that can be started on a port.

    Args:
        name: The name for `--only` and in the JSON.
        title: The title in the table.
        command: Arguments of Python; `PORT` stands for the port.
    """

    name: str
    title: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Running:
    """A started server."""

    server: Server
    pid: int
    port: int


def _script(name: str, title: str) -> Server:
    return Server(name, title, (str(APPS / f"{name}_app.py"), "PORT"))


# The core's own parser, named explicitly because another one may be installed.
_OPTIONS: Final = ("--parser", "h1", "--log-level", "warning", "--port", "PORT")
TURNBUCKLE: Final = Server(
    "turnbuckle", "Turnbuckle", ("-m", "turnbuckle", "serve", str(APPS / "turnbuckle_app.py"), *_OPTIONS)
)
SERVERS: Final = (
    TURNBUCKLE,
    Server("floor", "floor (bare uvloop Protocol)", (str(APPS / "floor.py"), "PORT")),
    _script("uvicorn", "uvicorn, bare ASGI"),
    _script("blacksheep", "BlackSheep on uvicorn"),
    _script("starlette", "Starlette on uvicorn"),
    _script("sanic", "Sanic"),
    _script("aiohttp", "aiohttp"),
)


class ServerFailed(Exception):
    """A server did not start, or did not give the expected answer."""


@contextmanager
def running(server: Server, core: int) -> Iterator[Running]:
    """Start `server` on `core`, wait until it answers, and stop it when the block ends.

    Raises:
        ServerFailed: It ended at once, or did not give the expected answer within START_SECONDS.
    """
    port = _free_port()
    argv = [sys.executable, *(str(port) if argument == "PORT" else argument for argument in server.command)]
    with pinned(core):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _wait_until_it_answers(server, process, port)
        yield Running(server, process.pid, port)
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while (body := _ask(port)) is None:
        if process.poll() is not None:
            raise ServerFailed(f"{server.title} ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise ServerFailed(f"{server.title} does not answer after {START_SECONDS:.0f} s")
        time.sleep(0.05)
    if body != b"Hello, World!":
        raise ServerFailed(f"{server.title} answers {body!r}")


def _ask(port: int) -> bytes | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    except OSError:
        return None
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
