"""Pass messages between a supervisor and a worker: lines of JSON over a pair of connected sockets.

The end of the stream is the last message: it means that the other process is gone.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Final, TypeAlias, final

__all__ = ["Channel", "Message"]

Message: TypeAlias = Mapping[str, object]

_CHUNK: Final = 65536
# Seconds that sending a message may take that must not be lost.
_SEND_SECONDS: Final = 5.0


@final
class Channel:
    """One end of the channel.

    Args:
        sock: one of a pair of stream sockets.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock: Final = sock
        self._received = b""
        self._is_open = True

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._sock.fileno()

    def is_open(self) -> bool:
        """Return whether more messages may arrive."""
        return self._is_open

    def send(self, **message: object) -> None:
        """Send a message; drop it if the socket is full, because the other process is dead or has not read for long."""
        try:
            self._sock.send(_encode(message))
        except OSError:
            return

    def send_blocking(self, **message: object) -> None:
        """Send a message and wait until it is sent; for the last message of a process."""
        try:
            self._sock.settimeout(_SEND_SECONDS)
            self._sock.sendall(_encode(message))
        except OSError:
            return

    def receive(self) -> list[Message]:
        """Return the messages that have arrived since the last call."""
        while self._is_open:
            try:
                data = self._sock.recv(_CHUNK)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self._received += data
            self._is_open = bool(data)
        *lines, self._received = self._received.split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        """Close this end, which the other end notices."""
        self._is_open = False
        self._sock.close()


def _encode(message: Message) -> bytes:
    return json.dumps(message).encode() + b"\n"
