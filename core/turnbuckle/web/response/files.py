"""Stream a file piece by piece, and never more bytes than announced, if a size is announced.

The loop reads the pieces that are in the kernel's memory, and a thread reads those that the disk has to be asked for.
"""

from __future__ import annotations

import asyncio
import math
import mimetypes
import os
import re
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from typing import BinaryIO, Final, final
from urllib.parse import quote

__all__ = ["FileBody", "content_disposition", "guess_content_type", "is_in_memory"]

_PIECE_SIZE: Final = 64 * 1024
# Bytes between two probes of whether a file is in memory: what the kernel usually reads ahead.
_PROBED: Final = 128 * 1024
# Controls (C0, DEL, C1) and lone surrogates, which have no encoding. All other characters are sent, including spaces of
# all kinds, joiners and marks of direction: file names of phones and other languages contain them.
_UNSENDABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACES: Final = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_NOT_PLAIN: Final = re.compile(r'["%\\]')
_COMPRESSED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


@final
class FileBody:
    """The content of a file. The size is read once, at creation; the file is opened when it is sent.

    Attributes:
        path: the path of the file.
        size: in bytes; None if only reading shows it, as for the files of ``/proc``, which are sent to their end.
        modified: time of the last modification, in seconds since the epoch.

    Raises:
        OSError: the file does not exist, or is not a regular file.
    """

    __slots__ = ("_reading", "modified", "path", "size")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Final = os.fspath(path)
        status = os.stat(self.path)
        if not stat.S_ISREG(status.st_mode):
            # Reading a pipe could block for ever, and a device might have no end.
            raise OSError(f"not a regular file: {self.path!r}")
        # The kernel makes the content of some files on reading: in /proc they have size 0, in /sys the size of a page,
        # and in neither do they use blocks of a disk. Only reading shows how long they are.
        has_size = status.st_size and getattr(status, "st_blocks", 1)
        self.size: Final = status.st_size if has_size else None
        self.modified: Final = status.st_mtime
        self._reading: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the content. It is shorter than announced only if the file shrank in the meantime."""
        self._reading = self._pieces()
        return self._reading

    async def aclose(self) -> None:
        """Close the file if it is open. The server calls this when it stops sending."""
        if self._reading is not None:
            await self._reading.aclose()

    async def open(self) -> BinaryIO:
        """Open the file in a thread.

        Raises:
            OSError: the file cannot be opened.
        """
        return await _open_in_thread(self.path)

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        remaining: float = math.inf if self.size is None else self.size
        offset = 0
        with await self.open() as file:
            while remaining and (piece := await self._read(file, offset, int(min(_PIECE_SIZE, remaining)))):
                remaining -= len(piece)
                offset += len(piece)
                yield piece

    async def _read(self, file: BinaryIO, offset: int, size: int) -> bytes:
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


def guess_content_type(path: str) -> str:
    """Return the Content-Type that follows from the name of a file."""
    guessed, encoding = mimetypes.guess_type(path)
    if encoding is not None:
        # The file is compressed. With the type of its content, browsers would display compressed bytes.
        return _COMPRESSED.get(encoding, "application/octet-stream")
    if guessed is None:
        return "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


def content_disposition(name: str) -> str:
    """Return the Content-Disposition that makes a browser save content under a name (RFC 6266, appendix D).

    ``filename*`` has the whole name (RFC 8187); ``filename`` is for clients that do not know it, and replaces the
    characters that they could misread. For an empty name, both parameters are omitted.

    Raises:
        ValueError: the name contains a control character, or a lone surrogate, which has no encoding.
    """
    if not name:
        return "attachment"
    if found := _UNSENDABLE.search(name):
        raise ValueError(f"file name {name!r} contains {found.group()!r}, which cannot be sent")
    plain = _NOT_PLAIN.sub("_", _SPACES.sub(" ", name).encode("ascii", "replace").decode())
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
