"""Find the line of each key in a TOML file, which tomllib does not report, and write keys.

Only lines that start a table or a key count; the content of multi-line strings is skipped. A key inside an inline table
has the line of the key that holds the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["dotted_key", "line_of", "locate"]

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_TABLE: Final = re.compile(rf"[ \t]*\[\[?[ \t]*({_KEY})[ \t]*\]")
_ASSIGNMENT: Final = re.compile(rf"[ \t]*({_KEY})[ \t]*=")
_PARTS: Final = re.compile(_PART)
_FENCES: Final = ('"""', "'''")
# The parts of a line beside plain values: a fence, a string whose content does not count, a comment.
_OPENING: Final = re.compile(r'''"""|\'{3}|"(?:\\.|[^"\\])*"|\'[^\']*\'|#''')


def dotted_key(*parts: str) -> str:
    """Return a key as a TOML file has it: a part with other characters than letters, digits, - and _ is quoted."""
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"' for part in parts)


def locate(text: str) -> Mapping[tuple[str, ...], int]:
    """Return the line number, from 1, of each table and key, by the whole path."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not fence:
            if match := _TABLE.match(line):
                table = _split(match[1])
                lines.setdefault(table, number)
            elif match := _ASSIGNMENT.match(line):
                lines.setdefault(table + _split(match[1]), number)
        fence = _fence_after(line, fence)
    return lines


def line_of(lines: Mapping[tuple[str, ...], int], key: tuple[str, ...]) -> int | None:
    """Return the line of a key, or of the innermost table around it."""
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return lines[key[:length]]
    return None


def _split(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PARTS.findall(key))


def _fence_after(line: str, fence: str) -> str:
    at = 0
    if fence:
        at = line.find(fence) + len(fence)
        if at < len(fence):
            return fence
    while match := _OPENING.search(line, at):
        mark = match[0]
        if mark.startswith("#"):
            break
        at = match.end()
        if mark in _FENCES:
            end = line.find(mark, at)
            if end < 0:
                return mark
            at = end + len(mark)
    return ""
