"""A server that is asked to stop ends, whatever its handlers do."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from .server_process import TIMEOUT, server_process, wait_for

APP = """
import asyncio, threading
from turnbuckle import App, Request

app = App(settings={"timeouts": {"shutdown": 0.2, "last_request": 0.1}, "server": {"port": 0}})

@app.get("/deaf")
async def deaf(request: Request) -> str:
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass

@app.get("/asleep")
def asleep(request: Request) -> str:
    threading.Event().wait()

@app.get("/late")
async def late(request: Request) -> str:
    try:
        await asyncio.sleep(600)
    finally:
        asyncio.get_running_loop().create_task(asyncio.sleep(600))
        raise ValueError("too late")
"""

SERVE = """
import sys
from turnbuckle.cli import main

sys.argv = ["turnbuckle", "serve", {path!r}, "--loop", {loop!r}]
main()
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("path", ["/deaf", "/asleep", "/late"])
def test_server_ends_despite_its_handlers(path: str, loop: str, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    with server_process(SERVE.format(path=str(app), loop=loop), tmp_path, is_measured=True) as process:
        client = process.connect()
        client.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n" % path.encode())
        probe = process.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b" 404 " in probe
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(TIMEOUT) == 0
        client.close()
    wait_for(lambda: process.lines("stopped"), "the last line")


def test_stop_reports_threads_that_are_left(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    with server_process(SERVE.format(path=str(app), loop="asyncio"), tmp_path) as process, process.connect() as client:
        client.sendall(b"GET /asleep HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 404 " in process.ask()
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(TIMEOUT) == 0
    assert process.lines("threads of handlers or plugins are still running")
