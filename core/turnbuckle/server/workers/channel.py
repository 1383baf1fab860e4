"""Pass messages between a supervisor and a worker: one line of JSON each, over a pair of sockets.

That the other end is gone is a message, too: the last one.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Final, TypeAlias, final

__all__ = ["Channel", "Message"]

Message: TypeAlias = Mapping[str, object]

_CHUNK: Final = 65536
# Seconds that a message may take which must not be lost.
_PATIENCE: Final = 5.0


@final
class Channel:
    """One end.

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
        """Return whether the other end may still say something."""
        return self._is_open

    def send(self, **message: object) -> None:
        """Send, or drop the message if the other end takes none: it is dead, or has not listened for long."""
        try:
            self._sock.send(_encoded(message))
        except OSError:
            return

    def send_surely(self, **message: object) -> None:
        """Send, and wait until it is sent; for the last words of a process."""
        try:
            self._sock.settimeout(_PATIENCE)
            self._sock.sendall(_encoded(message))
        except OSError:
            return

    def receive(self) -> list[Message]:
        """Return what has come since it was last asked."""
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
        """Say no more; the other end learns of it."""
        self._is_open = False
        self._sock.close()


def _encoded(message: Message) -> bytes:
    return json.dumps(message).encode() + b"\n"
