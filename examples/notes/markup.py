"""Build HTML in which nothing that a person typed can become markup.

``fill`` escapes every value but those of type ``Safe``, and ``Safe`` is made only here and from templates that are
constants.
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
    """Text that is HTML already."""

    __slots__ = ()


NOTHING: Final = Safe("")


def fill(template: str, **values: object) -> Safe:
    """Put values into a constant template, escaped unless they are ``Safe``."""
    ready = {name: value if isinstance(value, Safe) else escape(str(value)) for name, value in values.items()}
    return Safe(template.format(**ready))


def join(parts: Iterable[Safe]) -> Safe:
    """Put pieces of HTML one after the other."""
    return Safe("".join(parts))


def highlight(text: str, words: Sequence[str]) -> Safe:
    """Return the text escaped, with each occurrence of a word marked."""
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
    """Return the beginning of a text, or the part around the first of the words in it."""
    pattern = _any_of(words)
    match = pattern.search(text) if pattern else None
    start = max(0, match.start() - _LEAD) if match else 0
    part = text[start : start + _EXCERPT_LENGTH].strip()
    before = "… " if start else ""
    after = " …" if start + _EXCERPT_LENGTH < len(text) else ""
    return f"{before}{part}{after}"


def ago(then: datetime, now: datetime) -> str:
    """Say how long ago something was, or the date when it is more than a week."""
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
    # The longest first: "notebook" is marked whole although "note" was searched as well.
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in longest_first), re.IGNORECASE)
