"""Binding TCP sockets: the addresses that are bound, and the addresses that are refused."""

import errno
import socket
from collections.abc import Iterable, Iterator

import pytest

from turnbuckle.errors import ListenError, TurnbuckleError
from turnbuckle.server.listen.addresses import BindAddress, Listener
from turnbuckle.server.listen.listeners import bind_listeners


def _close(listeners: Iterable[Listener]) -> None:
    for listener in listeners:
        listener.close()


@pytest.fixture
def taken_port() -> Iterator[int]:
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


def test_bind_closes_bound_sockets_when_a_later_address_fails(taken_port: int) -> None:
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
def test_bind_refuses_a_host(host: str | tuple[()], message: str) -> None:
    with pytest.raises(ListenError) as caught:
        bind_listeners(BindAddress(host=host, port=0))
    assert str(caught.value) == message
