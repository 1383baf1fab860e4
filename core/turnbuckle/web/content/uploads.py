"""Keep an uploaded file: in memory while it is small, on disk beyond that, and gone with the last reference to it.

The disk is only touched in a thread. The name that a client gave is for showing, never for opening.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import IO, Final, final

__all__ = ["UploadedFile"]

_PIECE: Final = 64 * 1024


@final
class UploadedFile:
    """A file that came with a form.

    Attributes:
        name: what the client calls it, without any folders; for showing only. It is no safe name for a file of yours.
        content_type: what the client says it is, in lower case; ``""`` if it says nothing.
        size: in octets.
        file: the content as a binary file, at its start; reading it blocks, unlike the methods here.
    """

    __slots__ = ("_in_memory", "_unwritten", "_unwritten_size", "content_type", "file", "name", "size")

    def __init__(self, name: str, content_type: str, *, in_memory: int) -> None:
        self.name: Final = _base_name(name)
        self.content_type: Final = content_type
        self.size = 0
        self._in_memory: Final = in_memory
        self._unwritten: Final[list[bytes]] = []
        self._unwritten_size = 0
        self.file: Final[IO[bytes]] = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115

    def __repr__(self) -> str:
        return f"<UploadedFile {self.name!r} of {self.size} octets>"

    def __del__(self) -> None:
        self.close()

    async def write(self, piece: bytes) -> None:
        """Add to the end; in a thread once the file is, or now comes to be, on disk."""
        self.size += len(piece)
        if self.size <= self._in_memory:
            self.file.write(piece)
            return
        # A thread for each piece would let a client that sends tiny ones keep the threads from everybody else.
        self._unwritten.append(piece)
        self._unwritten_size += len(piece)
        if self._unwritten_size >= _PIECE:
            await self._write_out()

    async def rewind(self) -> None:
        """Go to the start of what was written."""
        await self._write_out()
        self.file.seek(0)

    async def _write_out(self) -> None:
        if self._unwritten:
            data = b"".join(self._unwritten)
            self._unwritten.clear()
            self._unwritten_size = 0
            await asyncio.to_thread(self.file.write, data)

    async def read(self) -> bytes:
        """Return the whole content."""
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the content from its start, in pieces that are never empty."""
        await self.rewind()
        while piece := await asyncio.to_thread(self.file.read, _PIECE):
            yield piece

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Write the content to a path of the app's choosing, in place of what is there."""
        await self.rewind()
        await asyncio.to_thread(self._copy_to, path)

    def _copy_to(self, path: str | os.PathLike[str]) -> None:
        with open(path, "wb") as target:
            shutil.copyfileobj(self.file, target, _PIECE)

    def close(self) -> None:
        """Give up the content; done anyway once nothing refers to it."""
        # What could not be written is tried once more here, and fails again on a full disk.
        with suppress(OSError):
            self.file.close()


def _base_name(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable())
    # These name folders, whatever they are put behind.
    return "" if printable in {".", ".."} else printable
