"""A plain ``def`` handler reads content in its worker thread, and never waits without an end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from turnbuckle import App, ConnectionLost, HTTPServer, ProtocolError, Request
from turnbuckle.http.events import RequestHead
from turnbuckle.server.run.shutdown import TrackedThreadPool
from turnbuckle.testing import Client
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.sync import call_on_loop

_MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n' + b"z" * 600_000 + b"\r\n--x--\r\n"
)


def _read_all(request: Request) -> object:
    match request.headers.get("x-as"):
        case "json":
            return {"json": request.sync.json()}
        case "text":
            return request.sync.text()
        case "form":
            return dict(request.sync.form().items())
        case "file":
            return str(len(request.sync.form().files["file"].file.read()))
        case "stream":
            return b"".join(request.sync.stream())
        case _:
            return request.sync.read()


def _app(handler: Callable[..., object] = _read_all, **settings: object) -> App:
    app = App(settings=settings)
    app.post("/")(handler)
    return app


@pytest.mark.parametrize(
    ("kind", "content", "content_type", "expected"),
    [
        ("json", b"[1]", "application/json", '{"json":[1]}'),
        ("text", "ä".encode("latin-1"), "text/plain; charset=latin-1", "ä"),
        ("form", b"a=1&b=2", "application/x-www-form-urlencoded", '{"a":"1","b":"2"}'),
        ("file", _MULTIPART, "multipart/form-data; boundary=x", "600000"),
        ("stream", b"abc", "text/plain", "abc"),
        ("read", b"", "text/plain", ""),
    ],
)
async def test_content_is_read(kind: str, content: bytes, content_type: str, expected: str) -> None:
    async with Client(_app()) as client:
        headers = {"X-As": kind, "Content-Type": content_type}
        assert (await client.post("/", content=content, headers=headers)).text == expected


async def test_content_may_be_read_again() -> None:
    def twice(request: Request) -> list[object]:
        return [request.sync.json(), request.sync.text(), request.sync.json()]

    async with Client(_app(twice)) as client:
        assert (await client.post("/", content=b"1")).json() == [1, "1", 1]


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [("read", b"123456", 413), ("json", b"12345", 413), ("json", b"{", 400), ("form", b"x", 415)],
)
async def test_mistakes_of_clients_have_the_usual_status(kind: str, content: bytes, status: int) -> None:
    async with Client(_app(limits={"content": 5, "json": 4})) as client:
        assert (await client.post("/", content=content, headers={"X-As": kind})).status == status


async def test_limits_of_the_route_apply() -> None:
    app = App()
    app.post("/", limits={"content": 5})(_read_all)
    async with Client(app) as client:
        assert (await client.post("/", content=b"12345")).status == 200
        assert (await client.post("/", content=b"123456")).status == 413


@pytest.mark.parametrize("name", ["read", "text", "json", "form"])
async def test_call_on_the_loop_is_an_error(name: str) -> None:
    async def handler(request: Request) -> object:
        return getattr(request.sync, name)()

    async with Client(_app(handler)) as client:
        with pytest.raises(RuntimeError, match=rf"request\.sync\.{name}\(\) .* write 'await request\.{name}\(\)'"):
            await client.post("/", content=b"1")


async def test_stream_on_the_loop_is_an_error() -> None:
    async def handler(request: Request) -> bytes:
        return b"".join(request.sync.stream())

    async with Client(_app(handler)) as client:
        with pytest.raises(RuntimeError, match=r"'async for' with request\.stream\(\)"):
            await client.post("/", content=b"1")


async def test_request_without_a_server_is_an_error() -> None:
    head = RequestHead(method=b"GET", target=b"/", minor_version=1, fields=(), keep_alive=True)
    request = Request(head, None, Peer(client=None, server=None))
    with pytest.raises(RuntimeError, match="needs the event loop of a server"):
        await asyncio.to_thread(request.sync.read)


async def test_names_of_other_frameworks_have_a_hint() -> None:
    async with Client(_app(lambda request: request.sync.body())) as client:
        with pytest.raises(AttributeError, match=r"request\.sync\.read\(\) returns the content"):
            await client.post("/", content=b"1")


async def test_forgotten_await_in_a_plain_def_has_a_hint() -> None:
    def handler(request: Request) -> object:
        return request.json()["a"]  # type: ignore[index]  # the mistake under test

    async with Client(_app(handler)) as client:
        with pytest.warns(RuntimeWarning, match="never awaited"), pytest.raises(TypeError) as caught:
            await client.post("/", content=b"{}")
    assert "a plain 'def' cannot await: write request.sync.json(), or 'async def'" in caught.value.__notes__


# -- slow clients, over real sockets


class _Ends:
    """The ends of calls in threads: results and exceptions."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.begun, self.ended = threading.Event(), threading.Event()

    def handler(self, request: Request) -> str:
        self.begun.set()
        try:
            self.seen.append(request.sync.read())
        except BaseException as error:
            self.seen.append(error)
            raise
        finally:
            self.ended.set()
        return "read"

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 5)

    async def has_ended(self) -> object:
        assert await asyncio.to_thread(self.ended.wait, 5)
        return self.seen[0]


