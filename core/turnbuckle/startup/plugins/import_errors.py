"""Locate the line at fault in the traceback of a plugin: of its import, its constructor or a hook."""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import attr
import attrs

from turnbuckle.diagnostics import file_location

__all__ = ["error_location", "import_locations"]

# Neither the core nor attrs, which runs validators, is the place to fix an error of a plugin.
_NOT_AT_FAULT: Final = tuple(
    folder + os.sep
    for folder in (
        str(Path(__file__).parents[2]),
        *(str(Path(module.__file__ or "").parent) for module in (attr, attrs, importlib)),
    )
)


def import_locations(error: BaseException, module: str) -> tuple[str, str]:
    """Locate the failure of an import.

    Args:
        error: the exception that importing the plugin raised.
        module: name of its module.

    Returns:
        The last line of the plugin's own code, and the line that raised the exception, except for lines of the core,
        which checks the arguments of the plugin. Both are "" if the failure is outside of the plugin.
    """
    locations = [*_raised_locations(error)]
    top = module.partition(".")[0]
    own = [location for path, location in locations if _is_of(path, top)]
    # Before the first line of the plugin come the lines that import it; they are not at fault.
    if not own:
        return "", ""
    raised = [location for path, location in locations if not str(path).startswith(_NOT_AT_FAULT)]
    return own[-1], (raised or own)[-1]


def error_location(error: BaseException, near: str = "") -> str:
    """Return the line that raised an exception, or the line that cannot be parsed.

    Args:
        error: the exception.
        near: a location; lines in the same folder are preferred to lines of libraries. "" for no preference.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return file_location(error.filename, error.lineno)
    return _innermost(error.__traceback__, _folder(near.rpartition(":")[0]) if near else None)


def _raised_locations(error: BaseException) -> Iterator[tuple[Path, str]]:
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith("<"):
            yield Path(frame.filename), file_location(frame.filename, frame.lineno)
    if isinstance(error, SyntaxError) and error.filename:
        yield Path(error.filename), file_location(error.filename, error.lineno)


def _is_of(path: Path, top: str) -> bool:
    return path.stem == top or top in path.parent.parts


def _innermost(trace: TracebackType | None, folder: Path | None) -> str:
    frames = [frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith(("<", *_NOT_AT_FAULT))]
    own = [frame for frame in frames if _folder(frame.filename) == folder]
    nearest = (own or frames)[-1:]
    return "".join(file_location(frame.filename, frame.lineno) for frame in nearest)


def _folder(path: str) -> Path:
    return Path(path).resolve().parent
