"""Serve a small notes application on SQLite: ``turnbuckle serve examples/notes/app.py``.

This module has the pages, ``api.py`` the JSON API, which /docs describes, ``store.py`` the storage, and ``pages.py``
the HTML. The environment variable NOTES_DATABASE names the database file; the default is ``notes.sqlite3`` in the
current folder.
"""

from __future__ import annotations

import os
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pages
from api import NotesAPI
from drafts import Draft, search_words
from guard import page_policy, same_site
from listing import page_count, page_number
from store import Note, Store

from turnbuckle import HTML, JSON, App, HTTPError, NotFound, Redirect, Request, Response

HERE: Final = Path(__file__).parent
PER_PAGE: Final = 12
FLASH: Final = "notes_flash"

store = Store(Path(os.environ.get("NOTES_DATABASE", "notes.sqlite3")))
api_docs: Final = ("openapi", {"title": "Notes", "version": "1.0", "below": "/api"})
app = App("notes", plugins=[NotesAPI(store), api_docs], middleware=[page_policy, same_site])


@app.lifespan
async def open_store() -> AsyncIterator[None]:
    await to_thread(store.open)
    try:
        yield
    finally:
        await to_thread(store.close)


@app.get("/", name="notes")
async def index(request: Request) -> Response:
    query = (request.query_params.get("q") or "").strip()
    words = search_words(query)
    page = page_number(request.query_params.get("page"))
    found = await to_thread(store.search, words, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    last = page_count(found.total, PER_PAGE)
    if page > last:
        page = last
        found = await to_thread(store.search, words, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    listing = pages.Listing(found=found, query=query, words=words, page=page, pages=last)
    return _shown(request, pages.list_page(listing, flash=_flash(request)))


@app.get("/notes/new", name="new_note")
async def new_form(request: Request) -> Response:
    return HTML(pages.form_page(Draft()))


@app.post("/notes/new")
async def create(request: Request) -> Response:
    draft = Draft.from_form(await request.form())
    if errors := draft.errors():
        return HTML(pages.form_page(draft, errors=errors), status=422)
    note = await to_thread(store.create, draft.title, draft.text, pinned=draft.pinned)
    return _redirect(request.url_for("note", note_id=note.id), "created")


@app.get("/notes/{note_id:int}", name="note")
async def show(request: Request, note_id: int) -> Response:
    note = await _find(note_id)
    return _shown(request, pages.note_page(note, flash=_flash(request)))


@app.get("/notes/{note_id:int}/edit")
async def edit_form(request: Request, note_id: int) -> Response:
    note = await _find(note_id)
    draft = Draft(title=note.title, text=note.text, pinned=note.pinned)
    return HTML(pages.form_page(draft, note_id=note_id))


@app.post("/notes/{note_id:int}/edit")
async def edit(request: Request, note_id: int) -> Response:
    await _find(note_id)
    draft = Draft.from_form(await request.form())
    if errors := draft.errors():
        return HTML(pages.form_page(draft, note_id=note_id, errors=errors), status=422)
    if await to_thread(store.replace, note_id, draft.title, draft.text, pinned=draft.pinned) is None:
        raise NotFound
    return _redirect(request.url_for("note", note_id=note_id), "saved")


@app.post("/notes/{note_id:int}/pin")
async def pin(request: Request, note_id: int) -> Response:
    pinned = (await request.form()).get("pinned") == "yes"
    if await to_thread(store.pin, note_id, pinned=pinned) is None:
        raise NotFound
    return _redirect(request.url_for("note", note_id=note_id), "pinned" if pinned else "unpinned")


@app.post("/notes/{note_id:int}/delete")
async def delete(request: Request, note_id: int) -> Response:
    if not await to_thread(store.delete, note_id):
        raise NotFound
    return _redirect(request.url_for("notes"), "deleted")


@app.get("/style.css")
async def style(request: Request) -> Path:
    return HERE / "style.css"


@app.get("/icon.svg")
async def icon(request: Request) -> Path:
    return HERE / "icon.svg"


@app.error_handler(HTTPError)
async def refuse(request: Request, error: HTTPError) -> Response:
    if request.path.startswith("/api/"):
        return JSON({"error": error.detail or f"status {error.status}"}, status=error.status, headers=error.headers)
    heading = "Not found" if error.status == 404 else "That did not work"
    text = error.detail or ("There is no such page or note." if error.status == 404 else f"Status {error.status}.")
    return HTML(pages.message_page(heading, text), status=error.status, headers=error.headers)


async def _find(note_id: int) -> Note:
    note = await to_thread(store.get, note_id)
    if note is None:
        raise NotFound
    return note


def _redirect(location: str, flash: str) -> Response:
    # 303: the browser fetches the page with GET, so a reload does not repeat the change.
    response = Redirect(location, status=303)
    response.set_cookie(FLASH, flash, max_age=60, http_only=True, same_site="Lax")
    return response


def _flash(request: Request) -> str:
    return request.cookies.get(FLASH, "")


def _shown(request: Request, page: str) -> Response:
    response = HTML(page)
    if FLASH in request.cookies:
        response.delete_cookie(FLASH)
    return response
