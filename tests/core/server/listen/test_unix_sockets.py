"""Binding Unix sockets: their files, modes and owners, and the abstract namespace."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import BindAddress
from turnbuckle.server.listen.listeners import open_listeners


def test_bind_makes_the_file_of_a_unix_socket_and_close_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    (listener,) = open_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()
    assert listener.address.url == f"unix:{path}"
    listener.close()
    assert not path.exists()
    listener.close()


def test_bind_replaces_a_unix_socket_that_a_dead_server_left(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    (listener,) = open_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()
    listener.close()


def test_bind_leaves_a_unix_socket_that_answers(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(path))
        alive.listen()
        with pytest.raises(ListenError, match="is in use"):
            open_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()


def test_bind_leaves_a_unix_socket_whose_server_is_too_busy_to_answer(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(ListenError, match="is in use"):
            open_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir], ids=["file", "folder"])
def test_bind_leaves_files_that_are_not_sockets(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "web.sock"
    make(path)
    with pytest.raises(ListenError, match="exists and is not a socket"):
        open_listeners(BindAddress(unix=str(path)))
    assert path.exists()


def test_bind_leaves_a_link_even_to_a_dead_socket(tmp_path: Path) -> None:
    target, link = tmp_path / "web.sock", tmp_path / "link.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(target))
    link.symlink_to(target)
    with pytest.raises(ListenError, match="exists and is not a socket"):
        open_listeners(BindAddress(unix=str(link)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("missing/web.sock", "No such file or directory", id="no-folder"),
        pytest.param("x" * 104, "exceeds 103", id="too-long"),
        pytest.param("a\0b", "null", id="nul"),
    ],
)
def test_bind_refuses_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ListenError, match=message):
        open_listeners(BindAddress(unix=name))


def test_close_leaves_the_socket_of_a_server_that_came_after(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    (first,) = open_listeners(BindAddress(unix=str(path)))
    # The file of the first is still there, so that the inode of the second is another one.
    path.rename(tmp_path / "kept")
    (second,) = open_listeners(BindAddress(unix=str(path)))
    first.close()
    assert path.is_socket()
    second.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("mode", "bits"),
    [
        pytest.param("600", 0o600, id="owner"),
        pytest.param("660", 0o660, id="group"),
        pytest.param("0666", 0o666, id="everybody"),
    ],
)
def test_bind_unix_sets_the_mode_despite_the_umask(tmp_path: Path, mode: str, bits: int) -> None:
    path = tmp_path / "s"
    (listener,) = open_listeners(BindAddress(unix=str(path), unix_mode=mode))
    assert stat.S_IMODE(path.stat().st_mode) == bits
    listener.close()
    assert not path.exists()


def test_bind_unix_gives_the_file_to_a_user_and_a_group(tmp_path: Path) -> None:
    path = tmp_path / "s"
    (listener,) = open_listeners(BindAddress(unix=str(path), unix_owner=str(os.getuid()), unix_group=str(os.getgid())))
    assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid())
    listener.close()


@pytest.mark.parametrize("more", [{"unix_owner": "no-such-user"}, {"unix_group": "no-such-group"}])
def test_bind_unix_for_an_unknown_user_or_group_leaves_no_file(tmp_path: Path, more: dict[str, str]) -> None:
    path = tmp_path / "s"
    with pytest.raises(ListenError, match=r"no such (user|group)"):
        open_listeners(BindAddress(unix=str(path), **more))
    assert not path.exists()


def _abstract_name() -> str:
    return f"@turnbuckle-test-{os.getpid()}-{os.urandom(4).hex()}"


def test_bind_abstract_has_no_file_and_can_be_reached() -> None:
    name = _abstract_name()
    (listener,) = open_listeners(BindAddress(unix=name))
    listener.socket.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name[1:])
    assert str(listener.address) == f"unix:{name}"
    assert listener.inode is None
    listener.close()


def test_bind_abstract_refuses_a_name_in_use() -> None:
    name = _abstract_name()
    (listener,) = open_listeners(BindAddress(unix=name))
    with pytest.raises(ListenError, match="is in use"):
        open_listeners(BindAddress(unix=name))
    listener.close()


def test_bind_abstract_has_no_mode() -> None:
    with pytest.raises(ListenError, match="without a file has no mode"):
        open_listeners(BindAddress(unix=_abstract_name(), unix_mode="660"))
