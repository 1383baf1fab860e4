"""The pages of the notes application, and its validation of notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, TypeAlias

import pytest

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
HOSTILE = """<script>alert("x")</script><img src=x onerror='y'>&"""
ESCAPED = "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&lt;img src=x onerror=&#x27;y&#x27;&gt;&amp;"

# Each test imports the modules again, so their classes have no names here.
Note: TypeAlias = Any
Listing: TypeAlias = Any
MakeNote: TypeAlias = Callable[..., Note]


@pytest.fixture
def pages(notes: Callable[[str], ModuleType]) -> ModuleType:
    return notes("pages")


@pytest.fixture
def drafts(notes: Callable[[str], ModuleType]) -> ModuleType:
    return notes("drafts")


@pytest.fixture
def markup(notes: Callable[[str], ModuleType]) -> ModuleType:
    return notes("markup")


@pytest.fixture
def make_note(notes: Callable[[str], ModuleType]) -> MakeNote:
    def make(title: str = "Title", text: str = "Text", *, pinned: bool = False) -> Note:
        return notes("store").Note(id=7, title=title, text=text, pinned=pinned, created_at=NOW, updated_at=NOW)

    return make


def listing(
    pages: ModuleType, *found: Note, query: str = "", words: tuple[str, ...] = (), page: int = 1, pages_in_all: int = 1
) -> Listing:
    store = pages.Found(notes=found, total=len(found))
    return pages.Listing(found=store, query=query, words=words, page=page, pages=pages_in_all)


def test_list_escapes_notes_and_query(pages: ModuleType, make_note: MakeNote) -> None:
    html = pages.list_page(listing(pages, make_note(HOSTILE, HOSTILE), query=HOSTILE, words=(HOSTILE,)), now=NOW)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert html.count(ESCAPED) == 5  # the title of the page, the search field, the heading, the title, the text
    assert f"<mark>{ESCAPED}</mark>" in html


def test_note_escapes_title_and_text(pages: ModuleType, make_note: MakeNote) -> None:
    html = pages.note_page(make_note(HOSTILE, HOSTILE), now=NOW)
    assert "<script" not in html
    assert html.count(ESCAPED) == 3


def test_form_escapes_what_was_typed(pages: ModuleType, drafts: ModuleType) -> None:
    html = pages.form_page(drafts.Draft(title=HOSTILE, text="</textarea>" + HOSTILE))
    assert "<script" not in html
    assert html.count("</textarea>") == 1


def test_form_keeps_a_first_empty_line(pages: ModuleType, drafts: ModuleType) -> None:
    # The HTML parser drops one newline right after <textarea>; that one is ours.
    assert ">\n\nindeed</textarea>" in pages.form_page(drafts.Draft(text="\nindeed"))


def test_form_shows_errors_beside_their_fields(pages: ModuleType, drafts: ModuleType) -> None:
    html = pages.form_page(drafts.Draft(text="kept"), errors={"title": "A note needs a title."})
    assert '<p class="error" id="title-error">A note needs a title.</p>' in html
    assert 'aria-invalid="true" aria-describedby="title-error"' in html
    assert ">\nkept</textarea>" in html
    assert 'id="text-error"' not in html


def test_fill_leaves_braces_of_values_alone(pages: ModuleType, make_note: MakeNote) -> None:
    assert "{title} {0}" in pages.note_page(make_note("{title} {0}"), now=NOW)


def test_list_without_notes_invites_to_write_one(pages: ModuleType) -> None:
    assert "Write the first one" in pages.list_page(listing(pages))


def test_list_without_results_names_the_query(pages: ModuleType) -> None:
    assert "No note contains <strong>zebra</strong>" in pages.list_page(listing(pages, query="zebra", words=("zebra",)))


def test_list_links_to_the_pages_around_and_keeps_the_query(pages: ModuleType, make_note: MakeNote) -> None:
    html = pages.list_page(listing(pages, make_note(), query="a&b", words=("a&b",), page=2, pages_in_all=3), now=NOW)
    assert 'href="/?q=a%26b&amp;page=1"' in html
    assert 'href="/?q=a%26b&amp;page=3"' in html
    assert "Page 2 of 3" in html


def test_list_of_one_page_has_no_pagination(pages: ModuleType, make_note: MakeNote) -> None:
    assert "Page 1" not in pages.list_page(listing(pages, make_note()), now=NOW)


@pytest.mark.parametrize(
    ("flash", "expected"),
    [
        pytest.param("saved", '<p class="flash" role="status">Your changes are saved.</p>', id="known"),
        pytest.param("<b>forged</b>", "", id="unknown"),
        pytest.param("", "", id="none"),
    ],
)
def test_flash_says_one_of_our_messages_or_nothing(
    pages: ModuleType, make_note: MakeNote, flash: str, expected: str
) -> None:
    html = pages.note_page(make_note(), flash=flash, now=NOW)
    assert (expected or "</header>") in html
    assert ('class="flash"' in html) is bool(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param((), "Notes &amp; notebooks", id="nothing"),
        pytest.param(("note",), "<mark>Note</mark>s &amp; <mark>note</mark>books", id="each"),
        pytest.param(("note", "notebook"), "<mark>Note</mark>s &amp; <mark>notebook</mark>s", id="longest"),
        pytest.param(("amp",), "Notes &amp; notebooks", id="not-inside-an-escape"),
        pytest.param((".*",), "Notes &amp; notebooks", id="no-pattern"),
    ],
)
def test_highlight_marks_words(markup: ModuleType, words: tuple[str, ...], expected: str) -> None:
    assert markup.highlight("Notes & notebooks", words) == expected


def test_excerpt_is_taken_around_the_first_word(markup: ModuleType) -> None:
    text = "start " * 100 + "needle " + "end " * 100
    assert "needle" in markup.excerpt(text, ["needle"])
    assert markup.excerpt(text, ["needle"]).startswith("… ")
    assert markup.excerpt(text, []).startswith("start")
    assert markup.excerpt("short", []) == "short"


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        pytest.param(timedelta(seconds=-5), "just now", id="clock-went-back"),
        pytest.param(timedelta(seconds=59), "just now", id="seconds"),
        pytest.param(timedelta(minutes=1), "1 minute ago", id="minute"),
        pytest.param(timedelta(minutes=59), "59 minutes ago", id="minutes"),
        pytest.param(timedelta(hours=23), "23 hours ago", id="hours"),
        pytest.param(timedelta(days=1, hours=2), "1 day ago", id="day"),
        pytest.param(timedelta(days=10), "5 Mar 2026", id="date"),
    ],
)
def test_ago_says_how_long_it_has_been(markup: ModuleType, passed: dt.timedelta, expected: str) -> None:
    assert markup.ago(NOW - passed, NOW) == expected


@pytest.mark.parametrize(
    ("form", "field"),
    [
        pytest.param({}, "title", id="nothing-sent"),
        pytest.param({"title": " \t "}, "title", id="blank-title"),
        pytest.param({"title": "x" * 121}, "title", id="long-title"),
        pytest.param({"title": "a\x00b"}, "title", id="control-in-title"),
        pytest.param({"title": "t", "text": "x" * 20_001}, "text", id="long-text"),
        pytest.param({"title": "t", "text": "\ud800"}, "text", id="half-a-surrogate-pair"),
    ],
)
def test_draft_refuses(drafts: ModuleType, form: dict[str, str], field: str) -> None:
    assert list(drafts.Draft.from_form(form).errors()) == [field]


def test_draft_tidies_lines(drafts: ModuleType) -> None:
    draft = drafts.Draft.from_form({"title": "  two \n words ", "text": "a\r\nb\rc\n\n", "pinned": "yes"})
    assert draft == drafts.Draft(title="two words", text="a\nb\nc", pinned=True)
    assert draft.errors() == {}


def test_search_words_are_bounded(drafts: ModuleType) -> None:
    assert drafts.search_words(" a  b\tc ") == ("a", "b", "c")
    assert len(drafts.search_words("x " * 500)) == 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, 1, id="none"),
        pytest.param("3", 3, id="number"),
        *[pytest.param(text, 1, id=repr(text)) for text in ("", "0", "-1", "+2", " 2", "1_0", "२", "x", "9" * 5000)],
    ],
)
def test_page_number_is_a_number_or_the_default(
    notes: Callable[[str], ModuleType], text: str | None, expected: int
) -> None:
    assert notes("listing").page_number(text) == expected


@pytest.mark.parametrize(("total", "expected"), [(0, 1), (1, 1), (12, 1), (13, 2)])
def test_page_count_has_room_for_all(notes: Callable[[str], ModuleType], total: int, expected: int) -> None:
    assert notes("listing").page_count(total, 12) == expected
