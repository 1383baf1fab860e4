"""Build HTML in which user input cannot become markup.

``fill`` escapes every value except values of the type ``Safe``. ``Safe`` is made only in this module, and only from
constant templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

__all__ = ["NOTHING", "Safe", "ago", "excerpt", "fill", "highlight", "join"]

_EXCERPT_LENGTH: Final = 180
_LEAD: Final = 40


class Safe(str):
    """Text that is already HTML."""

    __slots__ = ()


NOTHING: Final = Safe("")


def fill(template: str, **values: object) -> Safe:
    """Insert values into a constant template, escaped unless they are ``Safe``."""
    ready = {name: value if isinstance(value, Safe) else escape(str(value)) for name, value in values.items()}
    return Safe(template.format(**ready))


def join(parts: Iterable[Safe]) -> Safe:
    """Concatenate pieces of HTML."""
    return Safe("".join(parts))


def highlight(text: str, words: Sequence[str]) -> Safe:
    """Return the escaped text with each occurrence of a word marked."""
    pattern = _any_of(words)
    if pattern is None:
        return Safe(escape(text))
    pieces = []
    end = 0
    for match in pattern.finditer(text):
        pieces += [escape(text[end : match.start()]), f"<mark>{escape(match[0])}</mark>"]
        end = match.end()
    return Safe("".join([*pieces, escape(text[end:])]))


def excerpt(text: str, words: Sequence[str]) -> str:
    """Return the beginning of a text, or the part around the first occurrence of a word."""
    pattern = _any_of(words)
    match = pattern.search(text) if pattern else None
    start = max(0, match.start() - _LEAD) if match else 0
    part = text[start : start + _EXCERPT_LENGTH].strip()
    before = "… " if start else ""
    after = " …" if start + _EXCERPT_LENGTH < len(text) else ""
    return f"{before}{part}{after}"


def ago(then: datetime, now: datetime) -> str:
    """Return the age in words, or the date if the age is more than a week."""
    minutes = int((now - then).total_seconds()) // 60
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return _count(minutes, "minute")
    if minutes < 24 * 60:
        return _count(minutes // 60, "hour")
    if minutes < 7 * 24 * 60:
        return _count(minutes // (24 * 60), "day")
    return f"{then:%d %b %Y}".lstrip("0")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def _any_of(words: Sequence[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    # Longest first, so that "notebook" is marked completely even if "note" is searched as well.
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in longest_first), re.IGNORECASE)
