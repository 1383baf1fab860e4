"""Write the parts of the page. Texts are escaped here; only a ``Cell`` has HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import attrs

__all__ = ["Cell", "breakable", "code", "details", "pill", "section", "table"]

_BREAKABLE: Final = re.compile(r"[./_](?=\w)")


@attrs.frozen
class Cell:
    """HTML whose texts are escaped."""

    html: str

    def __str__(self) -> str:
        return self.html


def code(text: str) -> Cell:
    """Return a text of a program, which may be broken behind its dots and slashes."""
    return Cell(f"<code>{breakable(text)}</code>")


def breakable(text: str) -> str:
    """Return an escaped text that may be broken behind its dots, slashes and underscores."""
    return _BREAKABLE.sub(r"\g<0><wbr>", escape(text))


def pill(text: str) -> Cell:
    """Return a short fact."""
    return Cell(f'<span class="pill">{escape(text)}</span>')


def section(name: str, title: str, content: str) -> str:
    """Return a section with its heading."""
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{content}</section>'


def details(summary: str, content: str, *, is_open: bool = False) -> str:
    """Return content that can be closed; the summary is HTML."""
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>{content}</details>"


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str | Cell]]) -> str:
    """Return a table, which can be scrolled with the keyboard if it is wide; nothing without rows."""
    lines = [f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows]
    if not lines:
        return ""
    columns = "".join(f'<th scope="col">{escape(title)}</th>' for title in header)
    label = escape(caption)
    return (
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table><caption>{label}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(cell: str | Cell) -> str:
    return cell.html if isinstance(cell, Cell) else escape(cell)
