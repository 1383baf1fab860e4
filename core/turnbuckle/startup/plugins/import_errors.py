"""Find where the import of a plugin failed: in the plugin's own code, and where that was led to."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from turnbuckle.startup.model.locations import file_place

__all__ = ["import_places"]


def import_places(error: BaseException, module: str) -> tuple[str, str]:
    """Return the last line of a plugin's own on the way to an exception, and the line that raised it.

    Args:
        error: what importing the plugin raised.
        module: name of its module.

    Returns:
        Places; "" for what is not known, or is outside of what was imported.
    """
    way = [*_frames(error)]
    top = module.partition(".")[0]
    own = [place for path, place in way if _is_of(path, top)]
    # Before the plugin's first line stands what imports it: that is no place to look at.
    innermost = way[-1][1] if own else ""
    return (own[-1] if own else ""), innermost


def _frames(error: BaseException) -> Iterator[tuple[Path, str]]:
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith("<"):
            yield Path(frame.filename), file_place(frame.filename, frame.lineno)
    if isinstance(error, SyntaxError) and error.filename:
        yield Path(error.filename), file_place(error.filename, error.lineno)


def _is_of(path: Path, top: str) -> bool:
    return path.stem == top or top in path.parent.parts
