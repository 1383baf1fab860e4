"""Serve the notes as JSON under /api/notes, as a plugin with typed routes; /docs describes them.

Clients log in with the e-mail address and the password of the account (HTTP Basic), or with the session of the pages.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import attrs
from attrs.validators import and_, deep_iterable, matches_re, max_len, optional
from drafts import FIT_TEXT, FIT_TITLE, MAX_TAGS, TAG, TEXT_LENGTH, TITLE_LENGTH, Draft, search_words
from store import Note, Notes

from turnbuckle import JSON, NotFound, Plugin, PluginInfo, Query, Request, Response, Route, RouteDocs, Setup

__all__ = ["NotesAPI"]

_TITLE: Final = and_(max_len(TITLE_LENGTH), matches_re(FIT_TITLE))
_TEXT: Final = and_(max_len(TEXT_LENGTH), matches_re(FIT_TEXT))
_TAGS: Final = deep_iterable(matches_re(TAG), max_len(MAX_TAGS))
# SQLite's numbers have 64 bits.
_MAX_PAGE: Final = 10**9


@attrs.frozen(kw_only=True)
class NewNote:
    """A note as clients send it."""

    __forbid_unknown_fields__: ClassVar[bool] = True

    title: str = attrs.field(validator=_TITLE)
    text: str = attrs.field(default="", validator=_TEXT)
    tags: tuple[str, ...] = attrs.field(default=(), validator=_TAGS)
    pinned: bool = False


@attrs.frozen(kw_only=True)
class NoteChanges:
    """The changes of a note; a field that is missing or null stays as it is."""

    __forbid_unknown_fields__: ClassVar[bool] = True

    title: str | None = attrs.field(default=None, validator=optional(_TITLE))
    text: str | None = attrs.field(default=None, validator=optional(_TEXT))
    tags: tuple[str, ...] | None = attrs.field(default=None, validator=optional(_TAGS))
    pinned: bool | None = None


@attrs.frozen(kw_only=True)
class NotePage:
    """One page of the notes that contain all words."""

    notes: tuple[Note, ...]
    total: int
    page: int
    pages: int


class NotesAPI(Plugin):
    """The JSON API."""

    info = PluginInfo(name="notes_api")

    def provide_routes(self, setup: Setup) -> list[Route]:
        """Return the routes of the API."""
        path, one = "/notes", "/notes/{note_id:int}"
        every, existing = RouteDocs(tags="notes"), RouteDocs(tags="notes", errors=NotFound)
        created = RouteDocs(tags="notes", responses={201: Note})
        return [
            Route(path=path, handler=search, name="api_notes", docs=every),
            Route(path=path, handler=create, methods="POST", status=201, docs=created),
            Route(path=one, handler=show, name="api_note", docs=existing),
            Route(path=one, handler=replace, methods="PUT", docs=existing),
            Route(path=one, handler=change, methods="PATCH", docs=existing),
            Route(path=one, handler=delete, methods="DELETE", docs=existing),
        ]


async def search(
    notes: Notes,
    q: Query[str] = "",
    tag: Query[str] = "",
    page: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 1,
    per_page: Annotated[int, Query(ge=1, le=100)] = 20,
) -> NotePage:
    """Search notes.

    The notes contain all words of *q*. Pinned notes come first, then the notes that were changed last.
    """
    found = await notes.search(search_words(q), tag=tag, limit=per_page, offset=(page - 1) * per_page)
    pages = max(1, -(-found.total // per_page))
    return NotePage(notes=found.notes, total=found.total, page=page, pages=pages)


async def create(request: Request, notes: Notes, note: NewNote) -> Response:
    """Write a note."""
    created = await notes.create(Draft.from_input(note.title, note.text, note.tags, pinned=note.pinned))
    return JSON(created, status=201, headers={"Location": request.url_for("api_note", note_id=created.id)})


async def show(notes: Notes, note_id: int) -> Note:
    """Return a note."""
    return _existing(await notes.get(note_id))


async def replace(notes: Notes, note_id: int, note: NewNote) -> Note:
    """Replace a note; missing fields become empty."""
    draft = Draft.from_input(note.title, note.text, note.tags, pinned=note.pinned)
    return _existing(await notes.replace(note_id, draft))


async def change(notes: Notes, note_id: int, changes: NoteChanges) -> Note:
    """Change the sent fields of a note."""
    old = _existing(await notes.get(note_id))
    sent = {name: value for name, value in attrs.asdict(changes).items() if value is not None}
    new = attrs.evolve(old, **sent)
    return _existing(await notes.replace(note_id, Draft.from_input(new.title, new.text, new.tags, pinned=new.pinned)))


async def delete(notes: Notes, note_id: int) -> None:
    """Delete a note with its files."""
    _existing(await notes.delete(note_id))


def _existing(note: Note | None) -> Note:
    if note is None:
        raise NotFound
    return note
