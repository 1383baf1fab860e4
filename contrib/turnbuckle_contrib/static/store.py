"""Read files once, and keep their hashes, their fields and the content of small ones.

Each request asks the system for the state of its file, so a changed file is noticed at once, and nothing is scanned.
A file is read again only if its state has changed. The same state means the same file, which was found inside of its
folder when it was read; so a symbolic link that is changed later leads to another state, and to a new check.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
import time
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Final, NamedTuple

import attrs

from turnbuckle import MutableHeaders
from turnbuckle_contrib.static.config import CODINGS, StaticConfig
from turnbuckle_contrib.static.content_types import content_type_of
from turnbuckle_contrib.static.names import real_path

__all__ = ["FileState", "FileStore", "Representation", "StoredFile", "state_of"]

_DIGEST_SIZE: Final = 12
_PIECE: Final = 256 * 1024
# Larger files are not hashed, because that takes too long: their version follows from time and size.
_MAX_HASHED: Final = 32 * 1024 * 1024
_MAX_FILES: Final = 20_000
_TRIES: Final = 3
# Seconds until the compressed files beside a file are looked for again.
_RECHECK: Final = 1.0
# A compressed file may be older than its source by this much, because tools write them in any order.
_MAX_LAG: Final = 2_000_000_000
_FLAGS: Final = (
    os.O_RDONLY
    # A pipe that replaces the file must not block the thread.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class FileState(NamedTuple):
    """The state of a file that the system reports; another content has, with all likelihood, another state."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def state_of(status: os.stat_result) -> FileState:
    """Return the state of a file."""
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@attrs.frozen(eq=False)
class Representation:
    """A file, or the compressed file beside it.

    Attributes:
        path: its path, without symbolic links.
        state: its state when it was read.
        version: a text that is different for each content.
        headers: the fields of a response with it.
        content_type: its Content-Type.
        body: its content; None if it is too large for the memory.
    """

    path: str
    state: FileState
    version: str
    headers: MutableHeaders
    content_type: str
    body: bytes | None


@attrs.define(eq=False)
class StoredFile:
    """A file with all its representations.

    Attributes:
        plain: the file itself.
        coded: the compressed files by content coding.
        codings: their codings, the preferred one first.
        fresh_until: the time until which the compressed files are not looked for again.
    """

    plain: Representation
    coded: Mapping[str, Representation]
    codings: tuple[str, ...]
    fresh_until: float


@attrs.define(eq=False)
class FileStore:
    """The files of an app that were requested since it started.

    Attributes:
        config: the settings.
        codings: the codings of compressed files.
    """

    config: StaticConfig
    codings: Sequence[str]
    _files: dict[str, StoredFile] = attrs.field(factory=dict, init=False)

    def get(self, location: str, status: os.stat_result) -> StoredFile | None:
        """Return a file that was read before and has not changed, or None.

        Args:
            location: its path, with symbolic links.
            status: its status now.
        """
        file = self._files.get(location)
        if file is None or file.plain.state != state_of(status) or file.fresh_until < time.monotonic():
            return None
        return file

    def load(self, root: str, location: str) -> StoredFile | None:
        """Read a file, and the compressed files beside it; this blocks.

        Returns:
            The file, or None if it must not or cannot be served.
        """
        known = self._files.pop(location, None)
        plain = self._read(root, location, "", known.plain if known is not None else None)
        if plain is None:
            return None
        coded: dict[str, Representation] = {}
        for coding in self.codings:
            before = known.coded.get(coding) if known is not None else None
            found = self._read(root, location, coding, before)
            if found is not None and found.state.modified_ns >= plain.state.modified_ns - _MAX_LAG:
                coded[coding] = found
        for representation in (plain, *coded.values()) if coded else ():
            if "vary" not in representation.headers:
                representation.headers.add_vary("Accept-Encoding")
        file = StoredFile(plain, coded, tuple(coded), time.monotonic() + _RECHECK if self.codings else math.inf)
        self._keep(location, file)
        return file

    def _keep(self, location: str, file: StoredFile) -> None:
        if len(self._files) >= _MAX_FILES:
            # Other threads add files as well, so none of them is looked for.
            self._files.clear()
        self._files[location] = file

    def _has_room(self, size: int) -> bool:
        if size > self.config.memory_file or self.config.untrusted:
            return False
        # A copy, because other threads add files.
        files = list(self._files.values())
        used = sum(len(part.body or b"") for file in files for part in (file.plain, *file.coded.values()))
        return used + size <= self.config.memory

    def _read(self, root: str, location: str, coding: str, known: Representation | None) -> Representation | None:
        """Read one file; ``coding`` is the coding of a compressed file beside the location, or ""."""
        try:
            path = real_path(root, location + CODINGS[coding] if coding else location, self.config.dotfiles)
            if path is None:
                return None
            if known is not None and known.path == path and known.state == state_of(os.stat(path)):
                return known
            for _ in range(_TRIES):
                found = self._read_once(path, location, coding)
                if found is None or state_of(os.stat(path)) == found.state:
                    return found
        except (OSError, ValueError):
            return None
        # It is written to all the time. The bytes that were read have the hash that was computed of them.
        return found

    def _read_once(self, path: str, location: str, coding: str) -> Representation | None:
        descriptor = os.open(path, _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            state = state_of(status)
            # The size of a file in /proc is 0, whatever its content.
            body = _content(descriptor, state.size) if state.size and self._has_room(state.size) else None
            version = _version(descriptor, state, body)
        finally:
            os.close(descriptor)
        content_type = content_type_of(location, self.config.content_types)
        headers = MutableHeaders({"Content-Type": content_type, "X-Content-Type-Options": "nosniff"})
        if coding:
            headers.add("Content-Encoding", coding)
        if self.config.cache_control:
            headers.add("Cache-Control", self.config.cache_control)
        if body is not None:
            # For other files, the class File adds these fields.
            _add_validators(headers, state, version)
        return Representation(path, state, version, headers, content_type, body)


def _add_validators(headers: MutableHeaders, state: FileState, version: str) -> None:
    headers.add("ETag", f'"{version}"')
    # RFC 9110, section 8.8.2.1: a date in the future is replaced by the date of the response.
    headers.add("Last-Modified", formatdate(min(state.modified_ns / 1e9, time.time()), usegmt=True))
    headers.add("Accept-Ranges", "bytes")


def _content(descriptor: int, size: int) -> bytes | None:
    """Return the content of an open file, or None if it does not have the expected size."""
    content = bytearray()
    while len(content) <= size and (piece := os.read(descriptor, size + 1 - len(content))):
        content += piece
    return bytes(content) if len(content) == size else None


def _version(descriptor: int, state: FileState, body: bytes | None) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_SIZE)
    if body is not None:
        digest.update(body)
    elif 0 < state.size <= _MAX_HASHED:
        os.lseek(descriptor, 0, os.SEEK_SET)
        while piece := os.read(descriptor, _PIECE):
            digest.update(piece)
    else:
        digest.update(f"{state.modified_ns}-{state.size}".encode("ascii"))
    return digest.hexdigest()
