"""Serve notes as a typed JSON API with an OpenAPI document: ``turnbuckle serve examples/notes_api.py``.

The document is at /openapi.json, and a page to try the API at /docs. The notes are in memory. Changes need the token in
the environment variable NOTES_TOKEN, which is ``secret`` by default.
"""

from __future__ import annotations

import hmac
import itertools
import os
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import attrs

from turnbuckle import (
    App,
    Conflict,
    Header,
    NotFound,
    Query,
    Unauthorized,
)
from turnbuckle_contrib.openapi import OpenAPIPlugin, SecurityScheme

TOKEN: Final = os.environ.get("NOTES_TOKEN", "secret")
MAX_NOTES: Final = 1000


@attrs.frozen(kw_only=True)
class NewNote:
    """A note as it is written."""

    title: str = attrs.field(validator=[attrs.validators.min_len(1), attrs.validators.max_len(200)])
    text: str = attrs.field(default="", validator=attrs.validators.max_len(10_000))
    tags: list[str] = attrs.field(factory=list)
    colour: Literal["yellow", "green", "blue"] = "yellow"


@attrs.frozen(kw_only=True)
class Note(NewNote):
    """A stored note."""

    id: int
    author: str
    created: datetime


@attrs.frozen
class Author:
    """The person who sends a request."""

    name: str


class TooManyNotes(Conflict):
    """There is no space for another note."""


app = App(
    "notes",
    plugins=[
        (
            OpenAPIPlugin(
                [SecurityScheme(name="token", definition={"type": "http", "scheme": "bearer"}, types=Author)]
            ),
            {"title": "Notes", "version": "1.0", "description": "Notes, in memory.", "tags": {"notes": "All notes."}},
        ),
    ],
)
notes: Final[dict[int, Note]] = {}
numbers = itertools.count(1)
api = app.scope("/notes")


@app.supply
def author(authorization: Header[str | None] = None) -> Author:
    """Return the author of a request with the token."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), TOKEN.encode()):
        raise Unauthorized("send the token", headers={"WWW-Authenticate": "Bearer"})
    return Author("owner")


@api.get("/")
async def list_notes(
    q: Annotated[str, Query(description="A text in the title or text.", max_length=100)] = "",
    tag: Query[list[str] | None] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[int, Query(ge=0, description="Number of the last note of the page before.")] = 0,
) -> list[Note]:
    """List notes.

    The notes are in the order of their numbers.
    """
    found = [
        note
        for note in notes.values()
        if note.id > after
        and q.casefold() in f"{note.title}\n{note.text}".casefold()
        and set(tag or ()) <= set(note.tags)
    ]
    return found[:limit]


@api.post("/", status=201, errors=TooManyNotes)
async def create_note(note: NewNote, author: Author) -> Note:
    """Write a note."""
    if len(notes) >= MAX_NOTES:
        raise TooManyNotes
    return _stored(next(numbers), note, author)


@api.get("/{note_id:int}", errors=NotFound)
async def get_note(note_id: int) -> Note:
    """Return a note."""
    return _found(note_id)


@api.put("/{note_id:int}", errors=NotFound)
async def replace_note(note_id: int, note: NewNote, author: Author) -> Note:
    """Replace a note."""
    _found(note_id)
    return _stored(note_id, note, author)


@api.delete("/{note_id:int}", errors=NotFound)
async def delete_note(note_id: int, author: Author) -> None:
    """Delete a note."""
    _found(note_id)
    del notes[note_id]


def _found(note_id: int) -> Note:
    if note_id not in notes:
        raise NotFound
    return notes[note_id]


def _stored(note_id: int, note: NewNote, author: Author) -> Note:
    notes[note_id] = Note(**attrs.asdict(note), id=note_id, author=author.name, created=datetime.now(UTC))
    return notes[note_id]
