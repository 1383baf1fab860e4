"""A protocol of a plugin serves connections that begin with its preface, or that negotiated its ALPN name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.core.server.streams.line_protocol import PREFACE, LineConnection, LinesPlugin
from turnbuckle import App, Plugin, PluginInfo, ProtocolLink, ProtocolProvider, Request, Response, Setup
from turnbuckle.server.connection.connection_set import ManagedConnection
from turnbuckle.server.listen.protocol_stack import protocol_factory
from turnbuckle.testing import Client
from turnbuckle.testing.client.connection import Connection
from turnbuckle.web.trusted_addresses import TrustedAddresses

_GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def _serving(make: Callable[[ProtocolLink], asyncio.Protocol]) -> type[Plugin]:
    """Return a plugin whose protocol has the same preface."""

    class Other(Plugin):
        info = PluginInfo(name="other")

        def provide_protocols(self, setup: Setup) -> list[ProtocolProvider]:
            return [ProtocolProvider(name="other", factory=lambda handler, setup: make, preface=PREFACE)]

    return Other


def _app(settings: dict[str, Any] | None = None, plugin: type[Plugin] = LinesPlugin) -> App:
    app = App(plugins=[plugin], settings=settings or {})

    @app.get("/")
    async def index(request: Request) -> str:
        return f"{request.http_version} {request.peer.protocol} {request.method}"

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.read())

    @app.post("/client")
    async def client(request: Request) -> str:
        return request.client[0] if request.client else ""

    @app.get("/boom")
    async def boom() -> str:
        raise ValueError("boom")

    @app.get("/stopping")
    async def stopping(request: Request) -> str:
        await request.stopping()
        return "bye"

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.Event().wait()
        return "never"

    return app


@asynccontextmanager
async def _connected(
    settings: dict[str, Any] | None = None, plugin: type[Plugin] = LinesPlugin
) -> AsyncIterator[tuple[Client, Connection]]:
    async with Client(_app(settings, plugin), raise_exceptions=False) as client:
        yield client, client.connect()


def _open(client: Client) -> set[ManagedConnection]:
    return client.server._state.connections.open


# -- the choice of the protocol


@pytest.mark.parametrize("pieces", [1, 7, 200])
async def test_preface_chooses_the_protocol(pieces: int) -> None:
    data = PREFACE + b"GET /\nPOST /echo hello world\nGET /none\n"
    async with _connected() as (_, connection):
        for start in range(0, len(data), pieces):
            await connection.send(data[start : start + pieces])
        lines = sorted(connection.received.splitlines())
        assert lines == [b"1: 200 1 LINES/1 GET", b"2: 200 hello world", b"3: 404 Not Found"]


@pytest.mark.parametrize("pieces", [1, 5, 200])
@pytest.mark.parametrize("start", [b"", b"LINK / HTTP/1.1\r\nHost: a.example\r\n\r\n"], ids=["other", "similar"])
async def test_http_is_served_on_the_same_listener(start: bytes, pieces: int) -> None:
    data = start + _GET
    async with _connected() as (_, connection):
        for position in range(0, len(data), pieces):
            await connection.send(data[position : position + pieces])
        assert connection.received.endswith(b"1.1 HTTP/1.1 GET")
        assert connection.statuses[-1] == 200


@pytest.mark.parametrize(
    ("data", "statuses"), [pytest.param(b"LIN", [408], id="begun"), pytest.param(b"", [408], id="silent")]
)
async def test_first_bytes_are_due(data: bytes, statuses: list[int]) -> None:
    async with _connected({"timeouts": {"head": 5.0}}) as (client, connection):
        await connection.send(data)
        await client.advance(6)
        assert connection.statuses == statuses
        assert connection.is_closed


async def test_connection_without_a_byte_is_closed() -> None:
    async with _connected({"timeouts": {"first_byte": 2.0}}) as (client, connection):
        await connection.settle()
        await client.advance(3)
        assert (connection.is_closed, connection.received) == (True, b"")


async def test_end_of_input_within_the_first_bytes_closes() -> None:
    async with _connected() as (_, connection):
        await connection.send(b"LIN")
        await connection.half_close()
        assert (connection.is_closed, connection.received) == (True, b"")


async def test_connections_are_counted_once() -> None:
    async with _connected({"capacity": {"connections": 2}}) as (client, lines):
        await lines.send(PREFACE)
        http = client.connect()
        await http.send(_GET)
        refused = client.connect()
        await refused.send(_GET)
        assert refused.statuses == [503]
        await lines.reset()
        await http.close()
        for _ in range(2):
            accepted = client.connect()
            await accepted.send(_GET)
            assert accepted.statuses == [200]


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        pytest.param(PREFACE + b"POST /client 1\n", b"1: 200 192.0.2.1\n", id="lines"),
        pytest.param(b"POST /client HTTP/1.0\r\n\r\n", b"192.0.2.1", id="http"),
    ],
)
async def test_proxy_header_precedes_the_preface(data: bytes, answer: bytes) -> None:
    async with Client(_app()) as client:
        server = client.server
        server._make_protocol = protocol_factory(server._state, None, TrustedAddresses(("127.0.0.1",)))  # type: ignore[misc]
        connection = client.connect()
        await connection.send_bytewise(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n" + data)
        assert connection.received.endswith(answer)


async def test_drain_gives_the_first_bytes_a_moment() -> None:
    async with _connected() as (client, connection):
        await connection.send(b"LIN")
        client.server.begin_drain()
        await client.advance(2)
        assert connection.is_closed


async def test_protocol_that_cannot_be_made_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    def make(link: ProtocolLink) -> asyncio.Protocol:
        raise LookupError("not today")

    async with _connected(plugin=_serving(make)) as (_, connection):
        await connection.send(PREFACE)
        assert connection.is_lost
    assert "protocol other cannot serve a connection" in caplog.text


# -- the life of a connection


async def test_handler_that_fails_is_recorded_by_the_client() -> None:
    async with Client(_app(), raise_exceptions=False) as client:
        connection = client.connect()
        await connection.send(PREFACE + b"GET /boom\n")
        assert connection.received.startswith(b"1: 500 ")
        assert [type(error) for error in connection.exceptions] == [ValueError]


async def test_deadline_of_the_protocol() -> None:
    async with _connected({"timeouts": {"idle": 5.0}}) as (client, connection):
        await connection.send(PREFACE + b"GET /wait\n")
        await client.advance(6)
        assert not connection.is_closed
    async with _connected({"timeouts": {"idle": 5.0}}) as (client, connection):
        await connection.send(PREFACE + b"GET /\n")
        await client.advance(4)
        assert not connection.is_closed
        await client.advance(2)
        assert connection.is_closed


async def test_protocol_without_expire_is_aborted_at_its_deadline() -> None:
    class Silent(asyncio.Protocol):
        def __init__(self, link: ProtocolLink) -> None:
            link.set_deadline(3.0)

    async with _connected(plugin=_serving(Silent)) as (client, connection):
        await connection.send(PREFACE)
        await client.advance(4)
        assert connection.is_lost


async def test_lost_connection_cancels_or_ends_its_requests() -> None:
    async with _connected({"server": {"cancel_on_disconnect": True}}) as (client, connection):
        await connection.send(PREFACE + b"GET /wait\nGET /wait\n")
        await connection.reset()
        await client.settle()
        assert not _open(client)


async def test_drain_waits_for_requests() -> None:
    async with _connected() as (client, connection):
        await connection.send(PREFACE + b"GET /stopping\n")
        client.server.begin_drain()
        await connection.settle()
        assert connection.received == b"1: 200 bye\n"


async def test_number_of_requests_is_bounded() -> None:
    async with _connected({"capacity": {"requests_per_connection": 2}}) as (_, connection):
        await connection.send(PREFACE + b"GET /\n")
        assert not connection.is_closed
        await connection.send(b"GET /\n")
        assert connection.is_closed
        assert connection.received.count(b"\n") == 2


async def test_end_for_misbehaviour_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "turnbuckle.access")
    settings = {"limits": {"request_line": 100}, "log": {"access": True}, "server": {"cancel_on_disconnect": True}}
    async with _connected(settings) as (_, connection):
        await connection.send(PREFACE + b"GET /stopping\n")
        await connection.send(b"GET /" + b"a" * 200)
        assert connection.is_lost
    lines = [record.getMessage() for record in caplog.records if record.name == "turnbuckle.access"]
    assert len(lines) == 2
    assert lines[1].endswith("broken")
    assert lines[0].endswith('"-" - 0 - - refused "the line is too long"')


async def test_description_names_the_requests() -> None:
    async with _connected() as (client, connection):
        await connection.send(PREFACE + b"GET /wait\nGET /wait\n")
        (description,) = (connection.description for connection in _open(client))
        assert "LINES/1, GET /wait, route '/wait'" in description
        assert description.endswith(", and 1 more requests")


def test_line_connection_is_used_by_alpn() -> None:
    application = _app().compile()
    assert application.alpn["lines/1"].make is LineConnection
    assert application.prefaces[PREFACE].version == "LINES/1"
