"""Validate the input for a note.

The form and the JSON API use the same validation, so both reject the same input with the same messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol, TypeVar

import attrs

__all__ = ["TEXT_LENGTH", "TITLE_LENGTH", "Draft", "draft_from_json", "search_words"]

T = TypeVar("T")

TITLE_LENGTH: Final = 120
TEXT_LENGTH: Final = 20_000
_MAX_WORDS: Final = 8

# Controls except tab and newline, and lone surrogates, which JSON can express and UTF-8 cannot.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


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
        return cls(
            title=_one_line(str(form.get("title", ""))),
            text=_newlines(str(form.get("text", ""))),
            pinned=form.get("pinned", "") == "yes",
        )

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


def draft_from_json(value: object, *, base: Draft) -> tuple[Draft, dict[str, str]]:
    """Return the draft in decoded JSON; missing fields are taken from ``base``.

    Returns:
        The draft, and the errors by field; a draft with errors must not be saved.
    """
    if not isinstance(value, dict):
        return base, {"": "Send an object with title, text and pinned."}
    problems = {str(name): "There is no such field." for name in value.keys() - {"title", "text", "pinned"}}
    draft = Draft(
        title=_one_line(_taken(value, "title", base.title, problems)),
        text=_newlines(_taken(value, "text", base.text, problems)),
        pinned=_taken(value, "pinned", base.pinned, problems),
    )
    return draft, {**draft.errors(), **problems}


def _taken(value: Mapping[object, object], name: str, default: T, problems: dict[str, str]) -> T:
    found = value.get(name, default)
    if isinstance(found, type(default)):
        return found
    problems[name] = f"This must be {'true or false' if isinstance(default, bool) else 'text'}."
    return default


def search_words(query: str) -> tuple[str, ...]:
    """Return the words to search for; words after the eighth are ignored."""
    return tuple(_UNFIT.sub("", query).split()[:_MAX_WORDS])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _newlines(text: str) -> str:
    # Forms send CRLF for every line break on every system (HTML standard, form submission).
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
