"""The storage of the notes application: order, search, tags, files, and files of databases from before accounts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from turnbuckle_contrib.sqlite import Database

# Each test imports the modules again, so their classes have no names here.
Found: TypeAlias = Any
Note: TypeAlias = Any
Notes: TypeAlias = Any
MakeDraft: TypeAlias = Callable[..., Any]


@pytest.fixture
def store(notes: Callable[[str], ModuleType]) -> ModuleType:
    return notes("store")


@pytest.fixture
def draft(notes: Callable[[str], ModuleType]) -> MakeDraft:
    def make(title: str, text: str = "", *tags: str, pinned: bool = False) -> Any:
        return notes("drafts").Draft(title=title, text=text, tags=tags, pinned=pinned)

    return make


@pytest.fixture
async def database(store: ModuleType, tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(str(tmp_path / "notes.sqlite3"))
    await database.open()
    await database.migrate(store.MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def ada(store: ModuleType, database: Database) -> Notes:
    return store.Notes(database, "ada")


@pytest.fixture
def bob(store: ModuleType, database: Database) -> Notes:
    return store.Notes(database, "bob")


def titles(found: Found) -> list[str]:
    return [note.title for note in found.notes]


async def test_note_is_returned_as_it_was_written(ada: Notes, draft: MakeDraft) -> None:
    note = await ada.create(draft("Title", "Text", "home", "ideas", pinned=True))
    assert await ada.get(note.id) == note
    assert (note.title, note.text, note.tags, note.pinned) == ("Title", "Text", ("home", "ideas"), True)
    assert note.created_at == note.updated_at


async def test_accounts_have_their_own_notes(ada: Notes, bob: Notes, draft: MakeDraft) -> None:
    note = await ada.create(draft("Title", "secret", "home"))
    await ada.attach(note.id, "a.txt", b"secret")
    assert titles(await bob.search(limit=9)) == titles(await bob.search(["secret"], limit=9)) == []
    assert await bob.tags() == []
    assert await bob.get(note.id) is None
    assert await bob.replace(note.id, draft("mine")) is None
    assert await bob.pin(note.id, pinned=True) is None
    assert await bob.delete(note.id) is None
    assert await bob.file(1) is None
    assert await bob.delete_file(1) is None
    assert await ada.get(note.id) == note


async def test_order_is_by_pin_then_by_change(ada: Notes, draft: MakeDraft) -> None:
    first, second, third = [await ada.create(draft(title)) for title in ("first", "second", "third")]
    assert titles(await ada.search(limit=9)) == ["third", "second", "first"]
    pinned = await ada.pin(first.id, pinned=True)
    assert pinned.updated_at == first.updated_at
    assert titles(await ada.search(limit=9)) == ["first", "third", "second"]
    edited = await ada.replace(second.id, draft("second", "changed"))
    assert edited.updated_at > second.updated_at
    assert edited.created_at == second.created_at
    assert titles(await ada.search(limit=9)) == ["first", "second", "third"]
    assert await ada.get(third.id) == third


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["garden"], ["The garden", "Plants"], id="title-or-text"),
        pytest.param(["GARDEN", "rose"], ["Plants"], id="all-words-any-case"),
        pytest.param(["gard"], ["The garden", "Plants"], id="beginning-of-a-word"),
        pytest.param(["uberRASCH"], ["Überraschung"], id="without-accents"),
        pytest.param(["100%"], ["Sale"], id="percent"),
        pytest.param(["snake_case"], ["Snake_case"], id="underscore"),
        pytest.param(["shop"], ["Sale"], id="tag"),
        pytest.param(['"'], [], id="quote"),
        pytest.param(["garden*", "NOT", "rose"], [], id="operators-are-words"),
        pytest.param(["title:garden"], [], id="columns-are-words"),
        pytest.param(["';", "DROP", "TABLE", "notes;"], [], id="sql"),
        pytest.param([], ["Überraschung", "Snake_case", "Sale", "The garden", "Plants"], id="nothing-finds-all"),
    ],
)
async def test_search_finds_notes_with_all_words(
    ada: Notes, draft: MakeDraft, words: list[str], expected: list[str]
) -> None:
    await ada.create(draft("Plants", "A rose for the garden"))
    await ada.create(draft("The garden"))
    await ada.create(draft("Sale", "100% off", "shop"))
    await ada.create(draft("Snake_case"))
    await ada.create(draft("Überraschung"))
    found = await ada.search(words, limit=9)
    assert titles(found) == expected
    assert found.total == len(expected)


async def test_search_follows_changes(ada: Notes, draft: MakeDraft) -> None:
    note = await ada.create(draft("old"))
    await ada.replace(note.id, draft("new"))
    assert titles(await ada.search(["old"], limit=9)) == []
    assert titles(await ada.search(["new"], limit=9)) == ["new"]
    await ada.delete(note.id)
    assert titles(await ada.search(["new"], limit=9)) == []


async def test_search_returns_one_page_and_counts_all(ada: Notes, draft: MakeDraft) -> None:
    for number in range(5):
        await ada.create(draft(f"note {number}", "", "odd" if number % 2 else "even"))
    found = await ada.search(limit=2, offset=2)
    assert (titles(found), found.total) == (["note 2", "note 1"], 5)
    assert titles(await ada.search(["note"], tag="odd", limit=9)) == ["note 3", "note 1"]
    assert await ada.tags() == [("even", 3), ("odd", 2)]


async def test_change_of_another_version_is_refused(ada: Notes, draft: MakeDraft) -> None:
    note = await ada.create(draft("Title"))
    version = note.updated_at.isoformat()
    assert await ada.replace(note.id, draft("first"), version=version) is not None
    assert await ada.replace(note.id, draft("second"), version=version) is None
    assert (await ada.get(note.id)).title == "first"


async def test_files_belong_to_their_note(ada: Notes, draft: MakeDraft) -> None:
    note = await ada.create(draft("Title"))
    await ada.attach(note.id, "a.txt", b"one")
    await ada.attach(note.id, "b.txt", b"three")
    first, second = await ada.files(note.id)
    assert (first.name, first.size, second.name, second.size) == ("a.txt", 3, "b.txt", 5)
    assert await ada.file(second.id) == (second, b"three")
    assert await ada.delete_file(first.id) == note.id
    assert await ada.files(note.id) == [second]
    await ada.delete(note.id)
    assert await ada.file(second.id) is None


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, 10**40])
async def test_number_that_was_never_given_is_none(ada: Notes, draft: MakeDraft, number: int) -> None:
    await ada.create(draft("Title"))
    assert await ada.get(number) is None
    assert await ada.replace(number, draft("a")) is None
    assert await ada.pin(number, pinned=True) is None
    assert await ada.delete(number) is None
    assert await ada.file(number) is None
    assert await ada.delete_file(number) is None


async def test_number_is_never_given_twice(ada: Notes, draft: MakeDraft) -> None:
    first = await ada.create(draft("first"))
    assert await ada.delete(first.id) == first
    assert (await ada.create(draft("second"))).id > first.id


async def test_many_writers_lose_nothing(ada: Notes, draft: MakeDraft) -> None:
    await asyncio.gather(*(ada.create(draft(f"note {number}")) for number in range(50)))
    assert (await ada.search(limit=1)).total == 50


async def test_notes_from_before_accounts_belong_to_the_first_account(
    store: ModuleType, tmp_path: Path, draft: MakeDraft
) -> None:
    path = tmp_path / "old.sqlite3"
    old = sqlite3.connect(path)
    old.executescript(store.MIGRATIONS[0])
    moment = "2026-01-01T00:00:00+00:00"
    old.execute("INSERT INTO notes (title, text, created_at, updated_at) VALUES ('old', '', ?, ?)", (moment, moment))
    old.commit()
    old.close()
    database = Database(str(path))
    await database.open()
    try:
        await database.migrate(store.MIGRATIONS)
        ada, bob = store.Notes(database, "ada"), store.Notes(database, "bob")
        assert titles(await ada.search(limit=9)) == []
        await ada.adopt()
        await bob.adopt()
        assert titles(await ada.search(["old"], limit=9)) == ["old"]
        assert titles(await bob.search(limit=9)) == []
    finally:
        database.close()
