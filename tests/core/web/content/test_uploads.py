"""Tests of ``turnbuckle.web.content.uploads``."""

from pathlib import Path

import pytest

from turnbuckle.web.content.uploads import UploadedFile


async def uploaded(*pieces: bytes, name: str = "a.txt", in_memory: int = 4) -> UploadedFile:
    file = UploadedFile(name, "text/plain", in_memory=in_memory)
    for piece in pieces:
        await file.write(piece)
    return file


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        pytest.param("a.txt", "a.txt", id="plain"),
        pytest.param("../../etc/passwd", "passwd", id="folders"),
        pytest.param("C:\\users\\a.txt", "a.txt", id="backslashes"),
        pytest.param("/", "", id="nothing left"),
        pytest.param("a/..", "", id="dots"),
        pytest.param(".\x00.", "", id="dots with a control between"),
        pytest.param("a\x00\r\nb\u202e.txt", "ab.txt", id="controls"),
        pytest.param("é ☃.txt", "é ☃.txt", id="any letters"),
    ],
)
async def test_uploaded_file_name_has_no_folders(given_name: str, name: str) -> None:
    assert (await uploaded(name=given_name)).name == name


@pytest.mark.parametrize("pieces", [(b"abc",), (b"abcdefgh",), (b"ab", b"cd", b"e", b"f"), ()])
async def test_uploaded_file_reads_what_was_written(pieces: tuple[bytes, ...]) -> None:
    file = await uploaded(*pieces)
    assert await file.read() == await file.read() == b"".join(pieces)
    assert file.size == len(b"".join(pieces))


@pytest.mark.parametrize("in_memory", [5, 1_000_000])
async def test_uploaded_file_in_pieces(in_memory: int) -> None:
    file = await uploaded(b"x" * 300_000, in_memory=in_memory)
    assert [len(piece) async for piece in file.pieces()] == [262_144, 37_856]


async def test_uploaded_file_save(tmp_path: Path) -> None:
    target = tmp_path / "saved"
    target.write_bytes(b"something longer than that")
    await (await uploaded(b"abc", b"def")).save(target)
    assert target.read_bytes() == b"abcdef"


async def test_uploaded_file_closes_with_its_last_reference() -> None:
    file = await uploaded(b"x" * 100)
    content = file.file
    assert repr(file) == "<UploadedFile 'a.txt' of 100 bytes>"
    del file
    assert content.closed


async def test_uploaded_file_touches_the_disk_beyond_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    file = await uploaded(b"1234")
    await file.write(b"5")
    with pytest.raises(FileNotFoundError):
        await file.rewind()
