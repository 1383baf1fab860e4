"""Tests of ``turnbuckle.web.response.file``."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from turnbuckle.web.response.file import File, content_disposition, guess_content_type

MODIFIED = datetime(2026, 1, 2, tzinfo=UTC).timestamp()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    os.utime(path, (0, MODIFIED))
    return path


def change(path: Path) -> None:
    path.write_bytes(b"longer")


def test_file(path: Path) -> None:
    fields = dict(File(path).fields())
    etag = fields.pop("ETag")
    assert fields == {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": "3",
        "Last-Modified": "Fri, 02 Jan 2026 00:00:00 GMT",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }
    # Strong, and without the number of the inode.
    assert etag[0] == '"'
    assert str(path.stat().st_ino) not in etag
    assert File(path).headers["etag"] == etag


def test_etag_of_a_file_changes_with_its_content(path: Path) -> None:
    etags = {File(path).headers["etag"]}
    path.write_bytes(b"abcd")
    os.utime(path, (0, MODIFIED))
    etags.add(File(path).headers["etag"])
    os.utime(path, ns=(0, int(MODIFIED) * 10**9 + 1))
    etags.add(File(path).headers["etag"])
    other = path.with_name("b")
    other.write_bytes(b"abcd")
    os.utime(other, ns=(0, int(MODIFIED) * 10**9 + 1))
    other.replace(path)
    etags.add(File(path).headers["etag"])
    assert len(etags) == 4


@pytest.mark.parametrize(
    ("etag", "field"),
    [pytest.param("hash", '"hash"', id="value"), pytest.param("", None, id="none")],
)
def test_etag_of_a_file_may_be_given(path: Path, etag: str, field: str | None) -> None:
    assert File(path, etag=etag).headers.get("etag") == field


def test_fields_of_the_app_take_precedence(path: Path) -> None:
    headers = {"Last-Modified": "never", "ETag": '"1"', "Accept-Ranges": "none", "X-Content-Type-Options": "no"}
    response = File(str(path), 200, headers, "a/b", download_as="b.bin")
    assert response.content_type == "a/b"
    assert {name: response.headers[name] for name in headers} == headers
    assert response.headers["content-disposition"] == "attachment; filename=\"b.bin\"; filename*=UTF-8''b.bin"


def test_file_of_an_error_has_no_ranges(path: Path) -> None:
    response = File(path, 404)
    assert response.headers["content-length"] == "3"
    assert "etag" not in response.headers
    assert "accept-ranges" not in response.headers


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        File(tmp_path / "missing")


def test_file_is_displayed_under_a_name(path: Path) -> None:
    response = File(path, display_as="é")
    assert response.headers["content-disposition"] == "inline; filename=\"?\"; filename*=UTF-8''%C3%A9"
    with pytest.raises(ValueError, match="leave out 'display_as' or 'download_as'"):
        File(path, display_as="a", download_as="b")


@pytest.mark.parametrize(
    ("name", "options", "content_type", "disposition"),
    [
        pytest.param("a.html", {}, "application/octet-stream", "attachment", id="page"),
        pytest.param("a.svg", {}, "application/octet-stream", "attachment", id="picture-with-scripts"),
        pytest.param(
            "a.xml",
            {"display_as": "b"},
            "application/octet-stream",
            "attachment; filename=\"b\"; filename*=UTF-8''b",
            id="displayed",
        ),
        pytest.param("a.png", {}, "image/png", None, id="picture"),
        pytest.param(
            "a.png", {"display_as": "b"}, "image/png", "inline; filename=\"b\"; filename*=UTF-8''b", id="named-picture"
        ),
        pytest.param("a.mp4", {}, "video/mp4", None, id="video"),
        pytest.param("a.txt", {}, "text/plain; charset=utf-8", None, id="text"),
        pytest.param("a.png", {"content_type": "Text/HTML"}, "application/octet-stream", "attachment", id="declared"),
        pytest.param(
            "a.png",
            {"headers": {"Content-Type": "text/html"}},
            "application/octet-stream",
            "attachment",
            id="declared-in-headers",
        ),
        pytest.param("a", {}, "application/octet-stream", "attachment", id="unknown"),
    ],
)
def test_file_of_a_user_is_no_page(
    tmp_path: Path, name: str, options: Mapping[str, object], content_type: str, disposition: str | None
) -> None:
    (tmp_path / name).write_bytes(b"<script>")
    response = File(tmp_path / name, untrusted=True, **options)
    assert dict(response.fields())["Content-Type"] == content_type
    assert response.headers.get("content-disposition") == disposition
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_refreshed_file_keeps_the_fields_of_the_app(path: Path) -> None:
    response = File(path, headers={"Last-Modified": "never"})
    etag = response.headers["etag"]
    change(path)
    response.refresh(File(path).body.version)
    assert response.headers["content-length"] == "6"
    assert response.headers["last-modified"] == "never"
    assert response.headers["etag"] not in {etag, ""}


def test_given_etag_does_not_stand_for_a_changed_file(path: Path) -> None:
    response = File(path, etag="hash")
    change(path)
    response.refresh(File(path).body.version)
    assert "etag" not in response.headers


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        pytest.param("a.html", "text/html; charset=utf-8", id="text"),
        pytest.param("a.png", "image/png", id="image"),
        pytest.param("a", "application/octet-stream", id="no suffix"),
        pytest.param("a.tar.gz", "application/gzip", id="gzip"),
        pytest.param("a.svg.br", "application/octet-stream", id="other compression"),
    ],
)
def test_guess_content_type(path: str, content_type: str) -> None:
    assert guess_content_type(path) == content_type


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("", "attachment", id="empty"),
        pytest.param("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt", id="space"),
        pytest.param('a"b\\c%', "attachment; filename=\"a_b_c_\"; filename*=UTF-8''a%22b%5Cc%25", id="quotes"),
        pytest.param("é/€", "attachment; filename=\"?/?\"; filename*=UTF-8''%C3%A9%2F%E2%82%AC", id="not ascii"),
    ],
)
def test_content_disposition(name: str, value: str) -> None:
    assert content_disposition(name) == value


@pytest.mark.parametrize("name", ["a\r\nb", "\x00", "\t", "\x7f", "a\x85", "\x9f", "\ud800", "a\udfff"])
def test_content_disposition_refuses(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        content_disposition(name)


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        pytest.param("1.15.23\u202fPM.png", "1.15.23 PM.png", "1.15.23%E2%80%AFPM.png", id="screenshot of a Mac"),
        pytest.param("報\u3000書\xa0x", "? ? x", "%E5%A0%B1%E3%80%80%E6%9B%B8%C2%A0x", id="spaces"),
        pytest.param("👩\u200d💻", "???", "%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB", id="joiner"),
        pytest.param("e\u0301", "e?", "e%CC%81", id="combining mark"),
        pytest.param("\u200fא", "??", "%E2%80%8F%D7%90", id="right to left"),
        pytest.param("\ue000\u0378", "??", "%EE%80%80%CD%B8", id="no letter"),
    ],
)
def test_content_disposition_sends_all_but_controls(name: str, plain: str, encoded: str) -> None:
    assert content_disposition(name) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
