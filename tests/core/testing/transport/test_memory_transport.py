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


class Ends:
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
async def ends() -> Ends:
    return Ends()


@pytest.fixture
async def slow_ends() -> Ends:
    """Two ends of which the peer does not read, with water marks of 10 and 4."""
    ends = Ends()
    await ends.activity.settle()
    ends.peer.is_reading = False
    ends.transport.set_write_buffer_limits(high=10, low=4)
    return ends


async def test_callbacks_come_from_the_loop_in_order() -> None:
    ends = Ends()
    ends.peer.send(b"one")
    ends.peer.send(b"two")
    ends.peer.send_eof()

    assert ends.protocol.calls == []
    assert await ends.calls() == ["made", b"one", b"two", "eof", ("lost", "NoneType")]


async def test_large_pieces_are_split_as_a_socket_would(ends: Ends) -> None:
    ends.peer.send(b"x" * (256 * 1024 + 1))

    assert [len(piece) for piece in (await ends.calls())[1:] if isinstance(piece, bytes)] == [256 * 1024, 1]


async def test_paused_reading_delivers_nothing_until_resumed(ends: Ends) -> None:
    await ends.activity.settle()
    ends.transport.pause_reading()
    ends.peer.send(b"data")
    ends.peer.send_eof()
    before = list(await ends.calls()), ends.transport.is_reading(), ends.transport.incoming_size
    ends.transport.resume_reading()

    assert before == (["made"], False, 4)
    assert await ends.calls() == ["made", b"data", "eof", ("lost", "NoneType")]


async def test_pausing_within_a_callback_stops_the_next_piece() -> None:
    class PausesAtOnce(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            ends.transport.pause_reading()

    ends = Ends(PausesAtOnce())
    ends.peer.send(b"one")
    ends.peer.send(b"two")

    assert await ends.calls() == ["made", b"one"]


async def test_peer_that_reads_gets_bytes_at_once(ends: Ends) -> None:
    ends.transport.write(b"he")
    ends.transport.write(bytearray(b"ll"))
    ends.transport.write(memoryview(b"o"))
    ends.transport.write(b"")

    assert bytes(ends.peer.received) == b"hello"
    assert ends.transport.get_write_buffer_size() == 0


async def test_peer_that_does_not_read_makes_writing_pause(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"0123456789")
    at_the_mark = list(slow_ends.protocol.calls)
    slow_ends.transport.write(b"a")

    assert at_the_mark == ["made"]
    assert slow_ends.protocol.calls == ["made", "pause"]
    assert slow_ends.transport.get_write_buffer_size() == 11


async def test_writing_resumes_at_the_low_mark(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"0123456789abc")
    taken = slow_ends.peer.take(8)
    above = list(await slow_ends.calls())
    slow_ends.peer.take(1)

    assert (taken, above) == (b"01234567", ["made", "pause"])
    assert await slow_ends.calls() == ["made", "pause", "resume"]


async def test_peer_that_reads_again_gets_everything(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"0123456789abc")
    slow_ends.peer.resume_reading()

    assert bytes(slow_ends.peer.received) == b"0123456789abc"
    assert await slow_ends.calls() == ["made", "pause", "resume"]


async def test_window_lets_bytes_through_before_they_are_read(slow_ends: Ends) -> None:
    slow_ends.peer.window = 5
    slow_ends.transport.write(b"abc")
    first = slow_ends.transport.get_write_buffer_size(), slow_ends.peer.unread
    slow_ends.transport.write(b"0123456789")
    second = slow_ends.transport.get_write_buffer_size(), slow_ends.peer.unread
    taken = slow_ends.peer.take(6)
    third = slow_ends.transport.get_write_buffer_size(), slow_ends.peer.unread
    slow_ends.transport.abort()

    assert (first, second, third) == ((0, 3), (8, 13), (2, 7))
    assert (taken, slow_ends.peer.take(None)) == (b"abc012", b"34567")
    assert await slow_ends.calls() == ["made", ("lost", "NoneType")]
    assert slow_ends.peer.was_reset


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
    ends: Ends, given: dict[str, int], limits: tuple[int, int]
) -> None:
    ends.transport.set_write_buffer_limits(**given)

    assert ends.transport.get_write_buffer_limits() == limits


async def test_water_marks_in_the_wrong_order_are_refused(ends: Ends) -> None:
    with pytest.raises(ValueError, match="high"):
        ends.transport.set_write_buffer_limits(high=1, low=2)


async def test_close_lets_the_peer_take_what_was_written(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"bye")
    slow_ends.transport.close()
    slow_ends.transport.close()
    slow_ends.peer.send(b"never seen")
    slow_ends.transport.write(b"never sent")
    before = list(await slow_ends.calls()), slow_ends.peer.is_at_eof
    slow_ends.peer.take(None)

    assert before == (["made"], False)
    assert await slow_ends.calls() == ["made", ("lost", "NoneType")]
    assert (bytes(slow_ends.peer.received), slow_ends.peer.is_at_eof, slow_ends.peer.was_reset) == (b"bye", True, False)


