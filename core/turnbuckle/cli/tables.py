"""Set text in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["columns", "name_of"]


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a line for each row, its cells below those of the row before."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def name_of(value: object) -> str:
    """Return the name that a function, class or object is known by."""
    named = getattr(value, "func", value)
    qualified = getattr(named, "__qualname__", None) or type(named).__qualname__
    return f"{getattr(named, '__module__', None) or type(named).__module__}.{qualified}"
