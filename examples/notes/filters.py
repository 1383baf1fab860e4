"""Format notes for the pages: marked words, excerpts, ages, sizes. All of these are filters of the templates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

__all__ = ["FILTERS", "ago", "excerpt", "highlight", "size"]

_EXCERPT_LENGTH: Final = 180
_LEAD: Final = 40


def highlight(text: str, words: Sequence[str]) -> Markup:
    """Return the escaped text with each occurrence of a word marked."""
    pattern = _any_of(words)
    if pattern is None:
        return escape(text)
    # The parts between the matches have even numbers, because the pattern has one group.
    parts = [escape(part) if number % 2 == 0 else _MARK.format(part) for number, part in enumerate(pattern.split(text))]
    return Markup("").join(parts)


def excerpt(text: str, words: Sequence[str]) -> str:
    """Return the beginning of a text, or the part around the first occurrence of a word."""
    pattern = _any_of(words)
    match = pattern.search(text) if pattern else None
    start = max(0, match.start() - _LEAD) if match else 0
    part = text[start : start + _EXCERPT_LENGTH].strip()
    return f"{'… ' if start else ''}{part}{' …' if start + _EXCERPT_LENGTH < len(text) else ''}"


def ago(then: datetime, now: datetime | None = None) -> str:
    """Return the age in words, or the date if the age is more than a week."""
    minutes = int(((now or datetime.now(UTC)) - then).total_seconds()) // 60
    if minutes < 1:
        return "just now"
    for most, unit, length in ((60, "minute", 1), (24 * 60, "hour", 60), (7 * 24 * 60, "day", 24 * 60)):
        if minutes < most:
            number = minutes // length
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return f"{then:%d %b %Y}".lstrip("0")


def size(number: int) -> str:
    """Return a number of bytes for readers, such as ``"1.4 MB"``."""
    for unit, length in (("MB", 1_000_000), ("kB", 1_000)):
        if number >= length:
            return f"{number / length:.1f} {unit}"
    return f"{number} bytes"


_MARK: Final = Markup("<mark>{}</mark>")
FILTERS: Final = {"highlight": highlight, "excerpt": excerpt, "ago": ago, "size": size}


def _any_of(words: Sequence[str]) -> re.Pattern[str] | None:
    # Longest first, so that "notebook" is marked completely even if "note" is searched as well.
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})", re.IGNORECASE) if words else None
