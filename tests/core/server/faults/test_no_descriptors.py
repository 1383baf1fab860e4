"""A server without a free file descriptor for another connection: it waits, logs one line, and recovers."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from .server_process import server_process, wait_for

_CODE = """
    import os, resource
    from turnbuckle import App
    from turnbuckle.server.listen.addresses import BindAddress
    from turnbuckle.server.run.runner import run

    app = App()

    @app.lifespan
    async def leave_few():
        most = len(os.listdir("/proc/self/fd")) + 16
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        yield

    @app.get("/")
    async def home() -> str:
        return "hello"

    run(app.compile(), BindAddress(port=0), loop={loop!r})
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_server_without_descriptors_recovers(loop: str, tmp_path: Path) -> None:
    with server_process(dedent(_CODE).format(loop=loop), tmp_path) as server:
        at_rest = server.fds_at_rest()
        with ExitStack() as clients:
            for _ in range(60):
                clients.enter_context(server.connect())
            wait_for(lambda: server.lines("cannot accept"), "a complaint")
        assert server.ask().endswith(b"hello")
        wait_for(lambda: server.fds == at_rest, "the connections to be closed")
        assert len(server.lines("cannot accept connections, trying again: Too many open files")) == 1
        assert server.lines("Traceback") == []
    assert server.popen.returncode == os.EX_OK


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_server_without_descriptors_drops_no_connection(loop: str, tmp_path: Path) -> None:
    with server_process(dedent(_CODE).format(loop=loop), tmp_path) as server, ExitStack() as waiting:
        clients = [waiting.enter_context(server.connect()) for _ in range(60)]
        wait_for(lambda: server.lines("cannot accept"), "a complaint")
        for client in clients:
            # Each that is answered makes room for one that waits.
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answers = [b"".join(iter(lambda one=client: one.recv(65536), b"")) for client in clients]
    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}


_FEW = """
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
    from turnbuckle import App
    from turnbuckle.server.listen.addresses import BindAddress
    from turnbuckle.server.run.runner import run

    app = App()

    @app.get("/")
    async def home() -> str:
        files = [open("/dev/null") for _ in range(16)]
        for file in files:
            file.close()
        return "hello"

    run(app.compile(), BindAddress(port=0), loop={loop!r})
"""


@pytest.mark.parametrize("limit", [64, 128, 256])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_server_with_few_files_answers_503_and_leaves_some_to_the_app(loop: str, limit: int, tmp_path: Path) -> None:
    with server_process(dedent(_FEW).format(loop=loop, limit=limit), tmp_path) as server, ExitStack() as clients:
        assert len(server.lines("suffice for")) == 1
        first = clients.enter_context(server.connect())
        first.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"hello" in first.recv(65536)
        others = [clients.enter_context(server.connect()) for _ in range(limit + 32)]
        # Only some connections are answered with 503 at a time; further ones are closed without an answer.
        answers = (client.recv(65536) for client in reversed(others))
        assert b" 503 " in next(filter(None, answers))
        first.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"hello" in first.recv(65536)
        assert server.lines("cannot accept") == []
        assert server.lines("Traceback") == []
