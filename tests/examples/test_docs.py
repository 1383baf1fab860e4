"""The documentation matches the code: every Python block runs, every setting is listed with its default."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest

from tests.generated_docs import GENERATED_PARTS, GeneratedPart
from turnbuckle import App, Limits, Request, Settings, Timeouts
from turnbuckle.hookspecs import Hooks
from turnbuckle.testing import Client

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted(DOCS.glob("*.md")),
    *sorted(DOCS.glob("[!p]*/*.md")),
)
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TEMPLATE: Final = re.compile(r"^```html\n\{# (\S+) #\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
_ROW: Final = re.compile(r"^\| `([a-z_.]+)` \| [^|]+ \| `([^`]*)` \|", re.MULTILINE)


def blocks(language: str) -> Iterator:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            if found[1] == language:
                line = text.count("\n", 0, found.start()) + 2
                yield pytest.param(page, line, found[2], id=f"{page.name}-{line}")


def run_block(page: Path, line: int, source: str) -> dict[str, object]:
    # The lines before it are left empty, so that tracebacks name the line of the page.
    namespace: dict[str, object] = {"__name__": "main", "__file__": str(page)}
    exec(compile("\n" * (line - 1) + source, page, "exec", dont_inherit=True), namespace)
    return namespace


def write_templates(page: Path, folder: Path) -> list[str]:
    """Write the templates of a page, whose first line is a comment with the path, and return their paths."""
    found = _TEMPLATE.findall(page.read_text(encoding="utf-8"))
    for path, text in found:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return [path for path, _ in found]


def plain_paths(app: App) -> list[str]:
    """Return the paths without parameters that answer GET."""
    routes = [planned.route for planned, _ in app.plan.routes()]
    return [route.path for route in routes if "GET" in route.methods and "{" not in route.path and not route.host]


@pytest.mark.parametrize(("page", "line", "source"), list(blocks("python")))
async def test_python_block_runs(
    page: Path, line: int, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if write_templates(page, tmp_path):
        monkeypatch.chdir(tmp_path)
    namespace = run_block(page, line, source)
    for name, value in namespace.items():
        if name.startswith("test_"):
            await value()
    if isinstance(app := namespace.get("app"), App):
        async with Client(app, raise_exceptions=False) as client:
            responses = [await client.get(path) for path in plain_paths(app)]
        assert [response.status for response in responses if response.status >= 500] == []


@pytest.mark.parametrize(("page", "line", "source"), list(blocks("toml")))
def test_toml_block_is_toml(page: Path, line: int, source: str) -> None:
    assert tomllib.loads(source)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_have_targets(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path, anchor in _LINK.findall(text):
        if "://" not in path:
            target = (page.parent / path) if path else page
            assert target.exists(), f"{page.name} links to {path}"
            assert not anchor or anchor in anchors(target), f"{page.name} links to {path}#{anchor}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def defaults(settings: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    for field in attrs.fields(type(settings)):
        value = getattr(settings, field.name)
        if attrs.has(type(value)):
            yield from defaults(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", list(value) if isinstance(value, tuple) else value


def test_settings_page_lists_every_setting_with_its_default() -> None:
    rows = _ROW.findall((ROOT / "docs/use/settings.md").read_text(encoding="utf-8"))
    assert {name: json.loads(value) for name, value in rows} == dict(defaults(Settings()))
    assert len(rows) == len(dict(rows))


def test_index_lists_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / path).resolve() for path, _ in _LINK.findall(index) if path and "://" not in path}
    pages = {*DOCS.glob("*.md"), *DOCS.glob("[!p]*/*.md"), DOCS / "problems/README.md"} - {DOCS / "README.md"}
    assert sorted(pages - linked) == []


@pytest.mark.parametrize("part", GENERATED_PARTS, ids=lambda part: part.name)
def test_generated_part_is_up_to_date(part: GeneratedPart) -> None:
    assert part.committed() == part.generate(), "run: python -m tests.generated_docs"


def test_plugins_page_lists_every_hook() -> None:
    text = (ROOT / "docs/extend/plugins.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(provide_\w+|review_plan)", text, re.MULTILINE))
    assert listed == {name for name in vars(Hooks) if not name.startswith("_")}


def test_middleware_page_lists_the_zones_in_order() -> None:
    from turnbuckle.records import ZONES

    text = (ROOT / "docs/learn/middleware.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == ZONES


async def test_readme_app_answers_as_the_readme_says() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    source = next(found[2] for found in _BLOCK.finditer(text) if found[1] == "python")
    assert len(source.splitlines()) == 12
    app = run_block(ROOT / "README.md", 1, source)["app"]
    async with Client(app) as client:
        assert (await client.get("/")).text == "Hello, World!"
        (command, answer) = re.search(r"curl '(\S+)'\n(\{.*\})", text).groups()
        response = await client.get(command.removeprefix("http://127.0.0.1:8000"))
    assert response.text == answer


# For each limit: a small value of it, and a request that exceeds this value and no other limit.
_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_TOO_MUCH: Final = {
    "request_line": (50, b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 50)),
    "field_line": (50, _HEAD + b"A: %b\r\n\r\n" % (b"x" * 50)),
    "header_section": (50, _HEAD + b"A: %b\r\nB: %b\r\n\r\n" % (b"x" * 30, b"x" * 30)),
    "field_count": (8, _HEAD + b"A: b\r\n" * 8 + b"\r\n"),
    "json": (50, b"POST /json HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 51\r\n\r\n" + b"1" * 51),
    "content": (50, _HEAD + b"Content-Length: 51\r\n\r\n" + b"x" * 51),
    "chunk_line": (50, _CHUNKED + b"1;%b\r\nx\r\n0\r\n\r\n" % (b"x" * 50)),
    "chunk_extensions": (50, _CHUNKED + b"1;abcdefghij\r\nx\r\n" * 8 + b"0\r\n\r\n"),
    "chunk_count": (8, _CHUNKED + b"1\r\nx\r\n" * 8 + b"0\r\n\r\n"),
    "trailer_section": (50, _CHUNKED + b"0\r\nA: %b\r\n\r\n" % (b"x" * 50)),
    "trailer_count": (8, _CHUNKED + b"0\r\n" + b"A: b\r\n" * 9 + b"\r\n"),
}


def listed_statuses() -> dict[str, int]:
    text = (ROOT / "docs/use/limits.md").read_text(encoding="utf-8")
    return {
        name: int(status)
        for name, status in re.findall(r"^\| `limits\.(\w+)` \| `\d+` \| \w+ \| (\d+)", text, re.MULTILINE)
    }


@pytest.mark.parametrize("limit", [field.name for field in attrs.fields(Limits)])
async def test_limits_page_gives_the_status_beyond_each_limit(limit: str) -> None:
    size, request = _TOO_MUCH[limit]
    app = App()

    @app.post("/")
    async def read(request: Request) -> bytes:
        return await request.read()

    @app.post("/json")
    async def read_json(request: Request) -> str:
        return str(await request.json())

    async with Client(app, limits=Limits(**{limit: size})) as client:
        exchange = await client.raw(request)
    assert exchange.statuses == [listed_statuses()[limit]]
    assert exchange.is_closed


async def test_limits_page_gives_the_status_of_a_handler_that_takes_too_long() -> None:
    app = App()

    @app.get("/")
    async def wait(request: Request) -> None:
        await asyncio.Event().wait()

    async with Client(app, timeouts=Timeouts(handler=20), raise_exceptions=False) as client:
        connection = client.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.advance(21)
        assert connection.statuses == [503]


@pytest.mark.parametrize(
    ("page", "marker", "request_line", "status", "expected"),
    [
        pytest.param(
            "README.md", "Server-Timing", "GET /", 404, "Server-Timing: app;dur=", id="middleware-runs-for-404"
        ),
        pytest.param("README.md", "class Health", "GET /health", 200, "fine", id="plugin-serves-a-route"),
        pytest.param("README.md", "EverythingRouter", "GET /what", 200, "You asked for /what", id="router-by-hand"),
        pytest.param("README.md", "EverythingRouter", "GET /private", 404, "Not Found", id="router-by-hand-404"),
        pytest.param("learn/getting-started.md", "PRICES", "GET /fruit/pear", 200, '"price":45', id="json"),
        pytest.param("learn/getting-started.md", "PRICES", "GET /fruit/kiwi", 404, "we have no kiwi", id="not-found"),
        pytest.param(
            "learn/handlers-and-responses.md",
            "def report",
            "GET /posts/2026/x",
            200,
            "x, written in 2026",
            id="params",
        ),
        pytest.param("learn/handlers-and-responses.md", "Money", "GET /price", 200, "3.50 EUR", id="response-type"),
        pytest.param(
            "learn/handlers-and-responses.md", "def numbers", "GET /numbers", 200, "0\n1\n2\n", id="generator"
        ),
        pytest.param("learn/handlers-and-responses.md", "def numbers", "POST /login", 303, "HttpOnly", id="cookie"),
        pytest.param(
            "learn/handlers-and-responses.md", "OutOfStock", "GET /pears", 409, "no pears left", id="error-handler"
        ),
        pytest.param(
            "learn/handlers-and-responses.md",
            "OutOfStock",
            "GET /x",
            404,
            '{"error":404}',
            id="http-error-handler",
        ),
        pytest.param("learn/routing.md", "def diary", "GET /users/me", 200, "you", id="text-before-parameter"),
        pytest.param("learn/routing.md", "def diary", "GET /users/7", 200, '{"id":7}', id="int"),
        pytest.param("learn/routing.md", "def diary", "GET /diary/2026-02-30", 404, "", id="no-such-day"),
        pytest.param("learn/routing.md", "def diary", "GET /files/a/b%2Fc", 200, "a/b", id="path"),
        pytest.param(
            "learn/routing.md", "Converter(", "GET /colours/0000ff", 200, "255 at /colours/0000ff", id="converter"
        ),
        pytest.param("learn/routing.md", '"/tags/{tag}"', "GET /tags/x", 200, "/tags/a%2Fb", id="url-for"),
        pytest.param("learn/routing.md", "tenant", "GET http://acme.example.com/", 200, "the shop of acme", id="host"),
        pytest.param(
            "learn/routing.md", "tenant", "GET http://elsewhere.example/", 200, "no shop here", id="other-host"
        ),
        pytest.param("learn/routing.md", "only_local", "GET /admin/users", 200, '["ada","grace"]', id="scope"),
        pytest.param("learn/middleware.md", "no_store", "POST /", 415, "send JSON", id="middleware-answers"),
        pytest.param(
            "learn/middleware.md", "no_store", "GET /nowhere", 404, "Cache-Control: no-store", id="middleware-adds"
        ),
        pytest.param("extend/plugins.md", "ServedBy", "GET /about", 200, "X-Shop: shop", id="plugin-with-settings"),
    ],
)
async def test_code_does_what_the_page_says(
    page: str, marker: str, request_line: str, status: int, expected: str
) -> None:
    file = (ROOT if page == "README.md" else DOCS) / page
    source = next(found[2] for found in _BLOCK.finditer(file.read_text("utf-8")) if marker in found[2])
    app = run_block(file, 1, source)["app"]
    method, _, url = request_line.partition(" ")
    async with Client(app) as client:
        response = await client.request(method, url)
    assert response.status == status
    fields = "".join(f"{name}: {value}\n" for name, value in response.headers.items())
    assert expected.lower() in (fields + response.text).lower()


@pytest.mark.parametrize(("policy", "status"), [("strict", 404), ("redirect", 308), ("ignore", 200)], ids=str)
async def test_routing_page_has_the_status_for_each_policy_on_the_last_slash(policy: str, status: int) -> None:
    app = App(settings={"routing": {"trailing_slash": policy}})

    @app.get("/users")
    async def users(request: Request) -> str:
        return "users"

    async with Client(app) as client:
        assert (await client.get("/users")).status == 200
        response = await client.get("/users/")
    assert response.status == status
    assert response.headers.get("Location", "/users") == "/users"


async def test_handlers_page_describes_the_attributes_of_an_upload() -> None:
    app = App()

    @app.post("/")
    async def upload(request: Request) -> list[object]:
        file = (await request.form()).files["paper"]
        return [file.name, file.content_type, file.size, (await file.read()).decode()]

    disposition = "Content-Disposition: form-data; name=paper; filename=a.txt"
    content = f"--edge\r\n{disposition}\r\nContent-Type: text/plain\r\n\r\nink\r\n--edge--\r\n"
    async with Client(app) as client:
        response = await client.post(
            "/", content=content, headers={"Content-Type": "multipart/form-data; boundary=edge"}
        )
    assert response.json() == ["a.txt", "text/plain", 3, "ink"]
