"""A successor, seen from the old supervisor."""

import os
import socket
import sys
from collections.abc import Callable

import pytest

from tests.core.server.workers.service_process import poll_until
from turnbuckle.server.listen.addresses import Address, Listener
from turnbuckle.server.workers.hot_restart import Successor, notify_ready

READY = """\
import json, os
from turnbuckle.server.workers.hot_restart import notify_ready
from turnbuckle.server.workers.process_env import SUCCESSOR, SuccessorEnvironment
place = SuccessorEnvironment.from_json(os.environ[SUCCESSOR])
for fd in place.sets[0]:
    os.fstat(fd)
assert place.files == ((fd, 1, 2),)
notify_ready(place.pipe)
"""


def _seen(successor: Successor) -> Callable[[], bool]:
    def look() -> bool:
        successor.update()
        return successor.is_ready or successor.is_gone

    return look


def test_heir_has_the_sockets_and_says_when_it_is_ready() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        listener = Listener(socket=sock, address=Address(unix="/run/x"), inode=(1, 2))
        successor = Successor([sys.executable, "-c", READY], os.environ, [[listener], [listener]])
        poll_until(_seen(successor))
    assert (successor.is_ready, successor.is_gone) == (True, False)
    os.waitpid(successor.pid, 0)
    successor.close()


def test_heir_that_ends_before_it_is_ready_is_gone() -> None:
    successor = Successor([sys.executable, "-c", "raise SystemExit(3)"], os.environ, [])
    poll_until(_seen(successor))
    assert (successor.is_ready, successor.is_gone) == (False, True)
    os.waitpid(successor.pid, 0)
    successor.close()


def test_heir_that_cannot_be_started_leaves_nothing_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        Successor(["/none/python"], os.environ, [])
    assert len(os.listdir("/proc/self/fd")) == before


def test_herald_closes_the_pipe() -> None:
    read, write = os.pipe()
    notify_ready(write)
    assert os.read(read, 100) == b"ready"
    assert os.read(read, 100) == b""
    os.close(read)
