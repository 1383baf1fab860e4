"""Decide whether what someone typed can become a note.

The page with the form and the JSON API ask the same questions here, so both refuse the same things with the same words.
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

# Controls but for tab and newline, and half surrogate pairs, which JSON can spell and UTF-8 cannot.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Fields(Protocol):
    """What is asked of a form."""

    def get(self, name: str, default: str, /) -> object: ...


@attrs.frozen(kw_only=True)
class Draft:
    """The fields of a note that a person decides."""

    title: str = ""
    text: str = ""
    pinned: bool = False

    @classmethod
    def from_form(cls, form: Fields) -> Draft:
        """Read a draft from the fields of the form; a field that was not sent is empty."""
        return cls(
            title=_one_line(str(form.get("title", ""))),
            text=_newlines(str(form.get("text", ""))),
            pinned=form.get("pinned", "") == "yes",
        )

    def errors(self) -> dict[str, str]:
        """Return what is wrong, by field; nothing if the draft can be saved."""
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
    """Read a draft from decoded JSON, over the fields of ``base``.

    Returns:
        The draft, and what is wrong by field: a draft with errors is not to be saved.
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
    """Return the words to search for; past the eighth they are ignored."""
    return tuple(_UNFIT.sub("", query).split()[:_MAX_WORDS])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _newlines(text: str) -> str:
    # Forms send CRLF for every line break, whatever the system (HTML standard, form submission).
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