@asynccontextmanager
async def _serving(app: App) -> AsyncIterator[HTTPServer]:
    asyncio.get_running_loop().set_default_executor(TrackedThreadPool())
    async with HTTPServer(app.compile(), port=0) as server:
        yield server


async def _connect(server: HTTPServer, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(server.addresses[0].host, server.addresses[0].port)
    writer.write(data)
    return reader, writer


_HALF = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab"


async def test_slow_content_is_awaited() -> None:
    ends = _Ends()
    async with _serving(_app(ends.handler)) as server:
        reader, writer = await _connect(server, _HALF)
        await ends.has_begun()
        writer.write(b"cd")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert ends.seen == [b"abcd"]


async def test_too_slow_content_is_408() -> None:
    ends = _Ends()
    async with _serving(_app(ends.handler, timeouts={"content": 0.1, "content_rate": 0})) as server:
        reader, writer = await _connect(server, _HALF)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


@pytest.mark.parametrize("cancel", [False, True])
async def test_disconnect_ends_the_wait(cancel: bool) -> None:
    ends = _Ends()
    async with _serving(_app(ends.handler, server={"cancel_on_disconnect": cancel})) as server:
        _, writer = await _connect(server, _HALF)
        await ends.has_begun()
        writer.transport.abort()
        assert isinstance(await ends.has_ended(), ConnectionLost | ProtocolError)


async def test_deadline_of_the_handler_ends_the_wait() -> None:
    ends = _Ends()
    async with _serving(_app(ends.handler, timeouts={"handler": 0.1})) as server:
        reader, writer = await _connect(server, _HALF)
        assert b"HTTP/1.1 503 " in await reader.read(1000)
        assert isinstance(await ends.has_ended(), ConnectionLost)
        writer.close()


async def test_stop_ends_the_wait() -> None:
    ends = _Ends()
    async with _serving(_app(ends.handler, timeouts={"shutdown": 0.1})) as server:
        _, writer = await _connect(server, _HALF)
        await ends.has_begun()
    assert isinstance(await ends.has_ended(), ConnectionLost)
    writer.close()


async def test_waiting_threads_do_not_delay_other_handlers() -> None:
    ends, app = _Ends(), App()
    app.post("/")(ends.handler)
    app.get("/")(lambda request: "quick")
    async with _serving(app) as server:
        slow = [await _connect(server, _HALF) for _ in range(50)]
        reader, writer = await _connect(server, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"quick")
        for _, other in (*slow, (reader, writer)):
            other.transport.abort()


async def test_large_uploads_at_a_time_end() -> None:
    app = App()
    app.post("/")(_read_all)
    head = (
        b"POST / HTTP/1.1\r\nHost: a\r\nX-As: file\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(_MULTIPART)
    )
    async with _serving(app) as server:
        clients = [await _connect(server, head + _MULTIPART) for _ in range(20)]
        for reader, writer in clients:
            assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"600000")
            writer.close()


async def test_call_on_a_closed_loop_is_an_error() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(ConnectionLost, match="the server has stopped"):
        await asyncio.to_thread(call_on_loop, loop, lambda: None)


def test_pool_has_as_many_threads_as_the_settings_say() -> None:
    pool = TrackedThreadPool(3)
    try:
        assert pool._max_workers == 3
    finally:
        pool.shutdown()


def test_pool_adds_a_thread_beside_one_that_waits() -> None:
    pool, is_queued, is_waiting, may_end = TrackedThreadPool(1), *(threading.Event() for _ in range(3))

    def wait() -> bool:
        pool.begin_wait()
        is_waiting.set()
        try:
            return may_end.wait(5)
        finally:
            pool.end_wait()

    try:
        # The second call is queued behind the first one: the thread is not idle in between.
        calls = [pool.submit(is_queued.wait, 5), pool.submit(bool)]
        is_queued.set()
        assert [call.result(5) for call in calls] == [True, False]
        waiting = pool.submit(wait)
        assert is_waiting.wait(5)
        assert pool.submit(int).result(4) == 0
        may_end.set()
        assert waiting.result(5)
    finally:
        may_end.set()
        pool.shutdown()
