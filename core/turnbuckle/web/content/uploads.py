"""An uploaded file, stored in memory if it is small and on disk otherwise, and deleted with the last reference to it.

The disk is only accessed in a thread. The file name from the client may be displayed, but must not be opened.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import IO, Final, final

from turnbuckle.web.foreign_names import UPLOAD_NAMES, add_foreign_names

__all__ = ["UploadedFile"]

# Each access to the disk is a call in a thread, which costs as much as a quarter of this.
_PIECE_SIZE: Final = 256 * 1024


@final
class UploadedFile:
    """A file that was uploaded with a form.

    Attributes:
        name: the client's name of the file, without folders; for display only. It is not safe to use it as the name of
            a file on the server.
        content_type: the media type that the client sent, in lower case; ``""`` if it sent none.
        size: in bytes.
        file: the content as a binary file, at its start. Reading it blocks, unlike the methods of this class.
    """

    __slots__ = ("__weakref__", "_in_memory", "_unwritten", "_unwritten_size", "content_type", "file", "name", "size")

    def __init__(self, name: str, content_type: str, *, in_memory: int) -> None:
        self.name: Final = _base_name(name)
        self.content_type: Final = content_type
        self.size = 0
        self._in_memory: Final = in_memory
        self._unwritten: Final[list[bytes]] = []
        self._unwritten_size = 0
        self.file: Final[IO[bytes]] = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115
        # Unlike __del__, it also runs before the finalizer of the file if both are in a circle, as with a traceback.
        weakref.finalize(self, _close, self.file).atexit = False

    def __repr__(self) -> str:
        return f"<UploadedFile {self.name!r} of {self.size} bytes>"

    async def write(self, piece: bytes) -> None:
        """Append a piece to the content; in a thread if the file is on disk or now has to move there."""
        self.size += len(piece)
        if self.size <= self._in_memory:
            self.file.write(piece)
            return
        # Pieces are collected first: with a thread for each piece, a client that sends tiny pieces could occupy all
        # threads.
        self._unwritten.append(piece)
        self._unwritten_size += len(piece)
        if self._unwritten_size >= _PIECE_SIZE:
            await self._flush()

    async def rewind(self) -> None:
        """Write out all pieces and move to the start of the file."""
        await self._flush()
        self.file.seek(0)

    async def _flush(self) -> None:
        if self._unwritten:
            data = b"".join(self._unwritten)
            self._unwritten.clear()
            self._unwritten_size = 0
            await asyncio.to_thread(self.file.write, data)

    async def read(self) -> bytes:
        """Return the complete content."""
        await self.rewind()
        return await self._read()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the content from its start, in pieces that are never empty."""
        await self.rewind()
        while piece := await self._read(_PIECE_SIZE):
            yield piece

    async def _read(self, size: int = -1) -> bytes:
        """Return the next bytes; the disk is read in a thread."""
        if self.size <= self._in_memory:
            return self.file.read(size)
        return await asyncio.to_thread(self.file.read, size)

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Write the content to a path that the app chose, and replace a file that exists there."""
        await self.rewind()
        await asyncio.to_thread(self._copy_to, path)

    def _copy_to(self, path: str | os.PathLike[str]) -> None:
        with open(path, "wb") as target:
            shutil.copyfileobj(self.file, target, _PIECE_SIZE)

    def close(self) -> None:
        """Close the file and delete its content. This also happens when the last reference goes."""
        _close(self.file)


def _close(file: IO[bytes]) -> None:
    # Closing tries to write buffered data again, which fails again if the disk is full.
    with suppress(OSError):
        file.close()


def _base_name(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable())
    # These names always refer to folders.
    return "" if printable in {".", ".."} else printable


add_foreign_names(UploadedFile, UPLOAD_NAMES)
