"""Share a folder between the workers of one service, and choose one of them by a lock on a file.

The system releases the lock of a process however it ends, so the next worker can get it at once.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, final

__all__ = ["Leadership", "open_worker_folder", "worker_folder"]


def worker_folder(name: str) -> Path:
    """Return the folder of the workers of the supervisor that started this process.

    Args:
        name: name of the plugin that uses it.
    """
    return Path(tempfile.gettempdir()) / f"turnbuckle-{name}-{os.geteuid()}-{os.getppid()}"


def open_worker_folder(folder: Path) -> Path:
    """Create a folder if it does not exist, and return it.

    Raises:
        PermissionError: it belongs to another user, or other users may write to it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} belongs to another user, or other users may write to it")
    return folder


@final
class Leadership:
    """The lock on a file, which one of the workers holds.

    Args:
        path: path of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Return whether this process holds the lock, after trying to get it."""
        if self._file is None:
            open_worker_folder(self._path.parent)
            file = self._path.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            if not _is_same(file, self._path):
                # The last holder has removed the file meanwhile, and another process may hold a new one.
                file.close()
                return False
            self._file = file
        return True

    def release(self) -> None:
        """Release the lock for another worker; the last one leaves no file behind."""
        if self._file is not None:
            with suppress(OSError):
                self._path.unlink()
            self._file.close()
            self._file = None
        with suppress(OSError):
            self._path.parent.rmdir()


def _is_same(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
