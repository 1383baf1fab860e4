"""Split a segment with several parameters, such as ``{name}.{ext}``, into the texts of the parameters.

Several splits may give every parameter a text that it matches. The chosen split gives the first parameter the longest
possible text, then the second, and so on: ``archive.tar.gz`` is ``archive.tar`` and ``gz``.

Theory of operation. Splitting at the rightmost separators nearly always works: if each parameter matches its piece, no
parameter could be longer, so this is the result. Otherwise two passes decide, each linear in the length of the text.
From right to left, for each parameter, a machine that reads backwards marks the positions where the parameter may start
so that the rest matches. From left to right, each parameter then takes the furthest end after which the next one may
start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from turnbuckle.routing.languages.automata import Language, Machine


@final
class Splitter:
    """Splits texts into pieces of the given languages, with the given non-empty separators between them."""

    def __init__(self, languages: Sequence[Language], separators: Sequence[str]) -> None:
        self._languages: Final = tuple(languages)
        self._separators: Final = tuple(separators)
        self._accepts: Final = tuple(language.accepts for language in languages)
        self._take_anything: Final = all(language.is_any_text for language in languages)
        least = [0 if accepts("") else 1 for accepts in self._accepts[1:]]
        self._from_the_right: Final = tuple(zip(separators, least, strict=True))[::-1]

    def split(self, text: str) -> list[str] | None:
        """Return the text of each parameter, or None if the text cannot be split."""
        pieces = self._split_rightmost(text)
        if pieces is None:
            return None
        for accepts, piece in zip(self._accepts, pieces, strict=True):
            if not accepts(piece):
                return None if self._take_anything else self._split_exhaustively(text)
        return pieces

    def _split_rightmost(self, text: str) -> list[str] | None:
        pieces: list[str] = []
        end = len(text)
        for separator, least in self._from_the_right:
            at = text.rfind(separator, 0, end - least) if end else -1
            if at < 0:
                return None
            pieces.append(text[at + len(separator) : end])
            end = at
        pieces.append(text[:end])
        return pieces[::-1]

    def _split_exhaustively(self, text: str) -> list[str] | None:
        ends = self._possible_ends(text)
        if ends is None:
            return None
        pieces: list[str] = []
        begin = 0
        for language, allowed, separator in zip(self._languages, ends, (*self._separators, ""), strict=True):
            end = _furthest(language.forward, text, begin, allowed)
            pieces.append(text[begin:end])
            begin = end + len(separator)
        return pieces

    def _possible_ends(self, text: str) -> list[list[bool]] | None:
        """Return for each parameter the positions where it may end so that the rest matches; None if there are none."""
        ends = [[False] * len(text) + [True]]
        for language, separator in zip(self._languages[:0:-1], self._separators[::-1], strict=True):
            begins = _begins(language.backward, text, ends[-1])
            ends.append(_before(text, separator, begins))
        return ends[::-1] if _begins(self._languages[0].backward, text, ends[-1])[0] else None


def _begins(machine: Machine, text: str, ends: list[bool]) -> list[bool]:
    """Return the positions where a text of the machine's language may start that ends at one of ``ends``."""
    begins = [False] * len(ends)
    state = machine.dead
    for at in range(len(text), -1, -1):
        if ends[at]:
            state = machine.restart(state)
        begins[at] = state.accepting
        if at:
            state = machine.step(state, text[at - 1])
    return begins


def _before(text: str, separator: str, begins: list[bool]) -> list[bool]:
    """Return the positions of separators that one of ``begins`` follows."""
    size = len(separator)
    return [
        text.startswith(separator, at) and begins[at + size] if at + size <= len(text) else False
        for at in range(len(text) + 1)
    ]


def _furthest(machine: Machine, text: str, begin: int, ends: list[bool]) -> int:
    """Return the last of ``ends`` up to which the machine matches the text from ``begin``; there is at least one."""
    state = machine.start
    furthest = begin
    for at in range(begin, len(text)):
        if ends[at] and state.accepting:
            furthest = at
        state = machine.step(state, text[at])
    return len(text) if ends[-1] and state.accepting else furthest
