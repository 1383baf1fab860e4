"""What a connection stores ahead of its handler: measured over real sockets, for each parser and loop, and over TLS."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority
from tests.core.server.threaded_server import LOOPS, threaded_server
from turnbuckle.http.events import ParserFactory
from turnbuckle.http.guard import guarded
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.tls.context import TLS
from turnbuckle.server.tls.handshake import TLSHandshake
from turnbuckle.server.tls.transport import TLSTransport
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle_plugins.h11_parser import h11_parser
from turnbuckle_plugins.httptools_parser import httptools_parser

_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000000\r\n\r\n"
_PIPELINE = 65536
_ONE_READ = 262144

# The bytes of a handshake and of the records are counted as well.
_HANDSHAKE = 8192

_PARSERS = {"core": H1ParserFactory(), "h11": guarded(h11_parser), "httptools": guarded(httptools_parser)}

# Seconds without progress after which a client takes it that the server has stopped reading.
_PATIENCE = 0.3
_MAX_WAITS = 50


class _Gate:
    """A handler that never reads its content, and ends with the test."""

    def __init__(self) -> None:
        self.is_open = threading.Event()

    async def __call__(self, request: Request) -> Response:
        while not self.is_open.is_set():  # noqa: ASYNC110  # set by another thread
            await asyncio.sleep(0.01)
        return Response("done")


def _send_until_blocked(client: socket.socket, data: bytes, received: list[int]) -> None:
    """Send until the server has received something and then nothing more for a while."""
    sent, before, waits = 0, -1, 0
    while sent < len(data):
        try:
            sent += client.send(data[sent : sent + 16384])
        except TimeoutError:
            waits += 1
            if (received and sum(received) == before) or waits == _MAX_WAITS:
                return
            before = sum(received)


def _count_reads(kind: type[asyncio.Protocol], received: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    take = kind.data_received

    def count(self: asyncio.Protocol, data: bytes) -> None:
        received.append(len(data))
        take(self, data)

    monkeypatch.setattr(kind, "data_received", count)


@pytest.mark.parametrize(
    ("parser", "is_secured", "sent"),
    [
        pytest.param(_PARSERS["core"], False, _POST + b"x" * 15_000_000, id="content"),
        pytest.param(_PARSERS["core"], True, _GET * 400_000, id="tls"),
        *(pytest.param(parser, False, _GET * 400_000, id=name) for name, parser in _PARSERS.items()),
    ],
)
@pytest.mark.parametrize("loop", LOOPS)
def test_connection_stores_its_bound_and_one_read(  # noqa: PLR0917  # one for each part that varies
    loop: str, parser: ParserFactory, is_secured: bool, sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[int] = []
    # The read that ends the handshake may contain the first requests.
    for kind in (TLSHandshake, TLSTransport) if is_secured else (HTTPConnection,):
        _count_reads(kind, received, monkeypatch)
    authority, gate = Authority(tmp_path), _Gate()
    cert, key = authority.issue("localhost") if is_secured else ("", "")
    capacity = Capacity(pipeline=_PIPELINE)
    options = {"tls": TLS(cert=cert, key=key)} if is_secured else {}
    with threaded_server(gate, loop=loop, parser_factory=parser, capacity=capacity, **options) as served:
        client = served.connect()
        if is_secured:
            client = authority.client_context().wrap_socket(client, server_hostname="localhost")
        with client:
            client.settimeout(_PATIENCE)
            try:
                _send_until_blocked(client, sent, received)
                # All the kernel's buffers are full, and nothing was consumed but the head of one request.
                assert _PIPELINE // 4 <= sum(received) <= _PIPELINE + _ONE_READ + _HANDSHAKE
            finally:
                gate.is_open.set()
