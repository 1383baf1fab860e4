"""The reaction of every state to every event, and the table of transitions."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import attrs
import pytest

from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.connection import base
from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.connection_state import TRANSITIONS, ConnectionState
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.upgrade import SwitchProtocols

_GET: Final = b"GET %b HTTP/1.1\r\nHost: a.example\r\n\r\n"
_POST: Final = b"POST %b HTTP/1.1\r\nHost: a.example\r\nContent-Length: 8\r\n\r\nhalf"
_UPGRADE: Final = b"GET /switch HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n"


class _Clock:
    """A clock that a test sets, without timers: the tests call ``expire`` themselves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> _Clock:
        return self

    def cancel(self) -> None:
        pass


class _Transport(asyncio.Transport):
    """A transport that drops its data, and never calls ``connection_lost``.

    Attributes:
        pauses: called at each write.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pauses: Callable[[], None] | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.pauses is not None:
            self.pauses()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: object = None) -> object:
        return None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


@attrs.frozen(eq=False)
class _Case:
    """A connection, and the gate that its handlers wait at."""

    connection: HTTPConnection
    clock: _Clock
    gate: asyncio.Event

    async def send(self, data: bytes) -> None:
        self.connection.data_received(data)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def _connect(timeouts: Timeouts | None = None) -> _Case:
    gate = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"
        await gate.wait()

    async def handle(request: Request) -> Response:
        match request.path:
            case "/stream":
                return Response(pieces())
            case "/switch":
                return SwitchProtocols("other", asyncio.Protocol)
            case "/last":
                return Response("bye", headers={"Connection": "close"})
            case "/wait":
                await gate.wait()
        return Response("hello")

    application = Application(
        handle=handle,
        parser_factory=H1ParserFactory(),
        timeouts=timeouts or Timeouts(handler=60),
    )
    clock = _Clock()
    connection = HTTPConnection(ServerState(application, clock, asyncio.get_running_loop()))
    connection.connection_made(_Transport())
    return _Case(connection, clock, gate)


async def _reach(state: ConnectionState) -> _Case:
    """Return a connection in the given state."""
    case = await _connect()
    connection = case.connection
    match state:
        case ConnectionState.IDLE:
            await case.send(_GET % b"/")
        case ConnectionState.HANDLING:
            await case.send(_GET % b"/wait")
        case ConnectionState.SENDING:
            await case.send(_GET % b"/stream")
        case ConnectionState.FLUSHING:
            connection.pause_writing()
            await case.send(_GET % b"/")
        case ConnectionState.DROPPING:
            await case.send(_POST % b"/")
        case ConnectionState.LINGERING:
            await case.send(b"nonsense\r\n\r\n")
        case ConnectionState.CLOSING:
            connection.close()
        case ConnectionState.CLOSED:
            connection.connection_lost(None)
        case ConnectionState.SWITCHED:
            await case.send(_UPGRADE)
        case ConnectionState.YIELDING:
            await case.send(_GET % b"/")
            connection._end_turn()
    assert connection.state is state
    return case


async def _data(case: _Case) -> None:
    await case.send(_GET % b"/")


async def _part(case: _Case) -> None:
    await case.send(b"GET / H")


async def _content(case: _Case) -> None:
    await case.send(b"half")


async def _eof(case: _Case) -> None:
    case.connection.eof_received()
    await case.settle()


async def _deadline(case: _Case) -> None:
    case.clock.now += 1000
    case.connection.expire(case.clock.now)
    await case.settle()


async def _handler_ends(case: _Case) -> None:
    case.gate.set()
    await case.settle()


async def _resume(case: _Case) -> None:
    case.connection.resume_writing()
    await case.settle()


async def _drain(case: _Case) -> None:
    case.connection.disable_keep_alive()
    case.connection.close_when_idle()


async def _abort(case: _Case) -> None:
    case.connection.abort()
    await case.settle()


async def _lost(case: _Case) -> None:
    case.connection.connection_lost(None)
    await case.settle()


_EVENTS: Final = {
    "data": _data,
    "part": _part,
    "content": _content,
    "eof": _eof,
    "deadline": _deadline,
    "handler_ends": _handler_ends,
    "resume": _resume,
    "drain": _drain,
    "abort": _abort,
    "lost": _lost,
}


# The states that events lead to; every other event leaves the state as it is.
_RESULTS: Final = {
    ConnectionState.HEAD: {
        "data": "IDLE",
        "eof": "CLOSING",
        "deadline": "LINGERING",
        "abort": "CLOSING",
        "lost": "CLOSED",
    },
    ConnectionState.IDLE: {
        "part": "HEAD",
        "content": "HEAD",
        "eof": "CLOSING",
        "deadline": "CLOSING",
        "drain": "CLOSING",
        "abort": "CLOSING",
        "lost": "CLOSED",
    },
    ConnectionState.HANDLING: {"handler_ends": "IDLE", "deadline": "LINGERING", "abort": "CLOSING", "lost": "CLOSED"},
    ConnectionState.SENDING: {"handler_ends": "IDLE", "deadline": "CLOSING", "abort": "CLOSING", "lost": "CLOSED"},
    ConnectionState.FLUSHING: {"resume": "IDLE", "deadline": "CLOSING", "abort": "CLOSING", "lost": "CLOSED"},
    ConnectionState.DROPPING: {
        "data": "LINGERING",
        "part": "LINGERING",
        "content": "IDLE",
        "eof": "CLOSING",
        "deadline": "LINGERING",
        "abort": "CLOSING",
        "lost": "CLOSED",
    },
    ConnectionState.LINGERING: {"eof": "CLOSING", "deadline": "CLOSING", "abort": "CLOSING", "lost": "CLOSED"},
    ConnectionState.CLOSING: {"lost": "CLOSED"},
    ConnectionState.CLOSED: {},
    ConnectionState.SWITCHED: {},
    ConnectionState.YIELDING: {
        "data": "IDLE",
        "part": "HEAD",
        "content": "HEAD",
        "eof": "CLOSING",
        "deadline": "IDLE",
        "handler_ends": "IDLE",
        "resume": "IDLE",
        "abort": "CLOSING",
        "lost": "CLOSED",
    },
}

_GONE: Final = {ConnectionState.CLOSED, ConnectionState.SWITCHED}

# A transport does not call a connection that is gone.
_PAIRS: Final = [
    pytest.param(state, event, id=f"{state.name}-{event}")
    for state in ConnectionState
    for event in _EVENTS
    if event != "lost" or state not in _GONE
]


@pytest.mark.parametrize(("state", "event"), _PAIRS)
async def test_event_leads_to_the_expected_state(state: ConnectionState, event: str) -> None:
    case = await _reach(state)
    await _EVENTS[event](case)
    assert case.connection.state.name == _RESULTS[state].get(event, state.name)
    case.gate.set()
    await case.settle()


async def _wait_for_a_first_byte() -> None:
    await _connect(Timeouts(first_byte=1))


async def _stream_that_fills_the_transport() -> None:
    case = await _reach(ConnectionState.SENDING)
    transport = case.connection.transport
    assert isinstance(transport, _Transport)
    transport.pauses = case.connection.pause_writing
    await _handler_ends(case)


async def _stream_beside_unread_content() -> None:
    case = await _connect()
    await case.send(_POST % b"/stream")
    await _handler_ends(case)


async def _last_stream() -> None:
    case = await _connect()
    case.connection.disable_keep_alive()
    await case.send(_GET % b"/stream")
    await _handler_ends(case)


async def _content_that_is_dropped_before_a_slow_peer() -> None:
    case = await _reach(ConnectionState.DROPPING)
    case.connection.pause_writing()
    await _content(case)


async def _refusal_after_a_request() -> None:
    case = await _reach(ConnectionState.IDLE)
    await case.send(b"nonsense\r\n\r\n")


_SCENARIOS: Final = (
    _wait_for_a_first_byte,
    _stream_that_fills_the_transport,
    _stream_beside_unread_content,
    _last_stream,
    _content_that_is_dropped_before_a_slow_peer,
    _refusal_after_a_request,
)


async def test_every_transition_of_the_table_occurs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[ConnectionState, ConnectionState]] = set()
    enter = base.BaseConnection._enter

    def record(connection: base.BaseConnection, state: ConnectionState) -> None:
        seen.add((connection.state, state))
        enter(connection, state)

    monkeypatch.setattr(base.BaseConnection, "_enter", record)
    for state in ConnectionState:
        for name, event in _EVENTS.items():
            if name != "lost" or state not in _GONE:
                case = await _reach(state)
                await event(case)
                await _handler_ends(case)
    for scenario in _SCENARIOS:
        await scenario()
    assert seen == {(state, following) for state, row in TRANSITIONS.items() for following in row}


def test_wrong_transition_is_caught() -> None:
    connection = object.__new__(HTTPConnection)
    connection.state = ConnectionState.CLOSED
    with pytest.raises(AssertionError, match="no transition from"):
        connection._enter(ConnectionState.IDLE)


def test_only_enter_assigns_a_state() -> None:
    folder = Path(base.__file__).parents[1]
    for path in folder.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_function = isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and function.name not in {"_enter", "__init__"}:
                assert not any(_assigns_state(node) for node in ast.walk(function)), f"{path.name}: {function.name}"


def _assigns_state(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "state" and isinstance(node.ctx, ast.Store)
