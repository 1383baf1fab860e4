"""Messages of TLS without data, and records with very little: they must not occupy the loop or fill the memory."""

from __future__ import annotations

import _ssl
import asyncio
import ctypes
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority
from tests.core.server.tls.test_transport import Carrier, Noting, Pair
from turnbuckle.server.tls.transport import TLSChannel, TLSTransport
from turnbuckle.testing.transport.fake_clock import FakeClock

_REQUEST_ANSWER = 1


class KeyUpdater:
    """A client of TLS 1.3 over memory that can send key updates, which the ``ssl`` module cannot."""

    def __init__(self, authority: Authority) -> None:
        # Python's own module is linked to the library, whose functions are found through it.
        self._library = library = ctypes.CDLL(_ssl.__file__)
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new", "BIO_new", "BIO_s_mem"):
            getattr(library, name).restype = ctypes.c_void_p
        pointer = ctypes.c_void_p
        self._ssl = pointer(library.SSL_new(pointer(library.SSL_CTX_new(pointer(library.TLS_client_method())))))
        self._incoming, self._outgoing = (pointer(library.BIO_new(pointer(library.BIO_s_mem()))) for _ in range(2))
        library.SSL_set_bio(self._ssl, self._incoming, self._outgoing)
        library.SSL_set_connect_state(self._ssl)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("localhost"))
        channel = TLSChannel.for_server(context)
        for _ in range(3):
            library.SSL_do_handshake(self._ssl)
            channel.incoming.write(self.taken())
            with suppress(ssl.SSLWantReadError):
                channel.secured.do_handshake()
            answer = channel.outgoing.read()
            library.BIO_write(self._incoming, answer, len(answer))
        loop = asyncio.get_running_loop()
        self.carrier, self.protocol = Carrier(), Noting()
        self.transport = TLSTransport(self.carrier, channel, self.protocol, loop, FakeClock())

    def taken(self) -> bytes:
        """Return the bytes that the client has written."""
        buffer = ctypes.create_string_buffer(1 << 20)
        size = self._library.BIO_read(self._outgoing, buffer, len(buffer))
        return buffer.raw[: max(0, size)]

    def updates(self, count: int) -> bytes:
        """Return so many key updates, each of which asks for an answer."""
        for _ in range(count):
            self._library.SSL_key_update(self._ssl, _REQUEST_ANSWER)
            self._library.SSL_do_handshake(self._ssl)
        return self.taken()

    def data(self, data: bytes) -> bytes:
        """Return the record of some data."""
        self._library.SSL_write(self._ssl, data, len(data))
        return self.taken()


@pytest.fixture
async def updater(tmp_path: Path) -> KeyUpdater:
    if not getattr(_ssl, "__file__", None):
        pytest.skip("the library of TLS cannot be reached")
    return KeyUpdater(Authority(tmp_path))


async def test_key_updates_between_data_are_answered(updater: KeyUpdater) -> None:
    for _ in range(100):
        updater.transport.data_received(updater.updates(3) + updater.data(b"x"))
    assert updater.protocol.reported == [b"x"] * 100
    assert len(updater.carrier.sent) > 300 * 20
    assert updater.carrier.asked == []


@pytest.mark.parametrize("piece", [100, 20_000, 1_000_000])
async def test_flood_of_key_updates_is_cut_off(updater: KeyUpdater, piece: int) -> None:
    flood = updater.updates(10_000)
    before = len(updater.carrier.sent)
    for start in range(0, len(flood), piece):
        updater.transport.data_received(flood[start : start + piece])
    assert updater.carrier.asked == ["abort"]
    assert len(updater.carrier.sent) - before < 100_000


async def test_answers_do_not_pile_up_for_a_client_that_does_not_read(updater: KeyUpdater) -> None:
    updater.transport.pause_writing()
    before = len(updater.carrier.sent)
    for _ in range(1_000):
        # With data in between, so that only the answers can give it away.
        updater.transport.data_received(updater.updates(10) + updater.data(b"x"))
    assert updater.carrier.asked == ["abort"]
    assert len(updater.carrier.sent) - before < 20_000


async def test_client_that_reads_again_is_not_cut_off(updater: KeyUpdater) -> None:
    for _ in range(100):
        updater.transport.pause_writing()
        updater.transport.data_received(updater.updates(100) + updater.data(b"x"))
        updater.transport.resume_writing()
    assert updater.carrier.asked == []
    assert updater.protocol.reported.count(b"x") == 100


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tiny_records_leave_room_for_others(tmp_path: Path, version: ssl.TLSVersion) -> None:
    pair = Pair(Authority(tmp_path), Noting(), version)
    for _ in range(1_000):
        pair.client.write(b"x")
    pair.transport.data_received(pair.outgoing.read())
    first = len(pair.protocol.reported)
    assert 1 <= first <= 32
    assert pair.carrier.asked == ["pause"]
    turns = 0
    while len(pair.protocol.reported) < 1_000:
        turns += 1
        await asyncio.sleep(0)
    assert turns >= (1_000 - first) // 32
    await asyncio.sleep(0)
    assert pair.carrier.asked == ["pause", "resume"]


async def test_end_of_input_waits_for_tiny_records(tmp_path: Path) -> None:
    pair = Pair(Authority(tmp_path), Noting(), ssl.TLSVersion.TLSv1_3)
    for _ in range(100):
        pair.client.write(b"x")
    pair.transport.data_received(pair.outgoing.read())
    pair.transport.eof_received()
    for _ in range(200):
        await asyncio.sleep(0)
    assert pair.protocol.reported == [b"x"] * 100 + ["end"]


async def test_pause_outlasts_the_turns(tmp_path: Path) -> None:
    pair = Pair(Authority(tmp_path), Noting(), ssl.TLSVersion.TLSv1_3)
    for _ in range(100):
        pair.client.write(b"x" * 1000)
    pair.transport.data_received(pair.outgoing.read())
    pair.transport.pause_reading()
    before = len(pair.protocol.reported)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(pair.protocol.reported) == before
    assert pair.carrier.asked == ["pause"]
    pair.transport.resume_reading()
    for _ in range(200):
        await asyncio.sleep(0)
    assert pair.protocol.reported == [b"x" * 1000] * 100
    assert pair.carrier.asked[-1] == "resume"