async def test_abort_throws_away_what_the_peer_has_not_taken(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"bye")
    slow_ends.transport.abort()
    slow_ends.transport.abort()

    assert await slow_ends.calls() == ["made", ("lost", "NoneType")]
    assert (bytes(slow_ends.peer.received), slow_ends.peer.was_reset, slow_ends.transport.is_lost) == (b"", True, True)


async def test_abort_with_nothing_to_throw_away_is_an_end(ends: Ends) -> None:
    ends.transport.write(b"bye")
    ends.transport.abort()
    await ends.activity.settle()

    assert (ends.peer.is_at_eof, ends.peer.was_reset) == (True, False)


async def test_written_eof_ends_one_side_alone() -> None:
    ends = Ends()
    ends.transport.write(b"bye")
    ends.transport.write_eof()
    ends.transport.write_eof()
    ends.peer.send(b"go on")

    assert await ends.calls() == ["made", b"go on"]
    assert (ends.peer.is_at_eof, ends.transport.is_closing(), ends.transport.can_write_eof()) == (True, False, True)
    with pytest.raises(RuntimeError, match="write_eof"):
        ends.transport.write(b"more")


async def test_written_eof_waits_for_the_peer(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"bye")
    slow_ends.transport.write_eof()
    before = slow_ends.peer.is_at_eof
    slow_ends.peer.take(None)

    assert (before, slow_ends.peer.is_at_eof) == (False, True)


async def test_eof_keeps_the_connection_if_the_protocol_says_so() -> None:
    ends = Ends(Recorder(keeps_open=True))
    ends.peer.send_eof()

    assert await ends.calls() == ["made", "eof"]
    assert not ends.transport.is_closing()


async def test_reset_is_seen_with_its_reason(ends: Ends) -> None:
    ends.peer.send(b"lost on the way")
    ends.peer.reset()
    ends.peer.reset()
    ends.transport.write(b"to nobody")

    assert await ends.calls() == ["made", ("lost", "ConnectionResetError")]


async def test_peer_that_went_away_resets_what_is_written_to_it() -> None:
    ends = Ends(Recorder(keeps_open=True))
    ends.peer.close()
    before = list(await ends.calls())
    ends.transport.write(b"to nobody")

    assert before == ["made", "eof"]
    assert await ends.calls() == ["made", "eof", ("lost", "ConnectionResetError")]


async def test_peer_that_went_away_without_reading_resets(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"unread")
    slow_ends.peer.close()

    assert await slow_ends.calls() == ["made", ("lost", "ConnectionResetError")]


async def test_writing_does_not_resume_once_lost(slow_ends: Ends) -> None:
    slow_ends.transport.write(b"0123456789abc")
    slow_ends.peer.take(None)
    slow_ends.transport.abort()

    assert await slow_ends.calls() == ["made", "pause", ("lost", "NoneType")]


async def test_facts_and_protocol_are_at_hand(ends: Ends) -> None:
    other = Recorder()
    ends.transport.set_protocol(other)
    ends.peer.send(b"data")
    await ends.activity.settle()

    assert ends.transport.get_extra_info("peername") == ("1.2.3.4", 5)
    assert ends.transport.get_extra_info("socket") is None
    assert ends.transport.get_protocol() is other
    assert (other.calls, ends.protocol.calls) == ([b"data"], ["made"])


async def test_only_bytes_can_be_written(ends: Ends) -> None:
    with pytest.raises(TypeError, match="str"):
        ends.transport.write("text")  # type: ignore[arg-type]  # the tested mistake


async def test_protocol_that_raises_loses_the_connection_and_fails_the_test() -> None:
    class Broken(Recorder):
        def data_received(self, data: bytes) -> None:
            raise LookupError("broken")

    ends = Ends(Broken())
    ends.peer.send(b"data")

    with pytest.raises(ServerFault, match="broken"):
        await ends.activity.settle()
    assert await ends.calls() == ["made", ("lost", "NoneType")]


async def test_protocol_that_takes_no_bytes_is_refused(ends: Ends) -> None:
    ends.transport.set_protocol(asyncio.BaseProtocol())
    ends.peer.send(b"data")

    with pytest.raises(ServerFault, match="cannot receive data"):
        await ends.activity.settle()


async def test_peer_without_a_transport_says_so() -> None:
    peer = MemoryPeer(Activity(asyncio.get_running_loop()))

    with pytest.raises(RuntimeError, match="no other end"):
        peer.send(b"data")
