"""Tests of ``turnbuckle.web.response.file_body``."""

import os
import sys
from pathlib import Path

import pytest

from turnbuckle.web.response.file_body import FileBody

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


async def test_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789" * 20_000)
    body = FileBody(path)
    part = body.part(3, 150_003)
    assert (part.start, part.size) == (3, 150_000)
    pieces = await collect(part)
    assert [len(piece) for piece in pieces] == [65536, 65536, 18928]
    assert b"".join(pieces) == path.read_bytes()[3:150_003]


async def test_opened_file_is_the_one_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    body = FileBody(path)
    opened = await body.opened()
    assert opened.version == body.version
    path.unlink()
    path.write_bytes(b"other")
    assert b"".join(await collect(opened.part(1, 3))) == b"bc"


async def test_changed_file_has_another_version(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    body = FileBody(path)
    path.write_bytes(b"other")
    opened = await body.opened()
    assert opened.version != body.version
    assert (opened.size, body.size) == (5, 3)
    assert await collect(opened) == [b"other"]
    assert opened.fileno() == -1


async def test_body_may_be_opened_several_times(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    body = FileBody(path)
    first, second = await body.opened(), await body.opened()
    await first.aclose()
    assert await collect(second) == [b"abc"]
