"""Find the folder that the workers of one service share, and check that other users cannot write to it."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

__all__ = ["open_worker_folder", "worker_folder"]


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
