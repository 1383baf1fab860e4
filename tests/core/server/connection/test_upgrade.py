"""The transport of a connection can be handed to another protocol, once, and only when the client offered that."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.core.server.serving_in_memory import post_head, serving
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.upgrade import SwitchProtocols
from turnbuckle.web.types import Handler

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


async def test_switch_hands_over_the_transport_and_early_bytes() -> None:
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
    "request_bytes",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", id="not_offered"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: shout/1\r\n\r\n", id="no_connection_option"),
        pytest.param(b"GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: shout/1\r\n\r\n", id="http_1_0"),
    ],
)
async def test_switch_that_must_not_be_is_an_internal_error(
    request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(_shout) as served:
        await served.send(request_bytes)
        assert served.statuses == [500]
        assert served.is_closed
    assert "cannot switch" in caplog.text


class _Polite(_Shout):
    def close_when_idle(self) -> None:
        self.transport.write(b"BYE")
        self.transport.close()


class _Deaf(_Shout):
    def close_when_idle(self) -> None:
        """Go on."""


def _switching_to(factory: type[_Shout]) -> Handler:
    async def switch(request: Request) -> Response:
        return SwitchProtocols("shout/1", factory)

    return switch


@pytest.mark.parametrize(
    ("factory", "last_words"),
    [pytest.param(_Shout, b"READY ", id="closed"), pytest.param(_Polite, b"BYE", id="notified")],
)
async def test_drain_ends_a_switched_connection(factory: type[_Shout], last_words: bytes) -> None:
    async with serving(_switching_to(factory)) as served:
        await served.connection.send(_UPGRADE)
        served.server.begin_drain()
        await served.connection.settle()
        assert served.connection.received.endswith(last_words)
        assert served.is_closed
        assert not served.connection.was_reset


async def test_drain_notifies_a_connection_that_switches_meanwhile() -> None:
    gate = asyncio.Event()

    async def switch(request: Request) -> Response:
        await gate.wait()
        return SwitchProtocols("shout/1", _Polite)

    async with serving(switch) as served:
        await served.connection.send(_UPGRADE)
        served.server.begin_drain()
        gate.set()
        await served.connection.settle()
        assert served.connection.received.endswith(b"READY BYE")


async def test_stop_cuts_off_a_switched_connection_that_goes_on() -> None:
    async with serving(_switching_to(_Deaf)) as served:
        await served.connection.send(_UPGRADE)
        served.server.begin_drain()
        await served.connection.send(b"still")
        assert served.connection.received.endswith(b"STILL")
    assert served.connection.is_lost


async def test_switched_protocol_learns_what_its_transport_says() -> None:
    reported: list[str] = []

    class Listener(_Shout):
        def eof_received(self) -> bool:
            reported.append("eof")
            return True

        def pause_writing(self) -> None:
            reported.append("pause")

        def resume_writing(self) -> None:
            reported.append("resume")

        def connection_lost(self, exc: Exception | None) -> None:
            reported.append("lost")

    async with serving(_switching_to(Listener)) as served:
        served.connection.pause_reading()
        await served.connection.send(_UPGRADE + b"x" * 100_000)
        await served.connection.resume_reading()
        await served.connection.half_close()
        await served.connection.reset()
    assert reported == ["pause", "resume", "eof", "lost"]


async def test_switch_with_unread_content_is_the_mistake_of_the_client() -> None:
    async with serving(_shout) as served:
        await served.send(post_head(5, b"Connection: upgrade", b"Upgrade: shout/1") + b"hello")
        assert served.statuses == [400]
        assert served.is_closed
