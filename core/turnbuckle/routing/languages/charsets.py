"""Sets of characters as sorted, disjoint ranges of code points.

This module defines the alphabet of paths: every character that UTF-8 can encode, and the symbol ``SEPARATOR`` for the
slash between segments. A slash inside a segment (``%2F`` in the request) is the ordinary character ``/``, so the two
are distinct.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, TypeAlias

CharSet: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges ``(first, last)``, both inclusive, in ascending order, neither touching nor overlapping."""

SEPARATOR: Final = 0x110000
SEPARATORS: Final[CharSet] = ((SEPARATOR, SEPARATOR),)
# Surrogates are excluded: UTF-8 cannot encode them (RFC 3629, section 3).
ANY: Final[CharSet] = ((0, 0xD7FF), (0xE000, 0x10FFFF))


def union(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """Return the set of the characters in all ``ranges``, which may overlap and have any order."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def single(character: str) -> CharSet:
    """Return the set of one character."""
    return ((ord(character), ord(character)),)


def complement(charset: CharSet) -> CharSet:
    """Return the characters of ``ANY`` that are not in ``charset``."""
    missing: list[tuple[int, int]] = []
    for low, high in ANY:
        start = low
        for first, last in charset:
            if first > start:
                missing.append((start, min(first - 1, high)))
            start = max(start, last + 1)
            if start > high:
                break
        else:
            missing.append((start, high))
    return tuple((first, last) for first, last in missing if first <= last)


def contains(charset: CharSet, code: int) -> bool:
    """Return whether the character with this code point is in ``charset``."""
    return any(first <= code <= last for first, last in charset)


def have_overlap(charsets: Iterable[CharSet]) -> bool:
    """Return whether a character is in two of the sets."""
    ranges = sorted(pair for charset in charsets for pair in charset)
    return any(following[0] <= pair[1] for pair, following in pairwise(ranges))
