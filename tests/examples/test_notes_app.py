"""The notes application through the client: accounts, pages, files, live updates, API, other sites, and a restart."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.examples.conftest import EXAMPLES, importing
from turnbuckle import App, Application
from turnbuckle.testing import Client
from turnbuckle_contrib.auth import User

HOSTILE: Final = "<script>alert('x')</script>"
ESCAPED: Final = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
BROWSER: Final = {"Sec-Fetch-Site": "same-origin"}
NUMBERS: Final = itertools.count(1)


class Ada:
    """The user of the running test: each test has another one, without notes."""

    user = User(id="0", name="Ada")


def current_user() -> User | None:
    return Ada.user


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[App]:
    with importing() as import_module, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTES_DATABASE", str(folder / "notes.sqlite3"))
        yield import_module(EXAMPLES / "notes", "app").app


@pytest.fixture(scope="module")
def application(app: App, folder: Path) -> Application:
    app.resolve()
    assert list(folder.iterdir()) == [], "importing and resolving the app makes no file"
    return app.compile(supply={User | None: current_user})


@pytest.fixture
async def client(application: Application) -> AsyncIterator[Client]:
    """A browser of Ada, who is logged in."""
    Ada.user = User(id=str(next(NUMBERS)), name="Ada")
    async with Client(application) as client:
        yield client


async def write(client: Client, title: str = "Title", text: str = "Text", tags: str = "") -> str:
    """Write a note with the form and return its path."""
    form = {"title": title, "text": text, "tags": tags}
    response = await client.post("/notes/new", data=form, headers=BROWSER, follow_redirects=False)
    assert response.status == 303
    return response.headers["Location"]


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
    saved = await client.post(
        f"{path}/edit", data={"title": "Shop", "text": "milk"}, follow_redirects=False, headers=BROWSER
    )
    assert (saved.status, saved.headers["Location"]) == (303, path)
    assert "<h1>Shop</h1>" in (await client.get(path)).text

    deleted = await client.post(f"{path}/delete", follow_redirects=False, headers=BROWSER)
    assert (deleted.status, deleted.headers["Location"]) == (303, "/")
    assert (await client.get(path)).status == 404


async def test_message_is_shown_once_after_the_redirect(client: Client) -> None:
    path = await write(client)
    assert "“Title” is saved." in (await client.get(path)).text
    assert 'class="flash"' not in (await client.get(path)).text


async def test_form_without_a_title_comes_back_with_what_was_typed(client: Client) -> None:
    response = await client.post(
        "/notes/new", data={"title": " ", "text": "much work", "pinned": "yes"}, headers=BROWSER
    )
    assert response.status == 422
    assert "A note needs a title." in response.text
    assert ">\nmuch work</textarea>" in response.text
    assert " checked" in response.text
    assert "No notes yet" in (await client.get("/")).text


async def test_edit_with_a_long_text_comes_back_with_what_was_typed(client: Client) -> None:
    path = await write(client)
    response = await client.post(f"{path}/edit", data={"title": "T", "text": "x" * 20_001}, headers=BROWSER)
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
    await client.get("/")
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
    await client.post(f"{path}/pin", data={"pinned": "yes"}, headers=BROWSER)
    await client.get("/")
    text = (await client.get("/")).text
    assert text.index("first") < text.index("second")
    await client.post(f"{path}/pin", data={"pinned": "no"}, headers=BROWSER)
    await client.get("/")
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
    response = await client.post(f"/notes/99/{action}", data={"title": "T"}, headers=BROWSER)
    assert response.status == 404


async def test_page_asked_with_a_wrong_method_is_405(client: Client) -> None:
    response = await client.put("/notes/new", headers=BROWSER)
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("live.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_files_are_served(client: Client, path: str, content_type: str) -> None:
    response = await client.get(f"/static/{path}")
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type


async def test_pages_forbid_scripts_and_frames(client: Client) -> None:
    for path in ("/", "/nowhere", "/static/style.css"):
        response = await client.get(path)
        assert "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_tags_are_shown_and_filter_the_list(client: Client) -> None:
    await write(client, "Shopping", tags="#Home, food")
    await write(client, "Idea", tags="work")
    await client.get("/")
    page = (await client.get("/?tag=home")).text
    assert "with #home" in page
    assert "Shopping" in page
    assert ">Idea<" not in page
    assert "No note contains <strong>#nothing</strong>" in (await client.get("/?tag=nothing")).text


async def test_change_of_an_older_version_shows_both(client: Client) -> None:
    path = await write(client, "first")
    version = re.search('name="version" value="([^"]+)"', (await client.get(f"{path}/edit")).text)
    assert version is not None
    form = {"title": "second", "text": "theirs", "version": html.unescape(version[1])}
    assert (await client.post(f"{path}/edit", data=form, headers=BROWSER, follow_redirects=False)).status == 303
    mine = {**form, "title": "third", "text": "mine"}
    refused = await client.post(f"{path}/edit", data=mine, headers=BROWSER)
    assert refused.status == 409
    assert "changed in another window" in refused.text
    assert "theirs" in refused.text
    assert ">\nmine</textarea>" in refused.text
    newer = re.search('name="version" value="([^"]+)"', refused.text)
    assert newer is not None
    again = {**mine, "version": html.unescape(newer[1])}
    assert (await client.post(f"{path}/edit", data=again, headers=BROWSER, follow_redirects=False)).status == 303
    assert "<h1>third</h1>" in (await client.get(path)).text


# -- files


async def test_file_is_uploaded_listed_downloaded_and_deleted(client: Client) -> None:
    path = await write(client)
    file = ("../plan <1>.html", b"<script>alert(1)</script>", "text/html")
    page = await client.post(f"{path}/files", files={"file": file}, headers=BROWSER, follow_redirects=True)
    assert "“plan &lt;1&gt;.html” is attached." in page.text
    link = re.search(r'href="(/files/\d+)"', page.text)
    assert link is not None
    download = await client.get(link[1])
    assert download.content == file[1]
    assert download.headers["Content-Type"] == "application/octet-stream"
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert download.headers["X-Content-Type-Options"] == "nosniff"
    deleted = await client.post(f"{link[1]}/delete", headers=BROWSER, follow_redirects=True)
    assert "The file is deleted." in deleted.text
    assert (await client.get(link[1])).status == 404


async def test_file_needs_a_note_a_name_and_a_size(client: Client) -> None:
    path = await write(client)
    empty = await client.post(f"{path}/files", files={"file": ("", b"", "text/plain")}, headers=BROWSER)
    assert empty.status in {400, 422}
    large = await client.post(f"{path}/files", files={"file": ("a", bytes(5_020_000), "")}, headers=BROWSER)
    assert large.status == 413
    nowhere = await client.post("/notes/99999/files", files={"file": ("a", b"x", "")}, headers=BROWSER)
    assert nowhere.status == 404


# -- accounts


async def test_visitors_see_the_welcome_and_the_login(client: Client) -> None:
    path = await write(client)
    Ada.user = None
    assert "Create an account" in (await client.get("/")).text
    for hidden in (path, f"{path}/edit", "/notes/new", "/events"):
        response = await client.get(hidden, headers={"Accept": "text/html"}, follow_redirects=False)
        assert (response.status, response.headers["Location"]) == (303, f"/accounts/login?next={hidden}")
    assert (await client.get("/api/notes")).status == 401


async def test_notes_of_others_do_not_exist(client: Client) -> None:
    path = await write(client, "secret")
    await client.post(f"{path}/files", files={"file": ("a", b"x", "")}, headers=BROWSER)
    page = await client.get(path)
    link = re.search(r'href="(/files/\d+)"', page.text)
    assert link is not None
    Ada.user = User(id="another", name="Bob")
    assert "secret" not in (await client.get("/")).text
    for hidden in (path, f"{path}/edit", link[1], f"/api{path}"):
        assert (await client.get(hidden)).status == 404
    for change in ("edit", "pin", "delete"):
        assert (await client.post(f"{path}/{change}", data={"title": "mine"}, headers=BROWSER)).status == 404
    upload = await client.post(f"{path}/files", files={"file": ("a", b"x", "")}, headers=BROWSER)
    assert upload.status == 404
    assert (await client.post(f"{link[1]}/delete", headers=BROWSER)).status == 404


async def test_changes_are_events_for_the_account_only(client: Client) -> None:
    mine = Ada.user
    async with client.stream("GET", "/events") as events:
        pieces = events.stream()
        Ada.user = User(id="another", name="Bob")
        await write(client, "of Bob")
        Ada.user = mine
        await write(client, "of Ada")
        assert await anext(pieces) == "event: change\ndata: “of Ada” is saved.\n\n".encode()


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
    assert response.headers["Content-Type"] == "application/problem+json"


# -- a restart


async def test_notes_are_there_after_a_restart(application: Application) -> None:
    Ada.user = User(id=str(next(NUMBERS)), name="Ada")
    async with Client(application) as client:
        path = await write(client, "kept", "over the restart")
        await client.post("/api/notes", json={"title": "this one, too"}, headers=BROWSER)
    async with Client(application) as client:
        assert "over the restart" in (await client.get(path)).text
        assert (await client.get("/api/notes")).json()["total"] == 2
