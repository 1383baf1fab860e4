"""Requests for files outside of the folder, and files that are replaced while they are served."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.contrib.static.making import STYLE, fill, make_app
from turnbuckle.testing import Client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "files-old").mkdir()
    (tmp_path / "files-old" / "secret.txt").write_text("secret")
    return fill(tmp_path / "files")


@pytest.mark.parametrize(
    "target",
    [
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/.%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/..%2Fsecret.txt",
        "/static/..%5csecret.txt",
        "/static/..\\secret.txt",
        "/static/%252e%252e/secret.txt",
        "/static/%252e%252e%252fsecret.txt",
        "/static/docs/../../secret.txt",
        "/static/docs/..%2f..%2fsecret.txt",
        "/static//secret.txt",
        "/static/%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/static/app.css%00.html",
        "/static/%00",
        "/static/../files-old/secret.txt",
        "/static-old/secret.txt",
        "/static/.env",
        "/static/%2eenv",
        "/static/docs%2findex.html",
        "/static/docs/.%00./x",
        "/static/" + "a" * 300,
        "/static/" + "a/" * 3000,
        "/static/%c0%ae%c0%ae/secret.txt",
        "/static/\u2025/secret.txt".encode().decode("latin-1"),
        "/static/docs/index.html/../../secret.txt",
    ],
)
async def test_path_outside_of_the_folder(folder: Path, target: str) -> None:
    async with Client(make_app(folder, listing=True)) as client:
        request = f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1")
        exchange = await client.raw(request, until=1)
    assert exchange.response.status in {400, 404}
    assert b"secret" not in exchange.response.content


@pytest.mark.parametrize("target", ["secret.txt", "files/.env", "files-old", "/etc/passwd", "/proc/self/environ"])
async def test_links_that_leave_the_folder(folder: Path, tmp_path: Path, target: str) -> None:
    os.symlink(tmp_path / target, folder / "link")
    os.symlink(folder / "app.css", folder / "style")
    async with Client(make_app(folder, listing=True)) as client:
        for path in ("/static/link", "/static/link/", "/static/link/secret.txt"):
            assert (await client.get(path)).status == 404
        page = await client.get("/static/")
        inside = await client.get("/static/style")
    assert "link" not in page.text
    assert (inside.status, inside.text, "style" in page.text) == (200, STYLE, True)


async def test_file_that_becomes_a_link(folder: Path, tmp_path: Path) -> None:
    async with Client(make_app(folder)) as client:
        assert (await client.get("/static/app.css")).text == STYLE
        (folder / "app.css").unlink()
        os.symlink(tmp_path / "secret.txt", folder / "app.css")
        assert (await client.get("/static/app.css")).status == 404
        shutil.rmtree(folder / "docs")
        os.symlink(tmp_path, folder / "docs")
        assert (await client.get("/static/docs/secret.txt")).status == 404


async def test_compressed_file_that_is_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "app.css.gz").unlink()
    os.symlink(tmp_path / "secret.txt", folder / "app.css.gz")
    async with Client(make_app(folder)) as client:
        response = await client.get("/static/app.css", headers={"Accept-Encoding": "gzip"})
    assert (response.text, "content-encoding" in response.headers) == (STYLE, False)


async def test_folder_that_is_a_link_itself(folder: Path, tmp_path: Path) -> None:
    current = tmp_path / "current"
    os.symlink(folder, current)
    async with Client(make_app(current)) as client:
        assert (await client.get("/static/app.css")).text == STYLE
        other = fill(tmp_path / "next")
        (other / "app.css").write_text("next")
        os.symlink(other, tmp_path / "new")
        os.replace(tmp_path / "new", current)
        assert (await client.get("/static/app.css")).text == "next"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
async def test_special_files(folder: Path) -> None:
    os.mkfifo(folder / "pipe.css")
    os.mkfifo(folder / "app.css.br")
    async with Client(make_app(folder, listing=True)) as client:
        async with asyncio.timeout(10):
            assert (await client.get("/static/pipe.css")).status == 404
            coded = await client.get("/static/app.css", headers={"Accept-Encoding": "br"})
            page = (await client.get("/static/")).text
    assert (coded.text, "pipe.css" in page) == (STYLE, False)


@pytest.mark.parametrize("size", [100, 100_000])
async def test_file_that_changes(folder: Path, size: int) -> None:
    path = folder / "data.bin"
    etags = set()
    async with Client(make_app(folder)) as client:
        for letter in (b"a", b"b", b"c"):
            path.write_bytes(letter * size)
            os.utime(path, ns=(10**18, 10**18))
            response = await client.get("/static/data.bin")
            assert response.content == letter * size
            etags.add(response.headers["etag"])
        path.unlink()
        assert (await client.get("/static/data.bin")).status == 404
    assert len(etags) == 3


async def test_memory_is_bounded(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number}.txt").write_bytes(b"x" * 1000)
    app = make_app(folder, memory=5000)
    async with Client(app) as client:
        for _ in range(2):
            for number in range(20):
                response = await client.get(f"/static/{number}.txt")
                assert (response.status, len(response.content)) == (200, 1000)


async def test_files_of_users(folder: Path) -> None:
    (folder / "page.html").write_text("<script>alert(1)</script>")
    (folder / "page.html.gz").write_bytes(b"")
    async with Client(make_app(folder, untrusted=True)) as client:
        response = await client.get("/static/page.html", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"] == "attachment"


async def test_redirect_of_a_folder_stays_on_the_host(folder: Path) -> None:
    (folder / "evil.example").mkdir()
    (folder / "evil.example" / "index.html").write_text("x")
    async with Client(make_app(folder, at="/")) as client:
        for path in ("//evil.example", "/%2fevil.example", "/\\evil.example", "///evil.example"):
            response = await client.get(path)
            assert not response.headers.get("location", "/x").startswith(("//", "/\\", "http"))


async def test_list_escapes_names(folder: Path) -> None:
    names = ["<img src=x onerror=alert(1)>", "javascript:alert(1)", "a&b\"'.txt", "100%.txt", "ü.txt", "B.txt", "a.txt"]
    for name in names:
        (folder / "empty" / name).write_text("")
    (folder / "empty" / "z").mkdir()
    (folder / "empty" / ".hidden").write_text("")
    (folder / "empty" / os.fsdecode(b"\xff.txt")).write_text("")
    async with Client(make_app(folder, listing=True)) as client:
        page = await client.get("/static/empty/")
        assert (await client.get("/static/empty")).headers["location"] == "/static/empty/"
        assert (await client.get("/static/empty/100%25.txt")).status == 200
    text = page.text
    assert "<img" not in text
    assert 'href="./%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E"' in text
    assert 'href="./javascript%3Aalert%281%29"' in text
    assert ".hidden" not in text
    order = [text.index(f'href="./{name}"') for name in ("z/", "100%25.txt", "a.txt", "B.txt")]
    assert order == sorted(order)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
