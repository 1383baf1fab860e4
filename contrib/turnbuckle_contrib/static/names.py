"""Decide which paths of requests may name files.

A path is refused as a whole if one of its segments could leave the folder, name a hidden file, or name something else
than a file with exactly this name on some operating system. That decision needs no file system. The targets of symbolic
links are checked by the same rules, when a file is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from typing import Final

__all__ = ["is_safe_name", "real_path", "relative_path"]

# The usual paths, on all systems but Windows: no segment starts with a dot.
_USUAL: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*)?")
# Controls, NUL among them, and the backslash, which separates segments on Windows.
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\/]")
# Drives and alternate data streams; short names of long files, such as GIT~1; names that lose their end.
_FORBIDDEN_ON_WINDOWS: Final = re.compile(r'[:*?"<>|]|~[0-9]|[. ]\Z')
# Devices, which have any suffix, and superscript digits.
_DEVICES: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\xb9\xb2\xb3]) *(?:\.|\Z)", re.IGNORECASE
)


def relative_path(path: str, dotfiles: Collection[str] = (), *, windows: bool = os.name == "nt") -> str | None:
    """Return the path of a file in its folder, or None if no file may have the path.

    Args:
        path: the decoded rest of the path of a request, without the slash at its start; with a slash at its end, it is
            the path of a folder.
        dotfiles: the names with a dot at their start that are permitted.
        windows: whether the files are on Windows.
    """
    if not windows and _USUAL.fullmatch(path):
        return path
    segments = path.split("/")
    names = segments[:-1] if segments[-1] == "" else segments
    return path if all(is_safe_name(name, dotfiles, windows=windows) for name in names) else None


def is_safe_name(name: str, dotfiles: Collection[str] = (), *, windows: bool = os.name == "nt") -> bool:
    """Return whether a segment is the name of a file or folder that may be served."""
    if not name or _FORBIDDEN.search(name) or (name.startswith(".") and name not in dotfiles) or name in {".", ".."}:
        return False
    return not windows or not (_FORBIDDEN_ON_WINDOWS.search(name) or _DEVICES.match(name))


def real_path(root: str, location: str, dotfiles: Collection[str] = ()) -> str | None:
    """Return the path of a file or folder without symbolic links; None if it is outside of the root, or hidden there.

    The root is resolved each time, because it may be a link itself that a deployment replaces.
    """
    real, real_root = os.path.realpath(location), os.path.realpath(root)
    if real == real_root:
        return real
    if not real.startswith(os.path.join(real_root, "")):
        return None
    inner = os.path.relpath(real, real_root).replace(os.sep, "/")
    return real if relative_path(inner, dotfiles) is not None else None
