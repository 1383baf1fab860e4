"""Format rows as a table for the terminal."""

from collections.abc import Sequence
from typing import Final

from bench.summary import Row

COLUMNS: Final = ("server", "CPU µs/request", "least", "requests/s", "core busy", "Turnbuckle ÷", "at most", "")


def render(title: str, rows: Sequence[Row], absent: Sequence[str]) -> str:
    """Return one table under its title; `absent` has a line for each server that could not be measured."""
    return "\n".join([title, *aligned(COLUMNS, [cells(row) for row in rows]), *(f"  {line}" for line in absent)])


def cells(row: Row) -> tuple[str, ...]:
    """Return the texts of one row, one for each column in COLUMNS."""
    return (
        f"  {row.server.title}",
        f"{row.median_micros:.1f}",
        f"{row.least_micros:.1f}",
        f"{row.per_second:,.0f}",
        f"{row.busy:.0%}",
        _ratio(row.ratio),
        _ratio(row.at_most),
        f"{row.errors} errors" if row.errors else row.verdict,
    )


def aligned(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, with its columns and a rule above; numbers are aligned right."""
    widths = [max(len(line[column]) for line in (columns, *lines)) for column in range(len(columns))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [_line(columns, widths), rule, *(_line(line, widths) for line in lines)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers = cells
    right = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *right]).rstrip()


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
