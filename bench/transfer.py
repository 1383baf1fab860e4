"""Transfer large content over a socket, with as little work per byte as Python allows."""

import re
import socket
from collections.abc import Iterable, Iterator
from typing import Final

MIB: Final = 1024 * 1024
TIMEOUT: Final = 60.0
_PIECE: Final = MIB
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_LAST_CHUNK: Final = b"0\r\n\r\n"


class WrongAnswer(Exception):
    """An answer is not 200, or has another size."""


def receive(port: int, target: str, count: int, size: int) -> int:
    """Send `count` requests on one connection, one after the other; return the bytes of all answers.

    Raises:
        WrongAnswer: the content of an answer does not have `size` bytes.
    """
    into = memoryview(bytearray(_PIECE))
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        for _ in range(count):
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            head, rest = _head(connection)
            if length := _LENGTH.search(head):
                _check(int(length[1]), size)
                _read_exactly(connection, size - len(rest), into)
            else:
                _read_chunks(connection, rest, size, into)
    return count * size


def send(port: int, target: str, size: int, count: int = 1) -> int:
    """Send `count` requests with content of `size` bytes on one connection; return the bytes of all.

    Raises:
        WrongAnswer: an answer is not the number of bytes.
    """
    piece = b"x" * min(size, _PIECE)
    request = f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            connection.sendall(request)
            for at in range(0, size, len(piece)):
                connection.sendall(piece[: size - at])
            head, rest = _head(connection)
            length = _LENGTH.search(head)
            while length is not None and len(rest) < int(length[1]):
                rest += connection.recv(4096)
            _check(int(rest), size)
    return count * size


def ask(port: int, requests: Iterable[bytes]) -> Iterator[bytes]:
    """Send requests on one connection, one after the other; yield the content of each answer.

    Raises:
        WrongAnswer: an answer is not 200, or has no Content-Length.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            connection.sendall(request)
            head, content = _head(connection)
            length = _LENGTH.search(head)
            if length is None:
                raise WrongAnswer(f"no Content-Length: {head[:200]!r}")
            while len(content) < int(length[1]):
                piece = connection.recv(65536)
                if not piece:
                    raise WrongAnswer(f"{int(length[1]) - len(content)} bytes are missing")
                content += piece
            yield content


def _check(found: int, expected: int) -> None:
    if found != expected:
        raise WrongAnswer(f"{found} bytes instead of {expected}")


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise WrongAnswer(f"the connection ended after {data!r}")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise WrongAnswer(repr(head[:80]))
    return head, rest


def _read_exactly(connection: socket.socket, size: int, into: memoryview) -> None:
    while size > 0:
        count = connection.recv_into(into, min(size, len(into)))
        if not count:
            raise WrongAnswer(f"{size} bytes are missing")
        size -= count


def _read_chunks(connection: socket.socket, rest: bytes, size: int, into: memoryview) -> None:
    """Read to the last chunk. The content has no such bytes, and only the total is checked, to be fast."""
    total, end = len(rest), rest[-5:]
    while not end.endswith(_LAST_CHUNK):
        count = connection.recv_into(into)
        if not count:
            raise WrongAnswer("the last chunk is missing")
        total += count
        end = (end + bytes(into[max(0, count - 5) : count]))[-5:]
    # The lines of the chunks are less than a percent of the content.
    if not size < total < 1.01 * size + 100:
        raise WrongAnswer(f"{total} bytes of chunks for {size}")
