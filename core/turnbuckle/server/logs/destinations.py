"""Write octets to where a log goes: a standard stream or a file.

Only the thread of a log's queue writes, so it may block here for as long as it takes.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from collections.abc import Iterable
from typing import Final, Protocol, final

__all__ = [
    "Destination",
    "LogFile",
    "NullDestination",
    "StandardStream",
    "occupy_standard_descriptors",
    "open_destination",
]

# A pipe that several processes share keeps what is written at once together, up to this many octets (POSIX).
_PIPE_SIZE: Final = 4096
_MAX_WRITE: Final = 65536

# Seconds between two looks whether a file was moved, and between two tries to open it.
_LOOK: Final = 1.0

# Milliseconds that are waited at once for a stream that does not block.
_READY_WITHIN: Final = 1000


class Destination(Protocol):
    """Where lines go."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Write whole lines.

        Raises:
            OSError: they were not all written; which is not known.
        """

    def close(self) -> None:
        """Let go of it."""


def open_destination(name: str) -> Destination:
    """Return what ``"stderr"``, ``"stdout"`` or a path stands for.

    Raises:
        OSError: the file cannot be opened.
    """
    if name in {"stderr", "stdout"}:
        stream = sys.__stderr__ if name == "stderr" else sys.__stdout__
        try:
            # Of our own: the number of a stream that somebody closes is given to the next socket, which is a client's.
            return NullDestination() if stream is None else StandardStream(os.dup(stream.fileno()))
        except (OSError, ValueError):
            return NullDestination()
    return LogFile(name)


def occupy_standard_descriptors() -> None:
    """Put something where a standard stream was closed.

    The next socket would get its number: then whatever is printed goes to a client, and libuv, which takes the end of
    such a socket for a mistake, ends the process.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


@final
class NullDestination:
    """A standard stream that was closed before we came."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Write nothing."""

    def close(self) -> None:
        """Let go of nothing."""


class _Descriptor:
    """Writes to one file descriptor, in pieces of whole lines."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._is_torn = False

    def write(self, lines: Iterable[bytes]) -> None:
        is_regular = stat.S_ISREG(os.fstat(self.descriptor).st_mode)
        for piece in _pieces(lines, _MAX_WRITE if is_regular else _PIPE_SIZE):
            self._write_piece(b"\n" + piece if self._is_torn else piece)

    def _write_piece(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self.descriptor, left) :]
            except BlockingIOError:
                _wait_until_ready(self.descriptor)
            except OSError:
                # What follows must not be taken for the rest of this line.
                self._is_torn = self._is_torn or len(left) < len(data)
                raise
        self._is_torn = False

    def close(self) -> None:
        os.close(self.descriptor)


@final
class StandardStream(_Descriptor):
    """A pipe, a terminal, or whatever the process was given."""


@final
class LogFile:
    """A file that is appended to, and opened again once it was moved or removed, as ``logrotate`` does.

    Args:
        path: of the file; it is made if there is none, readable by owner and group.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path: Final = path
        self._file = _Descriptor(_open(path))
        self._looked = time.monotonic()

    def write(self, lines: Iterable[bytes]) -> None:
        """Write whole lines.

        Raises:
            OSError: the disk is full, or worse.
        """
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._looked = now
            self._follow()
        self._file.write(lines)

    def _follow(self) -> None:
        try:
            at_path, ours = os.stat(self._path), os.fstat(self._file.descriptor)
            if (at_path.st_dev, at_path.st_ino) == (ours.st_dev, ours.st_ino):
                return
        except FileNotFoundError:
            pass
        except OSError:
            return
        try:
            fresh = _Descriptor(_open(self._path))
        except OSError:
            # The old file still takes lines, wherever it is now.
            return
        self._file.close()
        self._file = fresh

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o640)


def _wait_until_ready(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll(_READY_WITHIN)


def _pieces(lines: Iterable[bytes], most: int) -> Iterable[bytes]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        if held and size + len(line) > most:
            yield b"".join(held)
            held, size = [], 0
        held.append(line)
        size += len(line)
    if held:
        yield b"".join(held)
