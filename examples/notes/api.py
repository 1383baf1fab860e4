"""Serve the notes as JSON under /api/notes, as a plugin with typed routes; /docs describes them.

GET     /api/notes?q=&page=&per_page=   200, 422
POST    /api/notes                      201 with Location, 400, 413, 415, 422
GET     /api/notes/ID                   200, 404
PUT     /api/notes/ID                   200, 400, 404, 413, 415, 422   all fields; missing fields become empty
PATCH   /api/notes/ID                   200, 400, 404, 413, 415, 422   only the sent fields
DELETE  /api/notes/ID                   204, 404
"""

from __future__ import annotations

from asyncio import to_thread
from typing import Annotated, ClassVar, Final

import attrs
from attrs.validators import and_, matches_re, max_len, optional
from drafts import FIT_TEXT, FIT_TITLE, TEXT_LENGTH, TITLE_LENGTH, Draft, search_words
from listing import page_count
from store import Note, Store

from turnbuckle import (
    JSON,
    ErrorHandler,
    InvalidInput,
    NotFound,
    Plugin,
    PluginInfo,
    Query,
    Request,
    Response,
    Route,
    RouteDocs,
    Setup,
)

__all__ = ["NotesAPI"]

_VALID_TITLE: Final = and_(max_len(TITLE_LENGTH), matches_re(FIT_TITLE))
_VALID_TEXT: Final = and_(max_len(TEXT_LENGTH), matches_re(FIT_TEXT))
# SQLite's numbers have 64 bits.
_MAX_PAGE: Final = 10**9


@attrs.frozen(kw_only=True)
class NewNote:
    """A note as clients send it."""

    __forbid_unknown_fields__: ClassVar[bool] = True

    title: str = attrs.field(validator=_VALID_TITLE)
    text: str = attrs.field(default="", validator=_VALID_TEXT)
    pinned: bool = False


@attrs.frozen(kw_only=True)
class NoteChanges:
    """The changes of a note; a field that is missing or null stays as it is."""

    __forbid_unknown_fields__: ClassVar[bool] = True

    title: str | None = attrs.field(default=None, validator=optional(_VALID_TITLE))
    text: str | None = attrs.field(default=None, validator=optional(_VALID_TEXT))
    pinned: bool | None = None


@attrs.frozen(kw_only=True)
class NotePage:
    """One page of the notes that contain all words."""

    notes: tuple[Note, ...]
    total: int
    page: int
    pages: int


class NotesAPI(Plugin):
    """The JSON API over a store of notes."""

    info = PluginInfo(name="notes_api")

    def __init__(self, store: Store) -> None:
        self._store = store

    def provide_routes(self, setup: Setup) -> list[Route]:
        """Return the routes of the API."""
        one = "/api/notes/{note_id:int}"
        every = RouteDocs(tags="notes")
        existing = RouteDocs(tags="notes", errors=NotFound)
        created = RouteDocs(tags="notes", responses={201: Note})
        return [
            Route(path="/api/notes", handler=self.search, name="api_notes", docs=every),
            Route(path="/api/notes", handler=self.create, methods="POST", status=201, docs=created),
            Route(path=one, handler=self.show, name="api_note", docs=existing),
            Route(path=one, handler=self.replace, methods="PUT", docs=existing),
            Route(path=one, handler=self.change, methods="PATCH", docs=existing),
            Route(path=one, handler=self.delete, methods="DELETE", docs=existing),
        ]

    def provide_error_handlers(self, setup: Setup) -> list[ErrorHandler]:
        """Return the handler for requests that do not fit the types."""
        return [ErrorHandler(InvalidInput, invalid)]

    async def search(
        self,
        q: Query[str] = "",
        page: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 1,
        per_page: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> NotePage:
        """Search notes.

        The notes contain all words of *q*. Pinned notes come first, then the notes that were changed last.
        """
        found = await to_thread(self._store.search, search_words(q), limit=per_page, offset=(page - 1) * per_page)
        pages = page_count(found.total, per_page)
        return NotePage(notes=found.notes, total=found.total, page=page, pages=pages)

    async def create(self, request: Request, note: NewNote) -> Response:
        """Write a note."""
        draft = Draft.from_input(note.title, note.text, pinned=note.pinned)
        created = await to_thread(self._store.create, draft.title, draft.text, pinned=draft.pinned)
        location = request.url_for("api_note", note_id=created.id)
        return JSON(created, status=201, headers={"Location": location})

    async def show(self, note_id: int) -> Note:
        """Return a note."""
        return await self._find(note_id)

    async def replace(self, note_id: int, note: NewNote) -> Note:
        """Replace a note; missing fields become empty."""
        await self._find(note_id)
        return await self._save(note_id, Draft.from_input(note.title, note.text, pinned=note.pinned))

    async def change(self, note_id: int, changes: NoteChanges) -> Note:
        """Change the sent fields of a note."""
        note = await self._find(note_id)
        title = note.title if changes.title is None else changes.title
        text = note.text if changes.text is None else changes.text
        pinned = note.pinned if changes.pinned is None else changes.pinned
        return await self._save(note_id, Draft.from_input(title, text, pinned=pinned))

    async def delete(self, note_id: int) -> None:
        """Delete a note."""
        if not await to_thread(self._store.delete, note_id):
            raise NotFound

    async def _find(self, note_id: int) -> Note:
        note = await to_thread(self._store.get, note_id)
        if note is None:
            raise NotFound
        return note

    async def _save(self, note_id: int, draft: Draft) -> Note:
        note = await to_thread(self._store.replace, note_id, draft.title, draft.text, pinned=draft.pinned)
        if note is None:
            raise NotFound
        return note


async def invalid(request: Request, error: InvalidInput) -> JSON:
    """Answer with the reason of each fault."""
    faults = [fault.as_json() for fault in error.faults]
    return JSON({"error": error.detail, "errors": faults}, status=error.status, headers=error.headers)
