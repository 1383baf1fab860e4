"""Another supervisor, as the one before sees it."""

import os
import sys
from collections.abc import Callable

import pytest

from tests.core.server.workers.service import until
from turnbuckle.server.workers.hot_restart import Successor, herald

READY = """\
import json, os
from turnbuckle.server.workers.hot_restart import herald
from turnbuckle.server.workers.process_env import HEIR, SuccessorEnvironment
place = SuccessorEnvironment.read(os.environ[HEIR])
for fd in place.sets[0]:
    os.fstat(fd)
herald(place.pipe)
"""


def _seen(heir: Successor) -> Callable[[], bool]:
    def look() -> bool:
        heir.look()
        return heir.is_ready or heir.is_gone

    return look


def test_heir_has_the_sockets_and_says_when_it_is_ready() -> None:
    read, write = os.pipe()
    heir = Successor([sys.executable, "-c", READY], os.environ, [[read]])
    until(_seen(heir))
    assert (heir.is_ready, heir.is_gone) == (True, False)
    os.waitpid(heir.pid, 0)
    heir.close()
    os.close(read)
    os.close(write)


def test_heir_that_ends_before_it_is_ready_is_gone() -> None:
    heir = Successor([sys.executable, "-c", "raise SystemExit(3)"], os.environ, [])
    until(_seen(heir))
    assert (heir.is_ready, heir.is_gone) == (False, True)
    os.waitpid(heir.pid, 0)
    heir.close()


def test_heir_that_cannot_be_started_leaves_nothing_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        Successor(["/none/python"], os.environ, [])
    assert len(os.listdir("/proc/self/fd")) == before


def test_herald_closes_the_pipe() -> None:
    read, write = os.pipe()
    herald(write)
    assert os.read(read, 100) == b"ready"
    assert os.read(read, 100) == b""
    os.close(read)
