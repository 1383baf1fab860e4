"""Messages between a supervisor and a worker."""

import socket
from collections.abc import Iterator

import pytest

from turnbuckle.server.workers.channel import Channel

Ends = tuple[Channel, Channel, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), Channel(theirs), theirs


def test_messages_arrive_in_order_and_whole(ends: Ends) -> None:
    ours, theirs, _ = ends
    theirs.send(ready=True)
    theirs.send(requests=7, memory=1)
    assert ours.receive() == [{"ready": True}, {"requests": 7, "memory": 1}]
    assert ours.receive() == []
    assert ours.is_open()


def test_part_of_a_message_waits_for_the_rest(ends: Ends) -> None:
    ours, _, sock = ends
    sock.send(b'{"ready"')
    assert ours.receive() == []
    sock.send(b": true}\n{")
    assert ours.receive() == [{"ready": True}]


def test_end_of_the_other_is_noticed_after_its_last_words(ends: Ends) -> None:
    ours, theirs, _ = ends
    theirs.send_blocking(refused="error: no\ndatabase \N{SNOWMAN}")
    theirs.close()
    assert ours.receive() == [{"refused": "error: no\ndatabase \N{SNOWMAN}"}]
    assert not ours.is_open()
    assert ours.receive() == []


def test_sending_to_a_missing_or_closed_socket_only_logs(ends: Ends) -> None:
    ours, theirs, _ = ends
    for _ in range(10_000):
        theirs.send(requests=1, memory=1)
    ours.close()
    theirs.send(requests=1, memory=1)
    theirs.send_blocking(refused="error")
    assert not theirs.receive()
