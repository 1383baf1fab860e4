"""Format values for reports: text in columns, names of types and callables, plain data for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from turnbuckle.diagnostics import Origin

__all__ = [
    "Json",
    "columns",
    "counted",
    "indented",
    "milliseconds",
    "name_of",
    "origin_as_json",
    "source_of",
    "type_name",
    "value_as_json",
]

Json: TypeAlias = "str | float | bool | Sequence[Json] | Mapping[str, Json] | None"


def columns(rows: Sequence[Sequence[str]], indent: int = 0) -> Iterator[str]:
    """Yield a line for each row, with the cells aligned; an empty column takes no space.

    Args:
        rows: cells of text; all rows have the same number of cells.
        indent: spaces before each line.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        yield (" " * indent + "  ".join(cells)).rstrip()


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for example ``1 route`` and ``2 routes``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def indented(lines: Iterator[str], indent: int) -> Iterator[str]:
    """Yield lines with spaces before them."""
    return (" " * indent + line for line in lines)


def milliseconds(seconds: float) -> str:
    """Format a duration as milliseconds."""
    return f"{seconds * 1000:.1f} ms"


def name_of(value: object) -> str:
    """Return the qualified name of a function or class, or of an object's class."""
    named = getattr(value, "func", value)
    qualified = getattr(named, "__qualname__", None) or type(named).__qualname__
    return f"{getattr(named, '__module__', None) or type(named).__module__}.{qualified}"


def source_of(origin: Origin | None) -> tuple[str, str]:
    """Return an origin as two cells: the plugin with its distribution, and the location."""
    if origin is None:
        return "", ""
    return f"{origin.plugin} ({origin.distribution})" if origin.distribution else origin.plugin, origin.location


def origin_as_json(origin: Origin | None) -> dict[str, Json]:
    """Return an origin as plain data, empty if the origin is unknown."""
    if origin is None:
        return {}
    return {
        "plugin": origin.plugin,
        "location": origin.location,
        "distribution": origin.distribution,
        "hook": origin.hook,
    }


def type_name(kind: type) -> str:
    """Return the name of a type, with its module unless the type is built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def value_as_json(value: object) -> Json:
    """Return a setting's value as plain data, or as text if JSON has no such type."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): value_as_json(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [value_as_json(member) for member in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return str(value)
