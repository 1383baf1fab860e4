"""Format rows as a table for the terminal."""

from collections.abc import Iterable, Sequence
from typing import Final

from bench.summary import Row

COLUMNS: Final = ("server", "CPU µs/request", "least", "requests/s", "core busy", "Turnbuckle ÷", "at most", "")


def render(groups: Iterable[tuple[str, Sequence[Row]]]) -> str:
    """Return one table with each group of rows under its title."""
    titled = [(title, [cells(row) for row in rows]) for title, rows in groups]
    every = [COLUMNS, *(line for _, lines in titled for line in lines)]
    widths = [max(len(line[column]) for line in every) for column in range(len(COLUMNS))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    out = [align(COLUMNS, widths), rule]
    for title, lines in titled:
        out += [title, *(align(line, widths) for line in lines), rule]
    return "\n".join(out)


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


def align(line: Sequence[str], widths: Sequence[int]) -> str:
    """Return `line` with its first cell aligned left and the numbers aligned right."""
    first, *numbers = line
    aligned = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *aligned]).rstrip()


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
