"""The distribution of sockets over workers."""

import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import BindAddress, Listener
from turnbuckle.server.workers.settings import Workers
from turnbuckle.server.workers.sockets import adopt_socket_sets, open_socket_sets


def _closed(sets: Iterable[Sequence[Listener]]) -> list[list[int]]:
    ports = [[listener.address.port for listener in listeners] for listeners in sets]
    for listeners in sets:
        for listener in listeners:
            listener.close()
    return ports


def test_shared_socket_is_one() -> None:
    sets = open_socket_sets(BindAddress(port=0), Workers(count=3))
    assert len(_closed(sets)) == 1


def test_socket_for_each_worker_is_on_the_same_port() -> None:
    sets = open_socket_sets(
        BindAddress(host=("127.0.0.1", "127.0.0.2"), port=0), Workers(count=3, sockets="per_worker")
    )
    ports = _closed(sets)
    assert [len(group) for group in ports] == [2, 2, 2]
    assert len({port for group in ports for port in group}) == 1


def test_unix_socket_is_always_shared(tmp_path: Path) -> None:
    sets = open_socket_sets(BindAddress(unix=str(tmp_path / "web.sock")), Workers(count=3, sockets="per_worker"))
    assert len(_closed(sets)) == 1


def test_inherited_sockets_are_always_shared() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        bind_address = BindAddress(fds=(os.dup(mine.fileno()),))
        assert len(_closed(open_socket_sets(bind_address, Workers(count=3, sockets="per_worker")))) == 1


def test_port_that_is_taken_leaves_no_socket_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind_address = BindAddress(port=taken.getsockname()[1])
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(ListenError, match="is in use"):
            open_socket_sets(bind_address, Workers(count=2, sockets="per_worker"))
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("sets", "workers", "expected"),
    [
        pytest.param(1, 3, [1], id="shared"),
        pytest.param(2, 4, [1, 1], id="more workers"),
        pytest.param(3, 2, [2, 1], id="fewer workers"),
        pytest.param(3, 1, [3], id="one worker"),
    ],
)
def test_every_socket_that_is_handed_over_has_a_worker(sets: int, workers: int, expected: list[int]) -> None:
    fds = []
    for _ in range(sets):
        sock = socket.create_server(("127.0.0.1", 0))
        fds.append([sock.detach()])
    assert [len(group) for group in _closed(adopt_socket_sets(fds, workers))] == expected
