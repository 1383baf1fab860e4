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
    argv = [sys.executable, "-m", "bench.faults", "500", *options]
    done = subprocess.run(argv, cwd=ROOT, env=unmeasured_environ(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("nothing leaked\n")
