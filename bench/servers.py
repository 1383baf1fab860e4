"""The compared servers: start them on a core, and stop them."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
        is_constant: The server answers the same to every request of a kind.
        is_tls: The server serves TLS.
    """

    name: str
    title: str
    command: tuple[str, ...]
    is_constant: bool = False
    is_tls: bool = False


@dataclass(frozen=True)
class Running:
    """A started server."""

    server: Server
    pid: int
    port: int


def _script(name: str, title: str, script: str | None = None, *arguments: str) -> Server:
    return Server(name, title, (str(APPS / f"{script or name}_app.py"), "PORT", *arguments))


# The core's own parser, named explicitly because another one may be installed.
_OPTIONS: Final = ("--parser", "h1", "--log-level", "warning", "--port", "PORT")


def turnbuckle(app: str) -> Server:
    """Return Turnbuckle with an app in `apps/`."""
    return Server("turnbuckle", "Turnbuckle", ("-m", "turnbuckle", "serve", str(APPS / app), *_OPTIONS))


TURNBUCKLE: Final = turnbuckle("turnbuckle_app.py")
SERVERS: Final = (
    TURNBUCKLE,
    Server(
        "turnbuckle-asgi",
        "Turnbuckle, bare ASGI",
        ("-m", "turnbuckle", "serve", "--asgi", str(APPS / "asgi_app.py"), *_OPTIONS),
    ),
    Server("floor", "floor (bare uvloop Protocol)", (str(APPS / "floor.py"), "PORT"), is_constant=True),
    _script("socketify", "socketify (C++)"),
    _script("uvicorn-zttp", "uvicorn with zttp, bare ASGI", "asgi", "zttp"),
    _script("uvicorn-httptools", "uvicorn with httptools, bare ASGI", "asgi"),
    _script("granian-rsgi", "Granian (Rust), RSGI", "granian"),
    _script("granian-asgi", "Granian (Rust), bare ASGI", "granian", "asgi"),
    _script("robyn", "Robyn (Rust)"),
    _script("blacksheep", "BlackSheep on uvicorn"),
    _script("falcon", "Falcon on uvicorn"),
    _script("starlette", "Starlette on uvicorn"),
    _script("litestar", "Litestar on uvicorn"),
    _script("fastapi", "FastAPI on uvicorn"),
    _script("sanic", "Sanic"),
    _script("aiohttp", "aiohttp"),
)
NAMES: Final = tuple(server.name for server in SERVERS)


class ServerFailed(Exception):
    """A server did not start, or did not give the expected answer."""


@contextmanager
def running(
    server: Server,
    core: int,
    *,
    path: str = "/",
    seconds: float = START_SECONDS,
    variables: dict[str, str] | None = None,
) -> Iterator[Running]:
    """Start `server` on `core`, wait until it answers a GET of `path`, and stop it when the block ends.

    Args:
        seconds: the time that it may take to start.
        variables: additions to its environment.

    Raises:
        ServerFailed: It ended at once, or did not answer in time.
    """
    port = free_port()
    argv = [sys.executable, *(argument.replace("PORT", str(port)) for argument in server.command)]
    with pinned(core):
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=APPS,
            env=os.environ | (variables or {}),
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(server, process, port, path, seconds)
        yield Running(server, process.pid, port)
    finally:
        _stop(process)


def start_all(
    stack: ExitStack,
    servers: Sequence[Server],
    core: int,
    *,
    path: str = "/",
    variables: dict[str, str] | None = None,
) -> list[Running]:
    """Start servers as `running` does, until `stack` ends; print the reason of each that does not start."""
    targets = []
    for server in servers:
        try:
            targets.append(stack.enter_context(running(server, core, path=path, variables=variables)))
        except ServerFailed as failure:
            print(f"  {failure}")
    return targets


def free_port() -> int:
    """Return a port of this machine that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(
    server: Server, process: subprocess.Popen[bytes], port: int, path: str, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while not _answers(port, path, is_tls=server.is_tls):
        if process.poll() is not None:
            raise ServerFailed(f"{server.title} did not start: it ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise ServerFailed(f"{server.title} did not start: it does not answer after {seconds:.0f} s")
        time.sleep(0.05)


def _answers(port: int, path: str, *, is_tls: bool) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    if is_tls:
        # The certificate is signed by nobody.
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=context)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # Workers that a server has left behind.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
