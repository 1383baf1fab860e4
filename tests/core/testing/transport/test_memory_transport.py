"""The transport keeps what asyncio promises to a protocol; a protocol that writes everything down looks at it."""

from __future__ import annotations

import asyncio

import pytest

from turnbuckle.testing import MemoryPeer, MemoryTransport, ServerFault
from turnbuckle.testing.transport.activity import Activity


class Recorder(asyncio.Protocol):
    """Records the calls of its methods."""

    def __init__(self, *, keeps_open: bool = False) -> None:
        self.calls: list[object] = []
        self.keeps_open = keeps_open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.calls.append("made")

    def data_received(self, data: bytes) -> None:
        self.calls.append(data)

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return self.keeps_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append(("lost", type(exc).__name__))

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")


class BaseConnection:
    """A transport with a recorder on one end and a peer on the other."""

    def __init__(self, protocol: Recorder | None = None) -> None:
        self.activity = Activity(asyncio.get_running_loop())
        self.peer = MemoryPeer(self.activity)
        self.protocol = protocol or Recorder()
        self.transport = MemoryTransport(self.protocol, self.peer, self.activity, {"peername": ("1.2.3.4", 5)})

    async def calls(self) -> list[object]:
        await self.activity.settle()
        return self.protocol.calls


@pytest.fixture
async def wire() -> BaseConnection:
    return BaseConnection()


@pytest.fixture
async def slow_wire() -> BaseConnection:
    """A wire whose peer does not read, with water marks of 10 and 4."""
    wire = BaseConnection()
    await wire.activity.settle()
    wire.peer.is_reading = False
    wire.transport.set_write_buffer_limits(high=10, low=4)
    return wire


async def test_callbacks_come_from_the_loop_in_order() -> None:
    wire = BaseConnection()
    wire.peer.send(b"one")
    wire.peer.send(b"two")
    wire.peer.send_eof()

    assert wire.protocol.calls == []
    assert await wire.calls() == ["made", b"one", b"two", "eof", ("lost", "NoneType")]


async def test_large_pieces_are_split_as_a_socket_would(wire: BaseConnection) -> None:
    wire.peer.send(b"x" * (256 * 1024 + 1))

    assert [len(piece) for piece in (await wire.calls())[1:] if isinstance(piece, bytes)] == [256 * 1024, 1]


async def test_paused_reading_delivers_nothing_until_resumed(wire: BaseConnection) -> None:
    await wire.activity.settle()
    wire.transport.pause_reading()
    wire.peer.send(b"data")
    wire.peer.send_eof()
    before = list(await wire.calls()), wire.transport.is_reading(), wire.transport.incoming_size
    wire.transport.resume_reading()

    assert before == (["made"], False, 4)
    assert await wire.calls() == ["made", b"data", "eof", ("lost", "NoneType")]


async def test_pausing_within_a_callback_stops_the_next_piece() -> None:
    class PausesAtOnce(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            wire.transport.pause_reading()

    wire = BaseConnection(PausesAtOnce())
    wire.peer.send(b"one")
    wire.peer.send(b"two")

    assert await wire.calls() == ["made", b"one"]


async def test_peer_that_reads_gets_bytes_at_once(wire: BaseConnection) -> None:
    wire.transport.write(b"he")
    wire.transport.write(bytearray(b"ll"))
    wire.transport.write(memoryview(b"o"))
    wire.transport.write(b"")

    assert bytes(wire.peer.received) == b"hello"
    assert wire.transport.get_write_buffer_size() == 0


async def test_peer_that_does_not_read_makes_writing_pause(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"0123456789")
    at_the_mark = list(slow_wire.protocol.calls)
    slow_wire.transport.write(b"a")

    assert at_the_mark == ["made"]
    assert slow_wire.protocol.calls == ["made", "pause"]
    assert slow_wire.transport.get_write_buffer_size() == 11


async def test_writing_resumes_at_the_low_mark(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"0123456789abc")
    taken = slow_wire.peer.take(8)
    above = list(await slow_wire.calls())
    slow_wire.peer.take(1)

    assert (taken, above) == (b"01234567", ["made", "pause"])
    assert await slow_wire.calls() == ["made", "pause", "resume"]


async def test_peer_that_reads_again_gets_everything(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"0123456789abc")
    slow_wire.peer.resume_reading()

    assert bytes(slow_wire.peer.received) == b"0123456789abc"
    assert await slow_wire.calls() == ["made", "pause", "resume"]


async def test_window_lets_bytes_through_that_nobody_reads_yet(slow_wire: BaseConnection) -> None:
    slow_wire.peer.window = 5
    slow_wire.transport.write(b"abc")
    first = slow_wire.transport.get_write_buffer_size(), slow_wire.peer.unread
    slow_wire.transport.write(b"0123456789")
    second = slow_wire.transport.get_write_buffer_size(), slow_wire.peer.unread
    taken = slow_wire.peer.take(6)
    third = slow_wire.transport.get_write_buffer_size(), slow_wire.peer.unread
    slow_wire.transport.abort()

    assert (first, second, third) == ((0, 3), (8, 13), (2, 7))
    assert (taken, slow_wire.peer.take(None)) == (b"abc012", b"34567")
    assert await slow_wire.calls() == ["made", ("lost", "NoneType")]
    assert slow_wire.peer.was_reset


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        pytest.param({}, (16384, 65536), id="none"),
        pytest.param({"high": 100}, (25, 100), id="high"),
        pytest.param({"low": 100}, (100, 400), id="low"),
        pytest.param({"high": 0}, (0, 0), id="zero"),
    ],
)
async def test_one_water_mark_follows_from_the_other(
    wire: BaseConnection, given: dict[str, int], limits: tuple[int, int]
) -> None:
    wire.transport.set_write_buffer_limits(**given)

    assert wire.transport.get_write_buffer_limits() == limits


