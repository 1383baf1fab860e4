"""Render the pages of the notes application as HTML.

Pure: no request, no database. ``markup.fill`` escapes all values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import attrs
from drafts import TEXT_LENGTH, TITLE_LENGTH, Draft
from markup import NOTHING, Safe, ago, excerpt, fill, highlight, join
from store import Found, Note

__all__ = ["Listing", "form_page", "list_page", "message_page", "note_page"]

_LAYOUT: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28">Notes</a>
<form class="search" role="search" action="/" method="get">
<label class="hidden" for="q">Search notes</label>
<input id="q" name="q" type="search" value="{query}" placeholder="Search notes" autocomplete="off">
</form>
<a class="button primary" href="/notes/new">New note</a>
</header>
<main id="main">
{flash}{content}
</main>
<footer>Served by Turnbuckle. The same notes as JSON: <a href="/api/notes">/api/notes</a></footer>
</body>
</html>
"""

_FLASHES: Final[Mapping[str, str]] = {
    "created": "The note is saved.",
    "saved": "Your changes are saved.",
    "deleted": "The note is deleted.",
    "pinned": "The note is pinned to the top.",
    "unpinned": "The note is no longer pinned.",
}

_CARD: Final = """<li class="card{pinned_class}">
<h2><a href="/notes/{id}">{title}</a></h2>
<p class="excerpt">{excerpt}</p>
<p class="meta">{pin}<time datetime="{iso}" title="{full}">{ago}</time></p>
</li>
"""

_PIN_BADGE: Final = Safe('<span class="badge">Pinned</span>')

_EMPTY: Final = Safe("""<section class="empty">
<img src="/icon.svg" alt="" width="72" height="72">
<h1>No notes yet</h1>
<p>Whatever you write here is kept in one SQLite file on this computer.</p>
<p><a class="button primary" href="/notes/new">Write the first one</a></p>
</section>
""")

_NOT_FOUND: Final = """<section class="empty">
<h1>Nothing found</h1>
<p>No note contains <strong>{query}</strong>.</p>
<p><a class="button" href="/">Show all notes</a></p>
</section>
"""

_NOTE: Final = """<article class="sheet">
<h1>{title}</h1>
<p class="meta">{pin}<span>Changed <time datetime="{iso}" title="{full}">{ago}</time></span></p>
<div class="text">{text}</div>
<div class="actions">
<a class="button primary" href="/notes/{id}/edit">Edit</a>
<form method="post" action="/notes/{id}/pin">
<button class="button" name="pinned" value="{pin_value}">{pin_label}</button>
</form>
<details class="danger">
<summary class="button">Delete</summary>
<form method="post" action="/notes/{id}/delete">
<p>This cannot be undone.</p>
<button class="button red">Delete this note</button>
</form>
</details>
</div>
</article>
"""

_FORM: Final = """<form class="sheet" method="post" action="{action}">
<h1>{heading}</h1>
{summary}<div class="field">
<label for="title">Title</label>
<input id="title" name="title" value="{title}" maxlength="{title_length}" required{title_invalid}{focus}>
{title_error}</div>
<div class="field">
<label for="text">Text</label>
<textarea id="text" name="text" rows="10" maxlength="{text_length}"{text_invalid}>
{text}</textarea>
{text_error}</div>
<div class="field check">
<input id="pinned" name="pinned" type="checkbox" value="yes"{checked}>
<label for="pinned">Pin to the top</label>
</div>
<div class="actions">
<button class="button primary">Save</button>
<a class="button" href="{back}">Cancel</a>
</div>
</form>
"""


@attrs.frozen(kw_only=True)
class Listing:
    """The content of the list: one page of the search results for a query."""

    found: Found
    query: str
    words: tuple[str, ...]
    page: int
    pages: int


def list_page(listing: Listing, *, flash: str = "", now: datetime | None = None) -> Safe:
    """Render the list of notes, or a hint if there are none."""
    title = f"{listing.query} · Notes" if listing.query else "Notes"
    return _layout(title, _list_content(listing, now or datetime.now(UTC)), flash=flash, query=listing.query)


def note_page(note: Note, *, flash: str = "", now: datetime | None = None) -> Safe:
    """Render one note with its actions."""
    content = fill(
        _NOTE,
        id=note.id,
        title=note.title,
        text=note.text or Safe('<span class="faint">This note has no text.</span>'),
        pin=_PIN_BADGE if note.pinned else NOTHING,
        pin_value="no" if note.pinned else "yes",
        pin_label="Unpin" if note.pinned else "Pin",
        **_times(note, now or datetime.now(UTC)),
    )
    return _layout(f"{note.title} · Notes", content, flash=flash)


