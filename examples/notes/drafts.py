"""Validate the input for a note.

The form and the JSON API have the same rules, so both reject the same input.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import attrs

__all__ = ["FIT_TEXT", "FIT_TITLE", "MAX_TAGS", "TAG", "TEXT_LENGTH", "TITLE_LENGTH", "Draft", "search_words"]

TITLE_LENGTH: Final = 120
TEXT_LENGTH: Final = 20_000
MAX_TAGS: Final = 10
_MAX_WORDS: Final = 8

# Controls except tab and newline, and lone surrogates, which JSON can express and UTF-8 cannot.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# The same rule for the API, as expressions that JSON Schema has as well. Line breaks become "\n" afterwards, and a
# title has a character that is no space.
FIT_TEXT: Final = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*"
FIT_TITLE: Final = rf"(?!\s*$){FIT_TEXT}"
TAG: Final = r"[\w-]{1,30}"


class Fields(Protocol):
    """The part of a form that is used here."""

    def get(self, name: str, default: str, /) -> object: ...


@attrs.frozen(kw_only=True)
class Draft:
    """The editable fields of a note; tags are in lower case."""

    title: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False

    @classmethod
    def from_form(cls, form: Fields) -> Draft:
        """Return the draft in the fields of a form; missing fields are empty."""
        title, text, tags = (str(form.get(name, "")) for name in ("title", "text", "tags"))
        words = tags.replace(",", " ").replace("#", " ").split()
        return cls.from_input(title, text, words, pinned=form.get("pinned", "") == "yes")

    @classmethod
    def from_input(cls, title: str, text: str, tags: list[str] | tuple[str, ...], *, pinned: bool) -> Draft:
        """Return the draft with a title in one line, the line breaks of Unix, and each tag once."""
        unique = tuple(dict.fromkeys(tag.lower() for tag in tags))
        # Forms send CRLF for every line break on every system (HTML standard, form submission).
        lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
        return cls(title=" ".join(title.split()), text=lines, tags=unique, pinned=pinned)

    def errors(self) -> dict[str, str]:
        """Return the errors by field; empty if the draft can be saved."""
        problems = {}
        if not self.title:
            problems["title"] = "A note needs a title."
        for name, value, most in (("title", self.title, TITLE_LENGTH), ("text", self.text, TEXT_LENGTH)):
            if len(value) > most:
                problems[name] = f"The {name} has {len(value)} characters; {most} is the most."
            elif _UNFIT.search(value):
                problems[name] = f"The {name} contains characters that cannot be shown."
        if len(self.tags) > MAX_TAGS:
            problems["tags"] = f"A note has at most {MAX_TAGS} tags."
        elif wrong := [tag for tag in self.tags if not re.fullmatch(TAG, tag)]:
            problems["tags"] = f"A tag has at most 30 letters, digits and hyphens: not {wrong[0][:40]!r}."
        return problems


def search_words(query: str) -> tuple[str, ...]:
    """Return the words to search for; words after the eighth are ignored."""
    return tuple(_UNFIT.sub("", query).split()[:_MAX_WORDS])
