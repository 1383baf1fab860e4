"""A board of links: pages, forms, accounts, uploads, static files, an API for other sites, and live updates.

Each protection is a plugin: sessions, CSRF, passwords, security headers, CORS, static files and files of users.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
from attrs.validators import matches_re, max_len, min_len

from turnbuckle import SSE, App, File, Form, InvalidInput, NotFound, Redirect, Request, ServerSentEvent, UploadedFile
from turnbuckle_contrib.auth import User
from turnbuckle_contrib.sqlite import Database, SQLitePlugin
from turnbuckle_contrib.static import StaticPlugin
from turnbuckle_plugins.jinja_templates import JinjaTemplatesPlugin, Template

HERE = Path(__file__).parent
PICTURES = Path("pictures")

app = App(
    "Links",
    chain="web",
    plugins=["auth", "accounts", "health", SQLitePlugin(HERE / "migrations"), JinjaTemplatesPlugin(HERE / "templates")],
)
app.install(StaticPlugin(HERE / "static"), at="/static")
board = app.scope("/links")
api = app.scope("/api", chain="api")


@attrs.frozen
class NewLink:
    url: str = attrs.field(validator=[matches_re(r"https?://\S+"), max_len(2000)])
    title: str = attrs.field(validator=[min_len(1), max_len(120)])


async def find_links(database: Database, after: int = 0) -> list[dict[str, Any]]:
    found = await database.fetch_all("SELECT * FROM links WHERE id > ? ORDER BY id DESC LIMIT 100", after)
    return [dict(row) for row in found]


async def insert(database: Database, user: User, link: NewLink, picture: str = "") -> None:
    row = (link.url, link.title, picture, user.id, user.name)
    await database.execute("INSERT INTO links (url, title, picture, user_id, user_name) VALUES (?, ?, ?, ?, ?)", *row)


@app.get("/", name="board")
async def show(database: Database) -> Template:
    return Template("board.html", links=await find_links(database))


@board.get("/new", name="new")
async def form(user: User) -> Template:
    return Template("new.html", faults={}, typed={})


@board.post("/new", limits={"content": 5_000_000})
async def add(
    request: Request, database: Database, user: User, link: Form[NewLink], picture: UploadedFile | None = None
) -> Redirect:
    name = uuid4().hex if picture else ""
    if picture:
        await asyncio.to_thread(PICTURES.mkdir, exist_ok=True)
        await picture.save(PICTURES / name)
    await insert(database, user, link, name)
    request.session.flash("Your link is on the board.", "success")
    return Redirect("/", status=303)


@board.error_handler(InvalidInput)
async def show_faults(request: Request, error: InvalidInput) -> Template:
    faults = {fault.name or fault.pointer[1:]: fault.reason for fault in error.faults}
    return Template("new.html", faults=faults, typed=await request.form(), status=error.status)


@board.post("/{link_id:int}/delete", name="delete")
async def delete(request: Request, database: Database, user: User, link_id: int) -> Redirect:
    if not await database.execute("DELETE FROM links WHERE id = ? AND user_id = ?", link_id, user.id):
        raise NotFound
    request.session.flash("The link is deleted.")
    return Redirect("/", status=303)


@board.get("/{link_id:int}/picture", name="picture")
async def show_picture(database: Database, link_id: int) -> File:
    name = await database.fetch_value("SELECT picture FROM links WHERE id = ? AND picture <> ''", link_id)
    if name is None:
        raise NotFound
    return File(PICTURES / name, untrusted=True)


@board.get("/live", name="live")
async def live(request: Request, database: Database, after: int = 0) -> SSE:
    return SSE(new_links(database, int(request.last_event_id or after)))


async def new_links(database: Database, after: int) -> AsyncIterator[ServerSentEvent]:
    while True:
        for link in reversed(await find_links(database, after)):
            after = link["id"]
            yield ServerSentEvent({"title": link["title"], "user": link["user_name"]}, id=str(after))
        # Another worker may have stored a link, so all of them look into the database.
        await asyncio.sleep(1)


@api.get("/links")
async def list_links(database: Database) -> list[dict[str, Any]]:
    return await find_links(database)


@api.post("/links", status=201)
async def add_link(database: Database, user: User, link: NewLink) -> None:
    await insert(database, user, link)
