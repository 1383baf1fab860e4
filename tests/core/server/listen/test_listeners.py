"""Binding TCP sockets: the addresses that are bound, and the addresses that are refused."""

import errno
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from turnbuckle.errors import ListenError, TurnbuckleError
from turnbuckle.server.listen.addresses import BindAddress, Listener
from turnbuckle.server.listen.listeners import open_listeners


def _close(listeners: Iterable[Listener]) -> None:
    for listener in listeners:
        listener.close()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def test_bind_reports_the_port_that_the_system_chose() -> None:
    (listener,) = open_listeners(BindAddress(port=0))
    assert listener.address.host == "127.0.0.1"
    assert listener.address.port == listener.socket.getsockname()[1] > 0
    assert not listener.socket.getblocking()
    listener.close()


def test_bind_does_not_listen_yet() -> None:
    (listener,) = open_listeners(BindAddress(port=0))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.address.port), timeout=5)
    listener.close()


def test_bind_takes_every_address_of_a_name() -> None:
    listeners = open_listeners(BindAddress(host="localhost", port=0))
    assert {listener.address.host for listener in listeners} <= {"127.0.0.1", "::1"}
    assert len({listener.address.port for listener in listeners}) == 1
    _close(listeners)


def test_bind_takes_several_hosts_on_one_port() -> None:
    listeners = open_listeners(BindAddress(host=["127.0.0.1", "127.0.0.2"], port=0))
    assert [listener.address.host for listener in listeners] == ["127.0.0.1", "127.0.0.2"]
    assert len({listener.address.port for listener in listeners}) == 1
    _close(listeners)


def test_bind_takes_the_same_address_once() -> None:
    listeners = open_listeners(BindAddress(host=["127.0.0.1", "127.0.0.1"], port=0))
    assert len(listeners) == 1
    _close(listeners)


def test_bind_keeps_both_families_apart() -> None:
    listeners = open_listeners(BindAddress(host=["[::]", "0.0.0.0"], port=0))
    assert [listener.address.host for listener in listeners] == ["::", "0.0.0.0"]
    _close(listeners)


def test_bind_leaves_out_an_address_that_the_machine_lacks_beside_one_that_it_has() -> None:
    listeners = open_listeners(BindAddress(host=["203.0.113.5", "127.0.0.1"], port=0))
    assert [listener.address.host for listener in listeners] == ["127.0.0.1"]
    _close(listeners)


def test_bind_refuses_a_port_in_use(taken_port: int) -> None:
    with pytest.raises(ListenError) as caught:
        open_listeners(BindAddress(port=taken_port))
    assert str(caught.value) == f"port {taken_port} on 127.0.0.1 is in use"
    assert caught.value.errno == errno.EADDRINUSE
    assert isinstance(caught.value, TurnbuckleError)
    assert isinstance(caught.value, OSError)


def test_bind_closes_bound_sockets_when_a_later_address_fails(taken_port: int) -> None:
    with pytest.raises(ListenError):
        open_listeners(BindAddress(host=["127.0.0.2", "127.0.0.1"], port=taken_port))
    _close(open_listeners(BindAddress(host="127.0.0.2", port=taken_port)))


def test_bind_lets_processes_share_a_port_when_asked() -> None:
    (first,) = open_listeners(BindAddress(port=0, reuse_port=True))
    (second,) = open_listeners(BindAddress(port=first.address.port, reuse_port=True))
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
def test_bind_refuses_a_host(host: str | tuple[()], message: str) -> None:
    with pytest.raises(ListenError) as caught:
        open_listeners(BindAddress(host=host, port=0))
    assert str(caught.value) == message


def test_listeners_of_all_kinds_are_opened_in_order(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with socket.create_server(("127.0.0.1", 0)) as mine:
        bind = ["127.0.0.1:0", "127.0.0.2:0", f"unix:{path}", f"fd:{os.dup(mine.fileno())}"]
        listeners = open_listeners(BindAddress(bind=bind, unix_mode="600"))
        urls = [listener.address.url for listener in listeners]
        assert [url.rpartition(":")[0] for url in urls] == [
            "http://127.0.0.1",
            "http://127.0.0.2",
            "unix",
            "http://127.0.0.1",
        ]
        assert urls[2:] == [f"unix:{path}", f"http://127.0.0.1:{mine.getsockname()[1]}"]
        assert [listener.is_inherited for listener in listeners] == [False, False, False, True]
        assert path.stat().st_mode & 0o777 == 0o600
        _close(listeners)
    assert not path.exists()


def test_address_that_two_entries_lead_to_is_bound_once() -> None:
    (first,) = open_listeners(BindAddress(port=0))
    port = first.address.port
    first.close()
    listeners = open_listeners(
        BindAddress(bind=[f"127.0.0.1:{port}", f"localhost:{port}", "127.0.0.1:0"], is_secured=True)
    )
    urls = [listener.address.url for listener in listeners]
    assert urls.count(f"https://127.0.0.1:{port}") == 1
    assert len(set(urls)) == len(urls)
    _close(listeners)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("127.0.0.1:{port}", "port {port} on 127.0.0.1 is in use"),
        ("unix:{folder}/live", "socket '{folder}/live' is in use"),
        ("unix:{folder}/./new", "cannot listen on '{folder}/./new': another path in server.bind leads to the same"),
        ("unix:{folder}/file", "cannot listen on '{folder}/file': it exists and is not a socket"),
        ("fd:1000000", "cannot listen on descriptor 1000000: it is not open"),
        ("256.1.1.1:80", "cannot listen on '256.1.1.1': no such host"),
    ],
)
def test_endpoint_that_cannot_be_opened_is_named_and_leaves_the_others_as_they_were(
    tmp_path: Path, taken_port: int, wrong: str, message: str
) -> None:
    (tmp_path / "file").touch()
    names = {"port": taken_port, "folder": tmp_path}
    with socket.socket(socket.AF_UNIX) as live, socket.create_server(("127.0.0.1", 0)) as mine:
        live.bind(str(tmp_path / "live"))
        live.listen()
        bind = ["127.0.0.1:0", f"unix:{tmp_path}/new", f"fd:{mine.fileno()}", wrong.format(**names)]
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(ListenError) as caught:
            open_listeners(BindAddress(bind=bind))
        assert message.format(**names) in str(caught.value)
        assert len(os.listdir("/proc/self/fd")) == before
        assert mine.getsockname()
    assert not (tmp_path / "new").exists()


def test_port_in_the_host_is_answered_with_bind() -> None:
    with pytest.raises(ListenError, match=r"no such host; did you mean '--bind 127\.0\.0\.1:8000'"):
        open_listeners(BindAddress(host="127.0.0.1:8000"))
