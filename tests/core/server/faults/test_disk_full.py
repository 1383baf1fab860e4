"""Uploads to a full disk: a 507, a usable connection, and no file left behind or open."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from textwrap import dedent

import pytest

from tests.core.server.serving_in_memory import GET, post_head, serving
from turnbuckle import App, Request

from .leak_check import checking_for_leaks
from .server_process import ServerProcess, server_process, wait_for


def app_that_stores() -> App:
    app = App()

    @app.post("/store")
    async def store(request: Request) -> str:
        with await asyncio.to_thread(open, "/dev/full", "wb", buffering=0) as file:
            async for piece in request.stream():
                await asyncio.to_thread(file.write, piece)
        return "stored"

    @app.post("/store-by-name")
    async def store_whole(request: Request) -> str:
        await asyncio.to_thread(Path("/dev/full").write_bytes, await request.read())
        return "stored"

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    return app


@pytest.mark.parametrize("path", [b"/store", b"/store-by-name"])
async def test_content_that_cannot_be_stored_is_answered_so(path: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(app_that_stores().compile().handle) as served, checking_for_leaks(served, "/fine"):
        await served.send(post_head(4).replace(b"/", path, 1) + b"data")
        assert served.statuses == [507]
        await served.send(GET.replace(b"/", b"/fine", 1))
        assert served.statuses == [507, 200]
        await served.connection.half_close()
    assert "No space left on device" in caplog.text


async def test_content_that_cannot_be_stored_is_not_taken_to_its_end() -> None:
    async with serving(app_that_stores().compile().handle) as served, checking_for_leaks(served, "/fine"):
        received = await served.send(post_head(900_000).replace(b"/", b"/store", 1) + b"x" * 100_000)
        assert served.statuses == [507]
        assert b"\r\nConnection: close\r\n" in received
        assert served.is_closed
        await served.connection.half_close()


_CODE = """
    import resource, tempfile
    from turnbuckle import App, Request
    from turnbuckle.server.listen.addresses import BindAddress
    from turnbuckle.server.run.runner import run

    tempfile.tempdir = {folder!r}
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    app = App()
    kept = []

    @app.post("/")
    async def store(request: Request) -> str:
        kept.append(request)
        form = await request.form()
        return str(form.files["file"].size)

    @app.get("/")
    async def home() -> str:
        return "hello"

    run(app.compile(), BindAddress(port=0), loop="asyncio")
"""


def _form(size: int) -> bytes:
    part = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * size
    content = b"--b\r\n" + part + b"\r\n--b\r\n" + part + b"\r\n--b--\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(content) + content


def _upload(server: ServerProcess, size: int) -> bytes:
    with server.connect() as client:
        try:
            client.sendall(_form(size))
            return client.recv(65536).split(b"\r\n")[0]
        except ConnectionError:
            return b""


def test_form_that_cannot_be_spooled_leaves_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    with server_process(dedent(_CODE).format(folder=str(folder)), tmp_path) as server:
        at_rest = server.fds_at_rest()
        assert _upload(server, 5_000) == b"HTTP/1.1 200 OK"
        # The client may not be able to read the response before the server closes; the log contains it.
        for _ in range(3):
            assert _upload(server, 1_500_000) in {b"HTTP/1.1 507 Insufficient Storage", b""}
        wait_for(lambda: len(server.lines("File too large")) == 3, "the log to report it")
        assert server.ask().endswith(b"hello")
        # The request is kept, so no file is closed for want of a reference.
        wait_for(lambda: server.fds == at_rest, "the files to be closed")
        assert list(folder.iterdir()) == []
        assert server.lines("Exception ignored") == []
    assert server.popen.returncode == os.EX_OK
