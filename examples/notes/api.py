"""Serve the notes as JSON under /api/notes, as a plugin whose only hook returns the routes.

GET     /api/notes?q=&page=&per_page=   200
POST    /api/notes                      201 with Location, 415, 422
GET     /api/notes/ID                   200, 404
PUT     /api/notes/ID                   200, 404, 415, 422   all fields; missing fields become empty
PATCH   /api/notes/ID                   200, 404, 415, 422   only the sent fields
DELETE  /api/notes/ID                   204, 404
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping
from typing import Final

from drafts import Draft, draft_from_json, search_words
from listing import page_count, page_number
from store import Note, Store

from turnbuckle import (
    JSON,
    NotFound,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Route,
    Setup,
    UnsupportedMediaType,
    hookimpl,
)

__all__ = ["NotesAPI"]

_PER_PAGE: Final = 20
_MAX_PER_PAGE: Final = 100


class NotesAPI(Plugin):
    """The JSON API over a store of notes."""

    info = PluginInfo(name="notes_api")

    def __init__(self, store: Store) -> None:
        self._store = store

    @hookimpl
    def provide_routes(self, setup: Setup) -> list[Route]:
        """Return the routes of the API."""
        one = "/api/notes/{note_id:int}"
        return [
            Route(path="/api/notes", handler=self.search, name="api_notes"),
            Route(path="/api/notes", handler=self.create, methods=frozenset({"POST"})),
            Route(path=one, handler=self.show, name="api_note"),
            Route(path=one, handler=self.replace, methods=frozenset({"PUT"})),
            Route(path=one, handler=self.change, methods=frozenset({"PATCH"})),
            Route(path=one, handler=self.delete, methods=frozenset({"DELETE"})),
        ]

    async def search(self, request: Request) -> dict[str, object]:
        query = request.query_params
        per_page = min(page_number(query.get("per_page"), default=_PER_PAGE), _MAX_PER_PAGE)
        page = page_number(query.get("page"))
        words = search_words(query.get("q") or "")
        found = await to_thread(self._store.search, words, limit=per_page, offset=(page - 1) * per_page)
        return {
            "notes": found.notes,
            "total": found.total,
            "page": page,
            "pages": page_count(found.total, per_page),
        }

    async def create(self, request: Request) -> Response:
        draft, errors = await _read_draft(request, Draft())
        if errors:
            return _refused(errors)
        note = await to_thread(self._store.create, draft.title, draft.text, pinned=draft.pinned)
        location = request.url_for("api_note", note_id=note.id)
        return JSON(note, status=201, headers={"Location": location})

    async def show(self, request: Request, note_id: int) -> Note:
        return await self._find(note_id)

    async def replace(self, request: Request, note_id: int) -> Note | Response:
        await self._find(note_id)
        return await self._save(request, note_id, Draft())

    async def change(self, request: Request, note_id: int) -> Note | Response:
        note = await self._find(note_id)
        return await self._save(request, note_id, Draft(title=note.title, text=note.text, pinned=note.pinned))

    async def delete(self, request: Request, note_id: int) -> None:
        if not await to_thread(self._store.delete, note_id):
            raise NotFound

    async def _find(self, note_id: int) -> Note:
        note = await to_thread(self._store.get, note_id)
        if note is None:
            raise NotFound
        return note

    async def _save(self, request: Request, note_id: int, base: Draft) -> Note | Response:
        draft, errors = await _read_draft(request, base)
        if errors:
            return _refused(errors)
        note = await to_thread(self._store.replace, note_id, draft.title, draft.text, pinned=draft.pinned)
        if note is None:
            raise NotFound
        return note


async def _read_draft(request: Request, base: Draft) -> tuple[Draft, dict[str, str]]:
    # A page of another site can send text/plain without a preflight, but not application/json (Fetch, section 3.2).
    if request.content_type != "application/json":
        raise UnsupportedMediaType("send application/json")
    return draft_from_json(await request.json(), base=base)


def _refused(errors: Mapping[str, str]) -> Response:
    return JSON({"errors": dict(errors)}, status=422)
