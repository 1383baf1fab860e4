"""Serve a notes application on SQLite, which is made of contrib: ``turnbuckle serve examples/notes/app.py``.

This module has the pages, ``api.py`` the JSON API, which /docs describes, ``store.py`` the storage, and ``templates``
the HTML. The environment variable NOTES_DATABASE names the database file, ``notes.sqlite3`` in the current folder by
default, and NOTES_ORIGIN the origin of links in mails, which this example prints instead of sending them. With
NOTES_DEBUG=1, errors are shown with tracebacks, and /-/plan shows how the app is composed.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, TypeVar

import attrs
from api import NotesAPI
from drafts import TEXT_LENGTH, TITLE_LENGTH, Draft, search_words
from filters import FILTERS
from store import MIGRATIONS, Note, Notes

from turnbuckle import (
    SSE,
    App,
    BadRequest,
    HTTPError,
    NotFound,
    Query,
    Redirect,
    Request,
    Response,
    ServerSentEvent,
    Session,
    UploadedFile,
)
from turnbuckle_contrib.auth import User
from turnbuckle_contrib.channels import Channels
from turnbuckle_contrib.sqlite import Database, SQLitePlugin
from turnbuckle_contrib.static import StaticPlugin
from turnbuckle_plugins.jinja_templates import JinjaTemplatesPlugin, Template

HERE: Final = Path(__file__).parent
DATABASE_FILE: Final = os.environ.get("NOTES_DATABASE", "notes.sqlite3")
DEBUG: Final = bool(os.environ.get("NOTES_DEBUG"))
ORIGIN: Final = os.environ.get("NOTES_ORIGIN", "http://127.0.0.1:8000")
PER_PAGE: Final = 12
MAX_FILE: Final = 5_000_000
MAX_FILES: Final = 20

T = TypeVar("T")

app = App(
    "notes",
    debug=DEBUG,
    chain="web",
    plugins=[
        ("sessions", {"store": "sqlite", "file": DATABASE_FILE}),
        (SQLitePlugin(MIGRATIONS), {"path": DATABASE_FILE}),
        JinjaTemplatesPlugin(HERE / "templates", filters=FILTERS),
        ("auth", {"schemes": ["session", "basic"]}),
        ("accounts", {"database": DATABASE_FILE, "console_mail": True, "origin": ORIGIN}),
        ("openapi", {"title": "Notes", "version": "1.0", "below": "/api"}),
        "channels",
        "metrics",
        "health",
        *(["plan_page"] if DEBUG else []),
    ],
)
app.install(StaticPlugin(HERE / "static"), at="/static")
app.scope("/api", plugins=["problem_details", NotesAPI])


@attrs.frozen
class Changes:
    """Tells the user about a change: in the next page, and in all other windows."""

    channels: Channels
    session: Session
    user: User

    async def tell(self, text: str) -> None:
        self.session.flash(text)
        await self.channels.publish(f"notes:{self.user.id}", text)


@app.supply
def changes_of_user(channels: Channels, session: Session, user: User) -> Changes:
    return Changes(channels, session, user)


@app.supply
def notes_of_user(database: Database, user: User) -> Notes:
    return Notes(database, user.id)


@app.get("/", name="notes")
async def index(
    user: User | None, database: Database, q: Query[str] = "", tag: Query[str] = "", page: Query[str] = "1"
) -> Template:
    if user is None:
        return Template("welcome.html")
    notes = Notes(database, user.id)
    if not (tags := await notes.tags()):
        await notes.adopt()
    words, number = search_words(q), int(page) if page.isdecimal() and len(page) < 9 else 1
    found = await notes.search(words, tag=tag, limit=PER_PAGE, offset=max(0, number - 1) * PER_PAGE)
    pages = max(1, -(-found.total // PER_PAGE))
    if number > pages:
        found = await notes.search(words, tag=tag, limit=PER_PAGE, offset=(pages - 1) * PER_PAGE)
    listing = {"found": found, "words": words, "page": min(max(1, number), pages), "pages": pages}
    return Template("list.html", listing, tags=tags, query=" ".join(q.split()), tag=tag)


@app.get("/notes/new", name="new_note")
async def new_form(user: User) -> Template:
    return _form(Draft())


@app.post("/notes/new")
async def create(request: Request, notes: Notes, changes: Changes) -> Redirect | Template:
    draft = Draft.from_form(await request.form())
    if errors := draft.errors():
        return _form(draft, errors=errors)
    note = await notes.create(draft)
    await changes.tell(f"“{note.title}” is saved.")
    return _see(request, "note", note_id=note.id)


@app.get("/notes/{note_id:int}", name="note")
async def show(notes: Notes, note_id: int) -> Template:
    note = _existing(await notes.get(note_id))
    return Template("note.html", note=note, files=await notes.files(note_id), max_file=MAX_FILE)


@app.get("/notes/{note_id:int}/edit", name="edit_note")
async def edit_form(notes: Notes, note_id: int) -> Template:
    note = _existing(await notes.get(note_id))
    return _form(Draft(title=note.title, text=note.text, tags=note.tags, pinned=note.pinned), note=note)


@app.post("/notes/{note_id:int}/edit")
async def edit(request: Request, notes: Notes, note_id: int, changes: Changes) -> Redirect | Template:
    note, form = _existing(await notes.get(note_id)), await request.form()
    draft = Draft.from_form(form)
    if errors := draft.errors():
        return _form(draft, note=note, errors=errors)
    if await notes.replace(note_id, draft, version=str(form.get("version", ""))) is None:
        conflict = "The note was changed in another window. Save again to replace that version by yours."
        return _form(draft, note=_existing(await notes.get(note_id)), errors={"": conflict}, status=409)
    await changes.tell(f"“{draft.title}” is saved.")
    return _see(request, "note", note_id=note_id)


@app.post("/notes/{note_id:int}/pin", name="pin_note")
async def pin(request: Request, notes: Notes, note_id: int, changes: Changes) -> Redirect:
    pinned = (await request.form()).get("pinned") == "yes"
    note = _existing(await notes.pin(note_id, pinned=pinned))
    await changes.tell(f"“{note.title}” is {'pinned to the top' if pinned else 'no longer pinned'}.")
    return _see(request, "note", note_id=note_id)


@app.post("/notes/{note_id:int}/delete", name="delete_note")
async def delete(request: Request, notes: Notes, note_id: int, changes: Changes) -> Redirect:
    note = _existing(await notes.delete(note_id))
    await changes.tell(f"“{note.title}” is deleted.")
    return _see(request, "notes")


@app.post("/notes/{note_id:int}/files", name="upload", limits={"content": MAX_FILE + 10_000})
async def upload(request: Request, notes: Notes, note_id: int, file: UploadedFile, changes: Changes) -> Redirect:
    _existing(await notes.get(note_id))
    if not file.name or len(await notes.files(note_id)) >= MAX_FILES:
        raise BadRequest("Choose a file." if not file.name else f"A note has at most {MAX_FILES} files.")
    await notes.attach(note_id, file.name, await file.read())
    await changes.tell(f"“{file.name}” is attached.")
    return _see(request, "note", note_id=note_id)


@app.get("/files/{file_id:int}", name="file")
async def download(notes: Notes, file_id: int) -> Response:
    _, content = _existing(await notes.file(file_id))
    # Never displayed as a page of this site. The link on the page of the note has the name of the file.
    return Response(content, headers={"Content-Disposition": "attachment"}, content_type="application/octet-stream")


@app.post("/files/{file_id:int}/delete", name="delete_file")
async def delete_file(request: Request, notes: Notes, file_id: int, changes: Changes) -> Redirect:
    note_id = _existing(await notes.delete_file(file_id))
    await changes.tell("The file is deleted.")
    return _see(request, "note", note_id=note_id)


@app.get("/events", timeouts={"total": 0})
async def events(user: User, channels: Channels) -> SSE:
    async def messages() -> AsyncIterator[ServerSentEvent]:
        async with channels.subscribe(f"notes:{user.id}") as received:
            async for message in received:
                yield ServerSentEvent(str(message), event="change")

    return SSE(messages())


@app.error_handler(HTTPError)
async def refuse(request: Request, error: HTTPError) -> Template:
    heading = "Not found" if error.status == 404 else "That did not work"
    text = error.detail or ("There is no such page or note." if error.status == 404 else f"Status {error.status}.")
    return Template("message.html", heading=heading, text=text, status=error.status, headers=error.headers)


def _existing(found: T | None) -> T:
    if found is None:
        raise NotFound
    return found


def _see(request: Request, name: str, **params: object) -> Redirect:
    # 303: the browser fetches the page with GET, so a reload does not repeat the change.
    return Redirect(request.url_for(name, **params), status=303)


def _form(draft: Draft, *, note: Note | None = None, errors: dict[str, str] | None = None, status: int = 0) -> Template:
    values = {"draft": draft, "note": note, "errors": errors or {}}
    lengths = {"title_length": TITLE_LENGTH, "text_length": TEXT_LENGTH}
    return Template("form.html", values | lengths, status=status or (422 if errors else 200))