def form_page(draft: Draft, *, note_id: int | None = None, errors: Mapping[str, str] | None = None) -> Safe:
    """Render the form for a new or existing note, with its values and errors."""
    errors = errors or {}
    heading = "New note" if note_id is None else "Edit note"
    content = fill(
        _FORM,
        heading=heading,
        action="/notes/new" if note_id is None else f"/notes/{note_id}/edit",
        back="/" if note_id is None else f"/notes/{note_id}",
        title=draft.title,
        text=draft.text,
        title_length=TITLE_LENGTH,
        text_length=TEXT_LENGTH,
        checked=Safe(" checked") if draft.pinned else NOTHING,
        focus=Safe(" autofocus") if note_id is None or "title" in errors else NOTHING,
        summary=Safe('<p class="alert" role="alert">The note is not saved yet.</p>\n') if errors else NOTHING,
        **_error_parts("title", errors),
        **_error_parts("text", errors),
    )
    return _layout(f"{heading} · Notes", content)


def message_page(heading: str, text: str) -> Safe:
    """Render a page with a message only."""
    template = """<section class="empty">
<h1>{heading}</h1>
<p>{text}</p>
<p><a class="button" href="/">Back to the notes</a></p>
</section>
"""
    return _layout(f"{heading} · Notes", fill(template, heading=heading, text=text))


def _layout(title: str, content: Safe, *, flash: str = "", query: str = "") -> Safe:
    # The cookie selects a message and does not contain text, so a forged cookie can only show another message.
    said = _FLASHES.get(flash)
    message = fill('<p class="flash" role="status">{said}</p>\n', said=said) if said else NOTHING
    return fill(_LAYOUT, title=title, content=content, flash=message, query=query)


def _list_content(listing: Listing, now: datetime) -> Safe:
    if not listing.found.total:
        return fill(_NOT_FOUND, query=listing.query) if listing.words else _EMPTY
    cards = join(_card(note, listing.words, now) for note in listing.found.notes)
    return fill(
        '<h1 class="count">{heading}</h1>\n<ul class="cards">\n{cards}</ul>\n{pagination}',
        heading=_heading(listing),
        cards=cards,
        pagination=_pagination(listing),
    )


def _heading(listing: Listing) -> str:
    total = listing.found.total
    count = f"{total} note{'' if total == 1 else 's'}"
    return f"{count} for “{listing.query}”" if listing.words else count


def _card(note: Note, words: Sequence[str], now: datetime) -> Safe:
    return fill(
        _CARD,
        id=note.id,
        title=highlight(note.title, words),
        excerpt=highlight(excerpt(note.text, words), words) or Safe("<em>No text</em>"),
        pinned_class=" pinned" if note.pinned else "",
        pin=_PIN_BADGE if note.pinned else NOTHING,
        **_times(note, now),
    )


def _times(note: Note, now: datetime) -> dict[str, str]:
    return {
        "iso": note.updated_at.isoformat(timespec="seconds"),
        "full": f"{note.updated_at:%Y-%m-%d %H:%M} UTC",
        "ago": ago(note.updated_at, now),
    }


def _pagination(listing: Listing) -> Safe:
    if listing.pages < 2:
        return NOTHING
    return fill(
        '<nav class="pages" aria-label="Pages">\n{newer}<span>Page {page} of {pages}</span>\n{older}</nav>\n',
        newer=_page_link(listing, listing.page - 1, "Newer"),
        older=_page_link(listing, listing.page + 1, "Older"),
        page=listing.page,
        pages=listing.pages,
    )


def _page_link(listing: Listing, page: int, label: str) -> Safe:
    if not 1 <= page <= listing.pages:
        return fill('<span class="button off" aria-hidden="true">{label}</span>\n', label=label)
    query = urlencode({"q": listing.query, "page": page} if listing.query else {"page": page})
    return fill('<a class="button" href="/?{query}">{label}</a>\n', query=query, label=label)


def _error_parts(name: str, errors: Mapping[str, str]) -> dict[str, Safe]:
    if name not in errors:
        return {f"{name}_error": NOTHING, f"{name}_invalid": NOTHING}
    return {
        f"{name}_error": fill('<p class="error" id="{name}-error">{text}</p>\n', name=name, text=errors[name]),
        f"{name}_invalid": fill(' aria-invalid="true" aria-describedby="{name}-error"', name=name),
    }
