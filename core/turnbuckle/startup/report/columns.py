"""Set text in columns, for people who read it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from turnbuckle.diagnostics import Origin

__all__ = ["columns", "counted", "indented", "milliseconds", "source_of"]


def columns(rows: Sequence[Sequence[str]], indent: int = 0) -> Iterator[str]:
    """Yield a line for each row, its cells below those of the row before; a column that is empty takes no room."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        yield (" " * indent + "  ".join(cells)).rstrip()


def counted(number: int, noun: str) -> str:
    """Return a number of things in words, for example ``1 route`` and ``2 routes``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def indented(lines: Iterator[str], indent: int) -> Iterator[str]:
    """Yield lines, moved to the right."""
    return (" " * indent + line for line in lines)


def milliseconds(seconds: float) -> str:
    """Return a time as it is shown."""
    return f"{seconds * 1000:.1f} ms"


def source_of(origin: Origin | None) -> tuple[str, str]:
    """Return an origin as two cells: the plugin with its distribution, and the place."""
    if origin is None:
        return "", ""
    return f"{origin.plugin} ({origin.distribution})" if origin.distribution else origin.plugin, origin.location
