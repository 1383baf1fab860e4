"""An app on real ASGI hosts answers as it does at home; the hosts are installed by ``make test-apps``."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import pytest

from tests.processes import unmeasured_environ

FOLDER: Final = Path(__file__).parent
# The programs of the environment of `make test-apps`.
BIN: Final = Path(os.environ.get("TEST_APPS", ""))
pytestmark = pytest.mark.skipif(not BIN.name, reason="NOT RUN: no ASGI hosts; 'make test-apps' installs them")

TARGET: Final = "hosted_app:application"
HOSTS: Final = {
    "uvicorn": ("uvicorn", TARGET, "--port", "{port}"),
    "hypercorn": ("hypercorn", TARGET, "--bind", "127.0.0.1:{port}"),
    "granian": ("granian", TARGET, "--interface", "asgi", "--port", "{port}"),
    "daphne": ("daphne", TARGET, "--port", "{port}"),
}
HOME: Final = ("turnbuckle", "serve", "hosted_app:app", "--port", "{port}", "-p", "websocket")

_CHUNKED: Final = {"Transfer-Encoding": "chunked"}
# Of each server, or of its way to frame content.
_OF_SERVERS: Final = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
_FILE: Final = bytes(range(250)) * 4000


class Sent(NamedTuple):
    """A request as it is sent."""

    method: str
    target: str
    headers: Mapping[str, str] = MappingProxyType({})
    content: bytes = b""


REQUESTS: Final = [
    pytest.param(Sent("GET", "/"), id="json"),
    pytest.param(Sent("HEAD", "/"), id="head"),
    pytest.param(Sent("GET", "/?a=b%20c&d"), id="query"),
    pytest.param(Sent("GET", "/nowhere"), id="not-found"),
    pytest.param(Sent("GET", "/a%2Fb%20c"), id="escapes"),
    pytest.param(Sent("DELETE", "/"), id="method"),
    pytest.param(Sent("OPTIONS", "/"), id="options"),
    pytest.param(Sent("GET", "/items"), id="slash"),
    pytest.param(Sent("POST", "/echo", {"Content-Length": "3000"}, b"abc" * 1000), id="content"),
    pytest.param(Sent("POST", "/echo", {"Content-Length": "0"}, b""), id="no-content"),
    pytest.param(Sent("POST", "/echo", _CHUNKED, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), id="chunked"),
    pytest.param(Sent("POST", "/count", {"Content-Length": "900000"}, bytes(900_000)), id="upload"),
    pytest.param(Sent("POST", "/count", {"Content-Length": "1000001"}, bytes(1_000_001)), id="too-large"),
    pytest.param(Sent("GET", "/stream"), id="stream"),
    pytest.param(Sent("HEAD", "/stream"), id="head-of-stream"),
    pytest.param(Sent("GET", "/file"), id="file"),
    pytest.param(Sent("GET", "/file", {"Range": "bytes=100-199"}, b""), id="range"),
    pytest.param(Sent("HEAD", "/file"), id="head-of-file"),
    pytest.param(Sent("GET", "/fails"), id="error"),
    pytest.param(Sent("GET", "/cookies"), id="cookies"),
    pytest.param(Sent("GET", "/nothing"), id="nothing"),
    pytest.param(Sent("GET", "/", {"Host": "a/b"}, b""), id="host"),
]


@contextmanager
def running(command: tuple[str, ...], folder: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a server, and yield it with its port; it need not listen yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program, *arguments = (part.format(port=port) for part in command)
    environ = {**unmeasured_environ(), "HOSTED_APP_FOLDER": str(folder), "PYTHONPATH": str(FOLDER), **environ}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(BIN / program), *arguments],
            cwd=FOLDER,
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, port
    finally:
        # Granian has worker processes, which would go on without their parent.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_served(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    for _ in range(400):
        assert process.poll() is None, (folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError((folder / "log").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hosts")
    (folder / "file.bin").write_bytes(_FILE)
    os.utime(folder / "file.bin", (1, 1))
    return folder


@pytest.fixture(scope="module")
def home(folder: Path) -> Iterator[int]:
    with running(HOME, folder) as (process, port):
        wait_until_served(process, port, folder)
        yield port


class Host(NamedTuple):
    name: str
    port: int


@pytest.fixture(scope="module", params=HOSTS)
def host(request: pytest.FixtureRequest, folder: Path) -> Iterator[Host]:
    with running(HOSTS[request.param], folder) as (process, port):
        wait_until_served(process, port, folder)
        yield Host(request.param, port)


def connect(port: int, sent: Sent) -> socket.socket:
    fields = {"Host": "shop.example", "Connection": "close", **sent.headers}
    head = f"{sent.method} {sent.target} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in fields.items()
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(head.encode("ascii") + b"\r\n" + sent.content)
    return connection


def fetch(port: int, sent: Sent) -> tuple[object, ...]:
    """Return status, fields and content of a response."""
    with connect(port, sent) as connection:
        response = http.client.HTTPResponse(connection, method=sent.method)
        with closing(response):
            response.begin()
            body = response.read()
    fields = sorted((name.lower(), value) for name, value in response.getheaders())
    assert [name for name, _ in fields].count("date") <= 1
    return response.status, [field for field in fields if field[0] not in _OF_SERVERS], body


@pytest.mark.parametrize("sent", REQUESTS)
def test_host_answers_as_home_does(home: int, host: Host, sent: Sent) -> None:
    assert fetch(host.port, sent) == fetch(home, sent)


def test_host_cuts_a_response_that_breaks_off(host: Host) -> None:
    if host.name == "daphne":
        pytest.skip("Daphne leaves the connection open when an application raises within a response")
    with connect(host.port, Sent("GET", "/half")) as connection:
        response = http.client.HTTPResponse(connection)
        with closing(response):
            response.begin()
            with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
                response.read()


def test_client_that_leaves_is_noticed_and_does_not_fill_the_memory(host: Host) -> None:
    with connect(host.port, Sent("GET", "/wait")), connect(host.port, Sent("GET", "/endless")):
        time.sleep(0.5)
    for _ in range(100):
        _, _, ends = fetch(host.port, Sent("GET", "/ends"))
        if b"wait" in ends and b"endless" in ends:
            break
        time.sleep(0.1)
    assert b'"wait"' in ends
    # Daphne takes as much as an application makes.
    assert b'"endless, at most 32 MiB"' in ends or (host.name == "daphne" and b'"endless: ' in ends)


async def test_host_carries_websockets(host: Host) -> None:
    websockets = pytest.importorskip("websockets.asyncio.client")
    connecting = websockets.connect(
        f"ws://127.0.0.1:{host.port}/chat/a%20b", subprotocols=["soap", "chat"], origin=f"http://127.0.0.1:{host.port}"
    )
    async with connecting as client:
        assert client.subprotocol == "chat"
        # Granian and Daphne drop the fields.
        assert client.response.headers.get("X-Room") == (None if host.name in {"granian", "daphne"} else "a b")
        for message in ("text", b"bytes", "x" * 100_000):
            await client.send(message)
            assert await client.recv() == message
        await client.send("close")
        await client.wait_closed()
        assert (client.close_code, client.close_reason) in {(4001, "bye"), (4001, "")}


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}], ids=["handler", "origin"])
async def test_host_refuses_a_websocket(host: Host, headers: dict[str, str]) -> None:
    client = pytest.importorskip("websockets.asyncio.client")
    exceptions = pytest.importorskip("websockets.exceptions")
    path = "/chat/x" if headers else "/members"
    with pytest.raises(exceptions.InvalidStatus) as caught:
        async with client.connect(f"ws://127.0.0.1:{host.port}{path}", additional_headers=headers):
            await asyncio.sleep(0)
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize("name", [name for name in HOSTS if name != "daphne"])
def test_host_runs_the_lifespan(name: str, folder: Path) -> None:
    (folder / "stopped").unlink(missing_ok=True)
    with running(HOSTS[name], folder) as (process, port):
        wait_until_served(process, port, folder)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert (folder / "stopped").exists()


@pytest.mark.parametrize("name", [name for name in HOSTS if name != "daphne"])
def test_host_does_not_start_if_a_lifespan_fails(name: str, folder: Path) -> None:
    with running(HOSTS[name], folder, HOSTED_APP_FAILS="1") as (process, _):
        # Hypercorn exits with 0.
        assert process.wait(60) != 0 or name == "hypercorn"
    assert "no route to the database" in (folder / "log").read_text()


@pytest.mark.parametrize(
    "options", [("uvicorn", "--root-path"), ("hypercorn", "--root-path")], ids=lambda part: part[0]
)
def test_host_has_a_root_path(options: tuple[str, str], folder: Path) -> None:
    name, option = options
    with running((*HOSTS[name], option, "/shop"), folder) as (process, port):
        wait_until_served(process, port, folder)
        _, _, content = fetch(port, Sent("GET", "/"))
    assert b'"url":"http://shop.example/shop/","home":"/shop/"' in content
