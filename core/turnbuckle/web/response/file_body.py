"""Stream a file piece by piece, and never more bytes than announced, if a size is announced.

The loop reads the pieces that are in the kernel's memory, and a thread reads those that the disk has to be asked for.
"""

from __future__ import annotations

import asyncio
import math
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from copy import copy
from typing import BinaryIO, Final, final

import attrs

__all__ = ["FileBody", "FileVersion", "is_in_memory"]

_PIECE_SIZE: Final = 64 * 1024
# Bytes between two probes of whether a file is in memory: what the kernel usually reads ahead.
_PROBED: Final = 128 * 1024


@attrs.frozen
class FileVersion:
    """The state of a file: another content has, with all likelihood, another state.

    Attributes:
        inode: number of the file in its file system; a file that replaces another one has its own.
        modified_ns: time of the last modification, in nanoseconds since the epoch.
        size: in bytes; None if only reading shows it, as for the files of ``/proc``, which are sent to their end.
    """

    inode: int
    modified_ns: int
    size: int | None

    @classmethod
    def of(cls, status: os.stat_result) -> FileVersion:
        """Return the state that the system reports."""
        # The kernel makes the content of some files on reading: in /proc they have size 0, in /sys the size of a page,
        # and in neither do they use blocks of a disk. Only reading shows how long they are.
        has_size = status.st_size and getattr(status, "st_blocks", 1)
        return cls(status.st_ino, status.st_mtime_ns, status.st_size if has_size else None)

    @property
    def modified(self) -> float:
        """Time of the last modification, in seconds since the epoch."""
        return self.modified_ns / 1e9


@final
class FileBody:
    """The content of a file, or a part of it. The size is read at creation; the file is opened when it is sent.

    Attributes:
        path: the path of the file.
        version: the state of the file when its size was read.
        start: position of the first byte in the file.
        size: in bytes; None if only reading shows it.

    Raises:
        OSError: the file does not exist, or is not a regular file.
    """

    __slots__ = ("_file", "_reading", "path", "size", "start", "version")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Final = os.fspath(path)
        status = os.stat(self.path)
        if not stat.S_ISREG(status.st_mode):
            # Reading a pipe could block for ever, and a device might have no end.
            raise OSError(f"not a regular file: {self.path!r}")
        self.version = FileVersion.of(status)
        self.start = 0
        self.size = self.version.size
        self._file: BinaryIO | None = None
        self._reading: AsyncGenerator[bytes, None] | None = None

    async def opened(self) -> FileBody:
        """Open the file in a thread, and return its body, with the state that it has now.

        What later happens at the path has no effect on this body. The other body is not changed, so one response can be
        sent to several clients at a time.

        Raises:
            OSError: the file cannot be opened.
        """
        body = copy(self)
        body._file = file = await _open_in_thread(self.path)
        if self.size is not None:
            body.version = FileVersion.of(os.fstat(file.fileno()))
            body.size = body.version.size
        return body

    def of_version(self, version: FileVersion) -> FileBody:
        """Return the body of another state of the file."""
        body = copy(self)
        body.version, body.size, body._file, body._reading = version, version.size, None, None
        return body

    def part(self, start: int, stop: int) -> FileBody:
        """Return the body that is a part of this one, from ``start`` to before ``stop``; both share the open file."""
        part = copy(self)
        part.start, part.size = start, stop - start
        return part

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the content. It is shorter than announced only if the file shrank in the meantime."""
        self._reading = self.read(self.start, None if self.size is None else self.start + self.size, keep_open=False)
        return self._reading

    async def aclose(self) -> None:
        """Close the file if it is open. The server calls this when it stops sending."""
        if self._reading is not None:
            await self._reading.aclose()
        if self._file is not None:
            self._file.close()

    def fileno(self) -> int:
        """Return the descriptor of the open file; -1 if it is not open."""
        return -1 if self._file is None or self._file.closed else self._file.fileno()

    async def read(self, start: int, stop: int | None, *, keep_open: bool = True) -> AsyncGenerator[bytes, None]:
        """Yield the content from ``start`` to before ``stop``, or to the end of the file if that is None.

        Args:
            start: position in the file.
            stop: likewise.
            keep_open: whether the file stays open, if it is open.
        """
        end: float = math.inf if stop is None else stop
        file, at = self._file or await _open_in_thread(self.path), start
        try:
            while at < end and (piece := await self._read_piece(file, at, int(min(_PIECE_SIZE, end - at)))):
                at += len(piece)
                yield piece
        finally:
            if file is not self._file or not keep_open:
                file.close()

    async def _read_piece(self, file: BinaryIO, offset: int, size: int) -> bytes:
        if self.size is None:
            # Made by the kernel on reading, and not every such file can be read at an offset.
            return await asyncio.to_thread(file.read, size)
        number = file.fileno()
        if is_in_memory(number, offset, size):
            return os.pread(number, size, offset)
        return await asyncio.to_thread(os.pread, number, size, offset)


def is_in_memory(file: int, offset: int, size: int) -> bool:
    """Return whether a part of a file can be read without waiting for the disk.

    The answer is False if that is not known: the system or the file system cannot tell.

    Args:
        file: the descriptor.
        offset: first byte of the part.
        size: number of bytes.
    """
    byte = bytearray(1)
    try:
        for at in (*range(offset, offset + size, _PROBED), offset + size - 1):
            # No byte at a place means that the file has become shorter, and its end is found at once.
            os.preadv(file, [byte], at, os.RWF_NOWAIT)
    except (OSError, AttributeError):
        return False
    return True


async def _open_in_thread(path: str) -> BinaryIO:
    opening = asyncio.get_running_loop().run_in_executor(None, _open, path)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread cannot be stopped and will open the file, so the file is closed afterwards.
        opening.add_done_callback(_close_opened)
        raise


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def _close_opened(opening: asyncio.Future[BinaryIO]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
