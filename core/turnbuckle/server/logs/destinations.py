"""Write the bytes of a log to its destination: a standard stream or a file.

Only the thread of the log's queue writes, so writing may block.
"""

from __future__ import annotations

import errno
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

# Writes of at most this many bytes to a pipe are atomic (POSIX), so lines of several processes do not mix.
_PIPE_SIZE: Final = 4096
_MAX_WRITE: Final = 65536

# Seconds between checks whether the file was moved or removed.
_CHECK_INTERVAL: Final = 1.0

# Milliseconds of one wait for a non-blocking stream.
_POLL_MILLISECONDS: Final = 1000


class Destination(Protocol):
    """Where lines go."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Write whole lines.

        Raises:
            OSError: at least one line was not written; it is unknown which.
        """

    def close(self) -> None:
        """Close the destination."""


def open_destination(name: str) -> Destination:
    """Open ``"stderr"``, ``"stdout"``, or a file by its path.

    Raises:
        OSError: the file cannot be opened.
    """
    if name in {"stderr", "stdout"}:
        stream = sys.__stderr__ if name == "stderr" else sys.__stdout__
        try:
            # Use a duplicate of the descriptor. If other code closes the stream, its number may be reused for a
            # client's socket.
            return NullDestination() if stream is None else StandardStream(os.dup(stream.fileno()))
        except (OSError, ValueError):
            return NullDestination()
    return LogFile(name)


def occupy_standard_descriptors() -> None:
    """Open the null device for each standard descriptor (0, 1, 2) that is closed.

    Otherwise the next socket would get the number of a standard stream. Printed text would go to a client, and libuv,
    which treats the end of such a socket as an error, would end the process.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


@final
class NullDestination:
    """Drops all lines: stands for a standard stream that was closed before the server started."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Drop the lines."""

    def close(self) -> None:
        """Do nothing."""


class _Descriptor:
    """Writes to one file descriptor, in pieces of whole lines."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._has_partial_line = False

    def write(self, lines: Iterable[bytes]) -> None:
        is_regular = stat.S_ISREG(os.fstat(self.descriptor).st_mode)
        for piece in _batches(lines, _MAX_WRITE if is_regular else _PIPE_SIZE):
            self._write_piece(b"\n" + piece if self._has_partial_line else piece)

    def _write_piece(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self.descriptor, left) :]
            except BlockingIOError:
                _wait_until_ready(self.descriptor)
            except OSError:
                # The next write must not be taken for the rest of this line.
                self._has_partial_line = self._has_partial_line or len(left) < len(data)
                raise
        self._has_partial_line = False

    def close(self) -> None:
        os.close(self.descriptor)


@final
class StandardStream(_Descriptor):
    """A standard stream: a pipe, a terminal, a file."""


@final
class LogFile:
    """A file that lines are appended to, opened again after it was moved or removed, for example by ``logrotate``.

    Args:
        path: of the file; a missing file is created, readable by owner and group.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path: Final = path
        self._file = _Descriptor(_open(path))
        self._checked = time.monotonic()

    def write(self, lines: Iterable[bytes]) -> None:
        """Write whole lines.

        Raises:
            OSError: they cannot be written, for example because the disk is full.
        """
        now = time.monotonic()
        if now - self._checked >= _CHECK_INTERVAL:
            self._checked = now
            self._reopen_if_moved()
        self._file.write(lines)

    def _reopen_if_moved(self) -> None:
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
            # The old file can still be written to, wherever it is now.
            return
        self._file.close()
        self._file = fresh

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _open(path: str) -> int:
    # Without O_NONBLOCK, opening a named pipe would wait for a reader, and writing to it for a slow one.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        return os.open(path, flags, 0o640)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "no program reads from this pipe", path) from error
        raise


def _wait_until_ready(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll(_POLL_MILLISECONDS)


def _batches(lines: Iterable[bytes], max_size: int) -> Iterable[bytes]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and size + len(line) > max_size:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield b"".join(batch)
