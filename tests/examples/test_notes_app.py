"""The notes application through the client: pages, API, what other sites may not do, and a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from turnbuckle.testing import Client

HOSTILE: Final = "<script>alert('x')</script>"
ESCAPED: Final = "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;"


@pytest.fixture
def app_module(notes: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.setenv("NOTES_DATABASE", str(tmp_path / "notes.sqlite3"))
    return notes("app")


@pytest.fixture
async def client(app_module: ModuleType) -> AsyncIterator[Client]:
    async with Client(app_module.app) as client:
        yield client


async def write(client: Client, title: str = "Title", text: str = "Text") -> str:
    """Write a note with the form and return its path."""
    response = await client.post("/notes/new", data={"title": title, "text": text}, follow_redirects=False)
    assert response.status == 303
    return response.headers["Location"]


def test_importing_the_app_makes_no_file(app_module: ModuleType, tmp_path: Path) -> None:
    app_module.app.resolve()
    assert list(tmp_path.iterdir()) == []


# -- pages


async def test_empty_list_invites_to_write(client: Client) -> None:
    response = await client.get("/")
    assert response.status == 200
    assert "No notes yet" in response.text


async def test_note_is_written_shown_edited_and_deleted(client: Client) -> None:
    path = await write(client, "Shopping", "milk\r\nbread")
    page = await client.get(path)
    assert "<h1>Shopping</h1>" in page.text
    assert "milk\nbread</div>" in page.text

    form = await client.get(f"{path}/edit")
    assert 'value="Shopping"' in form.text
    saved = await client.post(f"{path}/edit", data={"title": "Shop", "text": "milk"}, follow_redirects=False)
    assert (saved.status, saved.headers["Location"]) == (303, path)
    assert "<h1>Shop</h1>" in (await client.get(path)).text

    deleted = await client.post(f"{path}/delete", follow_redirects=False)
    assert (deleted.status, deleted.headers["Location"]) == (303, "/")
    assert (await client.get(path)).status == 404


async def test_message_is_shown_once_after_the_redirect(client: Client) -> None:
    path = await write(client)
    assert "The note is saved." in (await client.get(path)).text
    assert 'role="status"' not in (await client.get(path)).text


async def test_form_without_a_title_comes_back_with_what_was_typed(client: Client) -> None:
    response = await client.post("/notes/new", data={"title": " ", "text": "much work", "pinned": "yes"})
    assert response.status == 422
    assert "A note needs a title." in response.text
    assert ">\nmuch work</textarea>" in response.text
    assert " checked" in response.text
    assert "No notes yet" in (await client.get("/")).text


async def test_edit_with_a_long_text_comes_back_with_what_was_typed(client: Client) -> None:
    path = await write(client)
    response = await client.post(f"{path}/edit", data={"title": "T", "text": "x" * 20_001})
    assert response.status == 422
    assert "20000 is the most" in response.text
    assert "x" * 20_001 in response.text


async def test_what_was_typed_is_never_markup(client: Client) -> None:
    path = await write(client, HOSTILE, HOSTILE)
    for page in ("/", path, f"{path}/edit", "/?q=%3Cscript%3E", f"/?q={'%22%3E%3Cscript%3E'}"):
        response = await client.get(page)
        assert response.status == 200
        assert "<script" not in response.text
    assert ESCAPED in (await client.get(path)).text


async def test_search_finds_and_marks(client: Client) -> None:
    await write(client, "Überraschung", "für Zoë")
    await write(client, "Other", "")
    response = await client.get("/?q=%C3%BCberr")
    assert "<mark>Überr</mark>aschung" in response.text
    assert "Other" not in response.text
    assert "1 note for" in response.text
    assert "Nothing found" in (await client.get("/?q=zebra")).text


async def test_list_is_split_into_pages(client: Client) -> None:
    for number in range(13):
        await write(client, f"note {number:02}")
    first, second = await client.get("/"), await client.get("/?page=2")
    assert "Page 1 of 2" in first.text
    assert "note 12" in first.text
    assert "note 00" in second.text
    assert (await client.get("/?page=99")).text == second.text
    assert "Page 1 of 2" in (await client.get("/?page=-1")).text


async def test_pinned_note_comes_first(client: Client) -> None:
    path = await write(client, "first")
    await write(client, "second")
    await client.post(f"{path}/pin", data={"pinned": "yes"})
    text = (await client.get("/")).text
    assert text.index("first") < text.index("second")
    await client.post(f"{path}/pin", data={"pinned": "no"})
    text = (await client.get("/")).text
    assert text.index("second") < text.index("first")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/notes/99", "/notes/99/edit", f"/notes/{2**63}", f"/notes/{10**90}", "/notes/x"]
)
async def test_page_that_does_not_exist_is_404_in_html(client: Client, path: str) -> None:
    response = await client.get(path)
    assert response.status == 404
    assert "<h1>Not found</h1>" in response.text


@pytest.mark.parametrize("action", ["edit", "pin", "delete"])
async def test_change_of_a_note_that_does_not_exist_is_404(client: Client, action: str) -> None:
    response = await client.post(f"/notes/99/{action}", data={"title": "T"})
    assert response.status == 404


async def test_page_asked_with_a_wrong_method_is_405(client: Client) -> None:
    response = await client.put("/notes/new")
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("path", "content_type"), [("/style.css", "text/css; charset=utf-8"), ("/icon.svg", "image/svg+xml")]
)
async def test_files_are_served(client: Client, path: str, content_type: str) -> None:
    response = await client.get(path)
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type


async def test_pages_forbid_scripts_and_frames(client: Client) -> None:
    for path in ("/", "/nowhere", "/style.css"):
        response = await client.get(path)
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


# -- other sites


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 303, id="no-browser"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 303, id="our-page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 303, id="typed-by-the-user"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="a-sibling-site"),
        pytest.param({"Host": "notes.example:8000", "Origin": "http://notes.example:8000"}, 303, id="our-origin"),
        pytest.param({"Host": "notes.example", "Origin": "https://notes.example"}, 303, id="behind-a-proxy"),
        pytest.param({"Host": "notes.example", "Origin": "https://evil.example"}, 403, id="another-origin"),
        pytest.param({"Host": "notes.example", "Origin": "null"}, 403, id="opaque-origin"),
        pytest.param({"Host": "notes.example", "Origin": "http://[broken"}, 403, id="broken-origin"),
    ],
)
async def test_change_is_refused_to_other_sites(client: Client, headers: dict[str, str], status: int) -> None:
    response = await client.post("/notes/new", data={"title": "T"}, headers=headers, follow_redirects=False)
    assert response.status == status
    found = await client.get("/api/notes")
    assert found.json()["total"] == (1 if status == 303 else 0)


# -- the API


async def test_api_creates_reads_changes_and_deletes(client: Client) -> None:
    created = await client.post("/api/notes", json={"title": "Title", "text": "Text"})
    note = created.json()
    assert created.status == 201
    assert created.headers["Location"] == f"/api/notes/{note['id']}"
    assert (note["title"], note["text"], note["pinned"]) == ("Title", "Text", False)

    path = created.headers["Location"]
    read = await client.get(path)
    assert (read.status, read.json()) == (200, note)
    assert read.headers["Content-Type"] == "application/json"

    patched = await client.patch(path, json={"pinned": True})
    assert patched.status == 200
    assert patched.json()["title"] == "Title"
    assert patched.json()["pinned"] is True

    replaced = await client.put(path, json={"title": "New"})
    assert replaced.status == 200
    assert (replaced.json()["title"], replaced.json()["text"], replaced.json()["pinned"]) == ("New", "", False)

    deleted = await client.delete(path)
    assert (deleted.status, deleted.content) == (204, b"")
    assert (await client.get(path)).status == 404
    assert (await client.delete(path)).status == 404


async def test_api_and_pages_show_the_same_notes(client: Client) -> None:
    await client.post("/api/notes", json={"title": "from the API"})
    await write(client, "from the page")
    assert "from the API" in (await client.get("/")).text
    titles = [note["title"] for note in (await client.get("/api/notes")).json()["notes"]]
    assert titles == ["from the page", "from the API"]


async def test_api_searches_in_pages(client: Client) -> None:
    for number in range(5):
        await client.post("/api/notes", json={"title": f"note {number}"})
    found = (await client.get("/api/notes?q=NOTE&per_page=2&page=3")).json()
    assert [note["title"] for note in found["notes"]] == ["note 0"]
    assert (found["total"], found["page"], found["pages"]) == (5, 3, 3)
    assert (await client.get("/api/notes?q=zebra")).json()["notes"] == []


@pytest.mark.parametrize(
    ("value", "field"),
    [
        pytest.param({}, "title", id="no-title"),
        pytest.param({"title": 3}, "title", id="wrong-type"),
        pytest.param({"title": "T", "pinned": 1}, "pinned", id="number-as-truth"),
        pytest.param({"title": "T", "colour": "red"}, "colour", id="unknown-field"),
        pytest.param({"title": "  "}, "title", id="blank"),
        pytest.param({"title": "T", "text": "\x00"}, "text", id="control"),
        pytest.param({"title": "T", "text": "x" * 20_001}, "text", id="long"),
        pytest.param(["title"], "", id="no-object"),
    ],
)
async def test_api_answers_422_with_the_field_that_is_wrong(
    client: Client, value: dict[str, str] | list[str], field: str
) -> None:
    response = await client.post("/api/notes", json=value)
    assert response.status == 422
    assert response.json()["errors"][0]["pointer"] == (field and f"/{field}")


async def test_api_answers_400_to_half_a_surrogate_pair(client: Client) -> None:
    response = await client.post("/api/notes", json={"title": "T", "text": "\ud800"})
    assert (response.status, response.json()["errors"][0]["detail"]) == (400, "not JSON")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_api_answers_422_to_a_bad_change_and_404_to_one_of_nothing(client: Client, method: str) -> None:
    created = await client.post("/api/notes", json={"title": "kept"})
    path = created.headers["Location"]
    assert (await client.request(method, path, json={"title": ""})).status == 422
    assert (await client.get(path)).json()["title"] == "kept"
    assert (await client.request(method, "/api/notes/99", json={"title": "T"})).status == 404


@pytest.mark.parametrize("content", [b"{", b"\xff", b"NaN"])
async def test_api_answers_400_to_what_is_not_json(client: Client, content: bytes) -> None:
    response = await client.post("/api/notes", content=content, headers={"Content-Type": "application/json"})
    assert response.status == 400
    assert response.json()["errors"] == [{"in": "body", "pointer": "", "detail": "not JSON"}]


async def test_api_answers_415_to_a_form(client: Client) -> None:
    response = await client.post("/api/notes", data={"title": "T"})
    assert response.status == 415


async def test_api_tidies_lines(client: Client) -> None:
    created = await client.post("/api/notes", json={"title": " two \n words", "text": "a\r\nb\rc\n"})
    assert (created.json()["title"], created.json()["text"]) == ("two words", "a\nb\nc")


async def test_api_is_described(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    assert list(document["paths"]) == ["/api/notes", "/api/notes/{note_id}"]
    created = document["paths"]["/api/notes"]["post"]["responses"]["201"]
    assert created["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Note"}
    page = await client.get("/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]


async def test_api_takes_json_with_a_charset(client: Client) -> None:
    response = await client.post(
        "/api/notes", content=b'{"title": "T"}', headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert response.status == 201


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/api/notes", "GET, HEAD, OPTIONS, POST"), ("/api/notes/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")],
)
async def test_api_answers_405_with_what_is_allowed(client: Client, path: str, allow: str) -> None:
    response = await client.request("LOCK", path)
    assert response.status == 405
    assert response.headers["Allow"] == allow
    assert "error" in response.json()


# -- a restart


async def test_notes_are_there_after_a_restart(app_module: ModuleType) -> None:
    async with Client(app_module.app) as client:
        path = await write(client, "kept", "over the restart")
        await client.post("/api/notes", json={"title": "this one, too"})
    async with Client(app_module.app) as client:
        assert "over the restart" in (await client.get(path)).text
        assert (await client.get("/api/notes")).json()["total"] == 2
