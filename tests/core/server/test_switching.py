"""The transport of a connection can be handed to another protocol, once, and only when the client offered that."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.core.server.served import post_head, serving
from turnbuckle.web.request import Request
from turnbuckle.web.response import Response
from turnbuckle.web.switch import SwitchProtocols

_UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: other, shout/1\r\n\r\n"


class _Shout(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"READY ")

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())


async def _shout(request: Request) -> Response:
    return SwitchProtocols("shout/1", _Shout, {"X-Volume": "11"})


async def test_switch_hands_over_the_transport_and_early_octets() -> None:
    async with serving(_shout) as served:
        await served.connection.send(_UPGRADE + b"early ")
        await served.connection.send(b"late")
        head, _, rest = served.connection.received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"\r\nUpgrade: shout/1" in head
        assert b"\r\nConnection: Upgrade" in head
        assert b"\r\nX-Volume: 11" in head
        assert rest == b"READY EARLY LATE"


async def test_switched_connection_is_no_longer_timed() -> None:
    async with serving(_shout) as served:
        await served.connection.send(_UPGRADE)
        await served.advance(1000)
        await served.connection.send(b"still there")
        assert served.connection.received.endswith(b"STILL THERE")


@pytest.mark.parametrize(
    "request_octets",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", id="not_offered"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: shout/1\r\n\r\n", id="no_connection_option"),
        pytest.param(b"GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: shout/1\r\n\r\n", id="http_1_0"),
        pytest.param(post_head(5, b"Connection: upgrade", b"Upgrade: shout/1") + b"hello", id="content_unread"),
    ],
)
async def test_switch_that_must_not_be_is_an_internal_error(
    request_octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(_shout) as served:
        await served.send(request_octets)
        assert served.statuses == [500]
        assert served.is_closed
    assert "cannot switch" in caplog.text
