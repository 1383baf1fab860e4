"""Validate the input for a note.

The form and the JSON API have the same rules, so both reject the same input.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import attrs

__all__ = ["FIT_TEXT", "FIT_TITLE", "TEXT_LENGTH", "TITLE_LENGTH", "Draft", "search_words"]

TITLE_LENGTH: Final = 120
TEXT_LENGTH: Final = 20_000
_MAX_WORDS: Final = 8

# Controls except tab and newline, and lone surrogates, which JSON can express and UTF-8 cannot.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# The same rule for the API, as expressions that JSON Schema has as well. Line breaks become "\n" afterwards, and a
# title has a character that is no space.
FIT_TEXT: Final = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*"
FIT_TITLE: Final = rf"(?!\s*$){FIT_TEXT}"


class Fields(Protocol):
    """The part of a form that is used here."""

    def get(self, name: str, default: str, /) -> object: ...


@attrs.frozen(kw_only=True)
class Draft:
    """The editable fields of a note."""

    title: str = ""
    text: str = ""
    pinned: bool = False

    @classmethod
    def from_form(cls, form: Fields) -> Draft:
        """Return the draft in the fields of a form; missing fields are empty."""
        title, text = str(form.get("title", "")), str(form.get("text", ""))
        return cls.from_input(title, text, pinned=form.get("pinned", "") == "yes")

    @classmethod
    def from_input(cls, title: str, text: str, *, pinned: bool) -> Draft:
        """Return the draft with a title in one line, and with the line breaks of Unix."""
        return cls(title=_one_line(title), text=_newlines(text), pinned=pinned)

    def errors(self) -> dict[str, str]:
        """Return the errors by field; empty if the draft can be saved."""
        problems = {}
        if not self.title:
            problems["title"] = "A note needs a title."
        elif len(self.title) > TITLE_LENGTH:
            problems["title"] = f"The title has {len(self.title)} characters; {TITLE_LENGTH} is the most."
        elif _UNFIT.search(self.title):
            problems["title"] = "The title contains characters that cannot be shown."
        if len(self.text) > TEXT_LENGTH:
            problems["text"] = f"The text has {len(self.text)} characters; {TEXT_LENGTH} is the most."
        elif _UNFIT.search(self.text):
            problems["text"] = "The text contains characters that cannot be shown."
        return problems


def search_words(query: str) -> tuple[str, ...]:
    """Return the words to search for; words after the eighth are ignored."""
    return tuple(_UNFIT.sub("", query).split()[:_MAX_WORDS])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _newlines(text: str) -> str:
    # Forms send CRLF for every line break on every system (HTML standard, form submission).
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
