"""Sockets that another process has opened."""

import os
import socket
from pathlib import Path

import pytest

from tests.core.server.run.test_server import answer, application
from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import BindAddress
from turnbuckle.server.listen.listeners import open_listeners
from turnbuckle.server.listen.socket_activation import adopt_descriptor, take_passed_sockets, with_passed_sockets
from turnbuckle.server.run.server import HTTPServer


def _environ(count: str = "2", names: str = "", pid: int | None = None) -> dict[str, str]:
    return {
        "LISTEN_PID": str(os.getpid() if pid is None else pid),
        "LISTEN_FDS": count,
        "LISTEN_FDNAMES": names,
        "HOME": "/",
    }


def test_passed_sockets_are_numbered_from_3_and_hidden_from_child_processes() -> None:
    environ = _environ("2")
    assert take_passed_sockets(environ) == (3, 4)
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="none"),
        pytest.param(_environ(pid=1), id="another process"),
        pytest.param(_environ(""), id=""),
    ],
)
def test_passed_sockets_of_others_are_left_alone(environ: dict[str, str]) -> None:
    assert take_passed_sockets(environ) == ()


def test_passed_sockets_are_chosen_by_name() -> None:
    assert take_passed_sockets(_environ("3", "web:admin:web"), "web") == (3, 5)
    with pytest.raises(ListenError, match=r"no socket named 'wbe'; LISTEN_FDNAMES is 'web:admin'"):
        take_passed_sockets(_environ("2", "web:admin"), "wbe")


@pytest.mark.parametrize("count", ["two", "-1", "1.0", "99999999999", "\u0662"])
def test_passed_sockets_of_no_number_are_an_error(count: str) -> None:
    with pytest.raises(ListenError, match="LISTEN_FDS is not a number of sockets"):
        take_passed_sockets(_environ(count))


def test_passed_sockets_take_the_place_of_other_addresses() -> None:
    for bind_address in (BindAddress(), BindAddress(unix="/x"), BindAddress(bind=["127.0.0.1:1", "unix:/x"])):
        assert with_passed_sockets(bind_address, _environ("2")).fds == (3, 4)
        assert with_passed_sockets(bind_address, {}) is bind_address
    with pytest.raises(ListenError, match="no socket named 'web'"):
        with_passed_sockets(BindAddress(), _environ("1"), "web")


@pytest.mark.parametrize("bind_address", [BindAddress(fds=[4]), BindAddress(bind=["127.0.0.1:1", "fd:4"])])
def test_passed_sockets_are_not_taken_if_descriptors_are_named(bind_address: BindAddress) -> None:
    assert with_passed_sockets(bind_address, _environ("2")) is bind_address


async def test_server_listens_on_an_inherited_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        fd = os.dup(mine.fileno())
        os.set_inheritable(fd, True)
        async with HTTPServer(application(), fds=[fd]) as server:
            assert server.addresses[0].port == mine.getsockname()[1]
            assert not os.get_inheritable(fd)
            assert (await answer(server)).endswith(b"hello")
        # The process that passed it still has it.
        assert mine.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


async def test_server_leaves_the_file_of_an_inherited_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as mine:
        mine.bind(str(path))
        async with HTTPServer(application(), fds=[os.dup(mine.fileno())]) as server:
            assert server.addresses[0].url == f"unix:{path}"
            assert (await answer(server)).endswith(b"hello")
    assert path.exists()


def test_abstract_unix_socket_is_named_with_an_at() -> None:
    with socket.socket(socket.AF_UNIX) as mine:
        mine.bind(f"\0turnbuckle-{os.getpid()}")
        listener = adopt_descriptor(os.dup(mine.fileno()))
        assert listener.address.unix == f"@turnbuckle-{os.getpid()}"
        listener.close()


def test_descriptors_that_are_no_stream_sockets_are_refused_and_none_is_taken(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as good,
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
        (tmp_path / "file").open("w") as file,
    ):
        for wrong, reason in (
            (datagrams.fileno(), "not a TCP or Unix stream socket"),
            (file.fileno(), "is not a socket"),
        ):
            with pytest.raises(ListenError, match=f"cannot listen on descriptor {wrong}: it .*{reason}|{reason}"):
                open_listeners(BindAddress(fds=[good.fileno(), wrong]))
        assert good.getsockname()
    with pytest.raises(ListenError, match="is not open"):
        adopt_descriptor(1_000_000)
