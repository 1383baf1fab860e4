"""Clients that are gone when the server writes to their real sockets, and many clients that fail in different ways."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.server.polling import wait_until
from tests.core.server.threaded_server import LOOPS, threaded_server
from tests.processes import unmeasured_environ
from turnbuckle import App, HTTPServer, Request, Response

RESET = struct.pack("ii", 1, 0)
ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("resets", [True, False])
@pytest.mark.parametrize("streams", [True, False])
async def test_client_that_is_gone_before_it_is_answered_is_not_logged(
    resets: bool, streams: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app, client = App(), socket.socket()
    caplog.set_level(logging.WARNING)

    @app.post("/")
    async def home(request: Request) -> Response:
        if resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
        return Response(request.stream() if streams else "too late", headers={"Connection": "close"})

    async with HTTPServer(app.compile(), port=0) as server:
        before = asyncio.all_tasks()
        client.connect((server.addresses[0].host, server.addresses[0].port))
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf")
        state = server._state
        assert state is not None
        await wait_until(lambda: client.fileno() == -1 and not state.connections.open and asyncio.all_tasks() <= before)
    assert caplog.messages == []


@pytest.mark.parametrize("options", [["--loop", "asyncio"], ["--loop", "uvloop", "--cancel"]])
def test_many_faulty_connections_leave_nothing(options: list[str]) -> None:
    argv = [sys.executable, "-m", "bench.robustness.faults", "500", *options]
    done = subprocess.run(argv, cwd=ROOT, env=unmeasured_environ(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("nothing leaked\n")


@pytest.mark.parametrize("loop", LOOPS)
def test_connection_that_is_closed_when_its_buffer_empties_is_closed_once(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(request: Request) -> Response:
        return Response(b"x" * 8_000_000)

    with threaded_server(handle, loop=loop) as server, server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbad\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(65536), b""))
        assert server.has_no_connections()
    assert (received.count(b"HTTP/1.1 200"), received.count(b"HTTP/1.1 400")) == (1, 1)
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
