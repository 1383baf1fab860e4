"""Tests of ``turnbuckle_plugins.wsgi``."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from turnbuckle import App
from turnbuckle.testing import Client

pytest.importorskip("a2wsgi")


def hosting(app: Any, path: str = "/old", **config: Any) -> App:
    outer = App(plugins=[("wsgi", config)])
    outer.mount(path, app)
    return outer


def describing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "CONTENT_LENGTH")
    content = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain; charset=latin-1"), ("X-A", "1"), ("X-A", "2")])
    lines = [f"{name}={environ.get(name)}" for name in names]
    lines += [f"{name}={value}" for name, value in environ.items() if name.startswith(("HTTP_X", "HTTP_P"))]
    return ["\n".join([*lines, str(len(content))]).encode("latin-1")]


async def test_environ_describes_the_request() -> None:
    fields = {"X-Name": "a", "X_Name": "forged", "Proxy": "evil"}
    async with Client(hosting(describing)) as client:
        response = await client.post("/old/%C3%A9/a%2Fb%FF?q=%20", headers=fields, content=b"x" * 5000)
    assert response.headers.get_list("x-a") == ["1", "2"]
    assert response.content.decode("latin-1").splitlines() == [
        "REQUEST_METHOD=POST",
        "SCRIPT_NAME=/old",
        "PATH_INFO=/\xc3\xa9/a/b\xff",
        "QUERY_STRING=q=%20",
        "REQUEST_URI=/old/%C3%A9/a%2Fb%FF?q=%20",
        "CONTENT_LENGTH=5000",
        "HTTP_X_NAME=a",
        "5000",
    ]


async def test_content_without_a_length_and_a_streamed_response() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        for line in environ["wsgi.input"]:
            yield line.upper()

    async def lines() -> Any:
        for number in range(100):
            yield b"line %d\n" % number

    async with Client(hosting(app)) as client:
        content = (await client.post("/old", content=lines())).content
    assert content == b"".join(b"LINE %d\n" % number for number in range(100))


async def test_exception_is_an_exception_of_the_handler() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ValueError("broken")

    outer = hosting(app)

    @outer.error_handler(ValueError)
    async def answer(request: Any, error: ValueError) -> str:
        return f"handled {error}"

    async with Client(outer) as client:
        assert (await client.get("/old")).text == "handled broken"


async def test_message_that_cannot_be_sent_is_the_logged_fault(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[Any]:
        start_response("200 OK", [])
        return ["text"]

    async with Client(hosting(app)) as client:
        with pytest.raises(Exception, match="with a body of type str, which is no bytes"):
            await client.get("/old")
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_threads_are_bounded() -> None:
    lock, gate = threading.Lock(), threading.Event()
    running: list[int] = [0, 0]

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with lock:
            running[0] += 1
            running[1] = max(running)
            if running[1] == 2:
                gate.set()
        gate.wait(5)
        with lock:
            running[0] -= 1
        start_response("200 OK", [])
        return [threading.current_thread().name.encode()]

    import asyncio

    async with Client(hosting(app, threads=2)) as client:
        responses = await asyncio.gather(*(client.get("/old") for _ in range(6)))
    assert {response.status for response in responses} == {200}
    assert running[1] == 2
    assert all(response.text.startswith("turnbuckle-wsgi") for response in responses)


async def test_thread_ends_when_the_client_has_gone(caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ended.set()

    async with Client(hosting(app)) as client:
        connection = client.connect()
        connection.pause_reading()
        await connection.send(b"GET /old HTTP/1.1\r\nHost: x\r\n\r\n", settle=False)
        await connection.until(lambda: connection.undelivered > 0 or connection.unread > 0)
        await connection.reset()
        import asyncio

        assert await asyncio.to_thread(ended.wait, 5)
    gc.collect()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_websocket_offer_is_ignored() -> None:
    async with Client(hosting(describing)) as client:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert (await client.get("/old", headers=headers)).status == 200
