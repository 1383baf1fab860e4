"""The store of the notes application: order, search, and persistence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

# Each test imports the module again, so its classes have no names here.
Found: TypeAlias = Any
Store: TypeAlias = Any


class Clock:
    """A clock that moves one minute each time it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def store_module(notes: Callable[[str], ModuleType]) -> ModuleType:
    return notes("store")


@pytest.fixture
def store(store_module: ModuleType, tmp_path: Path) -> Iterator[Store]:
    store = store_module.Store(tmp_path / "notes.sqlite3", now=Clock())
    store.open()
    with closing(store):
        yield store


def titles(found: Found) -> list[str]:
    return [note.title for note in found.notes]


def test_store_returns_what_it_was_given(store: Store) -> None:
    note = store.create("Title", "Text", pinned=True)
    assert store.get(note.id) == note
    assert (note.title, note.text, note.pinned) == ("Title", "Text", True)
    assert note.created_at == note.updated_at == datetime(2026, 3, 1, 0, 1, tzinfo=UTC)


def test_store_keeps_notes_over_a_restart(store_module: ModuleType, store: Store, tmp_path: Path) -> None:
    kept = [store.create(f"note {number}", "") for number in range(5)]
    store.delete(kept.pop().id)
    store.close()
    again = store_module.Store(tmp_path / "notes.sqlite3")
    again.open()
    with closing(again):
        assert again.search(limit=10).total == 4
        assert [again.get(note.id) for note in kept] == kept


def test_store_shows_a_note_to_another_one_as_soon_as_it_is_saved(
    store_module: ModuleType, store: Store, tmp_path: Path
) -> None:
    # Nothing is closed here: this is what a process that is killed leaves behind.
    other = store_module.Store(tmp_path / "notes.sqlite3")
    other.open()
    with closing(other):
        note = store.create("Title", "Text")
        assert other.get(note.id) == note


def test_store_waits_for_the_disk(store: Store) -> None:
    ((mode,),) = store._connection.execute("PRAGMA synchronous").fetchall()
    ((journal,),) = store._connection.execute("PRAGMA journal_mode").fetchall()
    assert (mode, journal) == (2, "wal")


def test_store_that_is_not_open_says_so(store_module: ModuleType, tmp_path: Path) -> None:
    store = store_module.Store(tmp_path / "notes.sqlite3")
    with pytest.raises(RuntimeError, match="is not open"):
        store.get(1)
    assert not (tmp_path / "notes.sqlite3").exists()


def test_store_may_be_opened_and_closed_twice(store: Store) -> None:
    store.open()
    store.close()
    store.close()
    store.open()
    assert store.search(limit=1).total == 0


def test_store_refuses_a_file_that_is_no_database(store_module: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, this is not a database. " * 50)
    store = store_module.Store(path)
    with pytest.raises(Exception, match="not a database"):
        store.open()


def test_store_orders_by_pin_then_by_change(store: Store) -> None:
    first, second, third = (store.create(title, "") for title in ("first", "second", "third"))
    assert titles(store.search(limit=10)) == ["third", "second", "first"]
    store.pin(first.id, pinned=True)
    assert titles(store.search(limit=10)) == ["first", "third", "second"]
    store.replace(second.id, "second", "changed", pinned=False)
    assert titles(store.search(limit=10)) == ["first", "second", "third"]
    assert store.get(third.id) == third


def test_store_changes_the_time_of_change_when_edited_and_not_when_pinned(store: Store) -> None:
    note = store.create("Title", "")
    pinned = store.pin(note.id, pinned=True)
    assert pinned.updated_at == note.updated_at
    edited = store.replace(note.id, "Title", "more", pinned=True)
    assert edited.updated_at > note.updated_at
    assert edited.created_at == note.created_at


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["garden"], ["The garden", "Plants"], id="title-or-text"),
        pytest.param(["GARDEN", "rose"], ["Plants"], id="all-words-any-case"),
        pytest.param(["überRASCHUNG"], ["Überraschung"], id="beyond-ascii"),
        pytest.param(["100%"], ["Sale"], id="percent-is-a-percent"),
        pytest.param(["_"], ["Snake_case"], id="underscore-is-an-underscore"),
        pytest.param(["'; DROP TABLE notes; --"], [], id="sql"),
        pytest.param([], ["Überraschung", "Snake_case", "Sale", "The garden", "Plants"], id="nothing-finds-all"),
    ],
)
def test_search_finds_notes_with_all_words(store: Store, words: list[str], expected: list[str]) -> None:
    store.create("Plants", "A rose for the garden")
    store.create("The garden", "")
    store.create("Sale", "100% off")
    store.create("Snake_case", "")
    store.create("Überraschung", "")
    found = store.search(words, limit=10)
    assert titles(found) == expected
    assert found.total == len(expected)


def test_search_gives_one_page_and_counts_all(store: Store) -> None:
    for number in range(5):
        store.create(f"note {number}", "")
    found = store.search(limit=2, offset=2)
    assert titles(found) == ["note 2", "note 1"]
    assert found.total == 5


@pytest.mark.parametrize("note_id", [0, -1, 99, 2**63, 10**40])
def test_store_has_no_note_with_a_number_that_was_never_given(store: Store, note_id: int) -> None:
    store.create("Title", "")
    assert store.get(note_id) is None
    assert store.replace(note_id, "a", "b", pinned=False) is None
    assert store.pin(note_id, pinned=True) is None
    assert store.delete(note_id) is False


def test_store_never_gives_a_number_twice(store: Store) -> None:
    first = store.create("first", "")
    assert store.delete(first.id) is True
    assert store.create("second", "").id > first.id


def test_store_serves_many_threads(store: Store) -> None:
    def write() -> None:
        for _ in range(20):
            store.create("from a thread", "")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.search(limit=1).total == 80
