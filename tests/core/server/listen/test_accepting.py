"""Accepting from a real socket: in batches, with a pause when the system is out of resources, and the backlog at a
stop.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Iterator
from typing import final

import pytest

from tests.core.server.polling import wait_until
from turnbuckle.server.listen.accepting import Acceptor, limit_unsent
from turnbuckle.testing.transport.activity import turns
from turnbuckle.testing.transport.fake_clock import FakeClock


@final
class Listener(socket.socket):
    """A listening socket that first raises the prepared errors."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.errors: list[OSError] = []
        self.setblocking(False)
        self.bind(("127.0.0.1", 0))
        self.listen()

    def accept(self) -> tuple[socket.socket, object]:
        if self.errors:
            raise self.errors.pop(0)
        return super().accept()


@final
class Accepted:
    """Stores the accepted sockets; ``gate`` delays the end of ``connect``."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def connect(self, accepted: socket.socket) -> None:
        self.sockets.append(accepted)
        await self.gate.wait()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as sock:
        yield sock


def connect_to(listener: Listener, count: int = 1) -> list[socket.socket]:
    return [socket.create_connection(listener.getsockname()) for _ in range(count)]


def close_all(*groups: list[socket.socket]) -> None:
    for group in groups:
        for sock in group:
            sock.close()


def make(listener: Listener, accepted: Accepted, clock: FakeClock) -> Acceptor:
    return Acceptor(listener, accepted.connect, clock, asyncio.get_running_loop())


async def test_acceptor_takes_everyone(listener: Listener) -> None:
    accepted = Accepted()
    acceptor = make(listener, accepted, FakeClock())
    clients = connect_to(listener, 100)
    await wait_until(lambda: len(accepted.sockets) == 100)
    assert not any(sock.getblocking() for sock in accepted.sockets)
    acceptor.stop()
    await acceptor.wait_until_settled()
    close_all(clients, accepted.sockets)


async def test_acceptor_continues_after_a_client_that_left_the_backlog(listener: Listener) -> None:
    accepted = Accepted()
    clock = FakeClock()
    listener.errors = [ConnectionAbortedError(errno.ECONNABORTED, "gone")] * 3
    acceptor = make(listener, accepted, clock)
    clients = connect_to(listener)
    await wait_until(lambda: accepted.sockets)
    assert clock.pending == 0
    acceptor.stop()
    close_all(clients, accepted.sockets)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM])
async def test_acceptor_waits_when_the_system_has_no_more(
    listener: Listener, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    accepted, clock = Accepted(), FakeClock()
    listener.errors = [OSError(number, os.strerror(number)) for _ in range(5)]
    acceptor = make(listener, accepted, clock)
    clients = connect_to(listener)
    await wait_until(lambda: clock.pending)
    await clock.advance(0.01)
    assert len(listener.errors) == 4
    for _ in range(5):
        await clock.advance(1.0)
    await wait_until(lambda: accepted.sockets)
    acceptor.stop()
    close_all(clients, accepted.sockets)
    messages = [record.getMessage() for record in caplog.records if record.name == "turnbuckle.server"]
    assert messages == [f"cannot accept connections, trying again: {os.strerror(number)}"]


async def test_acceptor_complains_again_when_that_was_long_ago(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    accepted, clock = Accepted(), FakeClock()
    listener.errors = [OSError(errno.EMFILE, "none left") for _ in range(100)]
    acceptor = make(listener, accepted, clock)
    clients = connect_to(listener)
    await wait_until(lambda: clock.pending)
    for _ in range(90):
        await clock.advance(1.0)
    assert [record.getMessage() for record in caplog.records].count(
        "cannot accept connections, trying again: none left"
    ) == 2
    acceptor.stop()
    close_all(clients, accepted.sockets)


@pytest.mark.parametrize("failures", [1, 9])
async def test_acceptor_that_stops_while_it_waits_tries_once_more(listener: Listener, failures: int) -> None:
    accepted, clock = Accepted(), FakeClock()
    listener.errors = [OSError(errno.EMFILE, "none left") for _ in range(failures)]
    acceptor = make(listener, accepted, clock)
    clients = connect_to(listener)
    await wait_until(lambda: clock.pending)
    acceptor.stop()
    listener.close()
    await acceptor.wait_until_settled()
    await clock.advance(5.0)
    assert clock.pending == 0
    assert len(accepted.sockets) == (failures == 1)
    close_all(clients, accepted.sockets)


async def test_acceptor_takes_the_backlog_before_it_stops(listener: Listener) -> None:
    accepted = Accepted()
    acceptor = make(listener, accepted, FakeClock())
    clients = connect_to(listener, 100)
    acceptor.stop()
    listener.close()
    await acceptor.wait_until_settled()
    assert len(accepted.sockets) == 100
    close_all(clients, accepted.sockets)


@pytest.mark.parametrize("has_begun", [True, False])
async def test_abort_leaves_no_socket_open(listener: Listener, has_begun: bool) -> None:
    accepted = Accepted()
    accepted.gate.clear()
    acceptor = make(listener, accepted, FakeClock())
    (client,) = connect_to(listener)
    acceptor.stop()
    if has_begun:
        await turns(2)
    acceptor.abort()
    await acceptor.wait_until_settled()
    assert len(accepted.sockets) == has_begun
    if not has_begun:
        assert client.recv(1) == b""
    close_all([client], accepted.sockets)


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), ValueError("no handshake")])
async def test_connection_that_cannot_be_made_is_logged_at_level_debug(
    listener: Listener, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ended: list[str] = []

    async def fail(accepted: socket.socket) -> None:
        accepted.close()
        ended.append("failed")
        raise error

    acceptor = Acceptor(listener, fail, FakeClock(), asyncio.get_running_loop())
    clients = connect_to(listener, 2)
    await wait_until(lambda: len(ended) == 2)
    acceptor.stop()
    await acceptor.wait_until_settled()
    close_all(clients)
    assert caplog.records == []


def test_kernel_takes_little_for_a_peer_that_reads_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        limit_unsent(listener)
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                accepted.setblocking(False)
                taken = _fill(accepted)
                received = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    # What the peer's own kernel holds comes on top; without the option it is megabytes.
    assert taken < 128 * 1024 + 8 * received


def test_sockets_that_are_not_tcp_are_left_alone() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        limit_unsent(listener)
        assert listener.family is socket.AF_UNIX


def _fill(connection: socket.socket) -> int:
    taken = 0
    try:
        while taken < 64 * 1024 * 1024:
            taken += connection.send(bytes(65536))
    except BlockingIOError:
        pass
    return taken
