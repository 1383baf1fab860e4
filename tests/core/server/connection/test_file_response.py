"""Tests of ``turnbuckle.server.connection.file_response``: files over real sockets."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority
from tests.core.server.polling import TIMEOUT, wait_until
from tests.core.server.serving_in_memory import GET, serving
from tests.core.server.threaded_server import LOOPS, threaded_server
from turnbuckle.server.connection import file_response
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.tls.context import TLS
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.file import File
from turnbuckle.web.response.response import Response

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files are sent in this way only on Linux")

CONTENT = os.urandom(1024) * 6 * 1024
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the calls of ``os.sendfile`` so far."""
    sizes: list[int] = []
    sendfile = os.sendfile

    def counted(out: int, file: int, offset: int, size: int) -> int:
        sizes.append(size)
        return sendfile(out, file, offset, size)

    monkeypatch.setattr(os, "sendfile", counted)
    return sizes


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return the event that a socket had no room for more of a file."""
    event, sendfile = threading.Event(), os.sendfile

    def noted(out: int, file: int, offset: int, size: int) -> int:
        try:
            return sendfile(out, file, offset, size)
        except BlockingIOError:
            event.set()
            raise

    monkeypatch.setattr(os, "sendfile", noted)
    return event


def read_answer(client: socket.socket) -> bytes:
    """Return the content of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, content = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    pieces = [content]
    length -= len(content)
    while length and (piece := client.recv(min(length, 65536))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("loop", LOOPS)
def test_file_is_sent_by_the_kernel(path: Path, calls: list[int], loop: str) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    with threaded_server(handle, loop=loop) as server, server.connect() as client:
        client.sendall(REQUEST)
        assert read_answer(client) == CONTENT
        # Two more in a pipeline: the connection goes on, and the order holds.
        client.sendall(2 * REQUEST)
        assert read_answer(client) == CONTENT
        assert read_answer(client) == CONTENT
    assert sum(calls) >= 3 * len(CONTENT)


def ask(*fields: bytes) -> bytes:
    """Return a request with more fields."""
    return b"".join([b"GET / HTTP/1.1\r\nHost: a\r\n", *(field + b"\r\n" for field in fields), b"\r\n"])


@pytest.mark.parametrize("loop", LOOPS)
def test_range_of_a_file_is_sent_by_the_kernel(path: Path, calls: list[int], loop: str) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    with threaded_server(handle, loop=loop) as server, server.connect() as client:
        client.sendall(ask(b"Range: bytes=1000001-5000000"))
        assert read_answer(client) == CONTENT[1_000_001:5_000_001]
        client.sendall(ask(b"Range: bytes=-3"))
        assert read_answer(client) == CONTENT[-3:]
        client.sendall(ask())
        assert read_answer(client) == CONTENT
        assert max(calls) <= 512 * 1024
        calls.clear()
        client.sendall(ask(b"Range: bytes=0-999999,2000000-2999999"))
        several = read_answer(client)
        assert CONTENT[:1_000_000] in several
        assert CONTENT[2_000_000:3_000_000] in several
    assert not calls


def test_several_ranges_of_a_file_that_shrinks_cut_the_connection(path: Path) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    with threaded_server(handle) as server, server.connect() as client:
        client.sendall(ask(b"Range: bytes=0-9,10-"))
        assert client.recv(1)
        os.truncate(path, 5)
        received = 1
        while piece := client.recv(65536):
            received += len(piece)
        assert received < len(CONTENT)


@pytest.mark.parametrize("loop", LOOPS)
def test_one_response_is_sent_to_several_clients_at_a_time(path: Path, blocked: threading.Event, loop: str) -> None:
    response = File(path)

    async def handle(request: Request) -> Response:
        return response

    with threaded_server(handle, loop=loop) as server, server.connect() as slow:
        slow.sendall(REQUEST)
        assert blocked.wait(TIMEOUT)
        with server.connect() as quick:
            quick.sendall(ask(b"Range: bytes=5-9"))
            assert read_answer(quick) == CONTENT[5:10]
            quick.sendall(REQUEST)
            assert read_answer(quick) == CONTENT
        assert read_answer(slow) == CONTENT


@pytest.mark.parametrize("loop", LOOPS)
def test_ranges_over_tls(path: Path, tmp_path: Path, calls: list[int], loop: str) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    authority = Authority(tmp_path)
    cert, key = authority.issue("localhost")
    with (
        threaded_server(handle, loop=loop, tls=TLS(cert=cert, key=key)) as server,
        authority.client_context().wrap_socket(server.connect(), server_hostname="localhost") as client,
    ):
        client.sendall(ask(b"Range: bytes=1000001-5000000"))
        assert read_answer(client) == CONTENT[1_000_001:5_000_001]
        client.sendall(ask(b"Range: bytes=0-999999,2000000-2999999"))
        assert CONTENT[2_000_000:3_000_000] in read_answer(client)
        client.sendall(ask())
        assert read_answer(client) == CONTENT
    assert not calls


def test_range_that_is_cut_short_leaves_nothing_open(path: Path) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    before = len(os.listdir("/dev/fd"))
    with threaded_server(handle) as server:
        for field in (b"Range: bytes=5-", b"Range: bytes=5-2000000,2000005-5000000"):
            with server.connect() as client:
                client.sendall(ask(field))
                client.recv(1)
        assert server.has_no_connections()
    assert len(os.listdir("/dev/fd")) <= before


def test_range_of_a_file_that_shrinks_cuts_the_connection(path: Path, blocked: threading.Event) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    with threaded_server(handle) as server, server.connect() as client:
        client.sendall(ask(b"Range: bytes=10-"))
        assert blocked.wait(TIMEOUT)
        os.truncate(path, 5)
        # The kernel may have made zeros of the bytes that were on their way.
        assert len(read_answer(client)) < len(CONTENT) - 10


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_takes_ranges_and_resumes(path: Path, tmp_path: Path) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    target = tmp_path / "copy"
    with threaded_server(handle) as server:
        url = server.server.addresses[0].url
        curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", str(TIMEOUT)]
        part = subprocess.run([*curl, "-r", "100-299", url], check=True, stdout=subprocess.PIPE).stdout
        assert part == CONTENT[100:300]
        target.write_bytes(CONTENT[:1_000_000])
        subprocess.run([*curl, "-C", "-", "-o", target, url], check=True)
        assert target.read_bytes() == CONTENT
        etag = tmp_path / "etag"
        for size in (len(CONTENT), 0):
            target.write_bytes(b"")
            subprocess.run([*curl, "--etag-save", etag, "--etag-compare", etag, "-o", target, url], check=True)
            assert target.stat().st_size == size


@pytest.mark.parametrize("loop", LOOPS)
def test_file_waits_for_a_slow_reader(path: Path, blocked: threading.Event, loop: str) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    with threaded_server(handle, loop=loop) as server, server.connect() as client:
        client.sendall(REQUEST)
        assert blocked.wait(TIMEOUT)
        assert read_answer(client) == CONTENT


@pytest.mark.parametrize("loop", LOOPS)
def test_file_to_a_peer_that_goes_away_leaves_nothing_open(path: Path, loop: str) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    with threaded_server(handle, loop=loop) as server:
        with server.connect() as client:
            client.sendall(REQUEST)
            client.recv(1)
        assert server.has_no_connections()
        before = len(os.listdir("/dev/fd"))
        for _ in range(5):
            with server.connect() as client:
                client.sendall(REQUEST)
                client.recv(1)
        assert server.has_no_connections()
        closed = wait_until(lambda: len(os.listdir("/dev/fd")) <= before)
        asyncio.run_coroutine_threadsafe(closed, server.loop).result(TIMEOUT)
        assert len(os.listdir("/dev/fd")) <= before


@pytest.mark.parametrize("loop", LOOPS)
def test_peer_that_does_not_read_a_file_is_cut_off(path: Path, loop: str) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    with threaded_server(handle, loop=loop, timeouts=Timeouts(write=0.2)) as server, server.connect() as client:
        client.sendall(REQUEST)
        assert server.has_no_connections()


def test_peer_that_reads_a_file_too_slowly_is_cut_off(path: Path, blocked: threading.Event) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    timeouts = Timeouts(write=0.3, write_rate=1_000_000_000)
    with threaded_server(handle, timeouts=timeouts) as server, server.connect() as client:
        client.sendall(REQUEST)
        received = 0
        while piece := client.recv(65536):
            received += len(piece)
            # As slow as possible: the next piece is read when the socket is full again.
            blocked.wait(0.01)
            blocked.clear()
        assert received < len(CONTENT)
        assert server.has_no_connections()


def test_file_that_shrinks_cuts_the_connection(path: Path) -> None:
    async def handle(request: Request) -> Response:
        response = File(path)
        os.truncate(path, 5)
        return response

    with threaded_server(handle) as server, server.connect() as client:
        client.sendall(REQUEST)
        assert read_answer(client) == CONTENT[:5]


@pytest.mark.parametrize("loop", LOOPS)
def test_file_that_is_not_in_memory_is_read_in_a_thread(
    path: Path, calls: list[int], monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    monkeypatch.setattr(file_response, "is_in_memory", lambda *_: False)
    with threaded_server(handle, loop=loop) as server, server.connect() as client:
        client.sendall(REQUEST)
        assert read_answer(client) == CONTENT
    assert calls


def test_file_is_read_if_the_kernel_cannot_send_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "no such pair")

    monkeypatch.setattr(os, "sendfile", refuse)
    with threaded_server(handle) as server, server.connect() as client:
        client.sendall(REQUEST)
        assert read_answer(client) == CONTENT


async def test_file_is_read_for_a_transport_without_a_socket(path: Path, calls: list[int]) -> None:
    async def handle(request: Request) -> Response:
        return File(path)

    async with serving(handle) as served:
        await served.connection.send(GET)
        async with asyncio.timeout(TIMEOUT):
            # The file is opened in a thread, for which the transport does not wait.
            while not served.connection.received.endswith(CONTENT[-1024:]):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert served.connection.received.endswith(CONTENT)
    assert not calls
