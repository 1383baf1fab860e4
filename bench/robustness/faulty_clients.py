"""Faulty connections: random input, and a random end."""

import random
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

Step = Callable[[socket.socket], None]

_GET: Final = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n%b\r\n"
_POST: Final = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\n%b\r\n"
_RESET: Final = struct.pack("ii", 1, 0)


def _get(path: bytes, fields: bytes = b"") -> bytes:
    return _GET % (path, fields)


def _half_of(data: bytes) -> bytes:
    return data[: random.randrange(1, len(data))]


def _sent(draw: random.Random) -> bytes:
    """Return the bytes that a client sends before its fault."""
    path = draw.choice((b"/", b"/items/7?q=x", b"/slow", b"/thread", b"/large", b"/stream", b"/ticks", b"/missing"))
    content = draw.choice((b"/", b"/pieces"))
    size = draw.choice((10, 5_000, 200_000))
    return draw.choice(
        (
            lambda: b"",
            lambda: draw.randbytes(draw.randrange(1, 200)),
            lambda: b"\x16\x03\x01" + draw.randbytes(200),
            lambda: _half_of(_get(path, b"X: %b\r\n" % (b"x" * 500))),
            lambda: _get(path),
            lambda: _get(path, b"Connection: close\r\n"),
            lambda: _get(path) * draw.randrange(2, 30),
            lambda: _get(path) + b"nonsense\r\n\r\n" + _get(path),
            lambda: _get(path, b"X: %b\r\n" % (b"x" * 40_000)),
            lambda: _get(path, b"Upgrade: h2c\r\nConnection: Upgrade\r\n"),
            lambda: _POST % (content, b"Content-Length: %d\r\n" % size) + b"x" * draw.randrange(size),
            lambda: _POST % (content, b"Content-Length: %d\r\nExpect: 100-continue\r\n" % size),
            lambda: _POST % (content, b"Content-Length: 99999999999\r\n") + b"x" * size,
            lambda: _POST % (content, b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
            lambda: _POST % (content, b"Transfer-Encoding: chunked\r\n") + b"5\r\nhello\r\n" * draw.randrange(50),
            lambda: _POST % (content, b"Transfer-Encoding: chunked\r\n") + b"5\r\nhelloXX",
        )
    )()


def _send(data: bytes) -> Step:
    def step(client: socket.socket) -> None:
        client.send(data)

    return step


def _read_some(client: socket.socket) -> None:
    with suppress(BlockingIOError):
        client.recv(65536)


def _half_close(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()


def _close(client: socket.socket) -> None:
    client.close()


def steps(draw: random.Random) -> Iterator[Step]:
    """Yield the steps of one client; the last step closes its socket."""
    data = _sent(draw)
    if draw.random() < 0.2 and len(data) > 1:
        # In two pieces, with steps of other clients in between.
        middle = draw.randrange(1, len(data))
        yield _send(data[:middle])
        data = data[middle:]
    if data:
        yield _send(data)
    for _ in range(draw.randrange(3)):
        yield _read_some
    if draw.random() < 0.3:
        yield _half_close
        yield _read_some
    yield draw.choice((_reset, _close))
