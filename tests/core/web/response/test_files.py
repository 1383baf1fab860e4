"""Tests of ``turnbuckle.web.response.files``."""

import os
import sys
from pathlib import Path

import pytest

from turnbuckle.web.response.files import FileBody, content_disposition, guess_content_type

# A kernel may lack some of these.
_KERNEL_FILES = ["/proc/self/status", "/proc/version", "/sys/kernel/mm/transparent_hugepage/enabled"]


async def collect(body: FileBody) -> list[bytes]:
    return [piece async for piece in body]


async def test_file_body_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 150_000)
    pieces = await collect(FileBody(path))
    assert [len(piece) for piece in pieces] == [65536, 65536, 18928]


async def test_file_body_can_be_sent_twice(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    body = FileBody(path)
    assert await collect(body) == await collect(body) == [b"x"]


@pytest.mark.parametrize(
    ("later", "sent"),
    [
        pytest.param(b"abcdef", b"abc", id="grown"),
        pytest.param(b"a", b"a", id="shrunk"),
        pytest.param(b"", b"", id="emptied"),
    ],
)
async def test_file_body_sends_no_more_than_announced(tmp_path: Path, later: bytes, sent: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    body = FileBody(path)
    path.write_bytes(later)
    assert body.size == 3
    assert b"".join(await collect(body)) == sent


@pytest.mark.skipif(sys.platform != "linux", reason="the files of the kernel are in /proc and /sys")
@pytest.mark.parametrize("path", [path for path in _KERNEL_FILES if Path(path).exists()])
async def test_file_body_of_unknown_size_is_sent_to_its_end(path: str) -> None:
    body = FileBody(path)
    assert body.size is None
    assert b"".join(await collect(body))


async def test_empty_file_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    body = FileBody(tmp_path / "a")
    assert body.size is None
    assert await collect(body) == []


async def test_file_body_closes_when_the_client_goes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 150_000)
    open_files = len(os.listdir("/dev/fd"))
    body = FileBody(path)
    await body.aclose()
    await anext(aiter(body))
    assert len(os.listdir("/dev/fd")) == open_files + 1
    await body.aclose()
    assert len(os.listdir("/dev/fd")) == open_files


def test_file_body_refuses_anything_but_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        FileBody(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        FileBody(tmp_path)


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
