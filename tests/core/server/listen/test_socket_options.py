"""The kernel takes little more for a peer than the peer does."""

from __future__ import annotations

import socket

from turnbuckle.server.listen.socket_options import keep_little_unsent


def test_kernel_takes_little_for_a_peer_that_reads_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        keep_little_unsent(listener)
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                accepted.setblocking(False)
                taken = _fill(accepted)
                received = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    # What the peer's own kernel holds comes on top; without the option it is megabytes.
    assert taken < 128 * 1024 + 8 * received


def test_sockets_that_are_not_tcp_are_left_alone() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        keep_little_unsent(listener)
        assert listener.family is socket.AF_UNIX


def _fill(connection: socket.socket) -> int:
    taken = 0
    try:
        while taken < 64 * 1024 * 1024:
            taken += connection.send(bytes(65536))
    except BlockingIOError:
        pass
    return taken
