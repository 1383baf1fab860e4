"""Files over HTTP: fields, versions, codings, folders, fallback and settings."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path

import pytest

from tests.contrib.static.making import STYLE, fill, make_app
from turnbuckle import App, Plugin, Request, Response, StartupError, middleware
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.static import StaticPlugin
from turnbuckle_plugins.jinja_templates import JinjaTemplatesPlugin, Template


class TestStaticPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return StaticPlugin(Path(__file__).parent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "files")


async def test_fields_of_a_file(folder: Path) -> None:
    async with Client(make_app(folder)) as client:
        response = await client.get("/static/app.css")
    assert (response.status, response.text) == (200, STYLE)
    headers = dict(response.headers.items())
    assert headers["content-type"] == "text/css; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"
    assert headers["accept-ranges"] == "bytes"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["content-length"] == str(len(STYLE))
    assert headers["etag"].startswith('"')
    assert headers["last-modified"].endswith("GMT")


@pytest.mark.parametrize("name", ["app.css", "big.bin"])
async def test_head_preconditions_and_ranges(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    async with Client(make_app(folder)) as client:
        head = await client.head(f"/static/{name}")
        etag = head.headers["etag"]
        fresh = await client.get(f"/static/{name}", headers={"If-None-Match": etag})
        part = await client.get(f"/static/{name}", headers={"Range": "bytes=5-9", "If-Range": etag})
        beyond = await client.get(f"/static/{name}", headers={"Range": "bytes=999999-"})
        posted = await client.post(f"/static/{name}")
    assert (head.status, head.content, head.headers["content-length"]) == (200, b"", str(len(content)))
    assert (fresh.status, fresh.headers["etag"], fresh.headers["cache-control"]) == (304, etag, "no-cache")
    assert (part.status, part.content) == (206, content[5:10])
    assert beyond.status == 416
    assert (posted.status, posted.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_version_in_the_url(folder: Path) -> None:
    async with Client(make_app(folder)) as client:
        url = (await client.get("/url/app.css")).text
        assert (await client.get(url)).headers["cache-control"] == "max-age=31536000, immutable"
        (folder / "app.css").write_text("p {}")
        old = await client.get(url)
        assert (old.text, old.headers["cache-control"]) == ("p {}", "no-cache")
        assert (await client.get("/url/app.css")).text not in {url, "/static/app.css"}
        assert (await client.get(f"{url}&x=1")).headers["cache-control"] == "no-cache"
        assert (await client.get("/url/")).text == "/static/"


async def test_url_of_a_missing_file(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Client(make_app(folder)) as client:
        assert (await client.get("/url/ap.css")).text == "/static/ap.css"
    assert "there is no static file 'ap.css'; did you mean 'app.css'?" in caplog.text
    async with Client(make_app(folder), settings={"debug": True}) as client:
        with pytest.raises(LookupError, match=r"there is no static file '\.env'"):
            await client.get("/url/.env")


async def test_url_in_templates(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ static_url('app.css') }} {{ static_url('big.bin', 'media') }}")
    app = App(plugins=[JinjaTemplatesPlugin(tmp_path)])
    app.install(StaticPlugin(folder), at="/static")
    app.install(StaticPlugin(folder), at="/media", settings={"name": "media"})

    @app.get("/")
    async def page() -> Template:
        return Template("page.html")

    async with Client(app) as client:
        style, picture = (await client.get("/")).text.split()
        assert style.startswith("/static/app.css?v=")
        assert picture.startswith("/media/big.bin?v=")


async def test_compressed_file(folder: Path) -> None:
    (folder / "app.css.br").write_bytes(b"brotli")
    async with Client(make_app(folder)) as client:

        async def get(accept: str, **more: str) -> Response:
            return await client.get("/static/app.css", headers={"Accept-Encoding": accept, **more})

        zipped = await get("gzip")
        assert (zipped.headers["content-encoding"], gzip.decompress(zipped.content)) == ("gzip", STYLE.encode())
        assert zipped.headers["content-type"] == "text/css; charset=utf-8"
        assert (await get("gzip, br")).content == b"brotli"
        assert (await get("gzip, br;q=0.5")).headers["content-encoding"] == "gzip"
        for accept in ("", "identity", "gzip;q=0", "deflate"):
            plain = await get(accept)
            assert "content-encoding" not in plain.headers
            assert plain.headers["vary"] == "Accept-Encoding"
            assert plain.headers["etag"] != zipped.headers["etag"]
        fresh = await get("gzip", **{"If-None-Match": zipped.headers["etag"]})
        assert (fresh.status, fresh.headers["vary"]) == (304, "Accept-Encoding")
        part = await get("gzip", Range="bytes=0-1")
        assert (part.status, part.content) == (206, zipped.content[:2])
        direct = await client.get("/static/app.css.gz")
        assert direct.headers["content-type"] == "application/gzip"
        assert "content-encoding" not in direct.headers


async def test_old_compressed_file_is_ignored(folder: Path) -> None:
    os.utime(folder / "app.css.gz", (1_000_000_000, 1_000_000_000))
    async with Client(make_app(folder)) as client:
        response = await client.get("/static/app.css", headers={"Accept-Encoding": "gzip"})
    assert (response.text, "vary" in response.headers) == (STYLE, False)


async def test_folders(folder: Path) -> None:
    async with Client(make_app(folder)) as client:
        redirect = await client.get("/static/docs?a=1")
        assert (redirect.status, redirect.headers["location"]) == (308, "/static/docs/?a=1")
        assert (await client.get("/static/docs/")).text == "<title>docs</title>"
        assert (await client.get("/static/docs/")).headers["content-type"] == "text/html; charset=utf-8"
        assert [(await client.get(path)).status for path in ("/static/empty", "/static/empty/", "/static/")] == [
            404
        ] * 3
        assert (await client.get("/static/app.css/")).status == 404


async def test_fallback_is_for_pages_only(folder: Path) -> None:
    (folder / "index.html").write_text("app")
    app = make_app(folder, at="/", fallback="index.html")
    async with Client(app) as client:
        page = await client.get("/a/b", headers={"Accept": "text/html,*/*;q=0.8"})
        assert (page.status, page.text, page.headers["vary"]) == (200, "app", "Accept, Sec-Fetch-Mode")
        for headers in (
            {},
            {"Accept": "*/*"},
            {"Accept": "application/json"},
            {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
        ):
            assert (await client.get("/a/b", headers=headers)).status == 404
        assert (await client.get("/", headers={"Accept": "*/*"})).text == "app"


async def test_several_folders_and_mounts(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "app.css").write_text("other")
    (other / "more.txt").write_text("more")
    app = App(plugins=[("static", {"folders": [str(other), str(folder)], "mounts": {"/media": str(other)}})])
    async with Client(app) as client:
        assert (await client.get("/static/app.css")).text == "other"
        assert (await client.get("/static/docs/")).text == "<title>docs</title>"
        assert (await client.get("/media/more.txt")).text == "more"
        assert app.url_for("media", path="more.txt").startswith("/media/more.txt?v=")


async def test_files_of_a_package() -> None:
    app = App(plugins=[("static", {"folders": "turnbuckle_contrib:openapi", "prefix": "/assets"})])
    async with Client(app) as client:
        script = await client.get("/assets/start.js")
    assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")


async def test_middleware_guards_and_immutable_names(folder: Path) -> None:
    @middleware
    async def mark(request: Request, call_next: object) -> Response:
        response = await call_next(request)  # type: ignore[operator]
        response.headers.set("X-Mark", "1")
        return response

    app = App()
    scope = app.scope("/files", middleware=[mark])
    scope.install(StaticPlugin(folder), settings={"immutable": ["*.bin"], "cache_control": ""})
    async with Client(app) as client:
        style, binary = await client.get("/files/app.css"), await client.get("/files/big.bin")
    assert (style.headers["x-mark"], "cache-control" in style.headers) == ("1", False)
    assert binary.headers["cache-control"] == "max-age=31536000, immutable"


async def test_files_behind_guards_are_private(folder: Path) -> None:
    app = App()
    app.scope("/own", guards=[lambda: None]).install(StaticPlugin(folder), settings={"name": "own"})
    chosen = {"name": "chosen", "cache_control": "no-store"}
    app.scope("/chosen", guards=[lambda: None]).install(StaticPlugin(folder), settings=chosen)
    async with Client(app) as client:
        for url, expected in [
            ("/own/app.css", "private, no-cache"),
            (app.url_for("own", path="app.css"), "private, max-age=31536000, immutable"),
            ("/chosen/app.css", "no-store"),
        ]:
            assert (await client.get(url)).headers["cache-control"] == expected


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        pytest.param({"folders": "/nowhere"}, "TB306", "'/nowhere' is no folder", id="folder"),
        pytest.param({"folders": "nowhere_x:static"}, "TB306", "no package 'nowhere_x'", id="package"),
        pytest.param({"prefix": "static"}, "TB202", "slash", id="prefix"),
        pytest.param({"mounts": {"media": "."}}, "TB202", "mounts", id="mount"),
        pytest.param({"precompressed": ["xz"]}, "TB202", "'xz' is none of the codings", id="coding"),
        pytest.param({"cache_control": "a\nb"}, "TB202", "cache_control", id="cache"),
        pytest.param({"content_types": {"wasm": "x/y"}}, "TB202", "suffix", id="type"),
        pytest.param({"index": "/etc/passwd"}, "TB202", "index", id="index"),
        pytest.param({"memory": -1}, "TB202", "memory", id="memory"),
    ],
)
def test_mistakes_are_reported_at_startup(settings: dict[str, object], code: str, says: str) -> None:
    with pytest.raises(StartupError) as caught:
        # The other settings are right.
        App(plugins=[("static", {"folders": str(Path(__file__).parent), **settings})]).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == code
    assert says in problem.diagnostic.text


async def test_beside_middleware_that_compresses(folder: Path) -> None:
    (folder / "plain.js").write_text("let x = 1\n" * 500)
    app = App(plugins=["compress", "conditional", "security_headers"])
    app.install(StaticPlugin(folder), at="/static")
    async with Client(app) as client:
        ready = await client.get("/static/app.css", headers={"Accept-Encoding": "gzip"})
        assert gzip.decompress(ready.content) == STYLE.encode()
        assert ready.headers["etag"].startswith('"')
        made = await client.get("/static/plain.js", headers={"Accept-Encoding": "gzip"})
        assert (made.headers["content-encoding"], made.headers["etag"][:2]) == ("gzip", "W/")
        fresh = await client.get("/static/plain.js", headers={"If-None-Match": made.headers["etag"]})
        assert fresh.status == 304
        part = await client.get("/static/plain.js", headers={"Range": "bytes=0-2", "Accept-Encoding": "gzip"})
        assert part.content in {b"let", made.content}


async def test_requests_at_the_same_time(folder: Path) -> None:
    async with Client(make_app(folder)) as client:
        names = ["app.css", "big.bin", "docs/"] * 20
        responses = await asyncio.gather(*(client.get(f"/static/{name}") for name in names))
    assert {response.status for response in responses} == {200}
    assert responses[1].content == (folder / "big.bin").read_bytes()
