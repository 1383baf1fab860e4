"""Paths that may name files, and paths that may not."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from turnbuckle_contrib.static.content_types import content_type_of
from turnbuckle_contrib.static.names import relative_path


@pytest.mark.parametrize("path", ["", "app.css", "a/b/c.js", "docs/", "a b/ü.txt", "12:30.txt", "a..b", "x...y"])
def test_names_of_files(path: str) -> None:
    assert relative_path(path, windows=False) == path


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("..", id="parent"),
        pytest.param("../x", id="leading"),
        pytest.param("a/../x", id="inner"),
        pytest.param("a/..", id="trailing"),
        pytest.param("./a", id="current"),
        pytest.param("a/./b", id="current-inside"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("//etc/passwd", id="two-slashes"),
        pytest.param("a//b", id="empty-segment"),
        pytest.param("a//", id="empty-segment-at-the-end"),
        pytest.param("..\\x", id="backslash"),
        pytest.param("a\\..\\x", id="backslash-inside"),
        pytest.param("a\0.css", id="nul"),
        pytest.param("a\nb", id="line-break"),
        pytest.param("a\x7f", id="delete"),
        pytest.param(".env", id="dotfile"),
        pytest.param(".git/config", id="dot-folder"),
        pytest.param("a/.htpasswd", id="dotfile-inside"),
        pytest.param("a/.git/", id="dot-folder-inside"),
    ],
)
def test_paths_that_name_no_file(path: str) -> None:
    assert relative_path(path, windows=False) is None
    assert relative_path(path, windows=True) is None


@pytest.mark.parametrize(
    "path",
    ["C:", "C:/x", "c:x", "a.txt::$DATA", "a:b", "nul", "NUL.txt", "a/con", "COM1", "lpt9.log", "aux .txt", "com\xb9",
     "conin$", "GIT~1/config", "a.", "a ", "a. /b", "a*", "a?b", 'a"b', "a|b", "a<b"],
)  # fmt: skip
def test_names_of_windows(path: str) -> None:
    assert relative_path(path, windows=True) is None


@pytest.mark.parametrize("path", ["console.js", "nullable.txt", "a/common.css", "com10.txt", "v~a.txt"])
def test_usual_names_on_windows(path: str) -> None:
    assert relative_path(path, windows=True) == path


def test_dotfiles_that_are_permitted() -> None:
    assert relative_path(".well-known/x", [".well-known"]) == ".well-known/x"
    assert relative_path(".well-known/.x", [".well-known"]) is None
    # No setting makes them names.
    assert relative_path("../x", ["..", "."]) is None


@given(st.text(st.sampled_from("ab./\\%:~\0 "), max_size=12))
def test_no_permitted_path_leaves_its_folder(path: str) -> None:
    if relative_path(path, windows=False) is not None:
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert not set(path) & set("\\\0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.JS", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.tar.gz", "application/gzip"),
        ("a.unknown", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
        ("a.x", "x/y"),
    ],
)
def test_content_types(name: str, expected: str) -> None:
    assert content_type_of(name, {".x": "x/y"}) == expected