async def test_water_marks_in_the_wrong_order_are_refused(wire: BaseConnection) -> None:
    with pytest.raises(ValueError, match="high"):
        wire.transport.set_write_buffer_limits(high=1, low=2)


async def test_close_lets_the_peer_take_what_was_written(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"bye")
    slow_wire.transport.close()
    slow_wire.transport.close()
    slow_wire.peer.send(b"never seen")
    slow_wire.transport.write(b"never sent")
    before = list(await slow_wire.calls()), slow_wire.peer.is_at_eof
    slow_wire.peer.take(None)

    assert before == (["made"], False)
    assert await slow_wire.calls() == ["made", ("lost", "NoneType")]
    assert (bytes(slow_wire.peer.received), slow_wire.peer.is_at_eof, slow_wire.peer.was_reset) == (b"bye", True, False)


async def test_abort_throws_away_what_the_peer_has_not_taken(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"bye")
    slow_wire.transport.abort()
    slow_wire.transport.abort()

    assert await slow_wire.calls() == ["made", ("lost", "NoneType")]
    assert (bytes(slow_wire.peer.received), slow_wire.peer.was_reset, slow_wire.transport.is_lost) == (b"", True, True)


async def test_abort_with_nothing_to_throw_away_is_an_end(wire: BaseConnection) -> None:
    wire.transport.write(b"bye")
    wire.transport.abort()
    await wire.activity.settle()

    assert (wire.peer.is_at_eof, wire.peer.was_reset) == (True, False)


async def test_written_eof_ends_one_side_alone() -> None:
    wire = BaseConnection()
    wire.transport.write(b"bye")
    wire.transport.write_eof()
    wire.transport.write_eof()
    wire.peer.send(b"go on")

    assert await wire.calls() == ["made", b"go on"]
    assert (wire.peer.is_at_eof, wire.transport.is_closing(), wire.transport.can_write_eof()) == (True, False, True)
    with pytest.raises(RuntimeError, match="write_eof"):
        wire.transport.write(b"more")


async def test_written_eof_waits_for_the_peer(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"bye")
    slow_wire.transport.write_eof()
    before = slow_wire.peer.is_at_eof
    slow_wire.peer.take(None)

    assert (before, slow_wire.peer.is_at_eof) == (False, True)


async def test_eof_keeps_the_connection_if_the_protocol_says_so() -> None:
    wire = BaseConnection(Recorder(keeps_open=True))
    wire.peer.send_eof()

    assert await wire.calls() == ["made", "eof"]
    assert not wire.transport.is_closing()


async def test_reset_is_seen_with_its_reason(wire: BaseConnection) -> None:
    wire.peer.send(b"lost on the way")
    wire.peer.reset()
    wire.peer.reset()
    wire.transport.write(b"to nobody")

    assert await wire.calls() == ["made", ("lost", "ConnectionResetError")]


async def test_peer_that_went_away_resets_what_is_written_to_it() -> None:
    wire = BaseConnection(Recorder(keeps_open=True))
    wire.peer.close()
    before = list(await wire.calls())
    wire.transport.write(b"to nobody")

    assert before == ["made", "eof"]
    assert await wire.calls() == ["made", "eof", ("lost", "ConnectionResetError")]


async def test_peer_that_went_away_without_reading_resets(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"unread")
    slow_wire.peer.close()

    assert await slow_wire.calls() == ["made", ("lost", "ConnectionResetError")]


async def test_writing_does_not_resume_once_lost(slow_wire: BaseConnection) -> None:
    slow_wire.transport.write(b"0123456789abc")
    slow_wire.peer.take(None)
    slow_wire.transport.abort()

    assert await slow_wire.calls() == ["made", "pause", ("lost", "NoneType")]


async def test_facts_and_protocol_are_at_hand(wire: BaseConnection) -> None:
    other = Recorder()
    wire.transport.set_protocol(other)
    wire.peer.send(b"data")
    await wire.activity.settle()

    assert wire.transport.get_extra_info("peername") == ("1.2.3.4", 5)
    assert wire.transport.get_extra_info("socket") is None
    assert wire.transport.get_protocol() is other
    assert (other.calls, wire.protocol.calls) == ([b"data"], ["made"])


async def test_only_bytes_can_be_written(wire: BaseConnection) -> None:
    with pytest.raises(TypeError, match="str"):
        wire.transport.write("text")  # type: ignore[arg-type]  # the tested mistake


async def test_protocol_that_raises_loses_the_connection_and_tells_the_test() -> None:
    class Broken(Recorder):
        def data_received(self, data: bytes) -> None:
            raise LookupError("broken")

    wire = BaseConnection(Broken())
    wire.peer.send(b"data")

    with pytest.raises(ServerFault, match="broken"):
        await wire.activity.settle()
    assert await wire.calls() == ["made", ("lost", "NoneType")]


async def test_protocol_that_takes_no_bytes_is_refused(wire: BaseConnection) -> None:
    wire.transport.set_protocol(asyncio.BaseProtocol())
    wire.peer.send(b"data")

    with pytest.raises(ServerFault, match="cannot receive data"):
        await wire.activity.settle()


async def test_peer_without_a_transport_says_so() -> None:
    peer = MemoryPeer(Activity(asyncio.get_running_loop()))

    with pytest.raises(RuntimeError, match="no other end"):
        peer.send(b"data")
