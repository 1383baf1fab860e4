"""Bound the number of Python calls that one request costs, from its bytes to a connection that waits for the next.

A call costs about as much as the work that most functions of the hot path do, so the number of calls is the part of
the speed that a test can check: it does not depend on the machine. Calls within asyncio are not counted (they differ
from one version of Python to the next), nor are the handlers and the transport of these tests.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

import attrs
import pytest

from turnbuckle import App, Request, Response
from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.clock import SystemClock

# The first requests of a connection fill some tables.
_REQUESTS: Final = 4

# The modules with which asyncio waits and keeps its tasks.
_OF_ASYNCIO: Final = ("/asyncio/", "/selectors.py", "/_weakrefset.py")

_TESTS: Final = str(Path(__file__).parents[3])

_STATIC: Final = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
_PARAMETER: Final = b"GET /u/7 HTTP/1.1\r\nHost: a.example\r\n\r\n"
_TYPED: Final = (
    b"POST /notes/7?page=3 HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n"
    b'Content-Length: 12\r\n\r\n{"name":"a"}'
)
_POST: Final = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"


async def _hello(request: Request) -> Response:
    return Response("hello")


async def _echo(request: Request) -> Response:
    return Response(await request.read())


async def _pass_on(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    return await call_next(request)


@attrs.frozen
class _New:
    name: str


async def _create(id: int, new: _New, page: int = 1) -> _New:
    return new


def _typed_app() -> App:
    app = App()
    app.post("/notes/{id:int}", status=201)(_create)
    return app


def _app(*, middleware: bool = False) -> App:
    app = App()
    app.get("/")(_hello)
    app.post("/")(_echo)
    app.get("/u/{id:int}")(_hello)
    if middleware:
        app.middleware(_pass_on)
    return app


class _Transport(asyncio.Transport):
    """A transport that drops the written bytes and counts the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.written = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes += 1
        self.written.set()

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.1", 5000) if name in {"peername", "sockname"} else None

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        pass


async def _calls(app: App, data: bytes) -> list[CodeType]:
    """Return the functions that the last of some equal requests on one connection calls, in order."""
    loop = asyncio.get_running_loop()
    connection = HTTPConnection(ServerState(app.compile(), SystemClock(loop), loop))
    transport = _Transport()
    connection.connection_made(transport)
    calls: list[CodeType] = []

    def record(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            calls.append(frame.f_code)

    for number in range(1, _REQUESTS + 1):
        calls.clear()
        transport.written.clear()
        sys.setprofile(record)
        try:
            connection.data_received(data)
            await transport.written.wait()
            # The task of the request ends in the turn in which it writes.
            await asyncio.sleep(0)
        finally:
            sys.setprofile(None)
        assert transport.writes == number
    connection.abort()
    connection.connection_lost(None)
    return [code for code in calls if not _is_test(code) and not _is_of_asyncio(code)]


def _is_test(code: CodeType) -> bool:
    return code.co_filename.startswith(_TESTS)


def _is_of_asyncio(code: CodeType) -> bool:
    return any(name in code.co_filename for name in _OF_ASYNCIO)


# Two more than were counted on CPython 3.11. Later versions inline comprehensions, and start a task without the loop.
_BOUNDS: Final = [
    pytest.param(_app(), _STATIC, 25 + 2, id="get"),
    pytest.param(_app(), _PARAMETER, 26 + 2, id="get-with-parameter"),
    pytest.param(_app(middleware=True), _PARAMETER, 28 + 2, id="get-with-middleware"),
    pytest.param(_app(), _POST, 33 + 2, id="post-read"),
    pytest.param(_typed_app(), _TYPED, 52 + 2, id="path-query-and-json"),
]


@pytest.mark.parametrize(("app", "data", "most"), _BOUNDS)
async def test_request_costs_few_calls(app: App, data: bytes, most: int) -> None:
    calls = await _calls(app, data)
    assert len(calls) <= most, "\n".join(f"{code.co_filename}: {code.co_qualname}" for code in calls)


@pytest.mark.parametrize("data", [pytest.param(_PARAMETER, id="get"), pytest.param(_POST, id="post")])
async def test_request_calls_no_hook_and_nothing_of_startup(data: bytes) -> None:
    calls = await _calls(_app(middleware=True), data)
    names = [code.co_filename for code in calls]
    assert any("/turnbuckle/server/connection/" in name for name in names)
    assert [name for name in names if "/turnbuckle/startup/" in name or "/pluggy/" in name] == []
