"""What is bound, what is refused, and what is left of the file of a Unix socket."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from turnbuckle.errors import ListenError, TurnbuckleError
from turnbuckle.server.listen.addresses import Address, BindAddress
from turnbuckle.server.listen.listeners import bind_listeners


def _close(listeners) -> None:
    for listener in listeners:
        listener.close()


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def test_bind_reports_the_port_that_the_system_chose() -> None:
    (listener,) = bind_listeners(BindAddress(port=0))
    assert listener.address.host == "127.0.0.1"
    assert listener.address.port == listener.socket.getsockname()[1] > 0
    assert not listener.socket.getblocking()
    listener.close()


def test_bind_does_not_listen_yet() -> None:
    (listener,) = bind_listeners(BindAddress(port=0))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.address.port), timeout=5)
    listener.close()


def test_bind_takes_every_address_of_a_name() -> None:
    listeners = bind_listeners(BindAddress(host="localhost", port=0))
    assert {listener.address.host for listener in listeners} <= {"127.0.0.1", "::1"}
    assert len({listener.address.port for listener in listeners}) == 1
    _close(listeners)


def test_bind_takes_several_hosts_on_one_port() -> None:
    listeners = bind_listeners(BindAddress(host=["127.0.0.1", "127.0.0.2"], port=0))
    assert [listener.address.host for listener in listeners] == ["127.0.0.1", "127.0.0.2"]
    assert len({listener.address.port for listener in listeners}) == 1
    _close(listeners)


def test_bind_takes_the_same_address_once() -> None:
    listeners = bind_listeners(BindAddress(host=["127.0.0.1", "127.0.0.1"], port=0))
    assert len(listeners) == 1
    _close(listeners)


def test_bind_keeps_both_families_apart() -> None:
    listeners = bind_listeners(BindAddress(host=["[::]", "0.0.0.0"], port=0))
    assert [listener.address.host for listener in listeners] == ["::", "0.0.0.0"]
    _close(listeners)


def test_bind_leaves_out_an_address_that_the_machine_lacks_beside_one_that_it_has() -> None:
    listeners = bind_listeners(BindAddress(host=["203.0.113.5", "127.0.0.1"], port=0))
    assert [listener.address.host for listener in listeners] == ["127.0.0.1"]
    _close(listeners)


def test_bind_refuses_a_port_in_use(taken_port: int) -> None:
    with pytest.raises(ListenError) as caught:
        bind_listeners(BindAddress(port=taken_port))
    assert str(caught.value) == f"port {taken_port} on 127.0.0.1 is in use"
    assert caught.value.errno == errno.EADDRINUSE
    assert isinstance(caught.value, TurnbuckleError)
    assert isinstance(caught.value, OSError)


def test_bind_closes_what_it_bound_when_a_later_address_fails(taken_port: int) -> None:
    with pytest.raises(ListenError):
        bind_listeners(BindAddress(host=["127.0.0.2", "127.0.0.1"], port=taken_port))
    _close(bind_listeners(BindAddress(host="127.0.0.2", port=taken_port)))


def test_bind_lets_processes_share_a_port_when_asked() -> None:
    (first,) = bind_listeners(BindAddress(port=0, reuse_port=True))
    (second,) = bind_listeners(BindAddress(port=first.address.port, reuse_port=True))
    assert second.address == first.address
    _close((first, second))


@pytest.mark.parametrize(
    ("host", "message"),
    [
        pytest.param("", "the host is empty; 0.0.0.0 or :: listens on every interface", id="empty"),
        pytest.param((), "no host to listen on", id="none"),
        pytest.param("256.0.0.1", "cannot listen on '256.0.0.1': no such host", id="unknown"),
        pytest.param("a" * 70 + ".b", f"cannot listen on '{'a' * 70}.b': no such host", id="label-too-long"),
        pytest.param("203.0.113.5", "cannot listen on 203.0.113.5: not an address of this machine", id="not-ours"),
    ],
)
def test_bind_refuses_a_host(host, message: str) -> None:
    with pytest.raises(ListenError) as caught:
        bind_listeners(BindAddress(host=host, port=0))
    assert str(caught.value) == message


def test_bind_makes_the_file_of_a_unix_socket_and_close_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    (listener,) = bind_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()
    assert listener.address.url == f"unix:{path}"
    listener.close()
    assert not path.exists()
    listener.close()


def test_bind_replaces_a_unix_socket_that_a_dead_server_left(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    (listener,) = bind_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()
    listener.close()


def test_bind_leaves_a_unix_socket_that_answers(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(path))
        alive.listen()
        with pytest.raises(ListenError, match="is in use"):
            bind_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()


def test_bind_leaves_a_unix_socket_whose_server_is_too_busy_to_answer(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(ListenError, match="is in use"):
            bind_listeners(BindAddress(unix=str(path)))
    assert path.is_socket()


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir], ids=["file", "folder"])
def test_bind_leaves_what_is_no_socket(tmp_path: Path, make) -> None:
    path = tmp_path / "web.sock"
    make(path)
    with pytest.raises(ListenError, match="exists and is not a socket"):
        bind_listeners(BindAddress(unix=str(path)))
    assert path.exists()


def test_bind_leaves_a_link_even_to_a_dead_socket(tmp_path: Path) -> None:
    target, link = tmp_path / "web.sock", tmp_path / "link.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(target))
    link.symlink_to(target)
    with pytest.raises(ListenError, match="exists and is not a socket"):
        bind_listeners(BindAddress(unix=str(link)))


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
        bind_listeners(BindAddress(unix=name))


def test_close_leaves_the_socket_of_a_server_that_came_after(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    (first,) = bind_listeners(BindAddress(unix=str(path)))
    # The file of the first is still there, so that the inode of the second is another one.
    path.rename(tmp_path / "kept")
    (second,) = bind_listeners(BindAddress(unix=str(path)))
    first.close()
    assert path.is_socket()
    second.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("address", "url"),
    [
        pytest.param(Address(host="127.0.0.1", port=80), "http://127.0.0.1:80", id="ipv4"),
        pytest.param(Address(host="::1", port=80), "http://[::1]:80", id="ipv6"),
        pytest.param(Address(unix="/run/web.sock"), "unix:/run/web.sock", id="unix"),
    ],
)
def test_address_prints_as_a_client_would_write_it(address: Address, url: str) -> None:
    assert str(address) == address.url == url


@pytest.mark.parametrize(
    ("mode", "bits"),
    [
        pytest.param("600", 0o600, id="owner"),
        pytest.param("660", 0o660, id="group"),
        pytest.param("0666", 0o666, id="everybody"),
    ],
)
def test_bind_unix_sets_the_mode_whatever_the_umask(tmp_path: Path, mode: str, bits: int) -> None:
    path = tmp_path / "s"
    (listener,) = bind_listeners(BindAddress(unix=str(path), unix_mode=mode))
    assert stat.S_IMODE(path.stat().st_mode) == bits
    listener.close()
    assert not path.exists()


def test_bind_unix_gives_the_file_to_a_user_and_a_group(tmp_path: Path) -> None:
    path = tmp_path / "s"
    (listener,) = bind_listeners(BindAddress(unix=str(path), unix_owner=str(os.getuid()), unix_group=str(os.getgid())))
    assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid())
    listener.close()


@pytest.mark.parametrize("more", [{"unix_owner": "no-such-user"}, {"unix_group": "no-such-group"}])
def test_bind_unix_for_nobody_leaves_no_file(tmp_path: Path, more: dict[str, str]) -> None:
    path = tmp_path / "s"
    with pytest.raises(ListenError, match=r"no such (user|group)"):
        bind_listeners(BindAddress(unix=str(path), **more))
    assert not path.exists()


@pytest.mark.parametrize("mode", ["rw-", "0o660", "66", "6660", "888", "+60", " 660"])
def test_endpoint_refuses_what_is_no_mode(mode: str) -> None:
    with pytest.raises(ValueError, match="three octal digits"):
        BindAddress(unix_mode=mode)


def _abstract_name() -> str:
    return f"@turnbuckle-test-{os.getpid()}-{os.urandom(4).hex()}"


def test_bind_abstract_has_no_file_and_can_be_reached() -> None:
    name = _abstract_name()
    (listener,) = bind_listeners(BindAddress(unix=name))
    listener.socket.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name[1:])
    assert str(listener.address) == f"unix:{name}"
    assert listener.inode is None
    listener.close()


def test_bind_abstract_refuses_a_name_in_use() -> None:
    name = _abstract_name()
    (listener,) = bind_listeners(BindAddress(unix=name))
    with pytest.raises(ListenError, match="is in use"):
        bind_listeners(BindAddress(unix=name))
    listener.close()


def test_bind_abstract_has_no_mode() -> None:
    with pytest.raises(ListenError, match="without a file has no mode"):
        bind_listeners(BindAddress(unix=_abstract_name(), unix_mode="660"))


def test_address_says_that_tls_is_spoken() -> None:
    (listener,) = bind_listeners(BindAddress(port=0, is_secured=True))
    assert listener.address.url == f"https://127.0.0.1:{listener.address.port}"
    listener.close()
