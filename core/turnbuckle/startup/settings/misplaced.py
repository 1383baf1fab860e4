"""Report settings in ``pyproject.toml`` that are not read: in a wrong table, or beside a ``turnbuckle.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from turnbuckle.diagnostics import Origin, file_location
from turnbuckle.startup.model.diagnostics import Diagnostics, nearest
from turnbuckle.startup.model.sources import read_text_file
from turnbuckle.startup.settings.toml_lines import line_of, locate

__all__ = ["ROOT", "report_misplaced", "report_unread_file"]

ROOT: Final = ("tool", "turnbuckle")
"""The table of ``pyproject.toml`` that has the settings."""

# Only near misses: tables of other tools, such as [tool.turnbuckle_lint], are not meant.
_SIMILAR: Final = 0.85


def report_misplaced(
    path: str, tree: Mapping[str, object], lines: Mapping[tuple[str, ...], int], diagnostics: Diagnostics
) -> None:
    """Warn about tables of ``pyproject.toml`` that seem to be meant for ``[tool.turnbuckle]``.

    Args:
        path: path of the file.
        tree: its content.
        lines: the line of each key.
        diagnostics: collects the warnings.
    """
    for key in _misplaced(tree):
        name = ".".join(key)
        diagnostics.add(
            "TB214",
            f"table [{name}] of {Path(path).name} is not read; did you mean [tool.turnbuckle]?",
            Origin(plugin="app", location=file_location(path, _line_of_table(lines, key))),
            why="the settings in pyproject.toml are in the table [tool.turnbuckle], and each tool ignores other tables",
            fix=f"write [tool.turnbuckle] instead of [{name}], and its parts alike",
            level="warning",
        )


def report_unread_file(used: Path, unread: Path, diagnostics: Diagnostics) -> None:
    """Give a hint if ``pyproject.toml`` has settings that are not read, because there is a ``turnbuckle.toml``."""
    try:
        text = read_text_file(unread)
        tree: object = tomllib.loads(text)
    except (OSError, ValueError):
        return  # the file is not used
    for part in ROOT:
        tree = tree.get(part) if isinstance(tree, dict) else None
    if not tree:
        return
    diagnostics.add(
        "TB214",
        f"table [tool.turnbuckle] of {unread.name} is not read, because there is {used.name}",
        Origin(plugin="app", location=file_location(str(unread), _line_of_table(locate(text), ROOT))),
        Origin(plugin="app", location=str(used)),
        why="the settings have one file, and turnbuckle.toml counts",
        fix="move all settings to one of the two files",
        level="hint",
    )


def _misplaced(tree: Mapping[str, object]) -> Iterator[tuple[str, ...]]:
    found = tree.get("tool")
    tools = found if isinstance(found, Mapping) else {}
    yield from (("tool", name) for name, table in tools.items() if name != "turnbuckle" and _is_meant(name, table))
    yield from ((name,) for name, table in tree.items() if _is_meant(name, table))
    for name, tables in tree.items():
        is_similar = name != "tool" and nearest(name.lower(), ["tool"], _SIMILAR)
        if is_similar and isinstance(tables, Mapping) and "turnbuckle" in tables:
            yield (name, "turnbuckle")


def _is_meant(name: str, table: object) -> bool:
    return isinstance(table, Mapping) and bool(nearest(name.lower(), ["turnbuckle"], _SIMILAR))


def _line_of_table(lines: Mapping[tuple[str, ...], int], key: tuple[str, ...]) -> int | None:
    """Return the line of a table, or of the first table in it."""
    inner = [line for found, line in lines.items() if found[: len(key)] == key]
    return lines.get(key) or min(inner, default=line_of(lines, key))
