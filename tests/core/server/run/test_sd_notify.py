"""Notifications to the service manager."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from turnbuckle.server.run.sd_notify import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(5)
        yield sock


def test_notifier_sends_one_assignment_a_line(manager: socket.socket) -> None:
    Notifier(manager.getsockname()).notify("READY=1", "STATUS=here")
    assert manager.recv(100) == b"READY=1\nSTATUS=here"


def test_notifier_finds_sockets_without_a_file() -> None:
    name = f"turnbuckle-notify-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(5)
        Notifier(f"@{name}").notify("READY=1")
        assert sock.recv(100) == b"READY=1"


def test_notifier_survives_a_manager_that_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier(str(tmp_path / "nobody")).notify("READY=1")
    assert "cannot send to NOTIFY_SOCKET" in caplog.text


def test_notifier_without_a_socket_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Notifier().notify("READY=1")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("pid", "microseconds", "seconds"),
    [
        pytest.param("", "3000000", 3.0, id="any process"),
        pytest.param(str(os.getpid()), "500000", 0.5, id="this process"),
        pytest.param("1", "500000", 0.0, id="another process"),
        pytest.param("", "soon", 0.0, id="no number"),
    ],
)
def test_notifier_is_taken_from_the_environment(pid: str, microseconds: str, seconds: float) -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": microseconds, "WATCHDOG_PID": pid}
    assert Notifier.take_from(environ).watchdog == seconds
    assert environ == {}


def test_watchdog_without_a_socket_is_none() -> None:
    assert Notifier.take_from({"WATCHDOG_USEC": "3000000"}).watchdog == 0
