"""Bug classes of servers of folders, against the plugin ``static`` (docs/operate/security.md, rows 44 to 47)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from turnbuckle import App
from turnbuckle.testing import Client
from turnbuckle_contrib.static import StaticPlugin
from turnbuckle_contrib.static.names import relative_path


@pytest.fixture
def app(tmp_path: Path) -> App:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "page.txt").write_text("public")
    (root / "sub" / "<img src=x>.txt").write_text("public")
    (tmp_path / "secret.txt").write_text("secret")
    os.symlink(tmp_path / "secret.txt", root / "link.txt")
    os.symlink(tmp_path, root / "folder")
    app = App()
    app.install(StaticPlugin(root), at="/static", settings={"listing": True})
    return app


async def _get(app: App, target: str) -> tuple[int, bytes]:
    async with Client(app) as client:
        exchange = await client.raw(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"), until=1)
    return exchange.response.status, exchange.response.content


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "..%5csecret.txt", "%2fetc%2fpasswd",
     "/etc/passwd", "%252e%252e/secret.txt", "sub/..%2f../secret.txt", "C:/secret.txt"],
)  # fmt: skip
async def test_row_44_no_path_leaves_the_folder(app: App, path: str) -> None:
    assert await _get(app, f"/static/{path}") == (404, b"Not Found")


@pytest.mark.parametrize("path", ["link.txt", "folder/secret.txt", "folder/", "folder"])
async def test_row_44_no_link_leaves_the_folder(app: App, path: str) -> None:
    assert await _get(app, f"/static/{path}") == (404, b"Not Found")


@pytest.mark.parametrize(
    "path", ["../nothing.txt", "../secret.txt", "nothing", "link.txt", "page.txt%00", "%00", ".git"]
)
async def test_row_45_files_that_are_not_served_look_like_missing_ones(app: App, path: str) -> None:
    async with Client(app) as client:
        expected = await client.get("/static/missing.txt")
        exchange = await client.raw(f"GET /static/{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), until=1)
    response = exchange.response
    assert (response.status, response.content) == (expected.status, expected.content)
    assert list(response.headers.items()) == list(expected.headers.items())


@pytest.mark.parametrize("name", ["NUL", "con.txt", "sub/COM1", "a.txt::$DATA", "C:x", "GIT~1", "a.txt.", "a "])
def test_row_46_devices_and_streams_are_no_names_on_windows(name: str) -> None:
    assert relative_path(name, windows=True) is None


async def test_row_47_list_of_files_escapes_names(app: App) -> None:
    status, content = await _get(app, "/static/sub/")
    assert (status, b"<img" in content, b"&lt;img src=x&gt;.txt" in content) == (200, False, True)
