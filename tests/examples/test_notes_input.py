"""The filters of the notes application, and its validation of notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.fixture
def drafts(notes: Callable[[str], ModuleType]) -> ModuleType:
    return notes("drafts")


@pytest.fixture
def filters(notes: Callable[[str], ModuleType]) -> ModuleType:
    return notes("filters")


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
def test_highlight_marks_words(filters: ModuleType, words: tuple[str, ...], expected: str) -> None:
    assert filters.highlight("Notes & notebooks", words) == expected


def test_excerpt_is_taken_around_the_first_word(filters: ModuleType) -> None:
    text = "start " * 100 + "needle " + "end " * 100
    assert "needle" in filters.excerpt(text, ["needle"])
    assert filters.excerpt(text, ["needle"]).startswith("… ")
    assert filters.excerpt(text, []).startswith("start")
    assert filters.excerpt("short", []) == "short"


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
def test_ago_says_how_long_it_has_been(filters: ModuleType, passed: dt.timedelta, expected: str) -> None:
    assert filters.ago(NOW - passed, NOW) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (5_000_000, "5.0 MB")]
)
def test_size_is_for_readers(filters: ModuleType, number: int, expected: str) -> None:
    assert filters.size(number) == expected


@pytest.mark.parametrize(
    ("form", "field"),
    [
        pytest.param({}, "title", id="nothing-sent"),
        pytest.param({"title": " \t "}, "title", id="blank-title"),
        pytest.param({"title": "x" * 121}, "title", id="long-title"),
        pytest.param({"title": "a\x00b"}, "title", id="control-in-title"),
        pytest.param({"title": "t", "text": "x" * 20_001}, "text", id="long-text"),
        pytest.param({"title": "t", "text": "\ud800"}, "text", id="half-a-surrogate-pair"),
        pytest.param({"title": "t", "tags": "a b c d e f g h i j k"}, "tags", id="many-tags"),
        pytest.param({"title": "t", "tags": "x" * 31}, "tags", id="long-tag"),
        pytest.param({"title": "t", "tags": "<b>"}, "tags", id="tag-with-other-characters"),
    ],
)
def test_draft_refuses(drafts: ModuleType, form: dict[str, str], field: str) -> None:
    assert list(drafts.Draft.from_form(form).errors()) == [field]


def test_draft_tidies_lines(drafts: ModuleType) -> None:
    draft = drafts.Draft.from_form(
        {"title": "  two \n words ", "text": "a\r\nb\rc\n\n", "tags": "#Home, ideas home", "pinned": "yes"}
    )
    assert draft == drafts.Draft(title="two words", text="a\nb\nc", tags=("home", "ideas"), pinned=True)
    assert draft.errors() == {}


def test_search_words_are_bounded(drafts: ModuleType) -> None:
    assert drafts.search_words(" a  b\tc ") == ("a", "b", "c")
    assert len(drafts.search_words("x " * 500)) == 8
