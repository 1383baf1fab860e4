"""The state of a service is reported in the log, in the ready file and to systemd."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from tests.core.server.polling import TIMEOUT, wait_until
from tests.core.server.run.test_server import application
from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.listen.addresses import Address
from turnbuckle.server.run.readiness import Readiness
from turnbuckle.server.run.sd_notify import Notifier
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.testing.transport.fake_clock import FakeClock

ADDRESSES = (Address(host="127.0.0.1", port=8000), Address(unix="/run/web.sock"))


def test_ready_file_is_there_from_ready_to_stopping(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    readiness = Readiness(str(path))
    assert not path.exists()
    readiness.ready(ADDRESSES)
    assert path.read_text() == f"{os.getpid()}\nhttp://127.0.0.1:8000\nunix:/run/web.sock\n"
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]
    readiness.stopping()
    assert not path.exists()


def test_ready_file_of_another_generation_stays(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    readiness = Readiness(str(path))
    readiness.ready(ADDRESSES)
    path.write_text("1\n")
    readiness.stopping()
    assert path.read_text() == "1\n"


def test_ready_file_writes_to_nothing_that_others_left(tmp_path: Path) -> None:
    path, precious = tmp_path / "ready", tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / f".ready.{os.getpid()}").symlink_to(precious)
    path.symlink_to(precious)
    Readiness(str(path)).ready(ADDRESSES)
    assert precious.read_text() == "precious"
    assert path.read_text().startswith(f"{os.getpid()}\n")
    assert not path.is_symlink()


@pytest.mark.parametrize(
    ("left", "stays"),
    [
        pytest.param("", False, id="empty"),
        pytest.param("soon\n", False, id="no number"),
        pytest.param("-\n", False, id="no number either"),
        pytest.param("4194303999\nhttp://127.0.0.1:80\n", False, id="no process"),
        pytest.param(f"{os.getpid()}\n", False, id="this process, in another life"),
        pytest.param(f"{os.getppid()}\n", True, id="live process"),
    ],
)
def test_ready_file_that_was_left_behind_is_removed(tmp_path: Path, left: str, stays: bool) -> None:
    path = tmp_path / "ready"
    path.write_text(left)
    Readiness(str(path))
    assert path.exists() is stays


def test_ready_file_without_a_folder_is_found_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(TurnbuckleError, match=r"cannot write ready file '.*/no/ready': no folder '.*/no'"):
        Readiness(str(tmp_path / "no" / "ready"))


def test_ready_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    readiness = Readiness(str(tmp_path / "ready"))
    (tmp_path / "ready").mkdir()
    with pytest.raises(TurnbuckleError, match=r"cannot write ready file '.*/ready': "):
        readiness.ready(ADDRESSES)


async def test_service_manager_hears_of_every_step_and_that_the_loop_is_alive(tmp_path: Path) -> None:
    clock = FakeClock()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)

        def heard() -> str:
            return manager.recv(1000).decode().partition("\n")[0]

        server = HTTPServer(application(), port=0, clock=clock)
        readiness = Readiness("", Notifier(manager.getsockname(), watchdog=3.0))
        serving = asyncio.create_task(server.serve_until_stopped(readiness))
        await wait_until(lambda: server.addresses)
        await clock.advance(1.5)
        assert [heard() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
        readiness.reloading()
        readiness.reloaded("again")
        assert [heard() for _ in range(2)] == ["RELOADING=1", "READY=1"]
        server.request_stop()
        assert await asyncio.wait_for(serving, TIMEOUT)
        assert heard() == "STOPPING=1"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "link to a pipe"])
def test_ready_file_replaces_only_regular_files(tmp_path: Path, kind: str) -> None:
    path, pipe = tmp_path / "ready", tmp_path / "pipe"
    os.mkfifo(pipe)
    match kind:
        case "pipe":
            path = pipe
        case "folder":
            path.mkdir()
        case "device":
            path = Path(os.devnull)
        case _:
            path.symlink_to(pipe)
    with pytest.raises(TurnbuckleError, match="it exists and is not a regular file"):
        Readiness(str(path))


def test_stop_does_not_wait_for_a_pipe_that_replaced_the_ready_file(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    readiness = Readiness(str(path))
    readiness.ready(())
    path.unlink()
    os.mkfifo(path)
    readiness.stopping()
    assert path.exists()


def test_link_to_nothing_is_replaced_by_the_ready_file(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    path.symlink_to(tmp_path / "nothing")
    Readiness(str(path)).ready(())
    assert path.read_text().startswith(f"{os.getpid()}\n")
