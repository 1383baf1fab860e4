"""The TLS transport in memory: the calls that its protocol and its carrier get, in order."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority
from turnbuckle.server.model.clock import SystemClock
from turnbuckle.server.tls.transport import TLSChannel, TLSTransport


class Carrier(asyncio.Transport):
    """A transport that stores the written bytes and records the other calls."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 5)})
        self.sent = b""
        self.asked: list[str] = []

    def write(self, data: bytes) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return len(self.sent)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return 1, 2

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.asked.append(f"limits {high} {low}")

    def is_closing(self) -> bool:
        return "close" in self.asked or "abort" in self.asked

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None:
        self.asked.append("pause")

    def resume_reading(self) -> None:
        self.asked.append("resume")

    def write_eof(self) -> None:
        self.asked.append("end")

    def close(self) -> None:
        self.asked.append("close")

    def abort(self) -> None:
        self.asked.append("abort")


class Noting(asyncio.Protocol):
    """A protocol that records its calls."""

    def __init__(self, *, stays: bool = True) -> None:
        self.reported: list[object] = []
        self.stays = stays

    def data_received(self, data: bytes) -> None:
        self.reported.append(data)

    def eof_received(self) -> bool:
        self.reported.append("end")
        return self.stays

    def connection_lost(self, exc: Exception | None) -> None:
        self.reported.append(exc or "lost")

    def pause_writing(self) -> None:
        self.reported.append("pause")

    def resume_writing(self) -> None:
        self.reported.append("resume")


class Pair:
    """A transport, and the client at the other end of its carrier."""

    def __init__(self, authority: Authority, protocol: Noting, version: ssl.TLSVersion) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("localhost"))
        context.maximum_version = version
        channel = TLSChannel.for_server(context)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = authority.client_context().wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        for _ in range(3):
            for end in (self.client, channel.secured):
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                channel.incoming.write(self.outgoing.read())
                self.incoming.write(channel.outgoing.read())
        loop = asyncio.get_running_loop()
        self.carrier, self.protocol = Carrier(), protocol
        self.transport = TLSTransport(self.carrier, channel, protocol, loop, SystemClock(loop))

    def send(self, data: bytes) -> None:
        """Send bytes from the client."""
        self.client.write(data)
        self.transport.data_received(self.outgoing.read())

    def read(self) -> bytes:
        """Return what the client can read; b"" at the end."""
        self.incoming.write(self.carrier.sent)
        self.carrier.sent = b""
        received = b""
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while piece := self.client.read(100_000):
                received += piece
        return received

    def say_goodbye(self) -> None:
        """Close the client's side."""
        with suppress(ssl.SSLWantReadError):
            self.client.unwrap()
        self.transport.data_received(self.outgoing.read())


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    return Pair(Authority(tmp_path), Noting(), request.param)


async def test_bytes_go_both_ways(pair: Pair) -> None:
    pair.send(b"ping")
    pair.transport.write(b"pong")
    pair.transport.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
    pair.transport.write(b"")
    assert pair.protocol.reported == [b"ping"]
    assert pair.read() == b"pongabc"


async def test_more_than_a_record_is_written_whole(pair: Pair) -> None:
    pair.transport.write(b"x" * 100_000)
    assert pair.read() == b"x" * 100_000


async def test_nothing_is_given_while_reading_is_paused(pair: Pair) -> None:
    pair.transport.pause_reading()
    pair.transport.pause_reading()
    pair.send(b"one")
    assert not pair.transport.is_reading()
    assert pair.protocol.reported == []
    pair.transport.resume_reading()
    await asyncio.sleep(0)
    assert pair.transport.is_reading()
    assert pair.protocol.reported == [b"one"]
    assert pair.carrier.asked == ["pause", "resume"]


async def test_end_of_input_waits_for_the_bytes_before_it(pair: Pair) -> None:
    pair.transport.pause_reading()
    pair.send(b"one")
    assert pair.transport.eof_received() is True
    assert pair.protocol.reported == []
    pair.transport.resume_reading()
    await asyncio.sleep(0)
    assert pair.protocol.reported == [b"one", "end"]


async def test_client_that_ends_its_side_can_still_read(pair: Pair) -> None:
    pair.send(b"ping")
    pair.say_goodbye()
    assert pair.transport.eof_received() is True
    assert pair.protocol.reported == [b"ping", "end"]
    sent = pair.carrier.sent
    pair.transport.write(b"pong")
    assert len(pair.carrier.sent) > len(sent)
    assert pair.carrier.asked == []


async def test_protocol_may_end_with_its_peer(pair: Pair) -> None:
    pair.protocol.stays = False
    pair.say_goodbye()
    assert pair.carrier.asked == ["close"]


async def test_bytes_after_the_end_of_writing_are_dropped(pair: Pair) -> None:
    pair.transport.write(b"last")
    pair.transport.write_eof()
    pair.transport.write_eof()
    pair.send(b"more")
    pair.transport.write(b"never")
    assert pair.transport.can_write_eof()
    assert pair.protocol.reported == []
    assert pair.read() == b"last"
    pair.transport.close()
    assert pair.carrier.asked == ["end", "close"]


async def test_close_says_goodbye_once(pair: Pair) -> None:
    pair.transport.close()
    pair.transport.close()
    pair.transport.write_eof()
    assert pair.transport.is_closing()
    assert pair.carrier.asked == ["close"]
    assert pair.read() == b""
    # An end that is known: without the goodbye, it would be SSLWantReadError.
    assert pair.client.read() == b""


async def test_tampered_bytes_abort_the_connection(pair: Pair) -> None:
    pair.client.write(b"ping")
    record = pair.outgoing.read()
    pair.transport.data_received(record[:-1] + bytes([record[-1] ^ 1]))
    assert pair.protocol.reported == []
    assert pair.carrier.asked == ["abort"]
    assert not pair.transport.is_reading()
    pair.transport.write(b"never")
    pair.transport.resume_reading()
    assert pair.carrier.asked == ["abort"]


async def test_flow_control_is_the_carriers(pair: Pair) -> None:
    pair.transport.pause_writing()
    pair.transport.resume_writing()
    pair.transport.set_write_buffer_limits(3, 4)
    pair.transport.write(b"x")
    assert pair.protocol.reported == ["pause", "resume"]
    assert pair.carrier.asked == ["limits 3 4"]
    assert pair.transport.get_write_buffer_limits() == (1, 2)
    assert pair.transport.get_write_buffer_size() == len(pair.carrier.sent) > 1


async def test_loss_is_passed_on(pair: Pair) -> None:
    pair.transport.connection_lost(None)
    assert pair.protocol.reported == ["lost"]
    assert pair.transport.is_closing()


async def test_another_protocol_can_take_over(pair: Pair) -> None:
    other = Noting()
    pair.transport.set_protocol(other)
    pair.send(b"ping")
    assert pair.transport.get_protocol() is other
    assert (pair.protocol.reported, other.reported) == ([], [b"ping"])
    with pytest.raises(TypeError, match=r"is not an asyncio\.Protocol"):
        pair.transport.set_protocol(asyncio.BaseProtocol())


async def test_facts_are_those_of_both(pair: Pair) -> None:
    facts = pair.transport.get_extra_info
    assert isinstance(facts("ssl_object"), ssl.SSLObject)
    assert isinstance(facts("sslcontext"), ssl.SSLContext)
    assert facts("cipher")[0]
    assert facts("peercert") is None
    assert facts("compression") is None
    assert facts("peername") == ("192.0.2.1", 5)
    assert facts("unknown", 7) == 7
