"""The distribution of sockets over workers."""

import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import BindAddress, Listener
from turnbuckle.server.workers.process_env import SuccessorEnvironment
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
    successor = SuccessorEnvironment(pipe=-1, sets=fds)
    assert [len(group) for group in _closed(adopt_socket_sets(successor, workers))] == expected


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_only_ports_are_opened_for_each_worker(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "web.sock"
    with socket.create_server(("127.0.0.1", 0)) as mine:
        bind = ["127.0.0.1:0", f"unix:{path}", f"fd:{os.dup(mine.fileno())}", "127.0.0.2:0"]
        sets = open_socket_sets(BindAddress(bind=bind), Workers(count=3, sockets="per_worker"))
        assert len(sets) == 3
        assert len({tuple(listener.address for listener in listeners) for listeners in sets}) == 1
        columns = list(zip(*sets, strict=True))
        assert [len({listener.socket.fileno() for listener in column}) for column in columns] == [3, 1, 1, 3]

        # Another supervisor takes them over: each socket once, and the shared ones in the set of each worker.
        unix = sets[0][1]
        assert unix.inode is not None
        successor = SuccessorEnvironment(
            pipe=-1,
            sets=[[os.dup(listener.socket.fileno()) for listener in sets[0]]],
            files=[],
        )
        shared = {1: successor.sets[0][1], 2: successor.sets[0][2]}
        others = [
            [shared.get(index) or os.dup(listener.socket.fileno()) for index, listener in enumerate(listeners)]
            for listeners in sets[1:]
        ]
        files = [(shared[1], *unix.inode)]
        successor = SuccessorEnvironment.from_json(
            SuccessorEnvironment(pipe=-1, sets=[*successor.sets, *others], files=files).to_json()
        )
        adopted = adopt_socket_sets(successor, workers)
        assert len(adopted) == workers
        for listeners in adopted:
            assert {listener.address for listener in listeners} == {listener.address for listener in sets[0]}
            assert [listener.inode for listener in listeners if listener.address.unix] == [unix.inode]
        kept = {listener.socket.fileno() for listeners in adopted for listener in listeners}
        assert kept == {fd for fds in successor.sets for fd in fds}
        for listener in {listener for listeners in adopted for listener in listeners}:
            listener.undo()
        assert path.exists()
        for fd in kept:
            os.close(fd)
        _closed(sets)
    assert not path.exists()
